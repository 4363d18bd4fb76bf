//! Several private keys, and which to try for an item: upstream tries all of them, in no order.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::private_key::{PrivateKey, PrivateKeyError, keys_in};
use super::public_key::Fingerprint;
use super::{Label, OpenError, SealedItem};
use crate::SecretBytes;

/// Several keys, of which the right one is found by trying those of the right size.
#[derive(Default)]
pub struct PrivateKeys {
    keys: Vec<PrivateKey>,
    /// Index of the key that opened the last item, where the next file begins.
    last: AtomicUsize,
}

/// Opens items that mostly share a key, such as those of one file. Threads that open files sealed for different
/// keys do not take the hint from each other.
pub(super) struct Opener<'k> {
    keys: &'k PrivateKeys,
    /// The key that opened the file's last item.
    last: Option<usize>,
    /// The largest wrapped key of the file, as a number, for each size.
    largest: BTreeMap<usize, Vec<u8>>,
}

impl PrivateKeys {
    /// No key yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads every private key of a PEM file.
    ///
    /// # Errors
    ///
    /// [`PrivateKeyError`] of the first key that cannot be used, or if there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, PrivateKeyError> {
        let keys: Vec<PrivateKey> = keys_in(pem)?.collect::<Result<_, _>>()?;
        if keys.is_empty() {
            Err(PrivateKeyError::NoKey)
        } else {
            Ok(Self::from_iter(keys))
        }
    }

    /// Adds a key.
    pub fn push(&mut self, key: PrivateKey) {
        self.keys.push(key);
    }

    /// The keys, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &PrivateKey> {
        self.keys.iter()
    }

    /// Opens an item with whichever key can.
    ///
    /// # Errors
    ///
    /// [`OpenError`], the same for every cause.
    pub fn open(&self, item: &SealedItem, label: &Label) -> Result<SecretBytes, OpenError> {
        self.open_with_key(item, label).map(|(value, _)| value)
    }

    /// Opens an item and says which key did. Keys of another size than the item's are not tried; the
    /// key that opened the last item is tried first.
    ///
    /// # Errors
    ///
    /// [`OpenError`], the same for every cause.
    pub fn open_with_key(
        &self,
        item: &SealedItem,
        label: &Label,
    ) -> Result<(SecretBytes, &PrivateKey), OpenError> {
        self.opener().open(item, label, None)
    }

    /// Opens the items of one file, which mostly share a key.
    pub(super) fn opener(&self) -> Opener<'_> {
        Opener {
            keys: self,
            last: None,
            largest: BTreeMap::new(),
        }
    }
}

impl<'k> Opener<'k> {
    /// Learns from an item of the file, before any is opened, which keys are likely: a wrapped key is a random number below its
    /// key's modulus. So the largest of several is below the right modulus, most often close to it, and above some of the others.
    pub(super) fn look_at(&mut self, item: &SealedItem) {
        let wrapped = item.wrapped_key();
        let largest = self.largest.entry(wrapped.len()).or_default();
        if wrapped > largest.as_slice() {
            wrapped.clone_into(largest);
        }
    }

    /// Opens an item and says which key did; `recorded` is the fingerprint its record names, if it has one.
    pub(super) fn open(
        &mut self,
        item: &SealedItem,
        label: &Label,
        recorded: Option<&str>,
    ) -> Result<(SecretBytes, &'k PrivateKey), OpenError> {
        let order = self.order(item.wrapped_key_bytes(), recorded);
        let opened = order.into_iter().find_map(|index| {
            let key = self.keys.keys.get(index)?;
            Some((index, key.open(item, label).ok()?, key))
        });
        let (index, value, key) = opened.ok_or(OpenError)?;
        self.last = Some(index);
        self.keys.last.store(index, Ordering::Relaxed);
        Ok((value, key))
    }

    /// Whether this key is among them.
    pub(super) fn has(&self, fingerprint: &Fingerprint) -> bool {
        self.keys.iter().any(|key| key.fingerprint() == fingerprint)
    }

    /// Which keys to try, each once: the recorded one and the one that opened the last item here; of those that can have made all
    /// items looked at, the one that opened the last item anywhere and then from the smallest modulus; then the others. Of all these, those of
    /// the item's size. Each wrong one costs as much as the right one.
    fn order(&self, wrapped_key_bytes: usize, recorded: Option<&str>) -> Vec<usize> {
        let keys = &self.keys.keys;
        let is_recorded = |key: &PrivateKey| Some(key.fingerprint().as_str()) == recorded;
        let recorded = keys.iter().position(is_recorded);
        let modulus = |index: &usize| keys.get(*index).map(|key| key.public.modulus());
        let mut likely = Vec::new();
        if let Some(largest) = self.largest.get(&wrapped_key_bytes) {
            likely.extend((0..keys.len()).filter(|index| modulus(index) > Some(largest)));
            likely.sort_by_key(modulus);
        }
        let anywhere = self.keys.last.load(Ordering::Relaxed);
        let anywhere = Some(anywhere).filter(|last| likely.is_empty() || likely.contains(last));

        let mut order = Vec::with_capacity(keys.len());
        let first = recorded.into_iter().chain(self.last).chain(anywhere);
        for index in first.chain(likely).chain(0..keys.len()) {
            let fits = |key: &PrivateKey| key.wrapped_key_bytes() == wrapped_key_bytes;
            if keys.get(index).is_some_and(fits) && !order.contains(&index) {
                order.push(index);
            }
        }
        order
    }
}

impl FromIterator<PrivateKey> for PrivateKeys {
    fn from_iter<I: IntoIterator<Item = PrivateKey>>(keys: I) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            last: AtomicUsize::new(0),
        }
    }
}

impl IntoIterator for PrivateKeys {
    type Item = PrivateKey;
    type IntoIter = std::vec::IntoIter<PrivateKey>;

    fn into_iter(self) -> Self::IntoIter {
        self.keys.into_iter()
    }
}

impl fmt::Debug for PrivateKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.keys).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::{Certificate, Scope};

    fn read(file: &str) -> Vec<u8> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        std::fs::read(folder.join(file)).unwrap()
    }

    /// Two keys of 2048 bits and one of each other size, in this order: 2048, 3072, 2048, 4096.
    fn keys() -> PrivateKeys {
        let files = [
            "tests/data/keys/2048.key.pem",
            "tests/data/keys/3072.key.pem",
            "testkit/keys/2048.key.pem",
            "tests/data/keys/4096.key.pem",
        ];
        let key = |file| PrivateKey::from_pem(&read(file)).unwrap();
        files.into_iter().map(key).collect()
    }

    fn sealed_for(certificate: &str, label: &Label) -> SealedItem {
        let certificate = Certificate::from_pem(&read(certificate)).unwrap();
        SealedItem::seal(&SecretBytes::copy_of(b"x"), label, &certificate).unwrap()
    }

    #[test]
    fn keys_are_tried_by_size_then_record_then_success() {
        let keys = keys();
        let label = Label::new(Scope::ClusterWide, "", "").unwrap();
        let (first, third) = ("tests/data/keys/2048.crt", "testkit/keys/2048.crt.pem");
        let mut file = keys.opener();
        assert_eq!(file.order(256, None), [0, 2], "those of the size, in turn");
        assert_eq!(file.order(384, None), [1]);
        assert_eq!(file.order(512, None), [3]);
        assert!(file.order(128, None).is_empty());

        let fingerprint = keys.keys[2].fingerprint().clone();
        assert_eq!(file.order(256, Some(fingerprint.as_str())), [2, 0]);
        assert_eq!(
            file.order(384, Some(fingerprint.as_str())),
            [1],
            "size first"
        );
        assert_eq!(file.order(256, Some("SHA256:unknown")), [0, 2]);

        file.open(&sealed_for(third, &label), &label, None).unwrap();
        assert_eq!(file.order(256, None), [2, 0], "the last success is first");
        let mut other = keys.opener();
        assert_eq!(other.order(256, None), [2, 0], "for the next file, too");
        other
            .open(&sealed_for(first, &label), &label, None)
            .unwrap();
        assert_eq!(other.order(256, None), [0, 2]);
        assert_eq!(file.order(256, None), [2, 0], "but not for one in progress");

        // Of a file not begun, what its items leave open: a modulus above all of them, the smallest first.
        let moduli = [0, 2].map(|index: usize| keys.keys[index].public.modulus().to_vec());
        let (smaller, larger) = if moduli[0] < moduli[1] {
            (0, 2)
        } else {
            (2, 0)
        };
        let frame = |wrapped: &[u8]| {
            let bytes = [&[1, 0], wrapped, &[0; 16]].concat();
            SealedItem::from_bytes(bytes).unwrap()
        };
        for last in [first, third] {
            keys.opener()
                .open(&sealed_for(last, &label), &label, None)
                .unwrap();
            let (mut above, mut below) = (keys.opener(), keys.opener());
            below.look_at(&frame(&[0; 256]));
            let last = if last == first { 0 } else { 2 };
            assert_eq!(
                below.order(256, None),
                [last, 2 - last],
                "both can have made it"
            );
            above.look_at(&frame(&[0; 256]));
            above.look_at(&frame(&moduli[usize::from(larger < smaller)]));
            assert_eq!(above.order(256, None), [larger, smaller], "one cannot");
            assert_eq!(above.order(384, None), [1], "another size");
        }
        keys.opener()
            .open(&sealed_for(first, &label), &label, None)
            .unwrap();

        let other_name = Label::new(Scope::NamespaceWide, "shop", "").unwrap();
        let item = sealed_for(first, &other_name);
        assert!(file.open(&item, &label, Some("SHA256:unknown")).is_err());
        assert_eq!(file.order(256, None), [2, 0], "a failure changes nothing");
    }
}

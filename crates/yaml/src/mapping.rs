//! Mappings with string keys, in the order they were written.

use crate::Value;
use crate::places::{Named, Places};

/// An ordered mapping from strings to values.
///
/// Keys keep the order in which they were first inserted. Two mappings are equal when they have
/// the same keys with equal values, in whatever order, as in YAML and JSON.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    // INVARIANT: no two have the same key, and `places` knows them all.
    entries: Vec<(String, Value)>,
    places: Places,
}

impl Mapping {
    /// An empty mapping.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty mapping with room for `entries`.
    pub fn with_capacity(entries: usize) -> Self {
        Self::from_distinct(Vec::with_capacity(entries))
    }

    /// A mapping of entries no two of which have the same key.
    pub(crate) fn from_distinct(entries: Vec<(String, Value)>) -> Self {
        let mut places = Places::default();
        places.extend(&entries);
        Self { entries, places }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let place = self.places.find(&self.entries, key)?;
        self.entries.get(place).map(|(_, value)| value)
    }

    /// The value of `key`, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let place = self.places.find(&self.entries, key)?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    /// Whether there is a `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.places.find(&self.entries, key).is_some()
    }

    /// Sets `key` to `value`: in its old place if it was there, else at the end. Returns the old value.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        if let Some(old) = self.get_mut(&key) {
            return Some(std::mem::replace(old, value));
        }
        self.entries.push((key, value));
        self.places.extend(&self.entries);
        None
    }

    /// The value of `key`, which is set to `default()` at the end first if it was not there.
    pub fn get_or_insert_with(
        &mut self,
        key: impl Into<String>,
        default: impl FnOnce() -> Value,
    ) -> &mut Value {
        let key = key.into();
        let place = self.places.find(&self.entries, &key);
        if place.is_none() {
            self.entries.push((key, default()));
            self.places.extend(&self.entries);
        }
        let last = self.entries.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "found, or just pushed")]
        &mut self.entries[place.unwrap_or(last)].1
    }

    /// Takes `key` out; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let place = self.places.find(&self.entries, key)?;
        let (key, value) = self.entries.remove(place);
        self.places.remove(&key, place);
        Some(value)
    }

    /// Keeps the entries that `keep` says yes to, in order.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.entries.retain_mut(|(key, value)| keep(key, value));
        self.places.renew(&self.entries);
    }

    /// Orders the entries by key, bytewise. Mappings inside the values are left alone.
    pub fn sort_keys(&mut self) {
        self.entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        self.places.renew(&self.entries);
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.entries.iter())
    }

    /// Keys and values to change, in order.
    pub fn iter_mut(&mut self) -> IterMut<'_> {
        IterMut(self.entries.iter_mut())
    }

    /// Keys, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.iter().map(|(key, _)| key)
    }

    /// Values, in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> + DoubleEndedIterator {
        self.iter().map(|(_, value)| value)
    }

    /// Values to change, in the order of their keys.
    pub fn values_mut(
        &mut self,
    ) -> impl ExactSizeIterator<Item = &mut Value> + DoubleEndedIterator {
        self.iter_mut().map(|(_, value)| value)
    }
}

impl Named for (String, Value) {
    fn name(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Mapping {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .zip(other)
                .all(|((key, value), (same, beside))| {
                    // Most often the order is the same, too.
                    match key == same {
                        true => value == beside,
                        false => other.get(key) == Some(value),
                    }
                })
    }
}

impl Eq for Mapping {}

macro_rules! iterator {
    ($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? over $inner:ty, item ($key:ty, $value:ty), $map:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name$(<$life>)?($inner);

        impl$(<$life>)? Iterator for $name$(<$life>)? {
            type Item = ($key, $value);

            fn next(&mut self) -> Option<Self::Item> {
                self.0.next().map($map)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }
        }

        impl$(<$life>)? DoubleEndedIterator for $name$(<$life>)? {
            fn next_back(&mut self) -> Option<Self::Item> {
                self.0.next_back().map($map)
            }
        }

        impl$(<$life>)? ExactSizeIterator for $name$(<$life>)? {}
    };
}

iterator! {
    /// Keys and values of a [`Mapping`], in order.
    Iter<'a> over std::slice::Iter<'a, (String, Value)>, item (&'a str, &'a Value), |(key, value)| (key.as_str(), value)
}
iterator! {
    /// Keys and changeable values of a [`Mapping`], in order.
    IterMut<'a> over std::slice::IterMut<'a, (String, Value)>, item (&'a str, &'a mut Value), |(key, value)| (key.as_str(), value)
}
iterator! {
    /// Owned keys and values of a [`Mapping`], in order.
    IntoIter over std::vec::IntoIter<(String, Value)>, item (String, Value), |entry| entry
}

impl<'a> IntoIterator for &'a Mapping {
    type Item = (&'a str, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Mapping {
    type Item = (&'a str, &'a mut Value);
    type IntoIter = IterMut<'a>;

    fn into_iter(self) -> IterMut<'a> {
        self.iter_mut()
    }
}

impl IntoIterator for Mapping {
    type Item = (String, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter(self.entries.into_iter())
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Mapping {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut mapping = Self::new();
        mapping.extend(entries);
        mapping
    }
}

impl<K: Into<String>, V: Into<Value>> Extend<(K, V)> for Mapping {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Into<String>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Mapping {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

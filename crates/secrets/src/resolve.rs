//! References in, values out: one read for each (store, path, version), whatever the number of keys.
//!
//! One read also means that user and password of one path come from the same version. All failures
//! are reported, not only the first; once a store cannot be reached it is not asked again.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::SecretBytes;
use crate::reference::{Decode, Reference};
use crate::store::{Secret, SecretPath, Store, StoreError, Version};

/// A reference and where it stands, in the caller's words (`templates/secret.yaml:12:7`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    reference: Reference,
    place: String,
}

impl Request {
    /// `place` is repeated in errors and never interpreted.
    #[must_use]
    pub fn new(reference: Reference, place: impl Into<String>) -> Self {
        Self {
            reference,
            place: place.into(),
        }
    }
}

/// The values of references. Cannot be printed or serialised; each value is handed out by name.
#[derive(Debug, Default)]
pub struct Resolved {
    values: BTreeMap<Reference, ResolvedValue>,
}

/// One value and the version it came from.
#[derive(Debug)]
#[non_exhaustive]
pub struct ResolvedValue {
    /// The plaintext, decoded as the reference asks.
    pub value: SecretBytes,
    /// The version that was read; `None` from a store without versions.
    pub version: Option<Version>,
    /// What tells this writing of the version from every other: see [`Secret::stamp`].
    pub stamp: Option<String>,
}

impl Resolved {
    /// The value of `reference`, if it was among those resolved.
    #[must_use]
    pub fn get(&self, reference: &Reference) -> Option<&ResolvedValue> {
        self.values.get(reference)
    }

    /// Every reference with its value, in the references' order.
    pub fn iter(&self) -> impl Iterator<Item = (&Reference, &ResolvedValue)> {
        self.values.iter()
    }

    /// How many different references there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing was asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// Everything that could not be resolved; there is at least one failure.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ResolveError {
    failures: Vec<Failure>,
}

/// One reference that could not be resolved.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {reference}: {kind}")]
#[non_exhaustive]
pub struct Failure {
    /// Where the reference stands, in the caller's words.
    pub place: String,
    /// The reference, in its canonical form.
    pub reference: Reference,
    /// What went wrong.
    pub kind: FailureKind,
}

/// What went wrong with a reference.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FailureKind {
    /// No store of that name was given.
    #[error("there is no store `{name}`; configured: {known}")]
    UnknownStore {
        /// The name in the reference.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Two stores of that name were given, so the reference could mean either.
    #[error("more than one store is called `{name}`")]
    AmbiguousStore {
        /// The name in the reference.
        name: String,
    },
    /// The store did not answer with the secret.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secret has no such key.
    #[error("the secret has no key {key:?}; it has: {known}")]
    NoSuchKey {
        /// The key in the reference.
        key: String,
        /// The keys there are, at most ten.
        known: String,
    },
    /// `decode=base64`, and the stored value is not base64.
    #[error("the stored value is not base64; drop `decode=base64` if it is meant as it is")]
    NotBase64,
}

impl ResolveError {
    /// Each reference that failed, in the order they were asked.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }
}

impl Failure {
    /// The failure that is the store's, not this reference's.
    fn of_store(&self) -> Option<&StoreError> {
        match &self.kind {
            FailureKind::Store(error) if error.is_store_wide() => Some(error),
            _ => None,
        }
    }
}

/// One line for each reference; a store that is down as a whole gets one line for all of its own.
impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told: Vec<&StoreError> = Vec::new();
        for (index, failure) in self.failures.iter().enumerate() {
            let error = failure.of_store();
            if error.is_some_and(|error| told.contains(&error)) {
                continue;
            }
            if index > 0 {
                f.write_str("\n")?;
            }
            match error {
                None => failure.fmt(f)?,
                Some(error) => {
                    let needing = self
                        .failures
                        .iter()
                        .filter(|other| other.of_store() == Some(error));
                    let (count, place) = (needing.count(), &failure.place);
                    write!(
                        f,
                        "{error} ({count} references need it, the first at {place})"
                    )?;
                    told.push(error);
                }
            }
        }
        Ok(())
    }
}

/// Reads what the requests name from the stores of those names.
///
/// # Errors
///
/// [`ResolveError`] with every reference that has no value; no values are returned then.
///
/// ```
/// use narae_secrets::SecretBytes;
/// use narae_secrets::reference::Reference;
/// use narae_secrets::resolve::{Request, resolve};
/// use narae_secrets::store::{Cas, Store as _, memory::MemoryStore};
///
/// let store = MemoryStore::new("main");
/// let data = [("password".to_owned(), SecretBytes::from("pa55".to_owned()))].into();
/// store.write(&"secret/shop".parse()?, &data, Cas::Any)?;
///
/// let reference: Reference = "ref+vault://main/secret/shop#/password".parse()?;
/// let request = Request::new(reference.clone(), "secret.yaml:9:15");
/// let resolved = resolve(&[request], &[&store])?;
/// assert_eq!(resolved.get(&reference).map(|found| found.value.expose()), Some(&b"pa55"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resolve(requests: &[Request], stores: &[&dyn Store]) -> Result<Resolved, ResolveError> {
    resolve_as(requests, stores, Reference::clone)
}

/// As [`resolve`], reading for each reference what `read_as` says. Values go by the references as they were asked.
pub(crate) fn resolve_as(
    requests: &[Request],
    stores: &[&dyn Store],
    read_as: impl Fn(&Reference) -> Reference,
) -> Result<Resolved, ResolveError> {
    let mut reads = Reads {
        stores,
        done: BTreeMap::new(),
        down: BTreeMap::new(),
    };
    let mut resolved = Resolved::default();
    let mut failures = Vec::new();
    for Request { reference, place } in requests {
        if resolved.values.contains_key(reference) {
            continue;
        }
        let reading = read_as(reference);
        let secret = reads.secret(&reading);
        match secret.and_then(|secret| value_in(secret, &reading)) {
            Ok(value) => {
                resolved.values.insert(reference.clone(), value);
            }
            Err(kind) => {
                failures.push(Failure {
                    place: place.clone(),
                    reference: reading,
                    kind,
                });
            }
        }
    }
    if failures.is_empty() {
        Ok(resolved)
    } else {
        Err(ResolveError { failures })
    }
}

/// The reads made so far, each made once.
struct Reads<'a> {
    stores: &'a [&'a dyn Store],
    done: BTreeMap<ReadKey, Result<Secret, FailureKind>>,
    /// Stores that would fail for every path now.
    down: BTreeMap<String, StoreError>,
}

type ReadKey = (String, SecretPath, Option<Version>);

impl Reads<'_> {
    fn secret(&mut self, reference: &Reference) -> Result<&Secret, FailureKind> {
        let key = (
            reference.store().to_owned(),
            reference.path().clone(),
            reference.version(),
        );
        let read = match self.done.remove(&key) {
            Some(read) => read,
            None => self.read(reference),
        };
        self.done
            .entry(key)
            .or_insert(read)
            .as_ref()
            .map_err(Clone::clone)
    }

    fn read(&mut self, reference: &Reference) -> Result<Secret, FailureKind> {
        let store = self.store(reference.store())?;
        if let Some(error) = self.down.get(reference.store()) {
            return Err(error.clone().into());
        }
        store
            .read(reference.path(), reference.version())
            .map_err(|error| {
                if !error.is_store_wide() {
                    return error.into();
                }
                let error = error.without_path();
                self.down
                    .insert(reference.store().to_owned(), error.clone());
                error.into()
            })
    }

    fn store(&self, name: &str) -> Result<&dyn Store, FailureKind> {
        let mut named = self.stores.iter().filter(|store| store.name() == name);
        match (named.next(), named.next()) {
            (Some(store), None) => Ok(*store),
            (Some(_), Some(_)) => Err(FailureKind::AmbiguousStore {
                name: name.to_owned(),
            }),
            (None, _) => {
                let names: Vec<&str> = self.stores.iter().map(|store| store.name()).collect();
                let known = if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                };
                Err(FailureKind::UnknownStore {
                    name: name.to_owned(),
                    known,
                })
            }
        }
    }
}

fn value_in(secret: &Secret, reference: &Reference) -> Result<ResolvedValue, FailureKind> {
    let Some(stored) = secret.data.get(reference.key()) else {
        let keys: Vec<&str> = secret.data.keys().map(String::as_str).take(10).collect();
        let known = if keys.is_empty() {
            "none".to_owned()
        } else {
            keys.join(", ")
        };
        return Err(FailureKind::NoSuchKey {
            key: reference.key().to_owned(),
            known,
        });
    };
    let value = match reference.decode() {
        Decode::Plain => stored.duplicate(),
        Decode::Base64 => decode_base64(stored.expose())?,
    };
    Ok(ResolvedValue {
        value,
        version: secret.version,
        stamp: secret.stamp.clone(),
    })
}

fn decode_base64(stored: &[u8]) -> Result<SecretBytes, FailureKind> {
    // All the room at once: what grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(stored.len()));
    let breaks = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    text.extend(stored.iter().filter(|byte| !breaks(byte)));
    base64::engine::general_purpose::STANDARD
        .decode(text.as_slice())
        .map(SecretBytes::new)
        // The cause would quote a byte of the secret and its position.
        .map_err(|_| FailureKind::NotBase64)
}

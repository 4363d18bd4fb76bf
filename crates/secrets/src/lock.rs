//! A lock file: which version of each secret was read, so that the next run reads the same.
//!
//! ```text
//! # narae-secrets lock 1
//! main secret/shop/db version=3 stamp=5f0c…
//! ```
//!
//! One line for each path, sorted, so that it merges like any list. A path's name is escaped as in a reference. The stamp
//! tells a version from one of the same number in a store that was made anew; where a store has none it is left out.
//! Nothing in the file comes from a value. At most [`MAX_LOCK_BYTES`] are read.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use crate::reference::Reference;
use crate::resolve::{Request, ResolveError, Resolved, resolve_as};
use crate::store::{SecretPath, Store, StoreError, Version};

/// Largest lock file read, in bytes.
pub const MAX_LOCK_BYTES: usize = 4 * 1024 * 1024;

const HEAD: &str = "# narae-secrets lock 1";

/// The version of each path that was read.
///
/// ```
/// use narae_secrets::SecretBytes;
/// use narae_secrets::lock::Lock;
/// use narae_secrets::reference::Reference;
/// use narae_secrets::resolve::{Request, resolve};
/// use narae_secrets::store::{Cas, Store as _, memory::MemoryStore};
///
/// let store = MemoryStore::new("main");
/// let data = [("password".to_owned(), SecretBytes::from("pa55".to_owned()))].into();
/// store.write(&"secret/shop".parse()?, &data, Cas::Any)?;
/// let reference: Reference = "ref+vault://main/secret/shop#/password".parse()?;
///
/// let lock = Lock::of(&resolve(&[Request::new(reference.clone(), "a.yaml:1:1")], &[&store])?);
/// let lock = Lock::read("narae-secrets.lock", &lock.to_string())?;
/// assert_eq!(lock.pin(&reference).to_string(), "ref+vault://main/secret/shop?version=1#/password");
///
/// store.write(&"secret/shop".parse()?, &data, Cas::Any)?;
/// let newer = lock.outdated(&[&store])?;
/// assert_eq!(newer[0].to_string(), "main secret/shop: version 1 is locked, 2 is the newest");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    pins: BTreeMap<(String, SecretPath), Pin>,
}

/// What a path is locked to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pin {
    version: Version,
    stamp: Option<String>,
}

/// A path of which there is a newer version than the locked one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outdated {
    /// The store's name.
    pub store: String,
    /// The path in it.
    pub path: SecretPath,
    /// The version that is locked.
    pub locked: Version,
    /// The newest there is.
    pub newest: Version,
}

/// Why a text is not a lock file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: {kind}")]
#[non_exhaustive]
pub struct LockError {
    /// The file, in the caller's words.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: LockErrorKind,
}

/// What is wrong with a lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LockErrorKind {
    /// The first line is not that of a lock file this version reads.
    #[error("not a lock file of this version; it begins with `{HEAD}`")]
    Head,
    /// It is longer than [`MAX_LOCK_BYTES`].
    #[error("longer than {MAX_LOCK_BYTES} bytes")]
    TooLong,
    /// A store's name and a path were expected.
    #[error("expected a store's name and a path, as in `main secret/shop version=3`")]
    Path,
    /// `version=` and a number from 1 were expected.
    #[error("expected `version=` and a whole number from 1")]
    Version,
    /// `stamp=` and its text were expected.
    #[error("expected `stamp=` and its text, or the line's end")]
    Stamp,
    /// The path is there twice; a merge may have left both.
    #[error("this path is locked twice; keep one of the lines, or lock anew")]
    Twice,
}

/// What was read is not what was locked, though it has the locked version's number.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{reference}: version {version} is locked, but this is another writing of it: the store was made anew, or is another of that name; lock anew if that is meant"
)]
#[non_exhaustive]
pub struct Changed {
    /// The reference that was read.
    pub reference: Reference,
    /// Its version.
    pub version: Version,
}

/// Why nothing was read at the locked versions.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LockedError {
    /// A reference has no value, perhaps because the locked version is gone.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A locked version is another writing of that number.
    #[error(transparent)]
    Changed(#[from] Changed),
}

impl Lock {
    /// What was read. A value without a version cannot be locked and is left out; of several versions of one path the one is
    /// locked that a reference without a version got, else the newest, since the others are named in their references.
    #[must_use]
    pub fn of(resolved: &Resolved) -> Self {
        let mut read: Vec<_> = resolved
            .iter()
            .filter_map(|(reference, found)| Some((reference, found.version?, found)))
            .collect();
        // The last one stays.
        read.sort_by_key(|(reference, version, _)| (reference.version().is_none(), *version));
        let pins = read.into_iter().map(|(reference, version, found)| {
            let stamp = found.stamp.clone();
            let key = (reference.store().to_owned(), reference.path().clone());
            (key, Pin { version, stamp })
        });
        Self {
            pins: pins.collect(),
        }
    }

    /// Reads what the requests name, at the locked versions, and checks that it is what was locked. What is not locked is
    /// read as [`resolve`](crate::resolve::resolve) does. Values go by the references as they were asked.
    ///
    /// # Errors
    ///
    /// [`LockedError`]; no values are returned then.
    pub fn resolve(
        &self,
        requests: &[Request],
        stores: &[&dyn Store],
    ) -> Result<Resolved, LockedError> {
        let resolved = resolve_as(requests, stores, |reference| self.pin(reference))?;
        self.verify(&resolved)?;
        Ok(resolved)
    }

    /// The same with what was read now; what is locked besides stays.
    #[must_use]
    pub fn with(mut self, resolved: &Resolved) -> Self {
        self.pins.append(&mut Self::of(resolved).pins);
        self
    }

    /// The same with what `after` locks and `before` did not, or not so: of two who changed one file, the second's changes on
    /// top of the first's.
    #[must_use]
    pub fn with_changes(mut self, before: &Self, after: &Self) -> Self {
        let pins = after.pins.iter();
        let changed = pins.filter(|(path, pin)| before.pins.get(path) != Some(pin));
        self.pins
            .extend(changed.map(|(path, pin)| (path.clone(), pin.clone())));
        self
    }

    /// Reads a lock file.
    ///
    /// # Errors
    ///
    /// [`LockError`] with the place.
    pub fn read(file: &str, text: &str) -> Result<Self, LockError> {
        let error = |line: usize, column: usize, kind| LockError {
            file: file.to_owned(),
            line,
            column,
            kind,
        };
        if text.len() > MAX_LOCK_BYTES {
            return Err(error(1, 1, LockErrorKind::TooLong));
        }
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(error(1, 1, LockErrorKind::Head));
        }
        let mut lock = Self::default();
        for (line, number) in lines.zip(2..) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, pin) = entry(line).map_err(|(column, kind)| error(number, column, kind))?;
            if lock.pins.insert(key, pin).is_some() {
                return Err(error(number, 1, LockErrorKind::Twice));
            }
        }
        Ok(lock)
    }

    /// The reference at the locked version; unchanged if it names a version itself or is not locked.
    #[must_use]
    pub fn pin(&self, reference: &Reference) -> Reference {
        match (reference.version(), self.of_reference(reference)) {
            (None, Some(pin)) => reference.pinned(pin.version),
            _ => reference.clone(),
        }
    }

    /// Whether what was read is what was locked.
    ///
    /// # Errors
    ///
    /// [`Changed`] for the first value whose version is the locked one and whose stamp is not.
    pub fn verify(&self, resolved: &Resolved) -> Result<(), Changed> {
        for (reference, found) in resolved.iter() {
            let Some((pin, version)) = self.of_reference(reference).zip(found.version) else {
                continue;
            };
            let differs = pin.stamp.is_some() && pin.stamp != found.stamp;
            if pin.version == version && differs {
                let reference = reference.clone();
                return Err(Changed { reference, version });
            }
        }
        Ok(())
    }

    /// Each locked path of these stores that has a newer version, in order. Asks for metadata only, once for each path.
    ///
    /// # Errors
    ///
    /// The first [`StoreError`].
    pub fn outdated(&self, stores: &[&dyn Store]) -> Result<Vec<Outdated>, StoreError> {
        let mut outdated = Vec::new();
        for ((name, path), pin) in &self.pins {
            let Some(store) = stores.iter().find(|store| store.name() == name) else {
                continue;
            };
            let newest = store.metadata(path)?.current;
            if newest > pin.version {
                outdated.push(Outdated {
                    store: name.clone(),
                    path: path.clone(),
                    locked: pin.version,
                    newest,
                });
            }
        }
        Ok(outdated)
    }

    /// How many paths are locked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pins.len()
    }

    /// Whether no path is locked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pins.is_empty()
    }

    fn of_reference(&self, reference: &Reference) -> Option<&Pin> {
        let key = (reference.store().to_owned(), reference.path().clone());
        self.pins.get(&key)
    }
}

/// The file's text.
impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}")?;
        for ((store, path), pin) in &self.pins {
            write!(f, "{store} ")?;
            crate::reference::write_path(f, path)?;
            write!(f, " version={}", pin.version)?;
            if let Some(stamp) = &pin.stamp {
                write!(f, " stamp={stamp}")?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

impl fmt::Display for Outdated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            store,
            path,
            locked,
            newest,
        } = self;
        write!(
            f,
            "{store} {path}: version {locked} is locked, {newest} is the newest"
        )
    }
}

type Wrong = (usize, LockErrorKind);

fn entry(line: &str) -> Result<((String, SecretPath), Pin), Wrong> {
    let mut words = line.split(' ').scan(1, |column, word| {
        let at = *column;
        *column += word.chars().count() + 1;
        Some((at, word))
    });
    let end = line.chars().count() + 1;
    let (at, store) = words.next().unwrap_or((1, ""));
    let (at_path, path) = words.next().unwrap_or((end, ""));
    if !crate::reference::is_store_name(store) {
        return Err((at, LockErrorKind::Path));
    }
    let path = crate::reference::read_path(path).map_err(|_| (at_path, LockErrorKind::Path))?;
    let (at, word) = words.next().unwrap_or((end, ""));
    let number = word
        .strip_prefix("version=")
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let version = number
        .and_then(|digits| digits.parse().ok())
        .and_then(Version::new);
    let version = version.ok_or((at, LockErrorKind::Version))?;
    let stamp = words.next().map(|(at, word)| {
        let stamp = word.strip_prefix("stamp=").filter(|stamp| {
            !stamp.is_empty() && !stamp.contains(|c: char| c.is_whitespace() || c.is_control())
        });
        stamp.map(str::to_owned).ok_or((at, LockErrorKind::Stamp))
    });
    let stamp = stamp.transpose()?;
    if let Some((at, _)) = words.next() {
        return Err((at, LockErrorKind::Stamp));
    }
    Ok(((store.to_owned(), path), Pin { version, stamp }))
}

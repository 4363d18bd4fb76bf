//! What a local store holds, as a value: paths, versions, and the rules of the KV engine, version 2.
//!
//! Pure: [`MemoryStore`](super::memory::MemoryStore) keeps one behind a lock, the file store keeps one
//! encrypted on disk. Each path keeps its [`MAX_VERSIONS`] newest versions, as the KV engine does
//! by default; older ones are dropped, their numbers never used again.
//!
//! Limits: [`MAX_VALUE_BYTES`] a value, [`MAX_KEY_BYTES`] a key, [`MAX_KEYS`] keys a secret.

use std::collections::BTreeMap;

use super::error::StoreErrorKind;
use super::path::SecretPath;
use super::secret::{Cas, Metadata, Secret, SecretData, Version, VersionState};

/// Versions kept of each path (the KV engine's default).
pub const MAX_VERSIONS: usize = 10;
/// Largest value, in bytes: what fits a Kubernetes Secret.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024;
/// Longest key, in bytes: the longest a Kubernetes Secret takes.
pub const MAX_KEY_BYTES: usize = 253;
/// Bytes of a stamp.
pub const STAMP_BYTES: usize = 16;
/// Most keys in one secret.
pub const MAX_KEYS: usize = 4096;

/// Every path of a store with its versions.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub(super) paths: BTreeMap<SecretPath, History>,
}

/// The versions of one path. INVARIANT: not empty, numbers rise.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    pub(super) versions: BTreeMap<Version, Entry>,
}

/// One version.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Live(Written),
    Deleted(Written),
    Destroyed,
}

/// The data of one version, and what tells this writing from any other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) data: SecretData,
    pub(super) stamp: [u8; STAMP_BYTES],
}

impl Contents {
    /// Nothing at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The given or the newest version at `path`. Data is copied out.
    ///
    /// # Errors
    ///
    /// `NotFound`, `VersionNotFound`, `Deleted` or `Destroyed`.
    pub fn read(
        &self,
        path: &SecretPath,
        version: Option<Version>,
    ) -> Result<Secret, StoreErrorKind> {
        let history = self.paths.get(path).ok_or(StoreErrorKind::NotFound)?;
        let version = match version {
            Some(version) => version,
            None => history.newest().ok_or(StoreErrorKind::NotFound)?,
        };
        match history.versions.get(&version) {
            None => Err(StoreErrorKind::VersionNotFound { version }),
            Some(Entry::Deleted(_)) => Err(StoreErrorKind::Deleted { version, at: None }),
            Some(Entry::Destroyed) => Err(StoreErrorKind::Destroyed { version }),
            Some(Entry::Live(Written { data, stamp })) => {
                let secret = Secret::new(copy_of(data), Some(version));
                Ok(if *stamp == [0; STAMP_BYTES] {
                    secret
                } else {
                    secret.with_stamp(format!("{:032x}", u128::from_be_bytes(*stamp)))
                })
            }
        }
    }

    /// Adds a version without a stamp to `path` if `cas` is met. Data is copied in.
    ///
    /// # Errors
    ///
    /// `CasMismatch`, or `Refused` when a limit is passed; nothing has changed then.
    pub fn write(
        &mut self,
        path: &SecretPath,
        data: &SecretData,
        cas: Cas,
    ) -> Result<Version, StoreErrorKind> {
        self.write_stamped(path, data, cas, [0; STAMP_BYTES])
    }

    /// Adds a version that carries `stamp`, random bytes that no other writing carries; zeros are
    /// no stamp.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    pub fn write_stamped(
        &mut self,
        path: &SecretPath,
        data: &SecretData,
        cas: Cas,
        stamp: [u8; STAMP_BYTES],
    ) -> Result<Version, StoreErrorKind> {
        check(data)?;
        let current = self.paths.get(path).and_then(History::newest);
        let expected = match cas {
            Cas::Any => current,
            Cas::Absent => None,
            Cas::Version(version) => Some(version),
        };
        if expected != current {
            return Err(StoreErrorKind::CasMismatch { current, expected });
        }
        let version = current.map_or(Version::FIRST, Version::next);
        let history = self.paths.entry(path.clone()).or_default();
        let data = copy_of(data);
        history
            .versions
            .insert(version, Entry::Live(Written { data, stamp }));
        while history.versions.len() > MAX_VERSIONS {
            history.versions.pop_first();
        }
        Ok(version)
    }

    /// Marks a version as deleted; its data stays until [`destroy`](Self::destroy)ed or too old.
    ///
    /// # Errors
    ///
    /// `NotFound`, `VersionNotFound` or `Destroyed`.
    pub fn delete(&mut self, path: &SecretPath, version: Version) -> Result<(), StoreErrorKind> {
        let entry = self.entry(path, version)?;
        match std::mem::replace(entry, Entry::Destroyed) {
            Entry::Live(data) | Entry::Deleted(data) => *entry = Entry::Deleted(data),
            Entry::Destroyed => return Err(StoreErrorKind::Destroyed { version }),
        }
        Ok(())
    }

    /// Drops a version's data for good; its number stays taken.
    ///
    /// # Errors
    ///
    /// `NotFound` or `VersionNotFound`.
    pub fn destroy(&mut self, path: &SecretPath, version: Version) -> Result<(), StoreErrorKind> {
        *self.entry(path, version)? = Entry::Destroyed;
        Ok(())
    }

    /// The paths at or below `prefix`, in order.
    #[must_use]
    pub fn list(&self, prefix: Option<&SecretPath>) -> Vec<SecretPath> {
        let within = |path: &&SecretPath| prefix.is_none_or(|prefix| path.starts_with(prefix));
        self.paths.keys().filter(within).cloned().collect()
    }

    /// The versions of `path` without their data.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub fn metadata(&self, path: &SecretPath) -> Result<Metadata, StoreErrorKind> {
        let history = self.paths.get(path).ok_or(StoreErrorKind::NotFound)?;
        let current = history.newest().ok_or(StoreErrorKind::NotFound)?;
        let state = |(version, entry): (&Version, &Entry)| {
            let state = match entry {
                Entry::Live(_) => VersionState::Live,
                Entry::Deleted(_) => VersionState::Deleted,
                Entry::Destroyed => VersionState::Destroyed,
            };
            (*version, state)
        };
        Ok(Metadata::new(
            current,
            history.versions.iter().map(state).collect(),
        ))
    }

    fn entry(&mut self, path: &SecretPath, version: Version) -> Result<&mut Entry, StoreErrorKind> {
        let history = self.paths.get_mut(path).ok_or(StoreErrorKind::NotFound)?;
        history
            .versions
            .get_mut(&version)
            .ok_or(StoreErrorKind::VersionNotFound { version })
    }
}

impl History {
    fn newest(&self) -> Option<Version> {
        self.versions.last_key_value().map(|(version, _)| *version)
    }
}

fn copy_of(data: &SecretData) -> SecretData {
    data.iter()
        .map(|(key, value)| (key.clone(), value.duplicate()))
        .collect()
}

pub(super) fn check(data: &SecretData) -> Result<(), StoreErrorKind> {
    let refuse = |reason: String| Err(StoreErrorKind::Refused { reason });
    if data.len() > MAX_KEYS {
        return refuse(format!("{} keys, more than {MAX_KEYS}", data.len()));
    }
    for (key, value) in data {
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return refuse(format!(
                "a key of {} bytes; 1 to {MAX_KEY_BYTES} are kept",
                key.len()
            ));
        }
        if value.len() > MAX_VALUE_BYTES {
            let bytes = value.len();
            return refuse(format!(
                "{bytes} bytes under key {key:?}, more than {MAX_VALUE_BYTES}"
            ));
        }
    }
    Ok(())
}

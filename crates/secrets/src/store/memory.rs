//! A store in memory, for tests and demonstrations.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::contents::{Contents, STAMP_BYTES};
use super::{
    Cas, Metadata, Secret, SecretData, SecretPath, Store, StoreError, StoreErrorKind, Version,
};

/// Holds secrets until it is dropped.
///
/// ```
/// use narae_secrets::SecretBytes;
/// use narae_secrets::store::{Cas, Store as _, memory::MemoryStore};
///
/// let store = MemoryStore::new("demo");
/// let path = "secret/shop".parse()?;
/// let data = [("password".to_owned(), SecretBytes::from("pa55".to_owned()))].into();
/// let version = store.write(&path, &data, Cas::Absent)?;
/// assert_eq!(store.read(&path, Some(version))?.data["password"].expose(), b"pa55");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MemoryStore {
    name: String,
    contents: Mutex<Contents>,
}

impl MemoryStore {
    /// An empty store that references call `name`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            contents: Mutex::default(),
        }
    }

    /// Marks a version as deleted.
    ///
    /// # Errors
    ///
    /// `NotFound`, `VersionNotFound` or `Destroyed`.
    pub fn delete(&self, path: &SecretPath, version: Version) -> Result<(), StoreError> {
        self.contents()
            .delete(path, version)
            .map_err(|kind| self.error(kind, path))
    }

    /// Drops a version's data for good.
    ///
    /// # Errors
    ///
    /// `NotFound` or `VersionNotFound`.
    pub fn destroy(&self, path: &SecretPath, version: Version) -> Result<(), StoreError> {
        self.contents()
            .destroy(path, version)
            .map_err(|kind| self.error(kind, path))
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        // `Contents` changes in single steps, so a panicking holder cannot leave it half changed.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, kind: StoreErrorKind, path: &SecretPath) -> StoreError {
        StoreError::new(kind, &self.name, Some(path))
    }
}

impl Store for MemoryStore {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, path: &SecretPath, version: Option<Version>) -> Result<Secret, StoreError> {
        self.contents()
            .read(path, version)
            .map_err(|kind| self.error(kind, path))
    }

    fn write(&self, path: &SecretPath, data: &SecretData, cas: Cas) -> Result<Version, StoreError> {
        let mut stamp = [0; STAMP_BYTES];
        getrandom::fill(&mut stamp).map_err(|_| self.error(StoreErrorKind::NoRandomness, path))?;
        self.contents()
            .write_stamped(path, data, cas, stamp)
            .map_err(|kind| self.error(kind, path))
    }

    fn list(&self, prefix: Option<&SecretPath>) -> Result<Vec<SecretPath>, StoreError> {
        Ok(self.contents().list(prefix))
    }

    fn metadata(&self, path: &SecretPath) -> Result<Metadata, StoreError> {
        self.contents()
            .metadata(path)
            .map_err(|kind| self.error(kind, path))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

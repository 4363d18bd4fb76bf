//! One encrypted file: the store that needs no server.
//!
//! Semantics are those of [`Contents`], kept in one
//! file that is replaced as a whole on every write:
//!
//! - **Atomic.** A write goes to a temporary file in the same directory, is flushed to the disk, renamed over
//!   the store, and the directory flushed. A process killed at any moment leaves the old or the new file;
//!   a write that returned is there after a power cut, as far as the disk keeps its word.
//! - **Locked.** Writers hold an exclusive lock on `FILE.lock` from reading to renaming, so that two of
//!   them never lose a write. Readers need no lock: they see one whole file.
//! - **One file.** A link to the store stands for the file it points to; the file keeps its owner.
//! - **Private.** Store and key must not be open to group or others (Unix); made that way, and refused otherwise.
//! - **Encrypted and authenticated** as [`frame`] says.
//!
//! Each read decrypts the file anew, so that processes see each other's writes. That suits up to a few
//! thousand secrets; [`frame::MAX_STORE_BYTES`] is the limit. Whoever can replace the file can put an older
//! copy of it back: nothing in a single file can tell.

mod codec;
pub mod frame;
mod key;
mod replace;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use key::KeyFile;

use self::frame::{FrameError, STRETCH_SALT_BYTES, StoreKey, Stretch};
use super::contents::{Contents, STAMP_BYTES};
use super::{
    Cas, Metadata, Secret, SecretData, SecretPath, Store, StoreError, StoreErrorKind, Version,
};
use crate::SecretBytes;

/// An encrypted file as a [`Store`].
///
/// ```
/// use narae_secrets::SecretBytes;
/// use narae_secrets::store::{Cas, Store as _, file::{FileStore, KeyFile}};
///
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// let key = KeyFile::create(directory.join("shop.key"))?;
/// let store = FileStore::create("main", directory.join("shop.store"), key)?;
///
/// let path = "secret/shop".parse()?;
/// let data = [("password".to_owned(), SecretBytes::from("pa55".to_owned()))].into();
/// store.write(&path, &data, Cas::Absent)?;
/// assert_eq!(store.read(&path, None)?.data["password"].expose(), b"pa55");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileStore {
    name: String,
    file: PathBuf,
    key: Key,
}

/// What opens the file.
#[derive(Debug)]
enum Key {
    File(KeyFile),
    Passphrase(StoreKey),
}

impl FileStore {
    /// Makes an empty store. The directory must exist.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::AlreadyExists`] if the file is there; [`StoreErrorKind::Io`].
    pub fn create(
        name: impl Into<String>,
        file: impl Into<PathBuf>,
        key: KeyFile,
    ) -> Result<Self, StoreError> {
        Self::create_with(name, file, key, [])
    }

    /// Makes a store that holds `content` from the start, each secret as its first version.
    ///
    /// The file appears whole or not at all: whoever finds it finds the content too. The directory
    /// must exist.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create); [`StoreErrorKind::CasMismatch`] when a path is given twice,
    /// [`StoreErrorKind::Refused`] when a limit is passed.
    pub fn create_with(
        name: impl Into<String>,
        file: impl Into<PathBuf>,
        key: KeyFile,
        content: impl IntoIterator<Item = (SecretPath, SecretData)>,
    ) -> Result<Self, StoreError> {
        let store = Self {
            name: name.into(),
            file: replace::behind_links(file.into()),
            key: Key::File(key),
        };
        store.create_file(content)?;
        Ok(store)
    }

    /// Makes an empty store whose key comes from a passphrase. Takes a moment, on purpose ([`Stretch`]); after that it is as fast
    /// as with a key file.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create); [`StoreErrorKind::Configuration`] for an empty passphrase.
    pub fn create_with_passphrase(
        name: impl Into<String>,
        file: impl Into<PathBuf>,
        passphrase: &SecretBytes,
    ) -> Result<Self, StoreError> {
        let (name, file) = (name.into(), replace::behind_links(file.into()));
        let error = |kind| StoreError::new(kind, &name, None);
        if passphrase.is_empty() {
            let reason = "the passphrase is empty".to_owned();
            return Err(error(StoreErrorKind::Configuration { reason }));
        }
        let mut salt = [0; STRETCH_SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| error(StoreErrorKind::NoRandomness))?;
        let key = StoreKey::from_passphrase(passphrase, Stretch::new(salt));
        let key = key.map_err(|cause| error(damaged(&file, &cause)))?;
        let key = Key::Passphrase(key);
        let store = Self { name, file, key };
        store.create_file([])?;
        Ok(store)
    }

    /// Opens a store whose key comes from a passphrase.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::WrongPassphrase`], also for a store that has a key file; else as for [`open`](Self::open).
    pub fn open_with_passphrase(
        name: impl Into<String>,
        file: impl Into<PathBuf>,
        passphrase: &SecretBytes,
    ) -> Result<Self, StoreError> {
        let (name, file) = (name.into(), replace::behind_links(file.into()));
        let error = |kind| StoreError::new(kind, &name, None);
        let bytes = key::read_private(&file, frame::MAX_STORE_BYTES).map_err(error)?;
        let damage = |cause: FrameError| error(damaged(&file, &cause));
        let store_file = shown(&file);
        let wrong = || error(StoreErrorKind::WrongPassphrase { store_file });
        let stretch = Stretch::of(&bytes).map_err(damage)?.ok_or_else(wrong)?;
        let key = StoreKey::from_passphrase(passphrase, stretch).map_err(damage)?;
        let key = Key::Passphrase(key);
        let store = Self { name, file, key };
        store.load(None)?;
        Ok(store)
    }

    fn create_file(
        &self,
        content: impl IntoIterator<Item = (SecretPath, SecretData)>,
    ) -> Result<(), StoreError> {
        let store = self;
        let lock = store.lock(None)?;
        // A link to nothing is something, too.
        match std::fs::symlink_metadata(&store.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(store.io("look for", &error, None)),
            Ok(_) => {
                let file = shown(&store.file);
                return Err(store.error(StoreErrorKind::AlreadyExists { file }, None));
            }
        }
        let mut contents = Contents::new();
        for (path, data) in content {
            contents
                .write_stamped(&path, &data, Cas::Absent, store.stamp(Some(&path))?)
                .map_err(|kind| store.error(kind, Some(&path)))?;
        }
        store.save(&contents, None)?;
        drop(lock);
        Ok(())
    }

    /// Opens a store and checks that the key is its key.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::WrongKey`], [`StoreErrorKind::Damaged`], [`StoreErrorKind::OpenPermissions`]
    /// or [`StoreErrorKind::Io`].
    pub fn open(
        name: impl Into<String>,
        file: impl Into<PathBuf>,
        key: KeyFile,
    ) -> Result<Self, StoreError> {
        let store = Self {
            name: name.into(),
            file: replace::behind_links(file.into()),
            key: Key::File(key),
        };
        store.load(None)?;
        Ok(store)
    }

    /// The store's file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Marks a version as deleted.
    ///
    /// # Errors
    ///
    /// `NotFound`, `VersionNotFound` or `Destroyed`, or what keeps the file from being changed.
    pub fn delete(&self, path: &SecretPath, version: Version) -> Result<(), StoreError> {
        self.change(path, |contents| contents.delete(path, version))
    }

    /// Drops a version's data for good.
    ///
    /// # Errors
    ///
    /// `NotFound` or `VersionNotFound`, or what keeps the file from being changed.
    pub fn destroy(&self, path: &SecretPath, version: Version) -> Result<(), StoreError> {
        self.change(path, |contents| contents.destroy(path, version))
    }

    /// Reads, changes and replaces the file as one step that no other writer can come between.
    fn change<T>(
        &self,
        path: &SecretPath,
        change: impl FnOnce(&mut Contents) -> Result<T, StoreErrorKind>,
    ) -> Result<T, StoreError> {
        let lock = self.lock(Some(path))?;
        let mut contents = self.load(Some(path))?;
        let result = change(&mut contents).map_err(|kind| self.error(kind, Some(path)))?;
        self.save(&contents, Some(path))?;
        drop(lock);
        Ok(result)
    }

    fn stamp(&self, path: Option<&SecretPath>) -> Result<[u8; STAMP_BYTES], StoreError> {
        let mut stamp = [0; STAMP_BYTES];
        getrandom::fill(&mut stamp).map_err(|_| self.error(StoreErrorKind::NoRandomness, path))?;
        Ok(stamp)
    }

    fn lock(&self, path: Option<&SecretPath>) -> Result<std::fs::File, StoreError> {
        replace::lock(&self.file).map_err(|error| self.io("lock", &error, path))
    }

    fn load(&self, path: Option<&SecretPath>) -> Result<Contents, StoreError> {
        let limit = frame::MAX_STORE_BYTES;
        let bytes = key::read_private(&self.file, limit).map_err(|kind| self.error(kind, path))?;
        frame::open(&bytes, self.key.store_key()).map_err(|error| {
            let store_file = shown(&self.file);
            let kind = match error {
                FrameError::WrongKey => match &self.key {
                    Key::File(key) => StoreErrorKind::WrongKey {
                        store_file,
                        key_file: shown(key.path()),
                    },
                    Key::Passphrase(_) => StoreErrorKind::WrongPassphrase { store_file },
                },
                other => damaged(&self.file, &other),
            };
            self.error(kind, path)
        })
    }

    fn save(&self, contents: &Contents, path: Option<&SecretPath>) -> Result<(), StoreError> {
        let mut salt = [0; frame::SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| self.error(StoreErrorKind::NoRandomness, path))?;
        let bytes = frame::seal(contents, self.key.store_key(), salt).map_err(|error| {
            self.error(
                StoreErrorKind::Refused {
                    reason: error.to_string(),
                },
                path,
            )
        })?;
        replace::replace(&self.file, &bytes).map_err(|error| self.io("write", &error, path))
    }

    fn error(&self, kind: StoreErrorKind, path: Option<&SecretPath>) -> StoreError {
        StoreError::new(kind, &self.name, path)
    }

    fn io(&self, action: &'static str, error: &io::Error, path: Option<&SecretPath>) -> StoreError {
        self.error(io_kind(action, &self.file, error), path)
    }
}

impl Store for FileStore {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, path: &SecretPath, version: Option<Version>) -> Result<Secret, StoreError> {
        self.load(Some(path))?
            .read(path, version)
            .map_err(|kind| self.error(kind, Some(path)))
    }

    fn write(&self, path: &SecretPath, data: &SecretData, cas: Cas) -> Result<Version, StoreError> {
        let stamp = self.stamp(Some(path))?;
        self.change(path, |contents| {
            contents.write_stamped(path, data, cas, stamp)
        })
    }

    fn list(&self, prefix: Option<&SecretPath>) -> Result<Vec<SecretPath>, StoreError> {
        Ok(self.load(prefix)?.list(prefix))
    }

    fn metadata(&self, path: &SecretPath) -> Result<Metadata, StoreError> {
        self.load(Some(path))?
            .metadata(path)
            .map_err(|kind| self.error(kind, Some(path)))
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("name", &self.name)
            .field("file", &self.file)
            .field("key", &self.key)
            .finish()
    }
}

impl Key {
    fn store_key(&self) -> &StoreKey {
        match self {
            Self::File(key) => key.key(),
            Self::Passphrase(key) => key,
        }
    }
}

fn damaged(file: &Path, cause: &FrameError) -> StoreErrorKind {
    StoreErrorKind::Damaged {
        file: shown(file),
        reason: cause.to_string(),
    }
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

fn io_kind(action: &'static str, file: &Path, error: &io::Error) -> StoreErrorKind {
    StoreErrorKind::Io {
        action,
        file: shown(file),
        reason: error.to_string(),
    }
}

//! The key file: 32 random bytes in a PEM block `NARAE STORE KEY`, readable by its owner only.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::frame::{KEY_BYTES, StoreKey};
use super::{io_kind, shown};
use crate::store::{StoreError, StoreErrorKind};
use crate::{pem, whole_file};

const LABEL: &str = "NARAE STORE KEY";

/// Largest key file read, in bytes; a real one has about 100, and may have a comment around it.
const MAX_KEY_FILE_BYTES: usize = 64 * 1024;

/// The key of a file store, and the file it came from.
pub struct KeyFile {
    key: StoreKey,
    path: PathBuf,
}

impl KeyFile {
    /// Makes a new key from the operating system's generator and writes it to a new file.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::AlreadyExists`]: a key is never overwritten, since everything encrypted
    /// with it would be lost. [`StoreErrorKind::Io`], [`StoreErrorKind::NoRandomness`].
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(bytes.as_mut()).map_err(|_| error(StoreErrorKind::NoRandomness))?;
        let text = pem::encode(LABEL, bytes.as_ref());
        write_new(&path, text.as_bytes()).map_err(|cause| {
            error(match cause.kind() {
                io::ErrorKind::AlreadyExists => {
                    StoreErrorKind::AlreadyExists { file: shown(&path) }
                }
                _ => io_kind("write", &path, &cause),
            })
        })?;
        Ok(Self {
            key: StoreKey::new(&bytes),
            path,
        })
    }

    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::OpenPermissions`], [`StoreErrorKind::Damaged`] if it is not a key file,
    /// [`StoreErrorKind::Io`].
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        let bytes = read_private(&path, MAX_KEY_FILE_BYTES).map_err(error)?;
        let key = std::str::from_utf8(&bytes)
            .ok()
            .and_then(parse)
            .ok_or_else(|| {
                let reason = format!("is not a key file; expected a block {LABEL}");
                error(StoreErrorKind::Damaged {
                    file: shown(&path),
                    reason,
                })
            })?;
        Ok(Self { key, path })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn key(&self) -> &StoreKey {
        &self.key
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn parse(text: &str) -> Option<StoreKey> {
    let block = pem::blocks(text).find(|block| block.label == LABEL)?;
    let bytes: &[u8; KEY_BYTES] = block.der.as_slice().try_into().ok()?;
    Some(StoreKey::new(bytes))
}

fn error(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, "", None)
}

/// Writes beside `path` and links into place: a process killed here leaves no half key under the
/// key's name, another one never reads half of it, and unlike a rename a link overwrites nothing.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = whole_file::unused_beside(path)?;
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::hard_link(&temporary, path));
    // The link keeps the content; the error that matters is the first.
    let _ = std::fs::remove_file(&temporary);
    written.and_then(|()| whole_file::sync_directory_of(path))
}

/// Files made with these options are readable by their owner only.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Reads a file of at most `limit` bytes that only its owner may read.
///
/// The permissions are those of the opened file, not of whatever has its name a moment later.
pub(super) fn read_private(
    path: &Path,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, StoreErrorKind> {
    let io = |cause: io::Error| io_kind("read", path, &cause);
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(StoreErrorKind::OpenPermissions {
                file: shown(path),
                mode,
            });
        }
    }
    let size = usize::try_from(metadata.len())
        .unwrap_or(usize::MAX)
        .min(limit);
    // One byte more than it has: reading to the end never needs to move the buffer.
    let mut bytes = Zeroizing::new(Vec::with_capacity(size + 1));
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > limit {
        let reason = format!("is larger than {limit} bytes");
        return Err(StoreErrorKind::Damaged {
            file: shown(path),
            reason,
        });
    }
    Ok(bytes)
}

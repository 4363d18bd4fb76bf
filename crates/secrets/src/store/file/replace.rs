//! Replacing a file as a whole, under a lock.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::key::private;
use crate::whole_file::{self, beside};

/// The file itself, where `file` is a link to it: another file is put in its place, and locks stand beside it.
pub(super) fn behind_links(file: PathBuf) -> PathBuf {
    match fs::symlink_metadata(&file) {
        Ok(there) if there.is_symlink() => fs::canonicalize(&file).unwrap_or(file),
        _ => file,
    }
}

/// Takes the exclusive lock beside `file`, waiting for its holder; released when dropped, or by the
/// operating system when the process dies. The lock file stays: removing it would let two in.
pub(super) fn lock(file: &Path) -> io::Result<File> {
    let lock = private(OpenOptions::new().write(true).create(true).truncate(false))
        .open(beside(file, "", ".lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Puts `bytes` in place of `file`: all or nothing, and on the disk when it returns.
///
/// The caller holds the lock, so one name for the temporary file is enough; one left behind
/// by a killed process is thrown away. A file that is there keeps its owner.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(file, ".", ".tmp");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let out = private(OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
    if let Ok(old) = fs::metadata(file) {
        whole_file::keep_owner(&out, &old);
    }
    whole_file::put(out, &temporary, bytes, file)
}

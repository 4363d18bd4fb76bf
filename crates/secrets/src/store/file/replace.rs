//! Replacing a file as a whole, under a lock.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::key::private;
use crate::whole_file::{self, beside};

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
/// by a killed process is thrown away.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(file, ".", ".tmp");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let out = private(OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
    whole_file::put(out, &temporary, bytes, file)
}

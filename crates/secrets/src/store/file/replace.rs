//! Replacing a file as a whole, under a lock.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::key::private;

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
    let mut out = private(OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
    let done = out
        .write_all(bytes)
        .and_then(|()| out.sync_all())
        .and_then(|()| fs::rename(&temporary, file));
    if done.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    done.and_then(|()| sync_directory_of(file))
}

/// Flushes the directory entry of `file`; without it a rename may be undone by a power cut.
pub(super) fn sync_directory_of(file: &Path) -> io::Result<()> {
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Only Unix can open a directory as a file.
    if cfg!(unix) {
        File::open(directory)?.sync_all()
    } else {
        Ok(())
    }
}

/// `file` with something before and after its name.
pub(super) fn beside(file: &Path, before: &str, after: &str) -> PathBuf {
    let mut name = OsString::from(before);
    name.push(file.file_name().unwrap_or_default());
    name.push(after);
    file.with_file_name(name)
}

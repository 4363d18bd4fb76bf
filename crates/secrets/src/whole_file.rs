//! Files that are written whole or not at all: a temporary file beside them, flushed, then renamed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Writes `bytes` to `out`, which is the file `temporary`, and puts that in place of `file`: all or
/// nothing, and on the disk when it returns.
pub(crate) fn put(mut out: File, temporary: &Path, bytes: &[u8], file: &Path) -> io::Result<()> {
    let done = out
        .write_all(bytes)
        .and_then(|()| out.sync_all())
        .and_then(|()| fs::rename(temporary, file));
    if done.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(temporary);
    }
    done.and_then(|()| sync_directory_of(file))
}

/// Flushes the directory entry of `file`; without it a rename may be undone by a power cut.
pub(crate) fn sync_directory_of(file: &Path) -> io::Result<()> {
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
pub(crate) fn beside(file: &Path, before: &str, after: &str) -> PathBuf {
    let mut name = OsString::from(before);
    name.push(file.file_name().unwrap_or_default());
    name.push(after);
    file.with_file_name(name)
}

/// A name beside `file` that nothing has yet.
pub(crate) fn unused_beside(file: &Path) -> io::Result<PathBuf> {
    let mut unique = [0; 8];
    getrandom::fill(&mut unique).map_err(|_| io::ErrorKind::Other)?;
    let after = format!(".{:016x}.tmp", u64::from_ne_bytes(unique));
    Ok(beside(file, ".", &after))
}

/// Gives `new` the owner and group of the file it is to replace, where this process may.
pub(crate) fn keep_owner(new: &File, old: &fs::Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        // Only root may give a file away; for others it stays theirs, as with any editor.
        let _ = fchown(new, Some(old.uid()), Some(old.gid()));
    }
    #[cfg(not(unix))]
    let _ = (new, old);
}

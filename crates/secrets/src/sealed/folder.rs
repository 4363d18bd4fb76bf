//! The SealedSecrets of a folder sealed anew for another certificate, from a backup of the old keys.
//!
//! Decides nothing itself: what becomes of a file, [`ResealRequest::run`] says. This finds the files, divides
//! them among threads, and puts each new text in place of the old: whole or not at all, in the mode
//! the file had, and only if nobody changed it meanwhile. No plaintext is ever written.
//!
//! Looked at are files named `*.yaml`, `*.yml` and `*.json` that mention a SealedSecret. Symbolic links are not
//! followed, and neither are names that begin with a dot.

use std::fs::{self, OpenOptions};
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use thiserror::Error;

use super::{Certificate, PrivateKeys, ResealOutcome, ResealRequest, ResealedItem, SealedFile};
use crate::whole_file;

/// Largest file read, in bytes; larger ones are reported.
pub const MAX_FILE_BYTES: u64 = 32 * 1024 * 1024;
/// Deepest folder entered, counted from the one given.
pub const MAX_DEPTH: usize = 64;

/// What to do with a folder.
#[derive(Debug)]
pub struct Rotation<'a> {
    request: ResealRequest<'a>,
    threads: NonZeroUsize,
    dry_run: bool,
}

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Files done.
    pub files_done: usize,
    /// Files there are.
    pub files: usize,
    /// Items done, in the files that are.
    pub items_done: usize,
}

/// What became of one file. Files without a SealedSecret have none.
#[derive(Debug)]
#[non_exhaustive]
pub struct FileReport {
    /// The file.
    pub file: PathBuf,
    /// What was done with it.
    pub outcome: FileOutcome,
    /// What was done for each item; an item's [`Resealed`](ResealOutcome::Resealed) holds only if the file was written.
    pub items: Vec<ResealedItem>,
}

/// What was done with a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileOutcome {
    /// All its items are sealed for the certificate already.
    Kept,
    /// It has its new text; in a dry run it would have.
    Written,
    /// An item failed, so it stays as it was.
    Failed,
    /// It cannot be read.
    Unreadable(narae_yaml::Error),
    /// It could not be read from or written to the disk, and stays as it was.
    Disk(io::Error),
    /// Somebody else changed it meanwhile; it has their text.
    Changed,
}

/// A folder that cannot be searched.
#[derive(Debug, Error)]
#[error("cannot search {}: {cause}", folder.display())]
pub struct FolderError {
    folder: PathBuf,
    #[source]
    cause: io::Error,
}

impl<'a> Rotation<'a> {
    /// From what `keys` open to what the key of `certificate` opens. Check its dates first: this reads no
    /// clock.
    #[must_use]
    pub fn new(keys: &'a PrivateKeys, certificate: &'a Certificate) -> Self {
        Self {
            request: ResealRequest::new(keys, certificate),
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            dry_run: false,
        }
    }

    /// Does everything but write.
    #[must_use]
    pub fn with_dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Works with this many threads; otherwise with as many as the machine has.
    #[must_use]
    pub fn with_threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Seals the items of every file below `folder` (or of the one file it is) anew. `progress` is called after each file, from
    /// whichever thread did it.
    ///
    /// # Errors
    ///
    /// [`FolderError`] before anything is done. What goes wrong with a file stands in its report.
    pub fn run(
        &self,
        folder: &Path,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Vec<FileReport>, FolderError> {
        let files = manifests(folder)?;
        let next = AtomicUsize::new(0);
        let done = Mutex::new((Vec::with_capacity(files.len()), 0, 0));
        std::thread::scope(|scope| {
            for _ in 0..self.threads.get().min(files.len()) {
                scope.spawn(|| {
                    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let report = self.rotate(file);
                        let mut done = done.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                        let (reports, files_done, items_done) = &mut *done;
                        *files_done += 1;
                        if let Some(report) = report {
                            *items_done += report.items.len();
                            reports.push(report);
                        }
                        progress(Progress {
                            files_done: *files_done,
                            files: files.len(),
                            items_done: *items_done,
                        });
                    }
                });
            }
        });
        let (mut reports, ..) = done
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        reports.sort_by(|a: &FileReport, b| a.file.cmp(&b.file));
        Ok(reports)
    }

    /// `None` for a file that has nothing to do with this.
    fn rotate(&self, file: &Path) -> Option<FileReport> {
        let report = |outcome, items| {
            Some(FileReport {
                file: file.to_owned(),
                outcome,
                items,
            })
        };
        let bytes = match read(file) {
            Ok(bytes) => bytes,
            Err(cause) => return report(FileOutcome::Disk(cause), Vec::new()),
        };
        if !mentions(&bytes, b"SealedSecret") {
            return None;
        }
        let sealed = match SealedFile::read_bytes(file.to_string_lossy(), &bytes) {
            Ok(sealed) if sealed.secrets().is_empty() => return None,
            Ok(sealed) => sealed,
            Err(error) => return report(FileOutcome::Unreadable(error), Vec::new()),
        };
        let done = self.request.run(&sealed);
        let failed = |item: &ResealedItem| matches!(item.outcome, ResealOutcome::Failed(_));
        let outcome = match done.text {
            None if done.items.iter().any(failed) => FileOutcome::Failed,
            None => FileOutcome::Kept,
            Some(_) if self.dry_run => FileOutcome::Written,
            Some(text) => write(file, &bytes, &text).unwrap_or_else(FileOutcome::Disk),
        };
        report(outcome, done.items)
    }
}

/// The files below `folder` that may hold a SealedSecret, by their names, sorted. A `folder` that is a file is
/// taken whatever its name.
///
/// # Errors
///
/// [`FolderError`].
pub fn manifests(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let mut files = Vec::new();
    if folder.is_symlink() && folder.is_file() {
        // The link stays, and what it points at is replaced.
        files.push(fs::canonicalize(folder).map_err(|cause| FolderError {
            folder: folder.to_owned(),
            cause,
        })?);
    } else if folder.is_file() {
        files.push(folder.to_owned());
    } else {
        search(folder, MAX_DEPTH, &mut files)?;
        files.sort();
    }
    Ok(files)
}

fn search(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), FolderError> {
    let error = |cause| FolderError {
        folder: folder.to_owned(),
        cause,
    };
    let too_deep = || io::Error::other(format!("nested deeper than {MAX_DEPTH} folders"));
    let below = depth.checked_sub(1).ok_or_else(too_deep).map_err(error)?;
    for entry in fs::read_dir(folder).map_err(error)? {
        let entry = entry.map_err(error)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let (kind, path) = (entry.file_type().map_err(error)?, entry.path());
        let extension = path.extension().and_then(|extension| extension.to_str());
        if kind.is_dir() {
            search(&path, below, files)?;
        } else if kind.is_file() && matches!(extension, Some("yaml" | "yml" | "json")) {
            files.push(path);
        }
    }
    Ok(())
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(file)?.len() > MAX_FILE_BYTES {
        let message = format!("larger than {MAX_FILE_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    fs::read(file)
}

fn mentions(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// Puts `text` in place of `old`.
fn write(file: &Path, old: &[u8], text: &str) -> io::Result<FileOutcome> {
    let before = fs::metadata(file)?;
    let temporary = whole_file::unused_beside(file)?;
    let out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&temporary)?;
    // A moment remains in which a change would be lost: renaming cannot be made conditional.
    whole_file::keep_owner(&out, &before);
    let prepared = out
        .set_permissions(before.permissions())
        .and_then(|()| Ok(read(file)? == old));
    match prepared {
        Ok(true) => {
            whole_file::put(out, &temporary, text.as_bytes(), file).map(|()| FileOutcome::Written)
        }
        other => {
            let _ = fs::remove_file(&temporary);
            other.map(|_| FileOutcome::Changed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Between reading a file and replacing it somebody else wrote it: their text stays.
    #[test]
    fn a_file_that_changed_meanwhile_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("db.yaml");
        fs::write(&file, "theirs").unwrap();
        let outcome = write(&file, b"as it was read", "ours").unwrap();
        assert!(matches!(outcome, FileOutcome::Changed), "{outcome:?}");
        assert_eq!(fs::read(&file).unwrap(), b"theirs");
        let outcome = write(&file, b"theirs", "ours").unwrap();
        assert!(matches!(outcome, FileOutcome::Written), "{outcome:?}");
        assert_eq!(fs::read(&file).unwrap(), b"ours");
        fs::remove_file(&file).unwrap();
        assert!(write(&file, b"ours", "again").is_err(), "it is gone");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

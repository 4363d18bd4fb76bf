//! Files and folders that only their owner may read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Whether there is something at `file`. Where it cannot be told, and where a link leads nowhere, that is an error.
pub(crate) fn is_there(file: &Path) -> Result<bool> {
    let is_there = file.try_exists();
    let is_there = is_there.with_context(|| format!("cannot look for {}", file.display()))?;
    if !is_there && file.is_symlink() {
        bail!(
            "{} is a link to a file that is not there\n  try: make that, or remove the link",
            file.display()
        );
    }
    Ok(is_there)
}

/// Makes a folder, and those above it; one that is there is left as it is.
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a new file and flushes it to the disk.
pub(crate) fn private_file(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file)?;
    out.write_all(bytes)?;
    out.sync_all()
}

/// Writes a file beside itself and moves it into place: it is there whole, old or new.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = file.with_file_name(name);
    let mut out = File::create(&new)?;
    let written = out.write_all(bytes).and_then(|()| out.sync_all());
    written
        .and_then(|()| fs::rename(&new, file))
        .inspect_err(|_| {
            // What is left of it is of no use; that it stays is the lesser evil.
            let _ = fs::remove_file(&new);
        })
}

/// Takes an exclusive lock, waiting for its holder; released when dropped, or when the process dies.
pub(crate) fn lock(file: &Path) -> io::Result<File> {
    let lock = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(file)?;
    lock.lock()?;
    Ok(lock)
}

/// Who may look into a folder that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// Its owner.
    Private,
    /// Whoever the system's default lets.
    Shared,
}

/// Makes the folder a file is to stand in.
pub(crate) fn folder_of(file: &Path, privacy: Privacy) -> io::Result<()> {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => match privacy {
            Privacy::Private => private_folder(parent),
            Privacy::Shared => fs::create_dir_all(parent),
        },
        _ => Ok(()),
    }
}

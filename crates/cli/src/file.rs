//! Files of a bounded size, and folders in which nothing is passed over.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Largest file read: more than any values, template, policy or certificate has.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Reads a regular file of a bounded size: a device or a pipe would never end.
///
/// # Errors
///
/// When it is larger, or something else.
pub fn read(file: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(file)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("larger than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

/// As [`read`], for text.
///
/// # Errors
///
/// When it cannot be read, or is not UTF-8.
pub fn read_text(file: &Path) -> Result<String> {
    let bytes = read(file).with_context(|| format!("cannot read {}", file.display()))?;
    text(file.display(), bytes)
}

/// The text of a file of this name.
///
/// # Errors
///
/// When it is not UTF-8, with line and column, which counts characters.
pub fn text(name: impl Display, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let mut before = error.into_bytes();
        before.truncate(good);
        let before = String::from_utf8_lossy(&before);
        let mut lines = before.trim_start_matches('\u{feff}').rsplit('\n');
        let column = lines.next().unwrap_or_default().chars().count() + 1;
        let line = lines.count() + 1;
        anyhow::anyhow!("{name}:{line}:{column}: not UTF-8 (byte {good})")
    })
}

/// The YAML files of a folder, in the order of their names; hidden ones, backups and READMEs aside.
///
/// # Errors
///
/// When there is none, or something that would not be read.
pub fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot list {}", folder.display()))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_aside(&name) {
            continue;
        }
        // A folder or another ending would be passed over without a word.
        if !path.is_file() || !(name.ends_with(".yaml") || name.ends_with(".yml")) {
            bail!(
                "{} is not a .yaml file and would not be read\n  try: move or rename it",
                path.display()
            );
        }
        files.push(path);
    }
    // The order a folder is listed in differs between file systems.
    files.sort();
    if files.is_empty() {
        bail!("{} holds no .yaml file", folder.display());
    }
    Ok(files)
}

/// Whether nobody takes a file of this name for one that is read: hidden ones, backups, READMEs.
pub(crate) fn is_aside(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || name.starts_with("README")
}

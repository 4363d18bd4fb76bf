//! Making a bare repository.
//!
//! Its folders come first and `HEAD` last, whole: without it neither git nor this crate takes the folder
//! for a repository, and what a killed process had begun is finished by the next one.

use std::fs;
use std::io::{self, ErrorKind as IoKind};
use std::path::Path;

use super::{Error, ErrorKind, branch, store};

/// What stands in the folder before `HEAD`.
const BEGUN: [&str; 4] = ["config", "narae", "objects", "refs"];

pub(super) fn bare(path: &Path, default_branch: &str) -> Result<(), Error> {
    let doing = format!("cannot make a repository at {}", path.display());
    let head = format!("ref: {}\n", branch::reference_name(default_branch)?);
    let made = if is_free(path) {
        create(path, &head)
    } else {
        Err(IoKind::AlreadyExists.into())
    };
    made.map_err(|error| match error.kind() {
        IoKind::AlreadyExists | IoKind::NotADirectory => Error::new(
            ErrorKind::AlreadyExists,
            format!("{doing}: there is something already"),
        ),
        _ => Error::io(doing, error),
    })
}

/// Whether there is nothing, or only what another creation had begun.
fn is_free(path: &Path) -> bool {
    let is_begun = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| BEGUN.iter().any(|name| entry.file_name() == *name))
    };
    match path.read_dir() {
        Ok(entries) => entries.into_iter().all(is_begun),
        Err(error) => error.kind() == IoKind::NotFound,
    }
}

fn create(path: &Path, head: &str) -> io::Result<()> {
    for folder in [
        "objects/info",
        "objects/pack",
        "refs/heads",
        "refs/tags",
        "narae",
    ] {
        fs::create_dir_all(path.join(folder))?;
    }
    let config = format!(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = {}\n\tbare = true\n",
        cfg!(unix)
    );
    match place(path, "config", &config) {
        // Another creation's, which says the same.
        Err(error) if error.kind() == IoKind::AlreadyExists => {}
        placed => placed?,
    }
    place(path, "HEAD", head)
}

/// Puts a whole file there; fails where there is one.
fn place(path: &Path, name: &str, text: &str) -> io::Result<()> {
    let (making, file) = (path.join("narae").join(store::unique()), path.join(name));
    fs::write(&making, text)?;
    match fs::hard_link(&making, &file) {
        // There are file systems without links.
        Err(error) if error.kind() != IoKind::AlreadyExists => fs::rename(making, file),
        placed => fs::remove_file(making).and(placed),
    }
}

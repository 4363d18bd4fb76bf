//! Writing new objects so that they are on the disk, whole, before anything refers to them.
//!
//! Few objects are written loose, many as one pack: git's own rule for a push it receives
//! (`receive.unpackLimit`). A pack is one file to sync but one more file for every later lookup to
//! search; loose objects cost a sync each. libgit2 syncs each file before it renames it into
//! place when `core.fsyncObjectFiles` is set. git calls that setting deprecated and warns about
//! it, so it stands in a file only this crate reads.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "remote")]
use super::loose;
use super::object::Object;
#[cfg(feature = "remote")]
use super::objects::Objects;
use super::{Error, open_hermetic};

/// Most objects written loose. Where a sync takes 4 ms, that many take as long as a person notices.
const LOOSE_LIMIT: usize = 32;

const CONFIG: &str = "\
# Written and read by narae-gitops alone: sync objects and references before renaming them into place.
[core]
\tfsyncObjectFiles = true
";

/// The file of settings only this crate reads.
pub(super) fn config_path(git: &git2::Repository) -> PathBuf {
    git.commondir().join("narae").join("config")
}

/// `<git directory>/narae`, made if it is not there. git leaves names it does not know alone.
pub(super) fn own_directory(git: &git2::Repository) -> Result<PathBuf, Error> {
    let directory = git.commondir().join("narae");
    std::fs::create_dir_all(&directory)
        .map_err(|error| Error::io(format_args!("cannot make {}", directory.display()), error))?;
    Ok(directory)
}

/// A handle that syncs what it writes.
pub(super) fn open_for_writing(git: &git2::Repository) -> Result<git2::Repository, Error> {
    let file = config_path(git);
    if !file.exists() {
        let doing = format!("cannot write {}", file.display());
        // Renamed into place: a reader must never see half of it.
        let making = own_directory(git)?.join(unique());
        std::fs::write(&making, CONFIG)
            .and_then(|()| std::fs::rename(&making, &file))
            .map_err(|error| Error::io(doing, error))?;
    }
    open_hermetic(git.path())
}

/// Writes `objects` through a handle from [`open_for_writing`].
pub(super) fn write(git: &git2::Repository, objects: &[Object]) -> Result<(), Error> {
    let doing = "cannot write objects";
    let database = git.odb().map_err(|error| Error::git(doing, error))?;
    if objects.len() <= LOOSE_LIMIT {
        for object in objects {
            database
                .write(object.kind, &object.bytes)
                .map_err(|error| Error::git(doing, error))?;
        }
        return Ok(());
    }
    write_pack(&open_hermetic(git.path())?, objects).map_err(|error| Error::git(doing, error))
}

/// Keeps objects that can be had again: not synced, and hardly compressed.
#[cfg(feature = "remote")]
pub(super) fn keep(git: &Objects, objects: &[Object]) -> Result<(), Error> {
    if objects.len() > LOOSE_LIMIT {
        return write(git, objects);
    }
    for object in objects {
        loose::write(git, object)
            .map_err(|error| Error::io(format_args!("cannot write object {}", object.id), error))?;
        git.remember(object);
    }
    Ok(())
}

/// Writes one pack. The handle keeps the objects in memory from here on: it is used for this alone.
fn write_pack(git: &git2::Repository, objects: &[Object]) -> Result<(), git2::Error> {
    // Above libgit2's own backends, which have priorities 1 and 2.
    const FIRST: i32 = 1000;
    let database = git.odb()?;
    let _in_memory = database.add_new_mempack_backend(FIRST)?;
    let mut pack = git.packbuilder()?;
    for object in objects {
        database.write(object.kind, &object.bytes)?;
        pack.insert_object(object.id, None)?;
    }
    pack.write(&git.commondir().join("objects").join("pack"), 0)
}

/// A name no other process or thread of this machine has.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!(
        "narae-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

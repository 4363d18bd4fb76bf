//! Objects of remotes, kept between runs in a folder that may be deleted at any time.
//!
//! One bare repository for each address. Processes share it: objects are written beside their names and
//! renamed, and nothing in it ever changes. When it has grown past its limits and nobody uses it, it
//! is begun anew; a shared lock (of the operating system, which dies with its holder) says who does.
//!
//! Nothing in it is synced to disk, so a loss of power may leave files empty or cut short. A single object that is damaged
//! is fetched again. Whoever finds that something else cannot be read writes that down and gives up with [`ErrorKind::CacheLost`]; whoever opens it next begins it anew,
//! whoever uses it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha1::{Digest as _, Sha1};

use super::Remote;
use super::error::{Error, ErrorKind};
use super::wire::ObjectId;
use crate::repository::{self, Repository};

/// Most packs before it is begun anew: each is a file to look into for every object.
pub const MAX_CACHED_PACKS: usize = 50;
/// About how many loose objects there may be before it is begun anew.
pub const MAX_CACHED_OBJECTS: usize = 50_000;

/// Says that a repository is a cache.
const CACHE: &str = "narae/cache";
/// Says that something in it could not be read.
const DAMAGED: &str = "narae/damaged";

/// The objects of one remote on this machine.
#[derive(Debug)]
pub struct Cache {
    repository: Repository,
    /// Held shared as long as this lives; `None` where the file system has no locks.
    _lock: Option<File>,
}

impl Cache {
    /// What `folder` has of `remote`. Folder and repository are made when they are not there, for this
    /// user only; one that was found damaged is begun anew. After [`ErrorKind::CacheLost`], drop this and open it again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Repository`] when the folder cannot be used.
    pub fn open(folder: impl AsRef<Path>, remote: &Remote) -> Result<Self, Error> {
        let folder = folder.as_ref();
        make_private(folder).map_err(|error| failed(folder, error))?;
        let name = name(&remote.address());
        let (path, lock) = (
            folder.join(format!("{name}.git")),
            folder.join(format!("{name}.lock")),
        );
        if is_full(&path) || is_remains(&path) {
            clear(folder, &path, &lock);
        }
        begin_anew(folder, &path, || path.join(DAMAGED).exists());
        let lock = File::create(&lock).map_err(|error| failed(folder, error))?;
        let lock = lock.lock_shared().is_ok().then_some(lock);
        let repository = opened(&path).or_else(|_| {
            // `HEAD` comes last: one that is being made is no such one.
            begin_anew(folder, &path, || {
                path.join("HEAD").exists() && opened(&path).is_err()
            });
            opened(&path)
        });
        Ok(Self {
            repository: repository?,
            _lock: lock,
        })
    }

    /// Where the objects are.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }
}

/// What failed because the objects that were fetched are gone, or cannot be read, told so.
pub(crate) fn lost(repository: &Repository, error: Error) -> Error {
    use repository::ErrorKind::{Damaged, Failed, NotFound};

    let ErrorKind::Repository(kind) = error.kind() else {
        return error;
    };
    let folder = repository.path();
    if !folder.join("HEAD").exists() {
        return error
            .with_kind(ErrorKind::CacheLost)
            .hint("again: the folder of objects was deleted meanwhile");
    }
    if !matches!(kind, Damaged | Failed | NotFound) || !folder.join(CACHE).exists() {
        return error;
    }
    // Where that cannot be written down nothing else can be written either, and the error says why.
    let _ = fs::write(folder.join(DAMAGED), error.to_string());
    error
        .with_kind(ErrorKind::CacheLost)
        .hint("again: what was fetched before is damaged, and is fetched anew")
}

fn opened(path: &Path) -> Result<Repository, repository::Error> {
    let repository = match Repository::init_bare(path, "main") {
        Err(error) if error.kind() == repository::ErrorKind::AlreadyExists => {
            Repository::open(path)
        }
        made => made,
    }?;
    let mark = path.join(CACHE);
    if !mark.exists() {
        let doing = format_args!("cannot write {}", mark.display()).to_string();
        let made = fs::create_dir_all(path.join("narae")).and_then(|()| fs::write(&mark, ""));
        made.map_err(|error| repository::Error::io(doing, error))?;
    }
    Ok(repository)
}

/// One name for each address, the same in every process.
fn name(address: &str) -> String {
    ObjectId::from_bytes(Sha1::digest(address.as_bytes()).into()).to_string()
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn is_full(path: &Path) -> bool {
    // git's own estimate for `gc --auto`: ids are spread evenly over the 256 folders.
    const SAMPLE: &str = "17";
    const FOLDERS: usize = 256;
    let count = |folder: PathBuf| folder.read_dir().map_or(0, Iterator::count);
    let objects = path.join("objects");
    // A pack is two files.
    count(objects.join("pack")) > 2 * MAX_CACHED_PACKS
        || count(objects.join(SAMPLE)) * FOLDERS > MAX_CACHED_OBJECTS
}

/// Whether a deletion was stopped halfway. A repository that is being made looks the same, and is in use.
fn is_remains(path: &Path) -> bool {
    path.is_dir() && !path.join("HEAD").exists()
}

/// Removes what is there, unless somebody uses it.
fn clear(folder: &Path, path: &Path, lock: &Path) {
    let Ok(lock) = File::create(lock) else { return };
    if lock.try_lock().is_err() {
        return;
    }
    remove(folder, path);
}

/// Removes what is there if it is no good, whoever uses it: they find that it is gone, and begin again.
fn begin_anew(folder: &Path, path: &Path, is_bad: impl Fn() -> bool) {
    if !path.exists() || !is_bad() {
        return;
    }
    // One at a time, and what the one before made is good: where folders can be locked, nobody removes that.
    let guard = File::open(folder).and_then(|folder| folder.lock().map(|()| folder));
    if guard.is_err() || is_bad() {
        remove(folder, path);
    }
}

fn remove(folder: &Path, path: &Path) {
    // Out of the way at once; the removal may take its time, or be left to the next.
    let old = folder.join(repository::unique());
    if fs::rename(path, &old).is_ok() {
        let _ = fs::remove_dir_all(old);
    }
}

fn failed(folder: &Path, error: io::Error) -> Error {
    Error::new(
        ErrorKind::Repository(repository::ErrorKind::Failed),
        format!("cannot use {} as a cache: {error}", folder.display()),
    )
}

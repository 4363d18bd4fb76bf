//! A cache that a loss of power, a full disk or somebody's hand has damaged: the next run succeeds, and is right.

use std::fs;
use std::path::{Path, PathBuf};

use narae_gitops::remote::{Cache, Error, ErrorKind, Landed, Remote, Snapshot};
use narae_gitops::repository::{Commit, CommitId, Entry};

use super::fixture::{Served, committed, remote, replace};
use crate::fixture::{commit, directory, fsck, git, path};

const FILE: &str = "apps/shop/values.yaml";

/// What may become of a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Empty,
    Half,
    Flipped,
    Removed,
}

const HARMS: [Harm; 4] = [Harm::Empty, Harm::Half, Harm::Flipped, Harm::Removed];

impl Harm {
    fn does(self, file: &Path) {
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        match self {
            Self::Empty => bytes.clear(),
            Self::Half => bytes.truncate(middle),
            Self::Flipped => bytes
                .iter_mut()
                .skip(middle)
                .take(2)
                .for_each(|byte| *byte ^= 0x55),
            Self::Removed => return fs::remove_file(file).unwrap(),
        }
        // Objects are read-only, as git makes them.
        fs::remove_file(file).unwrap();
        fs::write(file, bytes).unwrap();
    }
}

/// With more files than are kept as loose objects.
fn served() -> Served {
    let served = Served::new();
    let name = |number| format!("apps/app-{number:02}/values.yaml");
    let names: Vec<String> = (0..40).map(name).collect();
    let texts: Vec<String> = (0..40).map(|number| format!("tag: {number}\n")).collect();
    let files: Vec<_> = names
        .iter()
        .zip(&texts)
        .map(|(name, text)| (name.as_str(), Some(text.as_str())))
        .collect();
    let theirs = narae_gitops::repository::Repository::open(served.path()).unwrap();
    crate::fixture::advance(&theirs, &files);
    served
}

/// All files of all applications are looked at, and the one is changed.
fn land(remote: &Remote, cache: &Cache, branch: &str) -> Result<Landed, Error> {
    let decide = |tip: &Snapshot<'_>| -> Result<Vec<Commit>, Error> {
        tip.need_history(3)?;
        let entries = tip.list(&path("apps"))?;
        tip.need(entries.iter().map(Entry::path))?;
        for entry in &entries {
            tip.read(entry.path())?;
        }
        replace(FILE, "1", "2")(tip)
    };
    remote.land(cache.repository(), branch, 1, decide, |_| {})
}

/// As `promote` does: once more with a cache that is opened again. Whether that was needed.
fn run(folder: &Path, remote: &Remote, branch: &str) -> (CommitId, bool) {
    let cache = Cache::open(folder, remote).unwrap();
    let (landed, again) = match land(remote, &cache, branch) {
        Err(error) if error.kind() == ErrorKind::CacheLost => {
            drop(cache);
            let cache = Cache::open(folder, remote).unwrap();
            (land(remote, &cache, branch).unwrap(), true)
        }
        landed => (landed.unwrap_or_else(|error| panic!("{error:?}")), false),
    };
    (*committed(&landed).first().unwrap(), again)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let there = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(there.parent().unwrap()).unwrap();
        fs::copy(&file, there).unwrap();
    }
    // git knows its repositories by folders that may be empty.
    for folder in ["refs/heads", "refs/tags", "objects/info", "objects/pack"] {
        let caches = fs::read_dir(to).unwrap().map(|entry| entry.unwrap().path());
        for cache in caches.filter(|path| path.is_dir()) {
            fs::create_dir_all(cache.join(folder)).unwrap();
        }
    }
}

/// One of each kind: of objects each, of other files all.
fn kinds(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut loose) = (Vec::new(), 0);
    for file in files(folder) {
        let is_loose = file
            .parent()
            .is_some_and(|parent| parent.file_name().is_some_and(|name| name.len() == 2));
        loose += usize::from(is_loose);
        if !is_loose || loose <= 3 {
            found.push(file);
        }
    }
    found
}

/// What was fetched and made by a run; then each of its files comes to harm, and a run at the same tip follows.
fn every_file_may_come_to_harm(can_filter: bool) {
    let served = served();
    git(
        &served.path(),
        &["config", "uploadpack.allowFilter", &can_filter.to_string()],
    );
    let remote = remote(served.path().to_str().unwrap());
    let template = directory();
    git(&served.path(), &["branch", "first", "main"]);
    let (made, _) = run(template.path(), &remote, "first");
    assert_eq!(run(template.path(), &remote, "main"), (made, false));
    git(&served.path(), &["update-ref", "refs/heads/main", "first^"]);
    for (number, file) in kinds(template.path()).into_iter().enumerate() {
        for harm in HARMS {
            let folder = directory();
            copy(template.path(), folder.path());
            let file = folder
                .path()
                .join(file.strip_prefix(template.path()).unwrap());
            harm.does(&file);
            let branch = format!("b{number}-{harm:?}");
            git(&served.path(), &["branch", &branch, "main"]);
            let (new, _) = run(folder.path(), &remote, &branch);
            assert_eq!(new, made, "{harm:?} {}", file.display());
            // Nothing is left of the harm.
            git(
                &served.path(),
                &["update-ref", &format!("refs/heads/{branch}"), "main"],
            );
            assert_eq!(
                run(folder.path(), &remote, &branch),
                (made, false),
                "{harm:?} {}",
                file.display()
            );
        }
    }
    fsck(&served.path());
}

#[test]
fn every_file_of_single_objects_may_come_to_harm() {
    every_file_may_come_to_harm(true);
}

#[test]
fn every_file_of_whole_snapshots_may_come_to_harm() {
    every_file_may_come_to_harm(false);
}

#[test]
fn objects_may_be_removed_in_the_middle_of_a_run() {
    for can_filter in ["true", "false"] {
        let served = served();
        git(
            &served.path(),
            &["config", "uploadpack.allowFilter", can_filter],
        );
        let remote = remote(served.path().to_str().unwrap());
        let folder = directory();
        let mut cache = Some(Cache::open(folder.path(), &remote).unwrap());
        let mut attempts = 0;
        loop {
            let open = cache.take().unwrap();
            let decide = |tip: &Snapshot<'_>| -> Result<Vec<Commit>, Error> {
                tip.read(&path("apps/cart/values.yaml"))?;
                if attempts == 0 {
                    for file in files(&open.repository().path().join("objects")) {
                        fs::remove_file(file).unwrap();
                    }
                }
                tip.read(&path(FILE))?;
                Ok(vec![commit("x", &[(FILE, Some("tag: 2\n"))])])
            };
            let landed = remote.land(open.repository(), "main", 1, decide, |_| {});
            attempts += 1;
            match landed {
                Err(error) if attempts == 1 => {
                    assert_eq!(error.kind(), ErrorKind::CacheLost, "{error}");
                }
                landed => {
                    committed(&landed.unwrap());
                    break;
                }
            }
            drop(open);
            cache = Some(Cache::open(folder.path(), &remote).unwrap());
        }
        assert_eq!(served.file(FILE), "tag: 2\n");
        fsck(&served.path());
    }
}

/// Somebody else's run goes on meanwhile: it finds that its folder is gone, and begins again.
#[test]
fn a_damaged_one_is_begun_anew_although_it_is_used() {
    let served = served();
    let remote = remote(served.path().to_str().unwrap());
    let folder = directory();
    let used = Cache::open(folder.path(), &remote).unwrap();
    let mark = used.repository().path().join("narae/damaged");
    fs::write(&mark, "cannot read an object").unwrap();
    let other = Cache::open(folder.path(), &remote).unwrap();
    assert!(!mark.exists());
    drop(used);
    committed(&land(&remote, &other, "main").unwrap());
}

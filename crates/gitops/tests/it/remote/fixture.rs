//! A folder with a repository that servers serve, and changes that land there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use narae_gitops::remote::{Error, Landed, Outcome, Remote, Snapshot};
use narae_gitops::repository::{Commit, CommitId, Repository};
use tempfile::TempDir;

use crate::fixture::{commit, directory, git, git_reading, import_stream, path};

/// What servers serve: `gitops.git`, with `main` at two applications of two files each.
pub(crate) struct Served {
    directory: TempDir,
}

impl Served {
    pub(crate) fn new() -> Self {
        let served = Self::empty();
        let files = [
            ("100644", "apps/cart/deployment.yaml", "image: cart:1\n"),
            ("100644", "apps/cart/values.yaml", "tag: 1\n"),
            ("100644", "apps/shop/deployment.yaml", "image: shop:1\n"),
            ("100644", "apps/shop/values.yaml", "tag: 1\n"),
            ("100644", "README.md", "read me\n"),
        ];
        git_reading(
            &served.path(),
            &["fast-import", "--quiet"],
            &import_stream("refs/heads/main", &files),
        );
        served
    }

    /// With the unborn branch `main`.
    pub(crate) fn empty() -> Self {
        let directory = directory();
        git(
            directory.path(),
            &[
                "init",
                "--quiet",
                "--bare",
                "--initial-branch=main",
                "gitops.git",
            ],
        );
        let served = Self { directory };
        git(
            &served.path(),
            &["config", "uploadpack.allowFilter", "true"],
        );
        served
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// The repository.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder().join("gitops.git")
    }

    pub(crate) fn hook(&self, name: &str, script: &str) {
        let file = self.path().join("hooks").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn tip(&self) -> CommitId {
        git(&self.path(), &["rev-parse", "main"])
            .trim()
            .parse()
            .unwrap()
    }

    /// The file at the tip.
    pub(crate) fn file(&self, name: &str) -> String {
        git(&self.path(), &["show", &format!("main:{name}")])
    }

    /// How many commits `main` has.
    pub(crate) fn commits(&self) -> usize {
        Self::commits_of(&self.path())
    }

    /// The same of the repository at `path`.
    pub(crate) fn commits_of(path: &Path) -> usize {
        let count = git(path, &["rev-list", "--count", "main"]);
        count.trim().parse().unwrap()
    }
}

/// A place for objects.
pub(crate) fn cache() -> (TempDir, Repository) {
    crate::fixture::bare()
}

pub(crate) fn remote(address: &str) -> Remote {
    Remote::new(address).unwrap()
}

/// Writes `content` to `name`, whatever is there.
pub(crate) fn write(
    name: &'static str,
    content: &'static str,
) -> impl FnMut(&Snapshot<'_>) -> Result<Vec<Commit>, Error> {
    move |_| Ok(vec![commit("write", &[(name, Some(content))])])
}

/// Replaces `from` in `name` by `to`: a decision that looks at what is there.
pub(crate) fn replace(
    name: &str,
    from: &str,
    to: &str,
) -> impl FnMut(&Snapshot<'_>) -> Result<Vec<Commit>, Error> + use<> {
    let (name, from, to) = (name.to_owned(), from.to_owned(), to.to_owned());
    move |snapshot| {
        let bytes = snapshot.read(&path(&name))?.unwrap_or_default();
        let text = String::from_utf8(bytes).unwrap().replace(&from, &to);
        let subject = to.trim().replace('\n', " ");
        Ok(vec![commit(
            &format!("{name}: {subject}"),
            &[(&name, Some(&text))],
        )])
    }
}

/// The commits that landed.
pub(crate) fn committed(landed: &Landed) -> Vec<CommitId> {
    match &landed.outcome {
        Outcome::Committed(commits) => commits.clone(),
        other => panic!("expected commits, found {other:?}"),
    }
}

/// How many objects a repository has.
pub(crate) fn objects(repository: &Path) -> usize {
    git(
        repository,
        &["cat-file", "--batch-all-objects", "--batch-check"],
    )
    .lines()
    .count()
}

//! How long does one image bump take in a repository of 10,000 files: three scalars in three
//! files, one commit, landed in a bare repository on the same machine?
//!
//! The peers are what CI scripts do with the `git` program: a shallow clone, and the fastest way
//! git itself has (blobless and sparse). Their files are edited by plain text replacement, which
//! is kinder to them than `sed` or `yq`, and removing their clones is not counted.

use std::fs;
use std::path::Path;

use narae_gitops::change::ChangeSet;
use narae_gitops::repository::{Outcome, Repository};

use super::{APP, APPS, EDITS, FILES_PER_APP, bare, commit, git, import_stream, value};
use crate::report::Report;

const ROUNDS: usize = 5;

pub fn run(report: &mut Report, base: &Path) {
    let stream = import_stream(APPS);
    let [ours, shallow, sparse] =
        ["ours.git", "shallow.git", "sparse.git"].map(|name| bare(base, name, &stream));
    let note = format!(
        "{} files, 3 scalars in 3 files, {}",
        APPS * FILES_PER_APP,
        base.parent().unwrap_or(base).display()
    );
    // What stands in each repository now; every bump replaces it.
    let mut count = 0;
    let mut next = move || {
        count += 1;
        format!("{count:07x}")
    };
    let (mut first, mut second) = (Tags::new(), Tags::new());
    let mut bump = || commit_without_checkout(&ours, &next());
    report.compare(
        "gitops.bump_shallow_clone",
        "git clone --depth 1, commit, push",
        &note,
        ROUNDS,
        &mut bump,
        || {
            first.advance();
            clone_and_push(base, &shallow, &first, &["--depth", "1"], false);
        },
    );
    report.compare(
        "gitops.bump_sparse_clone",
        "git clone blobless sparse, commit, push",
        &note,
        ROUNDS,
        &mut bump,
        || {
            second.advance();
            let arguments = ["--depth", "1", "--filter=blob:none", "--sparse"];
            clone_and_push(base, &sparse, &second, &arguments, true);
        },
    );
}

fn commit_without_checkout(at: &Path, tag: &str) {
    let repository = Repository::open(at).expect("the repository is there");
    let tip = repository.tip("main").expect("a branch").expect("imported");
    let changes: ChangeSet = EDITS
        .iter()
        .map(|(file, selector)| {
            let path = format!("{APP}/{file}").parse().expect("a path");
            let value = value(file, tag);
            let selector = selector.parse().expect("a selector");
            repository
                .set_scalar(tip, &path, 0, &selector, &value.into())
                .expect("a plain scalar")
        })
        .collect();
    let commit = commit(changes, tag);
    let outcome = repository
        .commit("main", Some(tip), &commit)
        .expect("a commit");
    assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
}

/// The tag a peer's repository has, and the one it gets.
struct Tags {
    count: usize,
}

impl Tags {
    fn new() -> Self {
        Self { count: 0 }
    }

    fn advance(&mut self) {
        self.count += 1;
    }

    fn old(&self) -> String {
        format!("b{:06x}", self.count - 1)
    }

    fn new_tag(&self) -> String {
        format!("b{:06x}", self.count)
    }
}

fn clone_and_push(base: &Path, origin: &Path, tags: &Tags, arguments: &[&str], sparse: bool) {
    let work = base.join(format!("work-{sparse}-{}", tags.count));
    let url = format!("file://{}", origin.display());
    let clone = [
        &["clone", "--quiet"],
        arguments,
        &[&url, work.to_str().expect("UTF-8")],
    ]
    .concat();
    git(base, &clone, None);
    if sparse {
        git(&work, &["sparse-checkout", "set", APP], None);
    }
    for (file, _) in EDITS {
        let file = work.join(APP).join(file);
        let text = fs::read_to_string(&file).expect("checked out");
        let edited = text.replace(&tags.old(), &tags.new_tag());
        assert_ne!(text, edited, "nothing to replace in {}", file.display());
        fs::write(file, edited).expect("a file");
    }
    git(
        &work,
        &["commit", "--quiet", "--all", "--message", "bump"],
        None,
    );
    git(&work, &["push", "--quiet", "origin", "main"], None);
}

//! The files that differ between two commits are those `git diff` names.

use std::path::Path;

use narae_gitops::repository::{ChangedFiles, CommitId, Repository, TreePath};
use proptest::prelude::*;

use crate::fixture::{advance, bare, git, git_reading, import_stream, imported, path};

/// What git says, in the same form.
fn of_git(repository: &Path, before: &str, after: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
    let said = git(
        repository,
        &["diff", "--no-renames", "--name-status", "-z", before, after],
    );
    let (mut added, mut modified, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    let mut parts = said.split_terminator('\0');
    while let (Some(status), Some(name)) = (parts.next(), parts.next()) {
        let list = match status {
            "A" => &mut added,
            "D" => &mut removed,
            _ => &mut modified,
        };
        list.push(name.to_owned());
    }
    (added, modified, removed)
}

fn texts(files: &ChangedFiles) -> (Vec<String>, Vec<String>, Vec<String>) {
    let texts = |paths: &[TreePath]| paths.iter().map(ToString::to_string).collect();
    (
        texts(&files.added),
        texts(&files.modified),
        texts(&files.removed),
    )
}

fn commit_of(repository: &Path, name: &str) -> CommitId {
    git(repository, &["rev-parse", name])
        .trim()
        .parse()
        .unwrap()
}

#[test]
fn every_kind_of_change_is_what_git_says() {
    const EMPTY: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    let before = [
        ("100644", "kept/deep/file", "same"),
        ("100644", "content", "one"),
        ("100644", "mode", "same"),
        ("100644", "kind", "target"),
        (
            "100644",
            "moved/old",
            "a text that is the same after the move",
        ),
        ("100644", "file-then-directory", "file"),
        ("100644", "directory-then-file/a", "a"),
        ("100644", "directory-then-file/b/c", "c"),
        ("100644", "a.b", "between `a` and `a/`"),
        ("100644", "gone/one", "1"),
        (
            "160000",
            "module",
            "1111111111111111111111111111111111111111",
        ),
    ];
    let after = [
        ("100644", "kept/deep/file", "same"),
        ("100644", "content", "two"),
        ("100755", "mode", "same"),
        ("120000", "kind", "target"),
        (
            "100644",
            "moved/new",
            "a text that is the same after the move",
        ),
        ("100644", "file-then-directory/x", "file"),
        ("100644", "directory-then-file", "now a file"),
        ("100644", "a.b", "changed"),
        ("100644", "a/b", "new"),
        (
            "160000",
            "module",
            "2222222222222222222222222222222222222222",
        ),
        ("100644", "앱/값.yaml", "new"),
    ];
    let (_directory, bare) = imported(&before);
    git_reading(
        &bare,
        &["fast-import", "--quiet"],
        &import_stream("refs/heads/after", &after),
    );
    let repository = Repository::open(&bare).unwrap();
    let (main, next) = (commit_of(&bare, "main"), commit_of(&bare, "after"));

    let there = repository.changed_files(Some(main), next).unwrap();
    assert_eq!(texts(&there), of_git(&bare, "main", "after"));
    assert!(there.removed.contains(&path("moved/old")));
    let back = repository.changed_files(Some(next), main).unwrap();
    assert_eq!(texts(&back), of_git(&bare, "after", "main"));
    let all = repository.changed_files(None, next).unwrap();
    assert_eq!(texts(&all), of_git(&bare, EMPTY, "after"));
    assert!(
        repository
            .changed_files(Some(main), main)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_commit_that_is_not_there_is_an_error() {
    let (_directory, repository) = bare();
    let tip = advance(&repository, &[("a", Some("1"))]);
    let absent: CommitId = "1111111111111111111111111111111111111111".parse().unwrap();
    assert!(repository.changed_files(Some(absent), tip).is_err());
    assert!(repository.changed_files(Some(tip), absent).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_two_trees_differ_as_git_says(
        one in proptest::collection::btree_map("[ab]/[ab]/[abc]|[ab]/[cd]|[e-g]", "[xy]", 1..12),
        two in proptest::collection::btree_map("[ab]/[ab]/[abc]|[ab]/[cd]|[e-g]", "[xy]", 1..12),
    ) {
        let (_directory, repository) = bare();
        let all: Vec<&String> = one.keys().chain(two.keys()).collect();
        let files = |of: &std::collections::BTreeMap<String, String>| -> Vec<(String, Option<String>)> {
            let mut files: Vec<_> = all.iter().map(|name| ((*name).clone(), of.get(*name).cloned())).collect();
            files.sort();
            files.dedup();
            files
        };
        let commit = |files: &[(String, Option<String>)]| {
            let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_deref())).collect();
            advance(&repository, &files)
        };
        let before = commit(&files(&one));
        prop_assume!(one != two);
        let after = commit(&files(&two));
        let found = repository.changed_files(Some(before), after).unwrap();
        prop_assert_eq!(texts(&found), of_git(repository.path(), &before.to_string(), &after.to_string()));
    }
}

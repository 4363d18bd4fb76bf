//! Commits as git sees them.

use std::collections::BTreeMap;

use narae_gitops::change::Change;
use narae_gitops::message::Message;
use narae_gitops::repository::{Commit, EntryKind, ErrorKind, History, Outcome, Repository};
use proptest::prelude::*;

use crate::fixture::{
    advance, bare, commit, fsck, git, git_reading, import_stream, imported, path, signature,
};

#[test]
fn the_first_commit_makes_the_branch_and_a_clone_has_the_files() {
    let (directory, repository) = bare();
    let id = advance(
        &repository,
        &[
            ("apps/shop/a.yaml", Some("a: 1\n")),
            ("README.md", Some("hello\n")),
        ],
    );
    let at = repository.path();
    assert_eq!(git(at, &["rev-parse", "main"]).trim(), id.to_string());
    assert_eq!(git(at, &["symbolic-ref", "HEAD"]).trim(), "refs/heads/main");
    assert_eq!(git(at, &["rev-list", "--count", "main"]).trim(), "1");
    assert_eq!(git(at, &["show", "main:apps/shop/a.yaml"]), "a: 1\n");
    assert_eq!(
        git(at, &["log", "--format=%an|%ae|%aI|%cn|%cI|%s", "main"]).trim(),
        "Deliver|deliver@example.com|2026-11-18T20:06:40+09:00|Deliver|2026-11-18T20:06:40+09:00|change"
    );
    fsck(at);
    git(
        directory.path(),
        &["clone", "--quiet", "gitops.git", "clone"],
    );
    let cloned = std::fs::read_to_string(directory.path().join("clone/apps/shop/a.yaml")).unwrap();
    assert_eq!(cloned, "a: 1\n");
}

#[test]
fn the_same_inputs_give_the_same_id_as_git_gives_them() {
    let (_one, first) = bare();
    let (_two, second) = bare();
    let files = [("apps/b.yaml", Some("b\n")), ("apps/a.yaml", Some("a\n"))];
    let id = advance(&first, &files);
    assert_eq!(id, advance(&second, &files));
    let tree = git(first.path(), &["rev-parse", "main^{tree}"]);
    assert_eq!(
        git(first.path(), &["commit-tree", "-m", "change", tree.trim()]).trim(),
        id.to_string()
    );
    let next = advance(&first, &[("apps/a.yaml", None)]);
    let tree = git(first.path(), &["rev-parse", "main^{tree}"]);
    let by_git = git(
        first.path(),
        &[
            "commit-tree",
            "-m",
            "change",
            "-p",
            &id.to_string(),
            tree.trim(),
        ],
    );
    assert_eq!(by_git.trim(), next.to_string());
}

#[test]
fn every_other_entry_keeps_its_mode_and_its_id() {
    let (_directory, bare) = imported(&[
        ("100644", "apps/shop/values.yaml", "tag: 1\n"),
        ("100755", "apps/shop/run.sh", "#!/bin/sh\n"),
        ("120000", "apps/shop/current", "values.yaml"),
        ("100644", "apps/shop.yaml", "x\n"),
        ("100644", "apps/shop-a/b", "x\n"),
        ("100644", "앱/값.yaml", "한글\n"),
        ("100755", "bin/tool", "old\n"),
    ]);
    let before = git(&bare, &["ls-tree", "-r", "-t", "main"]);
    let repository = Repository::open(&bare).unwrap();
    advance(
        &repository,
        &[
            ("apps/shop/values.yaml", Some("tag: 2\n")),
            ("bin/tool", Some("new\n")),
        ],
    );
    let after = git(&bare, &["ls-tree", "-r", "-t", "main"]);
    let changed: Vec<&str> = after
        .lines()
        .filter(|line| !before.lines().any(|old| old == *line))
        .map(|line| line.split('\t').nth(1).unwrap())
        .collect();
    assert_eq!(
        changed,
        [
            "apps",
            "apps/shop",
            "apps/shop/values.yaml",
            "bin",
            "bin/tool"
        ]
    );
    assert!(
        after.contains("100755 blob 3e757656cf36eca53338e520d134963a44f793f8\tbin/tool"),
        "{after}"
    );
    fsck(&bare);
}

#[test]
fn what_is_already_so_makes_no_commit() {
    let (_directory, repository) = bare();
    let nothing = commit("nothing", &[("gone", None)]);
    assert_eq!(
        repository.commit("main", None, &nothing).unwrap(),
        Outcome::NothingToDo
    );
    assert_eq!(repository.tip("main").unwrap(), None);

    let id = advance(&repository, &[("a", Some("1")), ("d/b", Some("2"))]);
    for files in [
        &[("a", Some("1")), ("d/c", None), ("a/below", None)][..],
        &[],
    ] {
        let outcome = repository
            .commit("main", Some(id), &commit("again", files))
            .unwrap();
        assert_eq!(outcome, Outcome::NothingToDo);
    }
    assert_eq!(repository.tip("main").unwrap(), Some(id));
    assert_eq!(
        git(repository.path(), &["count-objects"]).split(' ').next(),
        Some("5")
    );
}

#[test]
fn unchanged_files_of_a_set_fall_away() {
    let (_directory, repository) = bare();
    advance(&repository, &[("a", Some("1")), ("b", Some("2"))]);
    advance(&repository, &[("a", Some("1")), ("b", Some("3"))]);
    assert_eq!(
        git(repository.path(), &["diff", "--name-only", "main^", "main"]),
        "b\n"
    );
}

#[test]
fn a_moved_branch_is_told_and_left_alone() {
    let (_directory, repository) = bare();
    let first = advance(&repository, &[("a", Some("1"))]);
    let second = advance(&repository, &[("a", Some("2"))]);
    let late = commit("late", &[("a", Some("3"))]);
    assert_eq!(
        repository.commit("main", Some(first), &late).unwrap(),
        Outcome::Moved {
            expected: Some(first),
            found: Some(second)
        }
    );
    assert_eq!(
        repository.commit("main", None, &late).unwrap(),
        Outcome::Moved {
            expected: None,
            found: Some(second)
        }
    );
    assert_eq!(
        repository.commit("other", Some(first), &late).unwrap(),
        Outcome::Moved {
            expected: Some(first),
            found: None
        }
    );
    assert_eq!(repository.tip("main").unwrap(), Some(second));
}

#[test]
fn directories_left_empty_go_and_the_last_file_leaves_an_empty_tree() {
    let (_directory, repository) = bare();
    advance(&repository, &[("a/b/c", Some("1")), ("d", Some("2"))]);
    advance(&repository, &[("a/b/c", None)]);
    assert_eq!(
        git(
            repository.path(),
            &["ls-tree", "-r", "-t", "--name-only", "main"]
        ),
        "d\n"
    );
    advance(&repository, &[("d", None)]);
    assert_eq!(git(repository.path(), &["ls-tree", "main"]), "");
    fsck(repository.path());
}

#[test]
fn many_objects_arrive_as_one_pack() {
    let (_directory, repository) = bare();
    let names: Vec<String> = (0..200)
        .map(|n| format!("apps/app-{n:03}/values.yaml"))
        .collect();
    let files: Vec<(&str, Option<&str>)> = names
        .iter()
        .map(|name| (name.as_str(), Some(name.as_str())))
        .collect();
    advance(&repository, &files);
    let counts = git(repository.path(), &["count-objects", "-v"]);
    assert!(
        counts.contains("count: 0\n") && counts.contains("packs: 1\n"),
        "{counts}"
    );
    fsck(repository.path());
    // The handle that wrote the pack reads from it.
    let tip = repository.tip("main").unwrap().unwrap();
    assert_eq!(repository.list_all(tip).unwrap().len(), 200);
    advance(&repository, &[(&names[7], Some("changed"))]);
    fsck(repository.path());
}

#[test]
fn packed_references_and_objects_are_found() {
    let (_directory, repository) = bare();
    let first = advance(&repository, &[("a", Some("1"))]);
    git(repository.path(), &["gc", "--quiet"]);
    assert!(!repository.path().join("refs/heads/main").exists());
    assert_eq!(repository.tip("main").unwrap(), Some(first));
    let second = advance(&repository, &[("a", Some("2"))]);
    assert_eq!(
        git(repository.path(), &["rev-parse", "main"]).trim(),
        second.to_string()
    );
    fsck(repository.path());
}

#[test]
fn reading_and_listing_see_what_the_commit_has() {
    let (_directory, bare) = imported(&[
        ("100644", "apps/a.yaml", "a\n"),
        ("100755", "apps/run", "r\n"),
        ("120000", "apps/x/link", "../a.yaml"),
        ("100644", "appsy", "no\n"),
    ]);
    let repository = Repository::open(&bare).unwrap();
    let tip = repository.tip("main").unwrap().unwrap();
    let read = |name| repository.read(tip, &path(name)).unwrap();
    assert_eq!(read("apps/a.yaml").as_deref(), Some(&b"a\n"[..]));
    let link = repository.read(tip, &path("apps/x/link")).unwrap_err();
    assert_eq!(link.kind(), ErrorKind::PathConflict);
    let said = "`apps/x/link` is a symbolic link to `../a.yaml`, not a file";
    assert_eq!(link.to_string(), said);
    assert_eq!(
        (read("apps"), read("nothing"), read("apps/a.yaml/below")),
        (None, None, None)
    );

    let listed = repository.list(tip, &path("apps")).unwrap();
    let shown: Vec<(&str, EntryKind)> = listed
        .iter()
        .map(|entry| (entry.path().as_str(), entry.kind()))
        .collect();
    assert_eq!(
        shown,
        [
            ("apps/a.yaml", EntryKind::File),
            ("apps/run", EntryKind::Executable),
            ("apps/x/link", EntryKind::Link),
        ]
    );
    assert_eq!(
        listed[0].id(),
        git(&bare, &["rev-parse", "main:apps/a.yaml"]).trim()
    );
    assert_eq!(repository.list(tip, &path("nothing")).unwrap(), []);
    assert_eq!(repository.list(tip, &path("appsy")).unwrap(), []);
    assert_eq!(repository.list_all(tip).unwrap().len(), 4);
}

#[test]
fn the_committer_is_the_signature_and_not_the_machine() {
    let (_directory, repository) = bare();
    advance(&repository, &[("a", Some("1"))]);
    let raw = git(repository.path(), &["cat-file", "commit", "main"]);
    let line = format!("author {0}\ncommitter {0}\n", signature());
    assert!(raw.contains(&line), "{raw}");
    assert!(line.contains("1795000000 +0900"), "{line}");
}

/// A few names that sort differently as files and as directories, and nest.
fn file_name() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["a", "a-b", "a.b", "ab", "b", "값"]),
        1..4,
    )
    .prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_tree_is_the_one_git_builds_from_the_same_files(
        first in prop::collection::btree_map(file_name(), "[a-z]{0,3}", 1..12),
        then in prop::collection::btree_map(file_name(), prop::option::of("[a-z]{0,3}"), 1..12),
    ) {
        let (_directory, repository) = bare();
        let mut expected: BTreeMap<String, String> = BTreeMap::new();
        let first = first.into_iter().map(|(name, content)| (name, Some(content))).collect();
        for changes in [first, then] {
            let files: Vec<(&str, Option<&str>)> =
                changes.iter().map(|(name, content): (&String, &Option<String>)| (name.as_str(), content.as_deref())).collect();
            let tip = repository.tip("main").unwrap();
            if repository.commit("main", tip, &commit("step", &files)).is_err() {
                // A file in a directory's place: refused as a whole, and the tip is as before.
                prop_assert_eq!(repository.tip("main").unwrap(), tip);
                continue;
            }
            for (name, content) in changes {
                match content {
                    Some(content) => expected.insert(name, content),
                    None => expected.remove(&name),
                };
            }
        }
        let files: Vec<(&str, &str, &str)> =
            expected.iter().map(|(name, content)| ("100644", name.as_str(), content.as_str())).collect();
        let at = repository.path();
        git_reading(at, &["fast-import", "--quiet"], &import_stream("refs/heads/by-git", &files));
        let ours = match repository.tip("main").unwrap() {
            Some(_) => git(at, &["rev-parse", "main^{tree}"]),
            None => return Ok(()),
        };
        prop_assert_eq!(ours, git(at, &["rev-parse", "by-git^{tree}"]));
        fsck(at);
    }
}

#[test]
fn a_message_that_could_not_be_read_again_is_not_written() {
    let (_directory, repository) = bare();
    let mut message = Message::new("shop: deliver").unwrap();
    for _ in 0..128 {
        message = message
            .with_trailer("Narae-Edit", &"x".repeat(4096))
            .unwrap();
    }
    let changes = || [Change::write(path("a"), "1")].into_iter().collect();
    let long = Commit::new(changes(), message, signature());
    let error = repository.commit("main", None, &long).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    assert_eq!(repository.tip("main").unwrap(), None);
    // As long as may be, it is read again.
    let mut message = Message::new("shop: deliver").unwrap();
    for _ in 0..127 {
        message = message
            .with_trailer("Narae-Edit", &"x".repeat(4096))
            .unwrap();
    }
    let short = Commit::new(changes(), message, signature());
    assert!(matches!(
        repository.commit("main", None, &short).unwrap(),
        Outcome::Committed(_)
    ));
    assert_eq!(
        repository.history("main", &History::new()).unwrap()[0]
            .trailers
            .len(),
        127
    );
}

//! Files and directories in each other's way.

use narae_gitops::repository::{ErrorKind, Repository};

use crate::fixture::{commit, fsck, git, imported};

/// The repository every case starts from, and what becomes of it: the listing, or the refusal.
fn check(changes: &[(&str, Option<&str>)], expected: Result<&str, &str>) {
    let (_directory, bare) = imported(&[
        ("100644", "dir/one", "1\n"),
        ("100644", "dir/two", "2\n"),
        ("100644", "file", "f\n"),
        ("120000", "link", "file"),
        (
            "160000",
            "module",
            "0123456789012345678901234567890123456789",
        ),
    ]);
    let repository = Repository::open(&bare).unwrap();
    let tip = repository.tip("main").unwrap();
    match (
        repository.commit("main", tip, &commit("change", changes)),
        expected,
    ) {
        (Ok(_), Ok(listing)) => {
            let listed = git(&bare, &["ls-tree", "-r", "--name-only", "main"]);
            assert_eq!(
                listed.lines().collect::<Vec<_>>().join(" "),
                listing,
                "{changes:?}"
            );
            fsck(&bare);
        }
        (Err(error), Err(words)) => {
            assert_eq!(
                error.kind(),
                ErrorKind::PathConflict,
                "{changes:?}: {error}"
            );
            assert!(error.to_string().contains(words), "{changes:?}: {error}");
            assert_eq!(repository.tip("main").unwrap(), tip);
        }
        (found, expected) => panic!("{changes:?}: expected {expected:?}, found {found:?}"),
    }
}

#[test]
fn a_file_gives_way_only_when_it_is_removed() {
    check(&[("file/below", Some("x"))], Err("`file`: it is a file"));
    check(
        &[("file", None), ("file/below", Some("x"))],
        Ok("dir/one dir/two file/below link module"),
    );
}

#[test]
fn a_directory_gives_way_only_when_all_its_files_are_removed() {
    check(&[("dir", Some("x"))], Err("`dir`: it is a directory"));
    check(
        &[("dir", Some("x")), ("dir/one", None)],
        Err("it is a directory"),
    );
    check(
        &[("dir", Some("x")), ("dir/one", None), ("dir/two", None)],
        Ok("dir file link module"),
    );
}

#[test]
fn a_directory_is_not_removed_as_a_file() {
    check(&[("dir", None)], Err("`dir`: it is a directory"));
}

#[test]
fn links_and_submodules_are_not_written_through() {
    check(&[("link", Some("x"))], Err("`link`: it is a symbolic link"));
    check(&[("link/below", Some("x"))], Err("`link`: it is a file"));
    check(&[("link", None)], Ok("dir/one dir/two file module"));
    check(&[("module", Some("x"))], Err("`module`: it is a submodule"));
    check(&[("module/x", Some("x"))], Err("it is a submodule"));
    check(&[("module", None)], Err("it is a submodule"));
}

#[test]
fn one_set_cannot_write_a_file_and_below_it() {
    check(
        &[("new", Some("x")), ("new/below", Some("x"))],
        Err("`new`: it is a directory"),
    );
}

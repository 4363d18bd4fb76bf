//! Opening and making repositories, and which branches may be moved.

use std::fs;

use narae_gitops::repository::{ErrorKind, Outcome, Repository};

use crate::fixture::{advance, bare, commit, directory, fsck, git};

#[test]
fn a_handle_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Repository>();
}

#[test]
fn a_made_repository_is_bare_and_empty_and_git_accepts_it() {
    let (directory, repository) = bare();
    assert_eq!(
        git(repository.path(), &["rev-parse", "--is-bare-repository"]).trim(),
        "true"
    );
    assert_eq!(repository.tip("main").unwrap(), None);
    fsck(repository.path());
    let names: Vec<_> = directory
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["gitops.git"]);
}

#[test]
fn what_is_there_is_not_made_again() {
    let (directory, repository) = bare();
    let error = Repository::init_bare(directory.path().join("gitops.git"), "main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    advance(&repository, &[("a", Some("1"))]);
    let missing = directory.path().join("deeper/still/x.git");
    Repository::init_bare(&missing, "trunk").unwrap();
    assert_eq!(
        git(&missing, &["symbolic-ref", "HEAD"]).trim(),
        "refs/heads/trunk"
    );
}

#[test]
fn what_a_killed_creation_began_is_finished() {
    let directory = directory();
    let path = directory.path().join("gitops.git");
    // In the order they are made; `HEAD` would be next.
    for step in ["objects/info", "refs/heads", "narae"] {
        fs::create_dir_all(path.join(step)).unwrap();
        let error = Repository::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    fs::write(path.join("narae/half"), "ref: refs/he").unwrap();
    let repository = Repository::init_bare(&path, "main").unwrap();
    advance(&repository, &[("a", Some("1"))]);
    fsck(&path);
    assert_eq!(
        git(&path, &["rev-parse", "--is-bare-repository"]).trim(),
        "true"
    );

    let other = directory.path().join("other.git");
    fs::create_dir_all(other.join("refs")).unwrap();
    fs::write(other.join("notes.txt"), "mine").unwrap();
    let error = Repository::init_bare(&other, "main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
}

#[test]
fn one_of_many_makes_it_and_the_others_find_it() {
    let directory = directory();
    let path = directory.path().join("gitops.git");
    let made: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Repository::init_bare(&path, "main").is_ok()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    Repository::open(&path).unwrap();
    assert_eq!(fs::read_dir(path.join("narae")).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_opened_says_why_and_what_to_try() {
    let directory = directory();
    let error = Repository::open(directory.path().join("none")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("try: "), "{error}");

    git(
        directory.path(),
        &[
            "init",
            "--quiet",
            "--bare",
            "--object-format=sha256",
            "sha256.git",
        ],
    );
    let error = Repository::open(directory.path().join("sha256.git")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn directories_above_are_not_searched() {
    let (_directory, repository) = bare();
    let below = repository.path().join("objects/info");
    assert_eq!(
        Repository::open(below).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn a_checked_out_branch_is_refused_and_another_is_not() {
    let directory = directory();
    git(
        directory.path(),
        &["init", "--quiet", "--initial-branch=main", "work"],
    );
    let repository = Repository::open(directory.path().join("work")).unwrap();
    let change = commit("change", &[("a", Some("1"))]);
    let error = repository.commit("main", None, &change).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckedOut, "{error}");
    let outcome = repository.commit("deploy", None, &change).unwrap();
    assert!(matches!(outcome, Outcome::Committed(_)));
    assert!(!directory.path().join("work/a").exists());
    fsck(repository.path());
}

#[test]
fn a_branch_checked_out_in_a_linked_work_tree_is_refused() {
    let (directory, repository) = bare();
    let tip = advance(&repository, &[("a", Some("1"))]);
    let linked = directory.path().join("linked");
    git(
        repository.path(),
        &[
            "worktree",
            "add",
            "--quiet",
            linked.to_str().unwrap(),
            "main",
        ],
    );
    let change = commit("change", &[("a", Some("2"))]);
    let error = repository.commit("main", Some(tip), &change).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckedOut, "{error}");
    // The linked work tree leads to the same repository.
    let there = Repository::open(&linked).unwrap();
    assert_eq!(there.tip("main").unwrap(), Some(tip));
    assert_eq!(
        there.commit("main", Some(tip), &change).unwrap_err().kind(),
        ErrorKind::CheckedOut
    );
    let outcome = there.commit("deploy", None, &change).unwrap();
    assert!(matches!(outcome, Outcome::Committed(_)));
    git(repository.path(), &["rev-parse", "deploy"]);
}

#[test]
fn only_names_of_branches_are_taken() {
    let (_directory, repository) = bare();
    for name in [
        "", "a..b", "a b", "-a", "HEAD", "a/", "/a", "a.lock", "a\nb", "a~1", "@{u}", "a\\b",
        "a//b",
    ] {
        let error = repository.tip(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidBranch, "{name:?}: {error}");
    }
    assert_eq!(repository.tip("env/prod-1").unwrap(), None);
    assert_eq!(repository.tip("환경/운영").unwrap(), None);
}

#[test]
fn a_branch_below_a_branch_is_refused() {
    let (_directory, repository) = bare();
    let tip = advance(&repository, &[("a", Some("1"))]);
    let error = repository
        .commit("main/below", None, &commit("x", &[("a", Some("2"))]))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidBranch, "{error}");
    assert_eq!(repository.tip("main").unwrap(), Some(tip));
    git(
        repository.path(),
        &["update-ref", "refs/heads/env/prod", &tip.to_string()],
    );
    let error = repository
        .commit("env", None, &commit("x", &[("a", Some("2"))]))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidBranch, "{error}");
    // A directory git left behind when the last branch in it went is in nobody's way.
    git(
        repository.path(),
        &["update-ref", "-d", "refs/heads/env/prod"],
    );
    fs::create_dir_all(repository.path().join("refs/heads/env")).unwrap();
    let outcome = repository
        .commit("env", None, &commit("x", &[("a", Some("2"))]))
        .unwrap();
    assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
}

#[test]
fn an_alias_of_a_branch_is_refused() {
    let (_directory, repository) = bare();
    advance(&repository, &[("a", Some("1"))]);
    git(
        repository.path(),
        &["symbolic-ref", "refs/heads/alias", "refs/heads/main"],
    );
    assert_eq!(
        repository.tip("alias").unwrap_err().kind(),
        ErrorKind::Unsupported
    );
}

#[test]
fn a_damaged_repository_is_an_error_and_keeps_its_branch() {
    let (_directory, repository) = bare();
    let tip = advance(&repository, &[("a/b", Some("1"))]);
    let tree = git(repository.path(), &["rev-parse", "main:a"]);
    let (folder, rest) = tree.trim().split_at(2);
    fs::remove_file(repository.path().join("objects").join(folder).join(rest)).unwrap();
    let error = Repository::open(repository.path())
        .unwrap()
        .commit("main", Some(tip), &commit("x", &[("a/c", Some("2"))]))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
    assert_eq!(repository.tip("main").unwrap(), Some(tip));
}

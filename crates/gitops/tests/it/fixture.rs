//! Repositories of a test, and the `git` program looking at them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use narae_gitops::change::{Change, ChangeSet};
use narae_gitops::message::Message;
use narae_gitops::repository::{
    Commit, CommitId, Outcome, Repository, Signature, Timestamp, TreePath,
};
use tempfile::TempDir;

/// A directory that goes when the test ends.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A bare repository with the unborn branch `main`.
pub(crate) fn bare() -> (TempDir, Repository) {
    let directory = directory();
    let repository = Repository::init_bare(directory.path().join("gitops.git"), "main").unwrap();
    (directory, repository)
}

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

pub(crate) fn signature() -> Signature {
    let time = Timestamp::new(1_795_000_000, 540).unwrap();
    Signature::new("Deliver", "deliver@example.com", time).unwrap()
}

/// `Some(bytes)` writes, `None` removes.
pub(crate) fn commit(subject: &str, files: &[(&str, Option<&str>)]) -> Commit {
    let changes: ChangeSet = files
        .iter()
        .map(|(name, content)| match content {
            Some(text) => Change::write(path(name), *text),
            None => Change::remove(path(name)),
        })
        .collect();
    Commit::new(changes, Message::new(subject).unwrap(), signature())
}

/// Commits on the current tip of `main` and returns the new tip.
pub(crate) fn advance(repository: &Repository, files: &[(&str, Option<&str>)]) -> CommitId {
    let tip = repository.tip("main").unwrap();
    match repository
        .commit("main", tip, &commit("change", files))
        .unwrap()
    {
        Outcome::Committed(id) => id,
        other => panic!("expected a commit, found {other:?}"),
    }
}

/// `git` with no configuration but the repository's.
pub(crate) fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(directory).args(arguments).envs([
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", "Deliver"),
        ("GIT_AUTHOR_EMAIL", "deliver@example.com"),
        ("GIT_AUTHOR_DATE", "1795000000 +0900"),
        ("GIT_COMMITTER_NAME", "Deliver"),
        ("GIT_COMMITTER_EMAIL", "deliver@example.com"),
        ("GIT_COMMITTER_DATE", "1795000000 +0900"),
        ("LC_ALL", "C"),
    ]);
    command
}

/// What git says; it must succeed.
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    git_reading(directory, arguments, "")
}

/// What git says when it reads `input`; it must succeed.
pub(crate) fn git_reading(directory: &Path, arguments: &[&str], input: &str) -> String {
    let output = run(command(directory, arguments), input);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}{text}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

fn run(mut command: Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("these tests need the git program");
    // git may end without reading all of it, which its status tells better.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Everything `git fsck` has to say; nothing is what it should be.
pub(crate) fn fsck(repository: &Path) {
    let output = run(
        command(
            repository,
            &["fsck", "--strict", "--no-dangling", "--no-progress"],
        ),
        "",
    );
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    // A branch yet to be born is no fault.
    let faults: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with("notice:"))
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
}

/// A bare repository whose `main` has `files` (`mode path content`), made by git itself.
pub(crate) fn imported(files: &[(&str, &str, &str)]) -> (TempDir, PathBuf) {
    let directory = directory();
    git(
        directory.path(),
        &[
            "init",
            "--quiet",
            "--bare",
            "--initial-branch=main",
            "imported.git",
        ],
    );
    let bare = directory.path().join("imported.git");
    git_reading(
        &bare,
        &["fast-import", "--quiet"],
        &import_stream("refs/heads/main", files),
    );
    (directory, bare)
}

/// A `fast-import` stream of one commit with `files`.
pub(crate) fn import_stream(reference: &str, files: &[(&str, &str, &str)]) -> String {
    let mut stream = format!(
        "commit {reference}\ncommitter Other <other@example.com> 1790000000 +0000\ndata 6\nimport\n"
    );
    for (mode, name, content) in files {
        if *mode == "160000" {
            // A submodule has a commit of another repository in place of a content.
            stream.push_str(&format!("M {mode} {content} \"{name}\"\n"));
            continue;
        }
        stream.push_str(&format!(
            "M {mode} inline \"{name}\"\ndata {}\n{content}\n",
            content.len()
        ));
    }
    stream.push('\n');
    stream
}

//! A check sees everything before it is written, and what it refuses is nowhere.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use narae_gitops::repository::{ErrorKind, Repository};

use crate::fixture::{bare, commit};

const PLANTED: &str = "pa55word";

fn guarded(repository: Repository, seen: &Arc<Mutex<Vec<String>>>) -> Repository {
    let seen = Arc::clone(seen);
    repository.checked_by(move |what, bytes| {
        seen.lock().unwrap().push(what.to_owned());
        match bytes
            .windows(PLANTED.len())
            .any(|window| window == PLANTED.as_bytes())
        {
            true => Err(format!("{what}: the value of db")),
            false => Ok(()),
        }
    })
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn what_a_check_refuses_is_not_written() {
    let (directory, repository) = bare();
    let seen = Arc::default();
    let repository = guarded(repository, &seen);
    let planted = format!("password: {PLANTED}\n");
    let cases = [
        (
            commit(
                "Change",
                &[("a.yaml", Some("a: 1\n")), ("b/c.yaml", Some(&planted))],
            ),
            "b/c.yaml",
        ),
        (
            commit(&format!("Set {PLANTED}"), &[("a.yaml", Some("a: 1\n"))]),
            "commit message",
        ),
        (
            commit("Change", &[(&format!("{PLANTED}/a.yaml"), Some("a: 1\n"))]),
            "path",
        ),
    ];
    for (commit, what) in cases {
        let before = files(directory.path()).len();
        let error = repository.commit("main", None, &commit).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert_eq!(
            error.to_string(),
            format!("nothing was written: {what}: the value of db")
        );
        assert!(!format!("{error:?}").contains(PLANTED));
        let examined = repository.examine(None, &commit).unwrap_err();
        assert_eq!(examined.to_string(), error.to_string());
        assert_eq!(repository.tip("main").unwrap(), None);
        assert_eq!(
            files(directory.path()).len(),
            before,
            "{what}: something was written"
        );
    }
    let clean = commit("Change", &[("a.yaml", Some("a: 1\n")), ("b.yaml", None)]);
    let before = files(directory.path()).len();
    repository.examine(None, &clean).unwrap();
    assert_eq!(files(directory.path()).len(), before);
    seen.lock().unwrap().clear();
    let _ = repository.commit("main", None, &clean).unwrap();
    assert!(repository.tip("main").unwrap().is_some());
    let seen = seen.lock().unwrap();
    assert_eq!(
        *seen,
        ["commit message", "author", "path", "a.yaml", "path"]
    );
}

#[cfg(feature = "remote")]
#[test]
fn nor_on_the_way_to_a_remote() {
    let (directory, repository) = bare();
    let repository = guarded(repository, &Arc::default());
    let before = files(directory.path()).len();
    let planted = commit("Change", &[("a.yaml", Some(PLANTED))]);
    let error = repository.write(None, &planted).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(files(directory.path()).len(), before);
}

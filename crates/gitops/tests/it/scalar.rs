//! Scalars of YAML files set in place.

use narae_gitops::change::{ChangeSet, ScalarError};
use narae_gitops::message::Message;
use narae_gitops::repository::{Commit, Outcome};
use narae_yaml::Value;

use crate::fixture::{advance, bare, fsck, git, path, signature};

const VALUES: &str = "# who: platform\r\nimage:   # keep\r\n  repository: 'a/b'\r\n  tag: \"abc1234\"  # {\"$imagepolicy\": \"x:y\"}\r\n---\r\nreplicas: 2\r\n";

#[test]
fn the_diff_is_the_scalar() {
    let (_directory, repository) = bare();
    let tip = advance(&repository, &[("apps/shop/values.yaml", Some(VALUES))]);
    let file = path("apps/shop/values.yaml");
    let set = |document, selector: &str, value: Value| {
        repository
            .set_scalar(tip, &file, document, &selector.parse().unwrap(), &value)
            .unwrap()
    };
    let commit = |change| {
        let changes: ChangeSet = [change].into_iter().collect();
        Commit::new(changes, Message::new("set").unwrap(), signature())
    };
    let same = commit(set(0, "image.tag", "abc1234".into()));
    assert_eq!(
        repository.commit("main", Some(tip), &same).unwrap(),
        Outcome::NothingToDo
    );

    let tagged = commit(set(0, "image.tag", "3f2a9c1".into()));
    assert!(matches!(
        repository.commit("main", Some(tip), &tagged).unwrap(),
        Outcome::Committed(_)
    ));
    let shown = git(repository.path(), &["show", "main:apps/shop/values.yaml"]);
    assert_eq!(shown, VALUES.replace("abc1234", "3f2a9c1"));
    let numbers = git(repository.path(), &["diff", "--numstat", "main^", "main"]);
    assert_eq!(numbers, "1\t1\tapps/shop/values.yaml\n");
    fsck(repository.path());
}

#[test]
fn a_refusal_says_which_file_and_where() {
    let (_directory, repository) = bare();
    let tip = advance(
        &repository,
        &[("v.yaml", Some("a: &x 1\nb: *x\nc: {d: 1}\n"))],
    );
    let set = |file: &str, selector: &str| {
        repository
            .set_scalar(tip, &path(file), 0, &selector.parse().unwrap(), &"z".into())
            .unwrap_err()
    };
    let alias = set("v.yaml", "b");
    assert!(alias.to_string().starts_with("v.yaml:2:4: "), "{alias}");
    assert!(set("v.yaml", "c").to_string().starts_with("v.yaml:3:4: "));
    let missing = set("v.yaml", "nothing");
    assert!(
        missing.to_string().starts_with("v.yaml: `nothing`"),
        "{missing}"
    );
    assert!(matches!(set("w.yaml", "a"), ScalarError::NoFile { .. }));
}

//! Reading back what was delivered.

use narae_gitops::message::{Message, key};
use narae_gitops::repository::{Commit, History, Outcome, Record, Repository};

use crate::fixture::{advance, bare, commit, git, imported, path, signature};

fn subjects(records: &[Record]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record.subject.as_str())
        .collect()
}

fn deliver(repository: &Repository, app: &str, content: &str) {
    let message = Message::new(&format!("{app}: {content}"))
        .unwrap()
        .with_trailer(key::APP, app)
        .unwrap();
    let changes = commit("x", &[(&format!("apps/{app}/v"), Some(content))])
        .changes()
        .clone();
    let tip = repository.tip("main").unwrap();
    let outcome = repository
        .commit("main", tip, &Commit::new(changes, message, signature()))
        .unwrap();
    assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
}

#[test]
fn newest_first_by_path_and_limit() {
    let (_directory, repository) = bare();
    assert_eq!(repository.history("main", &History::new()).unwrap(), []);
    for (app, content) in [("shop", "1"), ("pay", "1"), ("shop", "2"), ("pay", "2")] {
        deliver(&repository, app, content);
    }
    let all = repository.history("main", &History::new()).unwrap();
    assert_eq!(subjects(&all), ["pay: 2", "shop: 2", "pay: 1", "shop: 1"]);
    let shop = repository
        .history("main", &History::new().under(path("apps/shop")))
        .unwrap();
    assert_eq!(subjects(&shop), ["shop: 2", "shop: 1"]);
    assert_eq!(shop[0].trailers.get(key::APP), Some("shop"));
    assert_eq!(
        (shop[0].author.as_str(), shop[0].seconds),
        ("Deliver", 1_795_000_000)
    );
    let ids = git(
        repository.path(),
        &["log", "--format=%H", "main", "--", "apps/shop"],
    );
    assert_eq!(
        ids.lines().collect::<Vec<_>>(),
        shop.iter()
            .map(|record| record.id.to_string())
            .collect::<Vec<_>>()
    );
    let newest = repository
        .history(
            "main",
            &History::new().under(path("apps/shop")).with_limit(1),
        )
        .unwrap();
    assert_eq!(subjects(&newest), ["shop: 2"]);
}

#[test]
fn commits_by_others_are_read_too() {
    let (_directory, bare) = imported(&[("100644", "a", "1\n")]);
    let repository = Repository::open(&bare).unwrap();
    advance(&repository, &[("b", Some("2"))]);
    let records = repository
        .history("main", &History::new().under(path("a")))
        .unwrap();
    assert_eq!(subjects(&records), ["import"]);
    assert_eq!(records[0].email, "other@example.com");
}

#[test]
fn a_shallow_clone_ends_at_its_boundary() {
    let (directory, repository) = bare();
    for content in ["1", "2", "3", "4"] {
        advance(&repository, &[("a", Some(content))]);
    }
    let url = format!("file://{}", repository.path().display());
    git(
        directory.path(),
        &[
            "clone",
            "--quiet",
            "--bare",
            "--depth=2",
            &url,
            "shallow.git",
        ],
    );
    let shallow = Repository::open(directory.path().join("shallow.git")).unwrap();
    assert_eq!(shallow.history("main", &History::new()).unwrap().len(), 2);
}

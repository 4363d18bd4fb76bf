//! Reading back what was delivered.

use narae_gitops::message::{Message, key};
use narae_gitops::repository::{
    Commit, ErrorKind, History, MAX_COMMIT_BYTES, Outcome, Record, Repository,
};

use crate::fixture::{advance, bare, commit, git, imported, path, signature};

fn subjects(records: &[Record]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record.subject.as_str())
        .collect()
}

fn deliver(repository: &Repository, app: &str, content: &str) {
    deliver_on(repository, "main", app, content);
}

fn deliver_on(repository: &Repository, branch: &str, app: &str, content: &str) {
    let message = Message::new(&format!("{app}: {content}"))
        .unwrap()
        .with_trailer(key::APP, app)
        .unwrap();
    let changes = commit("x", &[(&format!("apps/{app}/v"), Some(content))])
        .changes()
        .clone();
    let tip = repository.tip(branch).unwrap();
    let outcome = repository
        .commit(branch, tip, &Commit::new(changes, message, signature()))
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

/// Lands on `branch` what `git merge` makes of `side`, as a forge does.
fn merge(repository: &Repository, side: &str, time: &str) {
    let tree = git(
        repository.path(),
        &["rev-parse", &format!("{side}^{{tree}}")],
    );
    let merge = ["-c", "user.name=Forge", "-c", "user.email=f@example.com"];
    let parents = [
        "commit-tree",
        "-p",
        "main",
        "-p",
        side,
        "-m",
        "Merge branch",
        tree.trim(),
    ];
    let dated = std::process::Command::new("git")
        .arg("--git-dir")
        .arg(repository.path())
        .args(merge)
        .args(parents)
        .env("GIT_COMMITTER_DATE", time)
        .output()
        .unwrap();
    let id = String::from_utf8(dated.stdout).unwrap();
    git(
        repository.path(),
        &["update-ref", "refs/heads/main", id.trim()],
    );
}

#[test]
fn what_came_by_a_merge_stands_behind_it() {
    let (_directory, repository) = bare();
    let content = |count: u32| count.to_string();
    for count in 0..5 {
        deliver(&repository, "shop", &content(count));
    }
    // Two commits for others to agree to; the branch goes on meanwhile, and takes them then.
    git(repository.path(), &["branch", "side", "main~1"]);
    for count in [10, 11] {
        deliver_on(&repository, "side", "pay", &content(count));
    }
    merge(&repository, "side", "1795000500 +0000");
    deliver(&repository, "shop", "5");
    let all = repository.history("main", &History::new()).unwrap();
    assert_eq!(
        subjects(&all),
        [
            "shop: 5",
            "Merge branch",
            "pay: 11",
            "pay: 10",
            "shop: 4",
            "shop: 3",
            "shop: 2",
            "shop: 1",
            "shop: 0"
        ]
    );
    // They were delivered when they were merged.
    assert_eq!(
        (all[2].seconds, all[3].seconds),
        (1_795_000_500, 1_795_000_500)
    );
    assert_eq!(all[4].seconds, 1_795_000_000);
    let limited = repository
        .history("main", &History::new().with_limit(3))
        .unwrap();
    assert_eq!(subjects(&limited), ["shop: 5", "Merge branch", "pay: 11"]);
    let side = History::new().under(path("apps/pay"));
    let side = repository.history("main", &side).unwrap();
    assert_eq!(subjects(&side), ["Merge branch", "pay: 11", "pay: 10"]);
}

#[test]
fn a_branch_that_has_nothing_in_common_is_told_in_part() {
    let (_directory, repository) = bare();
    deliver(&repository, "shop", "1");
    git(repository.path(), &["branch", "other", "main"]);
    let lone = git(
        repository.path(),
        &[
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@example.com",
            "commit-tree",
            "-m",
            "lone",
            "main^{tree}",
        ],
    );
    git(
        repository.path(),
        &["update-ref", "refs/heads/other", lone.trim()],
    );
    for count in 0..150 {
        deliver_on(&repository, "other", "pay", &count.to_string());
    }
    merge(&repository, "other", "1795000500 +0000");
    let all = repository.history("main", &History::new()).unwrap();
    assert_eq!(all.len(), 1 + 100 + 1);
    assert_eq!(
        (all[1].subject.as_str(), all[101].subject.as_str()),
        ("pay: 149", "shop: 1")
    );
}

#[test]
fn a_commit_of_a_merge_is_no_larger_than_any_other() {
    let (directory, repository) = bare();
    deliver(&repository, "shop", "1");
    let large = directory.path().join("message");
    std::fs::write(&large, "x".repeat(MAX_COMMIT_BYTES)).unwrap();
    let who = ["-c", "user.name=x", "-c", "user.email=x@example.com"];
    let commit = ["commit-tree", "-p", "main", "-F", large.to_str().unwrap()];
    let arguments = [&who[..], &commit, &["main^{tree}"]].concat();
    let side = git(repository.path(), &arguments);
    git(repository.path(), &["branch", "side", side.trim()]);
    merge(&repository, "side", "1795000500 +0000");
    let error = repository.history("main", &History::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
}

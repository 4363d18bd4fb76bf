//! Repositories that a server serves.

use narae_testservers::GitDaemon;

use crate::sandbox::{IMAGE, Sandbox};

#[test]
fn a_repository_behind_git_daemon() {
    let sandbox = Sandbox::new();
    let log = sandbox.path("daemon.log");
    let Some(daemon) = GitDaemon::start(&sandbox.path(""), &log, "promotion over git://") else {
        return;
    };
    let url = daemon.address("gitops.git");
    let run = |arguments: &[&str]| {
        let run = sandbox.run_on(&url, arguments);
        assert_eq!(run.code, Some(0), "{run:#?}");
        run.stdout
    };
    let out = run(&[
        "set-image",
        "shop",
        &format!("{IMAGE}:8c1d2e3"),
        "--env",
        "dev",
    ]);
    assert!(out.contains("Committed"), "{out}");
    run(&["move", "shop", "--from", "dev", "--to", "rc"]);
    // Without what was fetched before it is the same.
    std::fs::remove_dir_all(sandbox.path("home")).unwrap();
    run(&[
        "move",
        "shop",
        "--from",
        "rc",
        "--to",
        "master",
        "--approved-by",
        "Grace",
    ]);
    run(&["rollback", "shop", "--env", "master"]);
    assert!(
        sandbox
            .file("master", "idc", "shop/values.yaml")
            .contains("0000aaa")
    );
    assert!(
        sandbox
            .file("rc", "aws", "shop/values.yaml")
            .contains("8c1d2e3")
    );
    let out = run(&["history", "shop"]);
    assert_eq!(out.lines().count(), 5, "{out}");
    assert_eq!(sandbox.commits(), 5);
    sandbox.fsck();

    let gone = sandbox.run_on(&daemon.address("none.git"), &["history"]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
}

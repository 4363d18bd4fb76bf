//! Histories cut short: what is not found in them is never said not to have been.

use serde_json::Value;

use crate::sandbox::{IMAGE, Run, Sandbox, TO_RC};

/// Dev had 1111bbb and has 2222ccc, and rc has had 1111bbb; then come many commits about other things.
fn long() -> Sandbox {
    let sandbox = Sandbox::new();
    let set = |tag: &str| {
        sandbox.done(&[
            "set-image",
            "shop",
            &format!("{IMAGE}:{tag}"),
            "--env",
            "dev",
        ])
    };
    set("1111bbb");
    sandbox.done(&TO_RC);
    set("2222ccc");
    sandbox.done(&TO_RC);
    for number in 0..5 {
        sandbox.import(&[(format!("notes/{number}"), number.to_string())]);
    }
    sandbox
}

/// The program on the repository as one elsewhere, looking at some commits only.
fn run(sandbox: &Sandbox, depth: &str, arguments: &[&str]) -> Run {
    sandbox.run_on(&sandbox.url(), &[arguments, &["--depth", depth]].concat())
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run:#?}"))
}

#[test]
fn going_back_beyond_what_was_looked_at_is_warned_of() {
    let sandbox = long();
    let old = format!("{IMAGE}:1111bbb");
    let back = ["set-image", "shop", &old, "--env", "dev", "--dry-run"];
    let whole = run(&sandbox, "1000", &back);
    assert_eq!(whole.code, Some(3), "{whole:#?}");
    assert!(whole.stderr.contains("was in `dev`"), "{whole:#?}");
    assert!(!whole.stderr.contains("were looked at"), "{whole:#?}");

    let said = "only the newest 3 commits of `main` were looked at: whether this was in `dev` before is not known";
    let cut = run(&sandbox, "3", &back);
    assert_eq!(cut.code, Some(0), "{cut:#?}");
    assert!(cut.stderr.contains(said), "{cut:#?}");
    let cut = run(&sandbox, "3", &[&back[..], &["--json"]].concat());
    assert!(cut.stderr.contains(said), "{cut:#?}");
    let found = json(&cut).pointer("/warnings/0").unwrap().to_string();
    assert!(found.contains(said), "{found}");

    // Somebody who says that it comes again does not rest on it, nor what is there already.
    let again = run(&sandbox, "3", &[&back[..], &["--again", "--json"]].concat());
    assert_eq!((again.code, json(&again).get("warnings")), (Some(0), None));
    let same = format!("{IMAGE}:2222ccc");
    let there = run(
        &sandbox,
        "3",
        &["set-image", "shop", &same, "--env", "dev", "--json"],
    );
    assert_eq!((there.code, json(&there).get("warnings")), (Some(0), None));
    // A commit that is looked at to the last has nothing before it.
    let new = format!("{IMAGE}:3333ddd");
    let set = [
        "set-image",
        "shop",
        &new,
        "--env",
        "dev",
        "--json",
        "--dry-run",
    ];
    let all = (sandbox.commits()).to_string();
    let whole = run(&sandbox, &all, &set);
    assert_eq!((whole.code, json(&whole).get("warnings")), (Some(0), None));

    // A plan has the warning beside it, and is a plan.
    let plan = run(
        &sandbox,
        "3",
        &[
            "plan",
            "-o",
            "plan.json",
            "set-image",
            "shop",
            &new,
            "--env",
            "dev",
        ],
    );
    assert!(plan.stderr.contains(said), "{plan:#?}");
    let landed = run(&sandbox, "3", &["apply", "plan.json", "--json"]);
    assert_eq!(landed.code, Some(0), "{landed:#?}");
    let found = json(&landed);
    assert!(found.get("commit").unwrap().is_string(), "{found}");
    assert!(
        found
            .pointer("/warnings/0")
            .unwrap()
            .to_string()
            .contains(said)
    );
}

#[test]
fn a_refusal_says_how_far_was_looked() {
    let sandbox = long();
    let within = "within the newest 3 commits of `main`, and what was before is not known";
    let approved = ["--approved-by", "Grace", "--dry-run"];
    // It has been in rc, and is no longer there.
    let old = format!("{IMAGE}:1111bbb");
    let set = [
        &["set-image", "shop", &old, "--env", "master"][..],
        &approved,
    ]
    .concat();
    assert_eq!(run(&sandbox, "1000", &set).code, Some(0));
    let unseen = format!("{IMAGE}:4444eee");
    let never = [
        &["set-image", "shop", &unseen, "--env", "master"][..],
        &approved,
    ]
    .concat();
    let whole = run(&sandbox, "1000", &never);
    assert!(
        whole
            .stderr
            .contains("has not been in `rc` at idc: deliver"),
        "{whole:#?}"
    );
    for arguments in [set, never] {
        let cut = run(&sandbox, "3", &arguments);
        assert_eq!(cut.code, Some(3), "{cut:#?}");
        assert!(cut.stderr.contains(within), "{cut:#?}");
        assert!(cut.stderr.contains("try: --depth"), "{cut:#?}");
    }
    let back = ["rollback", "shop", "--env", "dev", "--dry-run"];
    assert_eq!(run(&sandbox, "1000", &back).code, Some(0));
    let cut = run(&sandbox, "3", &back);
    assert_eq!(cut.code, Some(1), "{cut:#?}");
    assert!(cut.stderr.contains(within), "{cut:#?}");
    let delivery = sandbox.repository(&["log", "--format=%H", "--grep=2222ccc to dev", "main"]);
    let named = [&back[..], &["--commit", delivery.trim()]].concat();
    assert_eq!(run(&sandbox, "1000", &named).code, Some(0));
    let cut = run(&sandbox, "3", &named);
    assert!(
        cut.stderr.contains("within the newest 3 commits"),
        "{cut:#?}"
    );
}

#[test]
fn a_history_says_where_it_begins() {
    let sandbox = long();
    let said = "only the newest 3 commits of `main` were looked at, since 2020-01-01";
    for arguments in [&["history"][..], &["history", "--measures"]] {
        let whole = run(&sandbox, "1000", arguments);
        assert!(whole.stderr.is_empty(), "{whole:#?}");
        let cut = run(&sandbox, "3", arguments);
        assert!(cut.stderr.contains(said), "{cut:#?}");
        let cut = run(&sandbox, "3", &[arguments, &["--json"]].concat());
        let found = json(&cut).pointer("/warnings/0").unwrap().to_string();
        assert!(found.contains(said), "{found}");
    }
    // As many as were asked for, and none of the others can be newer.
    let cut = run(&sandbox, "6", &["history", "--limit", "1"]);
    assert!(cut.stderr.is_empty(), "{cut:#?}");
    // A shallow clone on this machine is cut short as well.
    let clone = [
        "clone",
        "--quiet",
        "--bare",
        "--depth=2",
        &sandbox.url(),
        "shallow.git",
    ];
    sandbox.git(&clone, "");
    let cut = sandbox.run_on("shallow.git", &["history"]);
    assert!(
        cut.stderr.contains("only the newest 2 commits of `main`"),
        "{cut:#?}"
    );
    assert_eq!(cut.stdout, "no deliveries\n");
    let none = run(&sandbox, "0", &["history"]);
    assert_eq!(none.code, Some(2), "{none:#?}");
}

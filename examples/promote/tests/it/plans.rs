//! Plans written, looked at, and applied later.

use crate::sandbox::{IMAGE, Sandbox, words};

fn planned(sandbox: &Sandbox) {
    let image = format!("{IMAGE}:8c1d2e3");
    sandbox.done(&[
        "plan",
        "-o",
        "plan.json",
        "set-image",
        "shop",
        &image,
        "--env",
        "dev",
        "--site",
        "idc",
    ]);
    assert_eq!(sandbox.commits(), 1);
}

#[test]
fn a_plan_is_applied_later_on_whatever_else_moved() {
    let sandbox = Sandbox::new();
    planned(&sandbox);
    sandbox.done(&["set-image", "cart", "shop/cart:1111bbb", "--env", "dev"]);
    let out = sandbox.done(&["apply", "plan.json", "--dry-run"]);
    assert!(out.contains("+  newTag: 8c1d2e3"), "{out}");
    let out = sandbox.done(&["apply", "plan.json"]);
    assert!(out.contains("Committed"), "{out}");
    let out = sandbox.done(&["apply", "plan.json"]);
    assert!(out.contains("Nothing to do"), "{out}");
    assert_eq!(sandbox.commits(), 3);
    // What was applied by a plan is rolled back like the rest.
    sandbox.done(&["rollback", "shop", "--env", "dev"]);
    assert!(
        sandbox
            .file("dev", "idc", "shop/values.yaml")
            .contains("0000aaa")
    );
}

#[test]
fn a_plan_is_refused_with_what_moved() {
    let sandbox = Sandbox::new();
    planned(&sandbox);
    sandbox.done(&[
        "set-image",
        "shop",
        &format!("{IMAGE}:2222ccc"),
        "--env",
        "dev",
    ]);
    let run = sandbox.run(&["apply", "plan.json"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    let words = format!("{IMAGE}:2222ccc stands there: it has changed since the plan was made");
    assert!(run.stdout.contains(&words), "{run:?}");
    let (code, json) = sandbox.json(&["apply", "plan.json"]);
    assert_eq!(
        (code, json["outcome"].as_str()),
        (Some(3), Some("conflict"))
    );
    assert_eq!(sandbox.commits(), 2);
}

#[test]
fn without_a_file_the_plan_is_the_output() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["plan", "move", "shop", "--from", "dev", "--to", "rc"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("as it is"), "{run:?}");
    let plan: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plan["branch"], "main");
    std::fs::write(sandbox.path("p.json"), run.stdout.replace("\"main\"", "3")).unwrap();
    let run = sandbox.run(&["apply", "p.json"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("p.json:2:13: "), "{run:?}");
}

#[test]
fn a_plan_that_is_written_says_where_and_what_for() {
    let sandbox = Sandbox::new();
    let plan = words("plan -o plan.json set-image cart shop/cart:1111bbb --env dev");
    let out = sandbox.done(&plan);
    let words = "\nWritten to plan.json: `promote apply plan.json` makes the change.\n";
    assert!(out.ends_with(words), "{out}");
    let out = sandbox.done(&[&plan[..], &["--dry-run"]].concat());
    assert!(!out.contains("Written"), "{out}");
}

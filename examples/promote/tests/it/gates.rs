//! A plan made yesterday and applied today: what its gates said then is asked again, on what is there now.

use crate::sandbox::{CONFIG, IMAGE, Sandbox, TO_RC, words};

/// dev and rc have the new image; `plan.json` is to bring it to master.
fn planned() -> Sandbox {
    let sandbox = Sandbox::new();
    let image = format!("{IMAGE}:8c1d2e3");
    sandbox.done(&["set-image", "shop", &image, "--env", "dev"]);
    sandbox.done(&TO_RC);
    sandbox.done(&words(
        "plan -o plan.json move shop --from rc --to master --approved-by Grace",
    ));
    sandbox
}

/// Each way of applying it is refused with these words, and nothing is written.
fn refused(sandbox: &Sandbox, words: &str) {
    let before = sandbox.branches();
    for (repository, more) in [
        ("gitops.git", &[][..]),
        ("gitops.git", &["--dry-run"]),
        (&sandbox.url(), &[]),
        (&sandbox.url(), &["--merge-request", "agit"]),
        (&sandbox.url(), &["--json"]),
    ] {
        let run = sandbox.run_on(repository, &[&["apply", "plan.json"], more].concat());
        assert_eq!(run.code, Some(3), "{repository} {more:?}: {run:#?}");
        assert!(run.stderr.contains(words), "{words}: {run:#?}");
        assert_eq!(sandbox.branches(), before);
        if more == ["--json"] {
            let said: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
            let error = said.get("error").and_then(serde_json::Value::as_str);
            assert!(error.unwrap().contains(words), "{run:#?}");
        }
    }
}

fn configure(sandbox: &Sandbox, from: &str, to: &str) {
    assert!(CONFIG.contains(from), "{from}");
    sandbox.import(&[("narae.yaml".to_owned(), CONFIG.replace(from, to))]);
}

#[test]
fn a_plan_whose_gates_hold_is_applied() {
    for elsewhere in [false, true] {
        let sandbox = planned();
        // What else is new in narae.yaml does not matter.
        configure(
            &sandbox,
            "  cart:\n",
            "  pay:\n    images: [{file: \"{site}/p\", select: \"image:a\"}]\n  cart:\n",
        );
        let repository = match elsewhere {
            true => sandbox.url(),
            false => "gitops.git".to_owned(),
        };
        let run = sandbox.run_on(&repository, &["apply", "plan.json"]);
        assert_eq!(run.code, Some(0), "{run:#?}");
        for site in ["idc", "aws"] {
            assert!(
                sandbox
                    .file("master", site, "shop/values.yaml")
                    .contains("8c1d2e3")
            );
        }
        let run = sandbox.run_on(&repository, &["apply", "plan.json"]);
        assert!(run.stdout.contains("Nothing to do"), "{run:#?}");
    }
}

#[test]
fn a_plan_whose_gate_no_longer_holds_is_refused() {
    let sandbox = planned();
    sandbox.done(&["rollback", "shop", "--env", "rc"]);
    let tip = sandbox.repository(&["rev-parse", "--short=12", "main"]);
    refused(
        &sandbox,
        &format!("was rolled back in `rc` at idc by {}", tip.trim()),
    );

    let sandbox = planned();
    configure(
        &sandbox,
        "from: rc, approval: manual",
        "from: rc, digest: required",
    );
    refused(&sandbox, "8c1d2e3` has no digest");

    let sandbox = planned();
    configure(
        &sandbox,
        "  master: {directory: environments/master, from: rc,",
        "  qa: {directory: environments/dev/qa, from: rc}\n  master: {directory: environments/master, from: qa,",
    );
    refused(&sandbox, "has not been in `qa` at idc");

    let sandbox = planned();
    configure(
        &sandbox,
        "    repository: shop/web",
        "    repository: shop/site",
    );
    refused(&sandbox, "is not of `shop/site`");

    let sandbox = planned();
    configure(
        &sandbox,
        "select: \"replicas:web\"",
        "select: \"value:namespace\"",
    );
    refused(
        &sandbox,
        "the plan does not fit: narae.yaml has no `replicas:web` in environments/master/",
    );

    let sandbox = planned();
    sandbox.done(&["apply", "plan.json"]);
    sandbox.done(&["rollback", "shop", "--env", "master"]);
    refused(
        &sandbox,
        "was in `master` at idc before and was replaced by",
    );
}

#[test]
fn an_approval_that_is_asked_for_now_is_missed() {
    let sandbox = Sandbox::new();
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
    ]);
    configure(
        &sandbox,
        "{directory: environments/dev}",
        "{directory: environments/dev, approval: manual}",
    );
    refused(&sandbox, "`dev` takes changes only when somebody agrees");
}

#[test]
fn what_was_written_into_a_plan_by_hand_passes_no_gate() {
    let text = |sandbox: &Sandbox| std::fs::read_to_string(sandbox.path("plan.json")).unwrap();
    let changed = |from: &str, to: &str| {
        let sandbox = planned();
        let text = text(&sandbox);
        assert!(text.contains(from), "{from}: {text}");
        std::fs::write(sandbox.path("plan.json"), text.replace(from, to)).unwrap();
        sandbox
    };
    refused(
        &changed("8c1d2e3", "9999fff"),
        "9999fff` has not been in `rc` at idc",
    );
    refused(&changed("8c1d2e3", "latest"), "tag `latest` moves");
    refused(
        &changed("master/idc/shop", "master/idc/cart"),
        "the plan does not fit",
    );
}

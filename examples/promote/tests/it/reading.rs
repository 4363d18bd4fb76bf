//! History, measures, drift; and what is wrong with a repository or its narae.yaml.

use crate::sandbox::{CONFIG, IMAGE, Sandbox};

fn delivered() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.done(&[
        "set-image",
        "shop",
        &format!("{IMAGE}:8c1d2e3"),
        "--env",
        "dev",
    ]);
    sandbox.done(&["move", "shop", "--from", "dev", "--to", "rc"]);
    sandbox.done(&["rollback", "shop", "--env", "rc", "--site", "idc"]);
    sandbox.done(&["set-image", "cart", "shop/cart:8c1d2e3", "--env", "dev"]);
    sandbox
}

#[test]
fn history_says_who_delivered_what_where_and_how() {
    let sandbox = delivered();
    let out = sandbox.done(&["history", "shop"]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 4, "{out}");
    assert!(lines[0].starts_with("when"), "{out}");
    assert!(
        lines[1].contains("rc           idc      shop") && lines[1].contains("roll back"),
        "{out}"
    );
    assert!(
        lines[2].contains("promote from dev") && lines[2].contains("Ada"),
        "{out}"
    );
    let (_, json) = sandbox.json(&["history", "--env", "dev", "--limit", "1"]);
    assert_eq!(json["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(json["deliveries"][0]["application"], "cart");
    let (_, json) = sandbox.json(&["history", "shop", "--measures"]);
    let rc = &json["environments"]["rc"];
    assert_eq!(
        (rc["deliveries"].as_u64(), rc["rollbacks"].as_u64()),
        (Some(1), Some(1)),
        "{json:#}"
    );
    assert_eq!(rc["change_failure_rate"], 1.0);
    assert!(
        rc["lead_time"]["median"].is_i64() && rc["time_to_restore"]["count"] == 1,
        "{json:#}"
    );
    let out = sandbox.done(&["history", "--measures"]);
    assert!(
        out.contains("time to restore") && out.contains("100 %"),
        "{out}"
    );
}

#[test]
fn drift_says_what_would_be_promoted_and_what_stays() {
    let sandbox = delivered();
    let out = sandbox.done(&["drift", "shop", "--to", "rc"]);
    assert!(out.starts_with("dev → rc\n  to be promoted\n    environments/rc/idc/shop/kustomization.yaml  kustomize:web"), "{out}");
    assert!(out.contains("stays as it is\n    environments/rc/idc/shop/kustomization.yaml  namespace  shop-dev | shop-rc\n"), "{out}");
    let (_, json) = sandbox.json(&["drift"]);
    let pairs: Vec<&str> = json["drift"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|pair| pair["to"].as_str())
        .collect();
    assert_eq!(pairs, ["master", "rc"]);
    let run = sandbox.run(&["drift", "--to", "dev"]);
    assert_eq!(run.code, Some(2), "{run:?}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let sandbox = Sandbox::new();
    for (arguments, code, words) in [
        (&["set-image", "shop", "x:1"][..], 2, "--env"),
        (
            &["set-image", "shop", "X:1", "--env", "dev"],
            2,
            "bad repository",
        ),
        (
            &["set-image", "shoop", "x:1234567", "--env", "dev"],
            1,
            "unknown application `shoop`: expected cart, shop",
        ),
        (
            &["set-image", "shop", "x:1234567", "--env", "prod"],
            1,
            "unknown environment `prod`",
        ),
        (
            &["move", "shop", "--from", "rc", "--to", "rc"],
            1,
            "cannot be promoted to itself",
        ),
        (
            &["rollback", "shop", "--env", "dev"],
            1,
            "no delivery of `shop` to `dev` to roll back",
        ),
        (
            &["history", "--branch", "nope"],
            1,
            "there is no narae.yaml on branch `nope`",
        ),
        (&["apply", "nope.json"], 1, "cannot read nope.json"),
    ] {
        let run = sandbox.run(arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains(words), "{arguments:?}: {run:?}");
    }
    let run = sandbox.run_on("./nowhere", &["history"]);
    assert!(
        run.stderr.contains("there is no repository at ./nowhere"),
        "{run:?}"
    );
    let broken = CONFIG.replace("from: rc", "from: rd");
    sandbox.import(&[("narae.yaml".to_owned(), broken)]);
    let run = sandbox.run(&["history"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr
            .contains("narae.yaml:6:50: there is no environment `rd`"),
        "{run:?}"
    );
}

#[test]
fn a_configuration_that_is_not_utf8_says_where() {
    let sandbox = Sandbox::new();
    // Columns count characters: the umlaut is one.
    sandbox.git(&["clone", "--quiet", "gitops.git", "clone"], "");
    let bytes = b"# one\n# f\xc3\xbcr \xfcber\n";
    std::fs::write(sandbox.path("clone/narae.yaml"), bytes).unwrap();
    let author: &[&str] = &[
        "-c",
        "user.name=Other",
        "-c",
        "user.email=other@example.com",
    ];
    let commit: &[&str] = &["-C", "clone", "commit", "--quiet", "--all", "--message=x"];
    sandbox.git(&[author, commit].concat(), "");
    sandbox.git(&["-C", "clone", "push", "--quiet"], "");
    let run = sandbox.run(&["history"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let words = "narae.yaml:2:7: not UTF-8 (byte 13)";
    assert!(run.stderr.contains(words), "{run:?}");
}

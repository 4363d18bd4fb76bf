//! History, measures, drift; and what is wrong with a repository or its narae.yaml.

use crate::sandbox::{CONFIG, IMAGE, Run, Sandbox, TO_RC};

fn delivered() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.done(&[
        "set-image",
        "shop",
        &format!("{IMAGE}:8c1d2e3"),
        "--env",
        "dev",
    ]);
    sandbox.done(&TO_RC);
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
    assert!(out.contains("stays as it is\n    environments/rc/idc/shop/kustomization.yaml  namespace  dev has shop-dev, rc has shop-rc\n"), "{out}");
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
    // What a rule asks for, this program has a flag for.
    let image = format!("{IMAGE}:8c1d2e3");
    let master = ["set-image", "shop", &image, "--env", "master"];
    for (more, words) in [
        (
            &[][..],
            "say who\n  try: --approved-by with the name of whoever agreed\n",
        ),
        (
            &["--approved-by", "Grace"],
            "deliver it there first\n  try: `promote history APP`, which shows where it has been\n",
        ),
    ] {
        let run = sandbox.run(&[&master[..], more].concat());
        assert_eq!(run.code, Some(3), "{run:?}");
        assert!(run.stderr.ends_with(words), "{run:?}");
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

#[test]
fn a_delivery_is_named_as_the_history_names_it() {
    let sandbox = delivered();
    let (_, json) = sandbox.json(&["history", "shop", "--env", "dev"]);
    let commit = json["deliveries"][0]["commit"].as_str().unwrap().to_owned();
    let roll_back = |begin: &str| {
        sandbox.run(&[
            "rollback",
            "shop",
            "--env",
            "dev",
            "--commit",
            begin,
            "--dry-run",
        ])
    };
    for length in [4, 12, 40] {
        let run = roll_back(&commit[..length]);
        // Of four digits there may be two.
        let is_ambiguous = run.stderr.contains("2 deliveries of `shop` to `dev`");
        assert!(
            run.code == Some(0) || (length == 4 && is_ambiguous),
            "{run:?}"
        );
    }
    let run = roll_back(&commit[..12].to_uppercase());
    assert_eq!(run.code, Some(0), "{run:?}");
    for (begin, code, words) in [
        (
            "deadbeefdead",
            1,
            "no deliveries of `shop` to `dev` have an id that begins with deadbeefdead",
        ),
        ("abc", 2, "expected 4 to 40 hexadecimal digits"),
        ("main", 2, "expected 4 to 40 hexadecimal digits"),
    ] {
        let run = roll_back(begin);
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.stderr.contains(words), "{run:?}");
    }
}

#[test]
fn the_repository_around_the_folder_is_found() {
    let sandbox = Sandbox::new();
    sandbox.git(&["clone", "--quiet", "gitops.git", "clone"], "");
    let run = |folder: &str, arguments: &[&str]| {
        let mut command = sandbox.command(".", arguments);
        Run::of(
            command
                .env_remove("NARAE_REPO")
                .current_dir(sandbox.path(folder)),
        )
    };
    for folder in ["clone", "clone/environments/dev", "gitops.git"] {
        let run = run(folder, &["drift", "--json"]);
        assert_eq!(run.code, Some(0), "{folder}: {run:?}");
    }
    let outside = run("", &["drift"]);
    assert_eq!(outside.code, Some(1), "{outside:?}");
    let words = "there is no repository in this folder, nor above it\n  try: --repo";
    assert!(outside.stderr.contains(words), "{outside:?}");
    let set = ["set-image", "cart", "shop/cart:1111bbb", "--env", "dev"];
    let run = run("clone", &set);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr.contains("branch `main` is checked out"),
        "{run:?}"
    );
}

//! A first run delivers, a second has nothing to do, and both say so.

use std::fs;

use crate::sandbox::Sandbox;

const PLACE: &str = "environments/dev/idc/shop";

#[test]
fn first_run_commits_once_and_the_second_does_nothing() {
    let sandbox = Sandbox::new();
    let first = sandbox.delivered(&[]);
    assert_eq!(sandbox.commits(), 1);
    let commit = sandbox.repository(&["rev-parse", "main"]);
    assert!(first.contains(commit.trim()), "{first}");
    assert!(first.contains("Argo CD would sync"), "{first}");
    assert!(first.contains("8 to add"), "{first}");

    let second = sandbox.delivered(&[]);
    assert!(second.contains("Nothing to do"), "{second}");
    assert_eq!(sandbox.repository(&["rev-parse", "main"]), commit);
    sandbox.repository(&["fsck", "--strict"]);
}

#[test]
fn the_commit_holds_every_object_and_says_what_was_delivered() {
    let sandbox = Sandbox::new();
    sandbox.delivered(&[]);
    let files = sandbox.repository(&["ls-tree", "-r", "--name-only", "main"]);
    let expected = [
        "configmap-shop-config.yaml",
        "configmap-shop-features.yaml",
        "deployment-shop.yaml",
        "horizontalpodautoscaler-shop.yaml",
        "httproute-shop.yaml",
        "persistentvolumeclaim-shop-uploads.yaml",
        "sealedsecret-shop-credentials.yaml",
        "service-shop.yaml",
    ];
    let expected: Vec<String> = expected
        .iter()
        .map(|name| format!("{PLACE}/{name}"))
        .collect();
    assert_eq!(files.lines().collect::<Vec<_>>(), expected);

    let message = sandbox.repository(&["log", "-1", "--format=%B", "main"]);
    for trailer in [
        "Narae-App: shop",
        "Narae-Site: idc",
        "Narae-Environment: dev",
        "Narae-Image: harbor.idc.example.com/commerce/shop:6b1f0c4e9d27a85310f4b6e2c8a97d5e3f1b0a42",
        "Source-Commit: 6b1f0c4e9d27a85310f4b6e2c8a97d5e3f1b0a42",
    ] {
        assert!(message.contains(trailer), "{trailer} is not in:\n{message}");
    }
}

#[test]
fn sites_and_stages_differ_where_they_should() {
    let sandbox = Sandbox::new();
    sandbox.delivered(&["--site", "aws", "--stage", "prod"]);
    let place = "environments/prod/aws/shop";
    let deployment = sandbox.file(&format!("{place}/deployment-shop.yaml"));
    assert!(
        deployment
            .contains("123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/commerce/shop:c41d8e07")
    );
    assert!(
        deployment.contains("adot-collector") && deployment.contains("UseZGC"),
        "{deployment}"
    );
    assert!(
        !deployment.contains("imagePullSecrets"),
        "ECR needs no pull secret"
    );
    let scaler = sandbox.file(&format!("{place}/horizontalpodautoscaler-shop.yaml"));
    assert!(
        scaler.contains("minReplicas: 2") && scaler.contains("maxReplicas: 16"),
        "{scaler}"
    );
    sandbox.delivered(&["--site", "idc", "--stage", "prod"]);
    assert_eq!(sandbox.commits(), 2, "another site is another place");
    let other = sandbox.file("environments/prod/idc/shop/horizontalpodautoscaler-shop.yaml");
    assert!(other.contains("minReplicas: 4"), "{other}");
}

#[test]
fn a_new_image_changes_only_what_names_it() {
    let sandbox = Sandbox::new();
    sandbox.delivered(&[]);
    let image = "commerce/shop:9f2c1d7e4b8a60355c1e7a9d0b42f8e6a3d5c710";
    let (code, run) = sandbox.json(&["--image", image]);
    assert_eq!(code, Some(0));
    assert_eq!(run["result"]["outcome"], "committed");
    let deployment = run["plan"]["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["path"].as_str().unwrap().contains("deployment"))
        .unwrap();
    let field = deployment["fields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|field| field["path"] == "spec.template.spec.containers[0].image")
        .unwrap();
    assert_eq!(
        field["old"],
        "harbor.idc.example.com/commerce/shop:6b1f0c4e9d27a85310f4b6e2c8a97d5e3f1b0a42"
    );
    assert_eq!(field["new"], format!("harbor.idc.example.com/{image}"));
    assert!(
        field["from"].as_str().unwrap().contains("--image"),
        "{field}"
    );
    // Nothing else moves: not the service, and no ciphertext.
    let changed = sandbox.repository(&["diff", "--name-only", "main~1", "main"]);
    assert_eq!(changed.trim(), format!("{PLACE}/deployment-shop.yaml"));
}

#[test]
fn a_bare_image_name_is_the_repository_of_that_name() {
    let sandbox = Sandbox::new();
    let tag = "9f2c1d7e4b8a60355c1e7a9d0b42f8e6a3d5c710";
    let (code, run) = sandbox.json(&["--image", &format!("shop:{tag}")]);
    assert_eq!(code, Some(0));
    assert_eq!(
        run["images"][0],
        format!("harbor.idc.example.com/commerce/shop:{tag}")
    );
    let (_, run) = sandbox.json(&["--image", &format!("registry.example.com/other/shop:{tag}")]);
    assert_eq!(
        run["images"][0],
        format!("registry.example.com/other/shop:{tag}")
    );
}

#[test]
fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let sandbox = Sandbox::new();
    let shown = sandbox.delivered(&["--dry-run"]);
    assert!(
        shown.contains("Dry run") && shown.contains("8 to add"),
        "{shown}"
    );
    assert_eq!(sandbox.commits(), 0);
    sandbox.delivered(&[]);
    sandbox.shop();
    sandbox.edit("values/stages/dev.yaml", "maxReplicas: 2", "maxReplicas: 3");
    let shown = sandbox.delivered(&["--dry-run", "--app", "shop"]);
    assert!(shown.contains("spec.maxReplicas"), "{shown}");
    assert!(shown.contains("2 → 3"), "{shown}");
    assert!(shown.contains("shop/values/stages/dev.yaml:"), "{shown}");
    assert_eq!(sandbox.commits(), 1);
}

#[test]
fn a_pipe_gets_no_colour_and_a_terminal_can_be_asked_for() {
    let sandbox = Sandbox::new();
    assert!(!sandbox.delivered(&["--dry-run"]).contains('\u{1b}'));
    assert!(
        sandbox
            .delivered(&["--dry-run", "--color", "always"])
            .contains('\u{1b}')
    );
}

#[test]
fn json_says_the_same_as_the_report() {
    let sandbox = Sandbox::new();
    let (code, run) = sandbox.json(&[]);
    assert_eq!(code, Some(0));
    assert_eq!(run["application"], "shop");
    assert_eq!(run["plan"]["directory"], PLACE);
    assert_eq!(
        run["result"]["commit"],
        sandbox.repository(&["rev-parse", "main"]).trim()
    );
    assert_eq!(run["result"]["argocd"]["path"], PLACE);
    assert_eq!(run["secrets"].as_array().unwrap().len(), 3);
    let (code, run) = sandbox.json(&[]);
    assert_eq!(
        (code, &run["result"]["outcome"]),
        (Some(0), &"unchanged".into())
    );
}

#[test]
fn an_object_that_is_gone_is_removed_and_a_foreign_file_is_not() {
    let sandbox = Sandbox::new();
    sandbox.delivered(&[]);
    // Somebody adds a file of their own beside the delivered ones.
    sandbox.git(&["clone", "--quiet", "gitops.git", "work"]);
    let foreign = sandbox.path("work").join(PLACE).join("README.yaml");
    fs::write(&foreign, "note: ours\n").unwrap();
    sandbox.git(&["-C", "work", "add", "."]);
    sandbox.git(&[
        "-C",
        "work",
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "commit",
        "--quiet",
        "-m",
        "note",
    ]);
    sandbox.git(&["-C", "work", "push", "--quiet", "origin", "HEAD:main"]);

    let shop = sandbox.shop();
    fs::remove_file(shop.join("templates/httproute.yaml")).unwrap();
    let shown = sandbox.delivered(&["--app", "shop"]);
    assert!(shown.contains("1 to remove"), "{shown}");
    let files = sandbox.repository(&["ls-tree", "-r", "--name-only", "main"]);
    assert!(
        !files.contains("httproute-shop.yaml") && files.contains("README.yaml"),
        "{files}"
    );
}

#[test]
fn help_is_worth_reading() {
    let run = Sandbox::new().deliver(&["--help"]);
    assert_eq!(run.code, Some(0));
    for word in [
        "--site",
        "--dry-run",
        "Examples:",
        "Exit codes:",
        "BAO_ADDR",
        "NARAE_HOME",
    ] {
        assert!(run.stdout.contains(word), "--help does not mention {word}");
    }
}

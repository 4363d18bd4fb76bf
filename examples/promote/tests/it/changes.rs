//! Images set, moved from environment to environment, and rolled back.

use crate::sandbox::{IMAGE, Sandbox, TO_RC, words};

fn image(tag: &str) -> String {
    format!("{IMAGE}:{tag}")
}

#[test]
fn a_version_goes_all_the_way_and_comes_back() {
    let sandbox = Sandbox::new();
    let out = sandbox.done(&[
        "set-image",
        "shop",
        &image("12e4567"),
        "--env",
        "dev",
        "--source-commit",
        "12e45678",
        "--pipeline",
        "https://ci/1",
    ]);
    assert!(out.contains("shop → dev (idc, aws)"), "{out}");
    assert!(
        out.contains(&format!(
            "kustomize:web  {} → {}",
            image("0000aaa"),
            image("12e4567")
        )),
        "{out}"
    );
    // Every other byte stays: comments, quotes, CRLF; and what looks like a number is quoted.
    for site in ["idc", "aws"] {
        assert!(
            sandbox
                .file("dev", site, "shop/kustomization.yaml")
                .contains("  newTag: \"12e4567\"   # by delivery\n")
        );
        assert_eq!(
            sandbox.file("dev", site, "shop/values.yaml"),
            "web:\r\n  tag: '12e4567' # {\"$imagepolicy\": \"flux-system:shop:tag\"}\r\n"
        );
    }
    let numbers = sandbox.repository(&["diff", "--numstat", "main^", "main"]);
    assert_eq!(numbers.lines().count(), 4, "{numbers}");
    assert!(
        numbers
            .lines()
            .all(|line| line.starts_with("1\t1\tenvironments/dev/")),
        "{numbers}"
    );
    let trailers = sandbox.repository(&["log", "-1", "--format=%an|%s%n%(trailers:only)", "main"]);
    for line in [
        "Ada|shop: deliver 12e4567 to dev",
        "Narae-App: shop",
        "Narae-Environment: dev",
        "Source-Commit: 12e45678",
        "Pipeline: https://ci/1",
        &format!("Narae-Old: {}", image("0000aaa")),
    ] {
        assert!(
            trailers.lines().any(|other| other == line),
            "{line}: {trailers}"
        );
    }
    // The same again is nothing to do.
    let out = sandbox.done(&["set-image", "shop", &image("12e4567"), "--env", "dev"]);
    assert!(out.contains("Nothing to do"), "{out}");
    assert_eq!(sandbox.commits(), 2);

    sandbox.done(&words("move shop --from dev --to rc --site idc"));
    assert!(
        sandbox
            .file("rc", "idc", "shop/values.yaml")
            .contains("12e4567")
    );
    assert!(
        sandbox
            .file("rc", "aws", "shop/values.yaml")
            .contains("0000aaa")
    );
    assert!(
        sandbox
            .file("rc", "idc", "shop/kustomization.yaml")
            .contains("namespace: shop-rc")
    );

    // aws has not been in rc; master asks who agreed.
    let run = sandbox.run(&words("move shop --from rc --to master --site idc"));
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(
        run.stderr
            .contains("takes changes only when somebody agrees"),
        "{run:?}"
    );
    let run = sandbox.run(&[
        "set-image",
        "shop",
        &image("12e4567"),
        "--env",
        "master",
        "--approved-by",
        "Grace",
    ]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(
        run.stderr.contains("has not been in `rc` at aws"),
        "{run:?}"
    );
    let out = sandbox.done(&words(
        "move shop --from rc --to master --site idc --approved-by Grace",
    ));
    assert!(out.contains("promote from rc"), "{out}");

    let out = sandbox.done(&["rollback", "shop", "--env", "master"]);
    assert!(out.contains("roll back"), "{out}");
    assert!(
        sandbox
            .file("master", "idc", "shop/values.yaml")
            .contains("'0000aaa'")
    );
    let subject = sandbox.repository(&["log", "-1", "--format=%s", "main"]);
    assert_eq!(subject.trim(), "shop: roll back master to 0000aaa");
    let run = sandbox.run(&words(
        "move shop --from rc --to master --site idc --approved-by Grace",
    ));
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("was replaced by"), "{run:?}");
    sandbox.fsck();
    sandbox.git(&["clone", "--quiet", "gitops.git", "clone"], "");
    let cloned =
        std::fs::read_to_string(sandbox.path("clone/environments/dev/aws/shop/values.yaml"))
            .unwrap();
    assert!(cloned.contains("12e4567"));
}

#[test]
fn a_helm_triple_and_another_application_stay_apart() {
    let sandbox = Sandbox::new();
    let digest = format!("sha256:{}", "a".repeat(64));
    sandbox.done(&[
        "set-image",
        "cart",
        &format!("shop/cart:3f2a9c1@{digest}"),
        "--env",
        "dev",
        "--site",
        "aws",
    ]);
    assert_eq!(
        sandbox.file("dev", "aws", "cart/values.yaml"),
        format!("image: {{repository: shop/cart, tag: 3f2a9c1, digest: \"{digest}\"}}\n")
            .replace("\"", "")
    );
    sandbox.done(&[
        "set-image",
        "shop",
        &image("8c1d2e3"),
        "--env",
        "dev",
        "--site",
        "aws",
    ]);
    // One application is rolled back, and the other's later change stays.
    sandbox.done(&["rollback", "cart", "--env", "dev"]);
    assert_eq!(
        sandbox.file("dev", "aws", "cart/values.yaml"),
        "image: {repository: shop/cart, tag: 0000aaa}\n"
    );
    assert!(
        sandbox
            .file("dev", "aws", "shop/values.yaml")
            .contains("8c1d2e3")
    );
}

#[test]
fn a_dry_run_shows_the_diff_and_writes_nothing() {
    let sandbox = Sandbox::new();
    let out = sandbox.done(&[
        "set-image",
        "shop",
        &image("8c1d2e3"),
        "--env",
        "dev",
        "--site",
        "idc",
        "--dry-run",
    ]);
    assert!(out.contains("--- a/environments/dev/idc/shop/kustomization.yaml\n+++ b/environments/dev/idc/shop/kustomization.yaml\n"), "{out}");
    assert!(
        out.contains("\n-  newTag: 0000aaa   # by delivery\n+  newTag: 8c1d2e3   # by delivery\n"),
        "{out}"
    );
    assert!(
        out.contains("Planned: nothing was written to main of gitops.git."),
        "{out}"
    );
    assert!(!out.contains('\u{1b}'), "a pipe gets no colour");
    let colour = sandbox.done(&[
        "set-image",
        "shop",
        &image("8c1d2e3"),
        "--env",
        "dev",
        "--dry-run",
        "--color",
        "always",
    ]);
    assert!(
        colour.contains("\u{1b}[32m+  newTag: 8c1d2e3"),
        "{colour:?}"
    );
    assert_eq!(sandbox.commits(), 1);
}

#[test]
fn json_says_what_happened() {
    let sandbox = Sandbox::new();
    let (code, json) = sandbox.json(&[
        "set-image",
        "shop",
        &image("8c1d2e3"),
        "--env",
        "dev",
        "--site",
        "idc",
    ]);
    assert_eq!(code, Some(0), "{json:#}");
    assert_eq!(json["outcome"], "applied");
    assert_eq!(
        json["commit"],
        sandbox.repository(&["rev-parse", "main"]).trim()
    );
    let modified: Vec<&str> = json["modified"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|file| file.as_str())
        .collect();
    let git = sandbox.repository(&["diff", "--name-only", "main^", "main"]);
    assert_eq!(modified, git.lines().collect::<Vec<_>>());
    assert_eq!(json["images"]["new"][0], image("8c1d2e3"));
    let (code, json) = sandbox.json(&["set-image", "shop", &image("latest"), "--env", "dev"]);
    assert_eq!(code, Some(3));
    assert!(
        json["error"]
            .as_str()
            .unwrap()
            .contains("tag `latest` moves"),
        "{json:#}"
    );
}

#[test]
fn expectations_are_kept() {
    let sandbox = Sandbox::new();
    let set = |image: &str, more: &[&str]| {
        sandbox.run(
            &[
                &["set-image", "cart", image, "--env", "dev", "--site", "idc"],
                more,
            ]
            .concat(),
        )
    };
    let run = set("shop/cart:8c1d2e3", &["--expect", "shop/cart:1111bbb"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(
        run.stdout
            .contains("shop/cart:0000aaa stands there: `shop/cart:1111bbb` was expected"),
        "{run:?}"
    );
    let run = set("shop/cart:8c1d2e3", &["--expect", "shop/cart:0000aaa"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let run = set("shop/cart:7c1d2e3", &["--if-newer", "alphabetical"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stdout.contains("is as new as"), "{run:?}");
    assert_eq!(sandbox.commits(), 2);
}

#[test]
fn writers_at_once_all_land() {
    let sandbox = Sandbox::new();
    // Different applications and sites, in files beside each other.
    let jobs = [
        ("shop", "idc"),
        ("shop", "aws"),
        ("cart", "idc"),
        ("cart", "aws"),
    ];
    let children: Vec<_> = jobs
        .iter()
        .map(|(app, site)| {
            let image = match *app {
                "shop" => image("8c1d2e3"),
                _ => "shop/cart:8c1d2e3".to_owned(),
            };
            let arguments = ["set-image", app, &image, "--env", "dev", "--site", site];
            let mut command = sandbox.command("gitops.git", &arguments);
            command.stdout(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(sandbox.commits(), 5);
    assert_eq!(
        sandbox
            .repository(&["rev-list", "--count", "--merges", "main"])
            .trim(),
        "0"
    );
    for (app, site) in jobs {
        assert!(
            sandbox
                .file("dev", site, &format!("{app}/values.yaml"))
                .contains("8c1d2e3")
        );
    }
    sandbox.fsck();
}

#[test]
fn sites_with_registries_of_their_own_keep_them() {
    let sandbox = Sandbox::new();
    let name = "environments/dev/aws/shop/kustomization.yaml";
    let theirs = sandbox.file("dev", "aws", "shop/kustomization.yaml");
    let theirs = theirs.replace("harbor.example.com", "ecr.example.com");
    sandbox.import(&[(name.to_owned(), theirs)]);
    let image = format!("{IMAGE}:8c1d2e3");
    let set = ["set-image", "shop", &image, "--env", "dev"];
    let run = sandbox.run(&set);
    assert_eq!(run.code, Some(3), "{run:#?}");
    let said =
        "ecr.example.com at aws, harbor.example.com at idc\n  try: --site, or --keep-registries\n";
    assert!(run.stderr.ends_with(said), "{run:#?}");
    sandbox.done(&[&set[..], &["--keep-registries"]].concat());
    for (site, registry) in [("idc", "harbor"), ("aws", "ecr")] {
        let file = sandbox.file("dev", site, "shop/kustomization.yaml");
        let lines = format!("newName: {registry}.example.com/shop/web\n  newTag: 8c1d2e3 ");
        assert!(file.contains(&lines), "{file}");
    }
    // What comes from dev keeps the registries that rc has.
    sandbox.done(&TO_RC);
    let file = sandbox.file("rc", "aws", "shop/kustomization.yaml");
    assert!(
        file.contains("newName: harbor.example.com/shop/web\n  newTag: 8c1d2e3 "),
        "{file}"
    );
}

/// A pipeline that runs again after a failure asks for what it asked before.
#[test]
fn a_rollback_by_the_same_pipeline_is_one_rollback() {
    let sandbox = Sandbox::new();
    for tag in ["12e4567", "23f5678"] {
        sandbox.done(&["set-image", "shop", &image(tag), "--env", "dev"]);
    }
    let commits = sandbox.commits();
    let back = |pipeline: &str, more: &[&str]| {
        let back = ["rollback", "shop", "--env", "dev", "--pipeline", pipeline];
        sandbox.done(&[&back[..], more].concat())
    };
    back("http://ci/1", &["--site", "idc"]);
    // The other site of the same delivery, by the same run.
    back("http://ci/1", &[]);
    assert_eq!(sandbox.commits(), commits + 2);
    let again = back("http://ci/1", &[]);
    assert!(again.contains("Nothing to do"), "{again}");
    assert_eq!(sandbox.commits(), commits + 2);
    for site in ["idc", "aws"] {
        let text = sandbox.file("dev", site, "shop/kustomization.yaml");
        assert!(text.contains("newTag: \"12e4567\""), "{text}");
    }
    // Another run asks for what stands now.
    back("http://ci/2", &[]);
    assert_eq!(sandbox.commits(), commits + 3);
    let text = sandbox.file("dev", "idc", "shop/kustomization.yaml");
    assert!(text.contains("newTag: \"0000aaa\""), "{text}");
    let again = back("http://ci/2", &[]);
    assert!(again.contains("Nothing to do"), "{again}");
}

//! Environments as branches, at two sites each: every command, on a path and elsewhere.

use serde_json::Value;

use crate::sandbox::{IMAGE, Run, Sandbox, TO_RC, words};

/// master is on the branch that narae.yaml is read from.
const CONFIG: &str = r#"sites: [idc, aws]
environments:
  feature: {branch: feature/search}
  dev: {branch: dev, from: feature}
  rc: {branch: release/rc, from: dev}
  master: {from: rc, approval: manual}
applications:
  shop:
    repository: shop/web
    images: [{file: "{site}/shop/kustomization.yaml", select: "kustomize:web"}]
    values: [{file: "{site}/shop/kustomization.yaml", select: "replicas:web"}]
  cart:
    images: [{file: "sites/{site}.yaml", select: "helm:cart.image"}]
"#;

const BRANCHES: [&str; 4] = ["main", "feature/search", "dev", "release/rc"];

/// The same files on each branch, with another namespace; master's replicas are its own.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::empty();
    for branch in BRANCHES {
        let mut files = vec![("narae.yaml".to_owned(), CONFIG.to_owned())];
        for site in ["idc", "aws"] {
            files.push((
                format!("{site}/shop/kustomization.yaml"),
                format!("images:\n- name: web # {branch}\n  newName: {site}.example.com/shop/web\n  newTag: 0000aaa\nreplicas: [{{name: web, count: 2}}]\nnamespace: {branch}\n"),
            ));
            files.push((
                format!("sites/{site}.yaml"),
                "cart: {image: {repository: shop/cart, tag: 0000aaa}}\n".to_owned(),
            ));
        }
        sandbox.import_on("gitops.git", branch, &files);
    }
    sandbox
}

/// Runs commands on the sandbox's repository, and looks which branch moved.
struct Place {
    sandbox: Sandbox,
    repository: String,
}

impl Place {
    fn run(&self, arguments: &[&str]) -> Run {
        self.sandbox.run_on(&self.repository, arguments)
    }

    /// It succeeds, and just this branch has one commit more.
    fn moves(&self, branch: &str, arguments: &[&str]) -> String {
        let before = self.commits();
        let run = self.run(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:#?}");
        for ((name, before), (_, after)) in before.into_iter().zip(self.commits()) {
            assert_eq!(
                after - before,
                usize::from(name == branch),
                "{name}: {run:#?}"
            );
        }
        run.stdout
    }

    /// It is refused, in these words, and nothing moves.
    fn refuses(&self, words: &str, arguments: &[&str]) {
        let before = self.sandbox.branches();
        let run = self.run(arguments);
        assert_eq!(run.code, Some(3), "{arguments:?}: {run:#?}");
        let printed = format!("{}{}", run.stdout, run.stderr);
        assert!(printed.contains(words), "{words}: {run:#?}");
        assert_eq!(self.sandbox.branches(), before);
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let run = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(run.code, Some(0), "{arguments:?}: {run:#?}");
        serde_json::from_str(&run.stdout).unwrap()
    }

    fn commits(&self) -> Vec<(&'static str, usize)> {
        let count = |name: &'static str| {
            let count = self.sandbox.repository(&["rev-list", "--count", name]);
            (name, count.trim().parse().unwrap())
        };
        BRANCHES.into_iter().map(count).collect()
    }

    fn has(&self, branch: &str, file: &str, words: &str) -> bool {
        let name = format!("{branch}:{file}");
        self.sandbox.repository(&["show", &name]).contains(words)
    }

    /// The tags of shop at idc and at aws.
    fn shop(&self, branch: &str) -> [String; 2] {
        ["idc", "aws"].map(|site| {
            let name = format!("{branch}:{site}/shop/kustomization.yaml");
            let text = self.sandbox.repository(&["show", &name]);
            let tag = text
                .lines()
                .find_map(|line| line.strip_prefix("  newTag: "));
            tag.unwrap().to_owned()
        })
    }
}

#[test]
fn on_a_path() {
    let sandbox = sandbox();
    through_all_commands(Place {
        sandbox,
        repository: "gitops.git".to_owned(),
    });
}

#[test]
fn elsewhere() {
    let sandbox = sandbox();
    let repository = sandbox.url();
    through_all_commands(Place {
        sandbox,
        repository,
    });
}

fn through_all_commands(place: Place) {
    let image = format!("{IMAGE}:8c1d2e3");
    set_and_move(&place, &image);
    plan_and_apply(&place);
    read_back(&place);
    roll_back(&place);
    branches_with_a_common_past(&place);
    for branch in BRANCHES {
        let merges = ["rev-list", "--count", "--merges", branch];
        assert_eq!(place.sandbox.repository(&merges).trim(), "0");
    }
    place.sandbox.fsck();
}

fn set_and_move(place: &Place, image: &str) {
    // A gate looks at another branch.
    let words = "has not been in `dev` at idc";
    place.refuses(words, &["set-image", "shop", image, "--env", "rc"]);
    let set = ["set-image", "shop", image, "--env", "feature"];
    let out = place.moves(
        "feature/search",
        &[
            &set[..],
            &["--keep-registries", "--source-commit", "8c1d2e3f0011"],
        ]
        .concat(),
    );
    assert!(out.contains(" to feature/search of "), "{out}");
    let out = place.moves("dev", &["move", "shop", "--from", "feature", "--to", "dev"]);
    // What is not declared is shown, and stays.
    let words = "  stays as it is\n    idc/shop/kustomization.yaml  namespace  feature has feature/search, dev has dev\n    aws/shop/";
    assert!(out.contains(words), "{out}");
    let to_rc = TO_RC;
    let out = place.moves("release/rc", &[&to_rc[..], &["--site", "idc"]].concat());
    assert!(out.contains(" to release/rc of "), "{out}");
    assert_eq!(place.shop("release/rc"), ["8c1d2e3", "0000aaa"]);
    // The registry is that of the environment, and what is not declared stays.
    for words in [
        "newName: idc.example.com/shop/web",
        "namespace: release/rc",
        "# release/rc",
    ] {
        assert!(
            place.has("release/rc", "idc/shop/kustomization.yaml", words),
            "{words}"
        );
    }
    let to_master = ["move", "shop", "--from", "rc", "--to", "master"];
    place.refuses(
        "`master` takes changes only when somebody agrees",
        &[&to_master[..], &["--site", "idc"]].concat(),
    );
    // What is in rc at idc is not in rc at aws.
    let set = [
        "set-image",
        "shop",
        image,
        "--env",
        "master",
        "--approved-by",
        "Grace",
    ];
    place.refuses("has not been in `rc` at aws", &set);
    let approved = ["--site", "idc", "--approved-by", "Grace"];
    place.moves("main", &[&to_master[..], &approved].concat());
    assert_eq!(place.shop("main"), ["8c1d2e3", "0000aaa"]);
}

fn plan_and_apply(place: &Place) {
    let before = place.sandbox.branches();
    let to_rc = words("move shop --from dev --to rc --site aws");
    let plan = place.json(&[&["plan", "-o", "plan.json"], &to_rc[..]].concat());
    assert_eq!(plan.get("branch"), Some(&"release/rc".into()));
    assert_eq!(place.sandbox.branches(), before);
    // Meanwhile somebody delivers to the same branch.
    let cart = ["set-image", "cart", "shop/cart:1111bbb", "--env"];
    place.moves("feature/search", &[&cart[..], &["feature"]].concat());
    place.moves("dev", &[&cart[..], &["dev"]].concat());
    place.moves("release/rc", &[&cart[..], &["rc"]].concat());
    place.moves("release/rc", &["apply", "plan.json"]);
    assert_eq!(place.shop("release/rc"), ["8c1d2e3", "8c1d2e3"]);
    // The plan is refused where its gate no longer holds, on the branch before its own.
    let to_master = words("move cart --from rc --to master --approved-by Grace");
    place.json(&[&["plan", "-o", "cart.json"], &to_master[..]].concat());
    place.moves("release/rc", &["rollback", "cart", "--env", "rc"]);
    place.refuses("was rolled back in `rc` at idc", &["apply", "cart.json"]);
}

fn read_back(place: &Place) {
    let said = place.json(&["history", "shop"]);
    let deliveries = said.get("deliveries").and_then(Value::as_array).unwrap();
    let shown: Vec<String> = deliveries
        .iter()
        .map(|delivery| {
            let field = |name: &str| delivery.get(name).cloned().unwrap_or_default();
            format!(
                "{} {} {}",
                field("environment"),
                field("sites"),
                field("source_commit")
            )
        })
        .collect();
    // Within one second the branches' order counts.
    let mut sorted = shown.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            r#""dev" ["idc","aws"] null"#,
            r#""feature" ["idc","aws"] "8c1d2e3f0011""#,
            r#""master" ["idc"] null"#,
            r#""rc" ["aws"] null"#,
            r#""rc" ["idc"] null"#,
        ]
    );
    let measures = place.json(&["history", "--measures"]);
    let count = |name: &str, field: &str| {
        let at = format!("/environments/{name}/{field}");
        measures.pointer(&at).and_then(Value::as_u64)
    };
    assert_eq!(
        (count("dev", "deliveries"), count("rc", "deliveries")),
        (Some(2), Some(3))
    );
    assert_eq!(
        (count("rc", "rollbacks"), count("master", "deliveries")),
        (Some(1), Some(1))
    );

    let drift = place.json(&["drift", "shop"]);
    let pairs = drift.get("drift").and_then(Value::as_array).unwrap();
    let found: Vec<String> = pairs
        .iter()
        .flat_map(|pair| {
            let to = pair.get("to").unwrap().clone();
            let differences = pair.get("differences").and_then(Value::as_array).unwrap();
            differences.iter().map(move |it| {
                let field = |name: &str| it.get(name).cloned().unwrap_or_default();
                format!(
                    "{to} {} {} {}",
                    field("site"),
                    field("place"),
                    field("is_declared")
                )
            })
        })
        .collect();
    assert_eq!(
        found,
        [
            r#""dev" "idc" "namespace" false"#,
            r#""dev" "aws" "namespace" false"#,
            r#""master" "idc" "namespace" false"#,
            r#""master" "aws" "kustomize:web" true"#,
            r#""master" "aws" "namespace" false"#,
            r#""rc" "idc" "namespace" false"#,
            r#""rc" "aws" "namespace" false"#,
        ]
    );
    let run = place.run(&["drift", "shop", "--to", "master", "--site", "aws"]);
    let words = "rc → master\n  to be promoted\n    aws/shop/kustomization.yaml  kustomize:web  aws.example.com/shop/web:0000aaa → aws.example.com/shop/web:8c1d2e3\n";
    assert!(run.stdout.contains(words), "{run:#?}");
}

fn roll_back(place: &Place) {
    let out = place.moves("main", &["rollback", "shop", "--env", "master"]);
    assert!(out.contains("shop → master (idc)  roll back"), "{out}");
    assert_eq!(place.shop("main"), ["0000aaa", "0000aaa"]);
    // One site of a delivery to one site; dev and the other site stay.
    place.moves(
        "release/rc",
        &["rollback", "shop", "--env", "rc", "--site", "aws"],
    );
    assert_eq!(place.shop("release/rc"), ["8c1d2e3", "0000aaa"]);
    assert_eq!(place.shop("dev"), ["8c1d2e3", "8c1d2e3"]);
    let again = words("move shop --from rc --to master --site idc --approved-by Grace");
    place.refuses("was in `master` at idc before and was replaced by", &again);
    place.moves("main", &[&again[..], &["--again"]].concat());
}

/// A branch that was made from another one has its deliveries too: they are told once, and belong where they were made.
fn branches_with_a_common_past(place: &Place) {
    let total = |place: &Place| {
        let said = place.json(&["history", "--limit", "1000"]);
        said.get("deliveries")
            .and_then(Value::as_array)
            .unwrap()
            .len()
    };
    let before = total(place);
    place.sandbox.repository(&["branch", "qa", "dev"]);
    let config = CONFIG.replace(
        "  rc: {branch: release/rc, from: dev}",
        "  qa: {branch: qa, from: dev}\n  rc: {branch: release/rc, from: qa}\n  gone: {branch: gone}",
    );
    place.sandbox.import(&[("narae.yaml".to_owned(), config)]);
    assert_eq!(total(place), before);
    let measures = place.json(&["history", "--measures"]);
    let qa = measures.pointer("/environments/qa/deliveries");
    assert_eq!(qa, Some(&0.into()), "{measures:#}");
    let nothing = place.run(&["rollback", "shop", "--env", "qa"]);
    assert!(
        nothing.stderr.contains("no delivery of `shop` to `qa`"),
        "{nothing:#?}"
    );
    let gone = place.run(&[
        "set-image",
        "shop",
        "x.example.com/shop/web:1234567",
        "--env",
        "gone",
    ]);
    assert_eq!(gone.code, Some(1), "{gone:#?}");
    assert!(
        gone.stderr.contains("there is no branch `gone`"),
        "{gone:#?}"
    );
}

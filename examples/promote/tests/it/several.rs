//! Several applications and environments at once: one push, a commit for each, all of an application or nothing.

use serde_json::Value;

use crate::sandbox::{Sandbox, words};

/// Sites are branches here; test and load are directories of `main`.
const CONFIG: &str = r#"environments:
  dev: {directory: dev}
  test: {directory: test, from: dev}
  idc: {branch: site/idc, from: dev}
  aws: {branch: site/aws, from: dev}
  master: {branch: master, from: dev, approval: manual}
applications:
  shop:
    images: [{file: images.yaml, select: "image:shop"}]
  cart:
    images: [{file: images.yaml, select: "image:cart"}]
"#;

const SITES: [&str; 2] = ["site/idc", "site/aws"];
const MOVE: &str = "move shop cart --from dev --to idc --to aws";

/// dev has 1111bbb of both, the rest 0000aaa.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::empty();
    let images = |tag| format!("shop: shop/web:{tag} # ours\ncart: shop/cart:{tag}\n");
    let file = |name: &str, tag| (name.to_owned(), images(tag));
    sandbox.import(&[
        ("narae.yaml".to_owned(), CONFIG.to_owned()),
        file("dev/images.yaml", "1111bbb"),
        file("test/images.yaml", "0000aaa"),
    ]);
    for branch in [SITES[0], SITES[1], "master"] {
        sandbox.import_on("gitops.git", branch, &[file("images.yaml", "0000aaa")]);
    }
    sandbox.hook("post-receive", "echo push >> pushes");
    sandbox
}

/// On the path of the repository, and elsewhere.
fn both(test: impl Fn(&Sandbox, &str)) {
    for is_elsewhere in [false, true] {
        let sandbox = sandbox();
        let place = match is_elsewhere {
            true => sandbox.url(),
            false => "gitops.git".to_owned(),
        };
        test(&sandbox, &place);
        sandbox.fsck();
    }
}

fn images(sandbox: &Sandbox, branch: &str) -> String {
    sandbox.repository(&["show", &format!("{branch}:images.yaml")])
}

fn subjects(sandbox: &Sandbox, branch: &str) -> String {
    sandbox.repository(&["log", "--format=%s", branch])
}

/// The exit code, and what `--json` says.
fn json(sandbox: &Sandbox, place: &str, line: &str) -> (Option<i32>, Value) {
    let run = sandbox.run_on(place, &[words(line), vec!["--json"]].concat());
    let value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run:#?}"));
    (run.code, value)
}

fn of<'a>(said: &'a Value, field: &str) -> Vec<&'a Value> {
    let changes = said["changes"].as_array().unwrap();
    changes.iter().map(|change| &change[field]).collect()
}

#[test]
fn a_commit_for_each_and_one_push_for_all() {
    both(|sandbox, place| {
        let shown = sandbox.run_on(place, &words(&format!("{MOVE} --dry-run")));
        assert_eq!(shown.code, Some(0), "{shown:#?}");
        assert_eq!(shown.stdout.matches("Planned").count(), 4, "{shown:#?}");
        assert_eq!(subjects(sandbox, SITES[0]), "import\n");
        let (code, said) = json(sandbox, place, MOVE);
        assert_eq!((code, &said["attempts"]), (Some(0), &1.into()), "{said:#}");
        assert_eq!(of(&said, "outcome"), ["applied"; 4]);
        for branch in SITES {
            assert_eq!(
                subjects(sandbox, branch),
                format!(
                    "cart: promote 1111bbb from dev to {0}\nshop: promote 1111bbb from dev to {0}\nimport\n",
                    &branch[5..]
                )
            );
            assert_eq!(
                images(sandbox, branch),
                "shop: shop/web:1111bbb # ours\ncart: shop/cart:1111bbb\n"
            );
        }
        // Each is told with its own commit, application by application.
        let commit = |name: &str| sandbox.repository(&["rev-parse", name]).trim().to_owned();
        let commits = ["site/idc^", "site/aws^", "site/idc", "site/aws"].map(commit);
        let told: Vec<_> = of(&said, "commit").iter().map(|id| id.as_str()).collect();
        assert_eq!(told, commits.each_ref().map(|id| Some(id.as_str())));
        let pushes = std::fs::read_to_string(sandbox.path("gitops.git/pushes"));
        assert_eq!(pushes.unwrap(), "push\n");
        // One of them is rolled back, and the other stays.
        let back = sandbox.run_on(place, &words("rollback shop --env aws"));
        assert_eq!(back.code, Some(0), "{back:#?}");
        assert_eq!(
            images(sandbox, SITES[1]),
            "shop: shop/web:0000aaa # ours\ncart: shop/cart:1111bbb\n"
        );
        let (code, said) = json(
            sandbox,
            place,
            "move cart --from dev --to idc --to aws --to idc",
        );
        assert_eq!(code, Some(0), "{said:#}");
        assert_eq!(of(&said, "outcome"), ["already-applied"; 2]);
    });
}

#[test]
fn a_branch_that_a_hook_refuses_holds_all_of_them() {
    both(|sandbox, place| {
        let before = sandbox.branches();
        let refuse = "test $1 != refs/heads/site/aws || { echo 'aws is frozen' >&2; exit 1; }";
        sandbox.hook("update", refuse);
        let run = sandbox.run_on(place, &words(MOVE));
        assert_eq!(run.code, Some(1), "{run:#?}");
        assert!(run.stderr.contains("aws is frozen"), "{run:#?}");
        assert_eq!(sandbox.branches(), before);
    });
}

#[test]
fn a_race_lost_on_one_branch_is_decided_again() {
    both(|sandbox, place| {
        let before = sandbox.repository(&["rev-parse", "site/aws"]);
        let other = [("other".to_owned(), "x\n".to_owned())];
        sandbox.import_on("gitops.git", "site/aws", &other);
        sandbox.repository(&["branch", "faster", "site/aws"]);
        sandbox.repository(&["update-ref", "refs/heads/site/aws", before.trim()]);
        sandbox.hook(
            "pre-receive",
            "[ -e overtaken ] && exit 0\ntouch overtaken\nunset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\nexec git update-ref refs/heads/site/aws refs/heads/faster",
        );
        let (code, said) = json(sandbox, place, MOVE);
        assert_eq!((code, &said["attempts"]), (Some(0), &2.into()), "{said:#}");
        assert_eq!(sandbox.repository(&["show", "site/aws:other"]), "x\n");
        for branch in SITES {
            assert!(!images(sandbox, branch).contains("0000aaa"));
        }
    });
}

/// The gate of master is shut for both; what stands at a site is not what the plan of cart was made on.
#[test]
fn an_application_that_is_refused_somewhere_is_made_nowhere_and_holds_no_other_back() {
    both(|sandbox, place| {
        let before = sandbox.branches();
        let (code, said) = json(sandbox, place, "move shop --from dev --to idc --to master");
        assert_eq!(code, Some(3), "{said:#}");
        let error = of(&said, "error")[0].to_string();
        assert!(error.contains("shop is left out"), "{error}");
        assert!(error.contains("only when somebody agrees"), "{error}");
        assert_eq!(sandbox.branches(), before);

        let planned = words(MOVE);
        let planned = [&["plan", "-o", "plans.json"], planned.as_slice()].concat();
        let run = sandbox.run_on(place, &planned);
        assert_eq!(run.code, Some(0), "{run:#?}");
        let moved = "shop: shop/web:0000aaa # ours\ncart: shop/cart:2222ccc\n";
        let moved = [("images.yaml".to_owned(), moved.to_owned())];
        sandbox.import_on("gitops.git", "site/aws", &moved);
        let dry = sandbox.run_on(place, &words("apply plans.json --dry-run"));
        assert_eq!(dry.code, Some(3), "{dry:#?}");
        let run = sandbox.run_on(place, &words("apply plans.json"));
        assert_eq!(run.code, Some(3), "{run:#?}");
        for (words, count) in [("Committed", 2), ("Held back", 1), ("Refused", 1)] {
            assert_eq!(
                run.stdout.matches(words).count(),
                count,
                "{words}: {run:#?}"
            );
        }
        assert_eq!(
            images(sandbox, SITES[0]),
            "shop: shop/web:1111bbb # ours\ncart: shop/cart:0000aaa\n"
        );
        assert_eq!(
            images(sandbox, SITES[1]),
            "shop: shop/web:1111bbb # ours\ncart: shop/cart:2222ccc\n"
        );
    });
}

/// Both change adjacent lines of one file of one branch.
#[test]
fn environments_that_are_directories_go_the_same_way() {
    both(|sandbox, place| {
        let run = sandbox.run_on(place, &words("move shop cart --from dev --to test"));
        assert_eq!(run.code, Some(0), "{run:#?}");
        let file = sandbox.repository(&["show", "main:test/images.yaml"]);
        assert_eq!(
            file,
            "shop: shop/web:1111bbb # ours\ncart: shop/cart:1111bbb\n"
        );
        assert_eq!(sandbox.commits(), 3);
    });
}

#[test]
fn what_is_asked_for_of_one_commit_is_refused_of_several() {
    let sandbox = sandbox();
    for flag in ["--wait-argocd https://a.example", "--merge-request agit"] {
        let run = sandbox.run(&words(&format!("{MOVE} {flag}")));
        assert_eq!(run.code, Some(2), "{run:#?}");
        assert!(
            run.stderr.contains("one application and one environment"),
            "{run:#?}"
        );
    }
    std::fs::write(sandbox.path("none.json"), "[]").unwrap();
    let run = sandbox.run(&["apply", "none.json"]);
    assert!(
        run.stderr.contains("none.json has no plan in it"),
        "{run:#?}"
    );
}

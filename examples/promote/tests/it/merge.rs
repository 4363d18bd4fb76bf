//! Merge requests of a real Gitea, by its API and by pushes.

#![expect(
    clippy::indexing_slicing,
    reason = "of JSON: what is missing is null, and fails the test"
)]

use std::time::{Duration, Instant};

use narae_testservers::Gitea;
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::sandbox::{IMAGE, Run, Sandbox};

const REPOSITORY: &str = "narae/gitops";

struct Place {
    gitea: Gitea,
    sandbox: Sandbox,
}

impl Place {
    fn start() -> Option<Self> {
        let gitea = Gitea::start("merge requests by promote")?;
        gitea.must("POST", "user/repos", r#"{"name": "gitops"}"#);
        let sandbox = Sandbox::new();
        sandbox.log_in_to_git(Gitea::USER, Gitea::PASSWORD);
        let place = Self { gitea, sandbox };
        let to = place.url().replace(
            "http://",
            &format!("http://{}:{}@", Gitea::USER, Gitea::PASSWORD),
        );
        place.sandbox.repository(&["push", "--quiet", &to, "main"]);
        place.ask(
            "POST",
            "labels",
            r##"{"name": "deploy", "color": "#00aabb"}"##,
        );
        Some(place)
    }

    fn url(&self) -> String {
        format!("{}/{REPOSITORY}.git", self.gitea.address())
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let answer = self
            .gitea
            .must(method, &format!("repos/{REPOSITORY}/{path}"), body);
        serde_json::from_str(&answer).unwrap()
    }

    fn open(&self) -> Vec<Value> {
        let open = self.ask("GET", "pulls?state=open&sort=oldest", "");
        open.as_array().unwrap().clone()
    }

    fn propose(&self, tag: &str, more: &[&str]) -> (Run, Value) {
        let image = format!("{IMAGE}:{tag}");
        let arguments = ["set-image", "shop", &image, "--env", "dev", "--json"];
        let url = self.url();
        let mut command = self.sandbox.command(&url, &[&arguments[..], more].concat());
        let run = Run::of(command.env("NARAE_FORGE_TOKEN", self.gitea.token()));
        let printed = format!("{run:?}");
        for secret in [self.gitea.token(), Gitea::PASSWORD] {
            assert!(!printed.contains(secret));
        }
        assert_eq!(run.code, Some(0), "{run:#?}");
        let said = serde_json::from_str(&run.stdout).unwrap();
        (run, said)
    }

    /// git on the repository that Gitea serves.
    fn git(&self, arguments: &[&str]) -> String {
        let served = self.gitea.path("repositories/narae/gitops.git");
        let served = served.to_str().unwrap();
        let arguments = [&["--git-dir", served], arguments].concat();
        self.sandbox.git(&arguments, "").trim().to_owned()
    }
}

#[test]
fn a_change_is_proposed_and_merged() {
    let Some(place) = Place::start() else { return };
    let before = place.git(&["rev-parse", "main"]);
    by_the_api(&place);
    by_a_push_for_a_branch(&place);
    by_other_forges_apis(&place);
    by_push_options(&place);
    assert_eq!(place.git(&["rev-parse", "main"]), before);
    what_is_merged_is_a_delivery(&place);
    place.git(&["fsck", "--strict", "--no-dangling", "--no-progress"]);
}

fn by_the_api(place: &Place) {
    let (_, said) = place.propose(
        "1111bbb",
        &["--merge-request", "gitea", "--label", "deploy"],
    );
    let open = place.open();
    assert_eq!(open.len(), 1, "{open:?}");
    let request = &open[0];
    assert_eq!(request["title"], "shop: deliver 1111bbb to dev");
    assert_eq!(request["head"]["ref"], "promote/shop.dev.idc.aws");
    assert_eq!(request["base"]["ref"], "main");
    assert_eq!(request["labels"][0]["name"], "deploy");
    let body = request["body"].as_str().unwrap();
    let line = format!("`kustomize:web`: `{IMAGE}:0000aaa` → `{IMAGE}:1111bbb`");
    assert!(body.contains(&line), "{body}");
    assert_eq!(request["head"]["sha"], said["commit"]);
    let url = format!("{}/{REPOSITORY}/pulls/1", place.gitea.address());
    let source = "promote/shop.dev.idc.aws";
    let expected = json!({"source": source, "url": url, "was_open": false});
    assert_eq!(said["merge_request"], expected);

    // The next version takes the place of the one that nobody merged.
    let (_, said) = place.propose("2222ccc", &["--merge-request", "gitea"]);
    assert_eq!(said["merge_request"]["was_open"], true);
    assert_eq!(said["merge_request"]["url"], url);
    let open = place.open();
    assert_eq!((open.len(), &open[0]["head"]["sha"]), (1, &said["commit"]));
    assert_eq!(
        place.git(&["rev-list", "--count", &format!("main..{source}")]),
        "1"
    );
}

fn by_a_push_for_a_branch(place: &Place) {
    let more = ["--merge-request", "agit", "--source-branch", "shop-again"];
    for (tag, at) in [("3333ddd", 1), ("4444eee", 1)] {
        let (run, said) = place.propose(tag, &more);
        let open = place.open();
        assert_eq!(
            (open.len(), &open[at]["head"]["sha"]),
            (2, &said["commit"]),
            "{run:#?}"
        );
        assert_eq!(open[at]["title"], "shop: deliver 3333ddd to dev");
        let url = format!("{}/{REPOSITORY}/pulls/2", place.gitea.address());
        assert_eq!(said["merge_request"]["url"], url, "{run:#?}");
    }
    // No branch was made for it.
    let branches = place.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    assert_eq!(branches, "main\npromote/shop.dev.idc.aws");
}

/// The branch goes to the repository, the question to whoever speaks that API: with answers as documented.
fn by_other_forges_apis(place: &Place) {
    for (by, answer, line) in [
        (
            "gitlab",
            r#"{"iid": 7, "web_url": "https://git.example.com/7"}"#,
            "POST /api/v4/projects/narae%2Fgitops/merge_requests",
        ),
        (
            "github",
            r#"{"number": 7, "html_url": "https://git.example.com/7"}"#,
            "POST /repos/narae/gitops/pulls",
        ),
    ] {
        // A forge hears of a new branch a moment after the push.
        let forge = Receiver::start_after(2, answer);
        let address = forge.address();
        let more = ["--merge-request", by, "--forge-url", &address];
        let (_, said) = place.propose("5555eee", &[&more[..], &["--source-branch", by]].concat());
        assert_eq!(said["merge_request"]["url"], "https://git.example.com/7");
        assert_eq!(
            place.git(&["rev-parse", by]),
            said["commit"].as_str().unwrap()
        );
        let received = forge.received();
        assert!(received.head.starts_with(line), "{}", received.head);
        assert!(received.head.contains(place.gitea.token()));
        assert!(received.body.contains("shop: deliver 5555eee to dev"));
    }
}

fn by_push_options(place: &Place) {
    let more = [
        "--merge-request",
        "gitlab-push",
        "--source-branch",
        "pushed",
    ];
    let (_, said) = place.propose("6666fff", &more);
    // Gitea takes such options and does nothing about them.
    assert_eq!(
        place.git(&["rev-parse", "pushed"]),
        said["commit"].as_str().unwrap()
    );
}

fn what_is_merged_is_a_delivery(place: &Place) {
    let path = format!("repos/{REPOSITORY}/pulls/1/merge");
    let patience = Instant::now() + Duration::from_secs(120);
    // It looks first whether it can be merged, and says to try again until it has.
    while place.gitea.ask("POST", &path, r#"{"Do": "merge"}"#).status == 405 {
        assert!(Instant::now() < patience, "it is not merged");
    }
    let run = place.sandbox.run_on(&place.url(), &["history", "shop"]);
    assert!(run.stdout.contains("2222ccc"), "{run:#?}");
}

#[test]
fn the_command_line_is_looked_at_before_anything_is_written() {
    let sandbox = Sandbox::new();
    let image = format!("{IMAGE}:8c1d2e3");
    let deliver = [
        "set-image",
        "shop",
        &image,
        "--env",
        "dev",
        "--merge-request",
    ];
    for (repository, more, words) in [
        ("gitops.git", &["agit"][..], "is no forge's"),
        (
            "gitops.git",
            &["gitea"],
            "not the URL of a repository of a forge",
        ),
        (
            "https://git.example.com/a/b.git",
            &["gitlab", "--branch", "main"],
            "NARAE_FORGE_TOKEN is not set",
        ),
        (
            "gitops.git",
            &["agit", "--wait-argocd", "https://argocd.example.com"],
            "before it is merged",
        ),
        (
            "gitops.git",
            &["agit", "--label", "deploy"],
            "cannot ask for labels",
        ),
    ] {
        let run = sandbox.run_on(repository, &[&deliver[..], more].concat());
        assert_eq!(run.code, Some(2), "{more:?} {run:?}");
        assert!(run.stderr.contains(words), "{more:?} {run:?}");
    }
    // Without --merge-request these would do nothing.
    for more in [
        ["--label", "deploy"],
        ["--source-branch", "asked"],
        ["--forge-url", "https://git.example.com"],
        ["--web-url", "https://git.example.com/a/b"],
    ] {
        let run = sandbox.run(&[&deliver[..5], &more].concat());
        assert_eq!(run.code, Some(2), "{more:?} {run:?}");
    }
    assert_eq!(sandbox.commits(), 1);
}

/// GitLab reads what a push asks for from its hooks' environment; so does this one.
#[test]
fn what_is_asked_of_gitlab_arrives_with_the_push() {
    let sandbox = Sandbox::new();
    sandbox.repository(&["config", "receive.advertisePushOptions", "true"]);
    sandbox.hook(
        "pre-receive",
        "{ cat; n=0; while [ $n -lt $GIT_PUSH_OPTION_COUNT ]; do eval \"printf '%s\\n' \\\"\\$GIT_PUSH_OPTION_$n\\\"\"; n=$((n + 1)); done; } > asked\necho 'View merge request: https://gitlab.example.com/platform/gitops/-/merge_requests/7' >&2",
    );
    let before = sandbox.repository(&["rev-parse", "main"]);
    let image = format!("{IMAGE}:1111bbb");
    let set = ["set-image", "shop", &image, "--env", "dev", "--site", "idc"];
    let propose = [
        "--merge-request",
        "gitlab-push",
        "--label",
        "deploy",
        "--label",
        "team a",
    ];
    let run = sandbox.run_on(&sandbox.url(), &[&set[..], &propose, &["--json"]].concat());
    assert_eq!(run.code, Some(0), "{run:#?}");
    let said: Value = serde_json::from_str(&run.stdout).unwrap();
    let commit = said["commit"].as_str().unwrap();
    let nothing = "0".repeat(40);
    let asked = std::fs::read_to_string(sandbox.path("gitops.git/asked")).unwrap();
    let description = [
        format!(
            "- environments/dev/idc/shop/kustomization.yaml `kustomize:web`: `{IMAGE}:0000aaa` → `{image}`"
        ),
        "- environments/dev/idc/shop/values.yaml `marker:flux-system:shop`: `0000aaa` → `1111bbb`"
            .to_owned(),
    ];
    let expected = [
        format!("{nothing} {commit} refs/heads/promote/shop.dev.idc"),
        "merge_request.create".to_owned(),
        "merge_request.target=main".to_owned(),
        "merge_request.title=shop: deliver 1111bbb to dev".to_owned(),
        // As GitLab reads a line break in an option, which has but one line.
        format!("merge_request.description={}", description.join("\\n")),
        "merge_request.label=deploy".to_owned(),
        "merge_request.label=team a".to_owned(),
    ];
    assert_eq!(asked.lines().collect::<Vec<_>>(), expected, "{asked}");
    let proposed = json!({
        "source": "promote/shop.dev.idc",
        "url": "https://gitlab.example.com/platform/gitops/-/merge_requests/7",
        "was_open": null,
    });
    assert_eq!(said["merge_request"], proposed);
    assert_eq!(sandbox.repository(&["rev-parse", "main"]), before);

    // A server that takes no options would open nothing.
    sandbox.repository(&["config", "receive.advertisePushOptions", "false"]);
    let image = format!("{IMAGE}:2222ccc");
    let set = ["set-image", "shop", &image, "--env", "dev", "--site", "idc"];
    let run = sandbox.run_on(&sandbox.url(), &[&set[..], &propose].concat());
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(run.stderr.contains("push options"), "{run:#?}");
    sandbox.fsck();
}

#[test]
fn a_branch_that_people_work_on_is_not_replaced() {
    let sandbox = Sandbox::new();
    sandbox.repository(&["config", "receive.advertisePushOptions", "true"]);
    let before = sandbox.branches();
    let image = format!("{IMAGE}:8c1d2e3");
    let deliver = ["set-image", "shop", &image, "--env", "dev"];
    let asked = ["--merge-request", "gitlab-push", "--source-branch", "main"];
    let run = sandbox.run_on(&sandbox.url(), &[&deliver[..], &asked].concat());
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("would be replaced"), "{run:?}");
    assert_eq!(sandbox.branches(), before);
}

//! The real Argo CD on a real control plane, and a real Gitea: what is delivered runs, or Argo CD says why not. One of
//! each for all of it, and Argo CD looks at the repository only when it is told to.

use std::time::{Duration, Instant};

use narae_testservers::{ArgoCd, Gitea};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::sandbox::{IMAGE, Run, Sandbox};

const REPOSITORY: &str = "narae/gitops";

const CONFIG: &str = r#"
environments:
  dev: {directory: environments/dev}
applications:
  shop:
    images: [{file: shop/web.yaml, select: "image:Deployment/web:spec.template.spec.containers[name=web].image"}]
  cart:
    images:
    - {file: cart/web.yaml, select: "image:Deployment/web:spec.template.spec.containers[name=web].image"}
    - {file: cart/info.yaml, select: "image:data.image"}
"#;

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  progressDeadlineSeconds: DEADLINE
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: IMAGE:0000aaa   # by delivery
";

/// The API server refuses images whose tag begins with `dead`.
const POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: images}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
  validations:
  - expression: '!object.spec.template.spec.containers.exists(container, container.image.contains(":dead"))'
    message: this image was withdrawn
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: images}
spec: {policyName: images, validationActions: [Deny]}
"#;

/// Follows `main` by itself; of its own files, a change elsewhere in the repository is none of its business.
const APPLICATION: &str = "
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: NAME
  namespace: argocd
  annotations: {argocd.argoproj.io/manifest-generate-paths: .}
spec:
  project: default
  source: {repoURL: REPOSITORY, targetRevision: main, path: environments/dev/NAME}
  destination: {name: here, namespace: NAME}
  syncPolicy:
    automated: {}
    syncOptions: [CreateNamespace=true]
    retry: {limit: 1, backoff: {duration: 1s}}   # by default five times, for some three minutes
";

/// Commits on top of what is pushed, before the push is over.
const FASTER: &str = r#"#!/bin/sh
exec git fast-import --quiet <<END
commit refs/heads/main
committer Other <other@example.com> 1790000000 +0000
data 5
other
from refs/heads/main^0
M 100644 inline notes
data 6
other

END
"#;

struct Place {
    // INVARIANT: fields drop in this order, Argo CD before the repository it reads.
    argocd: ArgoCd,
    gitea: Gitea,
    sandbox: Sandbox,
}

impl Place {
    fn start() -> Option<Self> {
        let what = "waiting for the real Argo CD";
        let gitea = Gitea::start(what)?;
        let argocd = ArgoCd::start(what)?;
        gitea.must("POST", "user/repos", r#"{"name": "gitops"}"#);
        let place = Self {
            argocd,
            gitea,
            sandbox: Sandbox::new(),
        };
        place.push_manifests();
        place.sandbox.log_in_to_git(Gitea::USER, Gitea::PASSWORD);
        let apply = ["apply", "--server-side", "-f", "-"];
        let plane = &place.argocd.cluster.plane;
        plane.kubectl_with(&apply, POLICY);
        for name in ["shop", "cart"] {
            let application = APPLICATION
                .replace("NAME", name)
                .replace("REPOSITORY", &place.url());
            plane.kubectl_with(&apply, &application);
        }
        Some(place)
    }

    fn url(&self) -> String {
        format!("{}/{REPOSITORY}.git", self.gitea.address())
    }

    fn push_manifests(&self) {
        let deployment = |deadline: &str| {
            DEPLOYMENT
                .replace("DEADLINE", deadline)
                .replace("IMAGE", IMAGE)
        };
        let info = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: info}}\ndata: {{image: '{IMAGE}:0000aaa'}}\n"
        );
        let files = [
            ("narae.yaml", CONFIG.to_owned()),
            ("environments/dev/shop/web.yaml", deployment("3")),
            ("environments/dev/cart/web.yaml", deployment("600")),
            ("environments/dev/cart/info.yaml", info),
        ];
        let files = files.map(|(name, content)| (name.to_owned(), content));
        self.sandbox.git(
            &[
                "init",
                "--quiet",
                "--bare",
                "--initial-branch=main",
                "manifests.git",
            ],
            "",
        );
        self.sandbox.import_into("manifests.git", &files);
        let to = self.url().replace(
            "http://",
            &format!("http://{}:{}@", Gitea::USER, Gitea::PASSWORD),
        );
        self.sandbox.git(
            &["--git-dir", "manifests.git", "push", "--quiet", &to, "main"],
            "",
        );
    }

    /// Sets the image of `application` to the one tagged `tag`.
    fn deliver(&self, application: &str, tag: &str, more: &[&str]) -> Run {
        let image = format!("{IMAGE}:{tag}");
        let arguments = ["set-image", application, &image, "--env", "dev"];
        self.run(&[&arguments[..], more].concat())
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let arguments = [arguments, &["--json"]].concat();
        let mut command = self.sandbox.command(&self.url(), &arguments);
        command
            .env("ARGOCD_AUTH_TOKEN", self.argocd.token())
            .env("ARGOCD_WEBHOOK_SECRET", ArgoCd::WEBHOOK_SECRET);
        let run = Run::of(&mut command);
        let printed = format!("{run:?}");
        for secret in [self.argocd.token(), ArgoCd::WEBHOOK_SECRET, Gitea::PASSWORD] {
            assert!(!printed.contains(secret));
        }
        run
    }

    /// The same, waiting at most this long.
    fn wait(&self, application: &str, tag: &str, seconds: &str) -> Run {
        let address = self.argocd.address();
        let more = ["--wait-argocd", &address, "--wait-seconds", seconds];
        self.deliver(application, tag, &more)
    }

    /// As Argo CD knows it, without having it look.
    fn application(&self, name: &str) -> Value {
        let answer = self.argocd.ask("GET", &format!("applications/{name}"));
        serde_json::from_str(&answer.body).unwrap()
    }

    fn tip(&self) -> String {
        self.git(&["rev-parse", "main"]).trim().to_owned()
    }

    /// git on the repository that Gitea serves.
    fn git(&self, arguments: &[&str]) -> String {
        let served = self.gitea.path("repositories/narae/gitops.git");
        let served = served.to_str().unwrap();
        self.sandbox
            .git(&[&["--git-dir", served], arguments].concat(), "")
    }

    /// The images of the pods of an application that are ready and stay.
    fn images(&self, application: &str) -> Vec<String> {
        let pods = ["get", "pods", "-n", application, "-o", "json"];
        let pods = self.argocd.cluster.plane.kubectl(&pods);
        let pods: Value = serde_json::from_str(&pods).unwrap();
        let stays = |pod: &&Value| pod.pointer("/metadata/deletionTimestamp").is_none();
        let image = |pod: &Value| {
            let status = pod.pointer("/status/containerStatuses/0").unwrap();
            assert_eq!(status.get("ready"), Some(&json!(true)), "{status}");
            status
                .get("image")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let pods = pods.get("items").and_then(Value::as_array).unwrap();
        pods.iter().filter(stays).filter_map(image).collect()
    }
}

#[test]
fn what_is_delivered_runs_or_argocd_says_why_not() {
    let Some(place) = Place::start() else { return };
    the_new_pods_run(&place);
    every_command_that_commits_waits(&place);
    a_later_commit_will_do(&place);
    a_refused_sync_fails_in_argocds_words(&place);
    a_rollout_that_degrades_fails_in_argocds_words(&place);
    the_time_is_up_with_where_it_stands(&place);
    a_webhook_is_enough(&place);
    a_webhook_that_argocd_refuses_is_a_warning(&place);
    the_webhook_lists_what_git_diff_lists(&place);
    manifests_that_cannot_be_read_fail_in_argocds_words(&place);
}

fn the_new_pods_run(place: &Place) {
    for tag in ["1111bbb", "2222ccc"] {
        let run = place.wait("shop", tag, "300");
        assert_eq!(run.code, Some(0), "{run:?}\n{}", place.argocd.output());
        // By now, not some time later.
        assert_eq!(
            place.images("shop"),
            [format!("{IMAGE}:{tag}"), format!("{IMAGE}:{tag}")]
        );
        let said: Value = serde_json::from_str(&run.stdout).unwrap();
        let tip = json!(place.tip());
        assert_eq!(said.get("running"), Some(&json!(true)));
        assert_eq!(said.get("commit"), Some(&tip));
        assert_eq!(said.pointer("/applications/shop"), Some(&tip));
        let application = place.application("shop");
        assert_eq!(application.pointer("/status/sync/revision"), Some(&tip));
    }
}

/// A rollback, a plan applied, and what was there already.
fn every_command_that_commits_waits(place: &Place) {
    let address = place.argocd.address();
    let wait = ["--wait-argocd", &address, "--wait-seconds", "120"];
    let image = format!("{IMAGE}:2222ccc");
    let again = ["set-image", "shop", &image, "--env", "dev", "--again"];
    let commands: [(&[&str], &str); 3] = [
        (&["rollback", "shop", "--env", "dev"], "1111bbb"),
        (&["apply", "plan.json"], "2222ccc"),
        (&again, "2222ccc"),
    ];
    for (command, tag) in commands {
        if command.first() == Some(&"apply") {
            let run = place.run(&[&["plan", "-o", "plan.json"], &again[..]].concat());
            assert_eq!(run.code, Some(0), "{run:?}");
        }
        let run = place.run(&[command, &wait].concat());
        assert_eq!(run.code, Some(0), "{run:?}\n{}", place.argocd.output());
        let images = [format!("{IMAGE}:{tag}"), format!("{IMAGE}:{tag}")];
        assert_eq!(place.images("shop"), images, "{command:?}");
        let said: Value = serde_json::from_str(&run.stdout).unwrap();
        let tip = json!(place.tip());
        assert_eq!(said.pointer("/applications/shop"), Some(&tip));
        // Nothing to do the last time, and waited for all the same.
        let is_new = said.get("commit") == Some(&tip);
        assert_eq!(is_new, command.first() != Some(&"set-image"), "{run:?}");
    }
}

fn a_later_commit_will_do(place: &Place) {
    let hook = place
        .gitea
        .path("repositories/narae/gitops.git/hooks/post-receive.d/faster");
    write_program(&hook, FASTER);
    let run = place.wait("shop", "3333ddd", "300");
    std::fs::remove_file(&hook).unwrap();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        place.images("shop"),
        [format!("{IMAGE}:3333ddd"), format!("{IMAGE}:3333ddd")]
    );
    let said: Value = serde_json::from_str(&run.stdout).unwrap();
    let commit = place.git(&["rev-parse", "main^"]);
    assert_eq!(said.get("commit"), Some(&json!(commit.trim())));
    assert_eq!(
        said.pointer("/applications/shop"),
        Some(&json!(place.tip()))
    );
}

fn a_refused_sync_fails_in_argocds_words(place: &Place) {
    let run = place.wait("shop", "dead123", "300");
    assert_eq!(run.code, Some(4), "{run:?}");
    for words in ["cannot be synced", "this image was withdrawn"] {
        assert!(run.stderr.contains(words), "{run:?}");
    }
    assert_eq!(
        place.images("shop"),
        [format!("{IMAGE}:3333ddd"), format!("{IMAGE}:3333ddd")]
    );
}

fn a_rollout_that_degrades_fails_in_argocds_words(place: &Place) {
    let run = place.wait("shop", "bad1234", "300");
    assert_eq!(run.code, Some(4), "{run:?}");
    for words in ["is applied and Degraded", "exceeded its progress deadline"] {
        assert!(run.stderr.contains(words), "{run:?}");
    }
    // The next one is not judged by what was.
    let run = place.wait("shop", "4444eee", "300");
    assert_eq!(run.code, Some(0), "{run:?}");
}

fn the_time_is_up_with_where_it_stands(place: &Place) {
    let run = place.wait("cart", "bad5678", "4");
    assert_eq!(run.code, Some(4), "{run:?}");
    for words in [
        "not Synced and Healthy at",
        "within 4 s",
        "Progressing",
        "Back-off pulling image",
    ] {
        assert!(run.stderr.contains(words), "{run:?}");
    }
}

/// Nobody asks Argo CD to look: it looks because it was told, and only at the application whose files changed.
fn a_webhook_is_enough(place: &Place) {
    let before = place.application("cart");
    let others = place.application("shop");
    let run = place.deliver("cart", "5555fff", &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let untold = place.application("cart");
    assert_eq!(
        untold.pointer("/status/sync"),
        before.pointer("/status/sync")
    );

    let address = place.argocd.address();
    let run = place.deliver("cart", "6666aaa", &["--argocd-webhook", &address]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let said: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        said.get("told"),
        Some(&json!([{"name": "Argo CD", "error": null}]))
    );
    let tip = json!(place.tip());
    let patience = Instant::now() + Duration::from_secs(120);
    loop {
        let cart = place.application("cart");
        let is = |field: &str, value: &Value| cart.pointer(field) == Some(value);
        if is("/status/sync/revision", &tip)
            && is("/status/sync/status", &json!("Synced"))
            && is("/status/health/status", &json!("Healthy"))
        {
            break;
        }
        assert!(
            Instant::now() < patience,
            "{cart}\n{}",
            place.argocd.output()
        );
    }
    assert_eq!(
        place.images("cart"),
        [format!("{IMAGE}:6666aaa"), format!("{IMAGE}:6666aaa")]
    );
    let looked = |application: &Value| application.pointer("/status/reconciledAt").cloned();
    assert_eq!(looked(&place.application("shop")), looked(&others));

    // Told by it, the program waits without asking Argo CD to look.
    let more = ["--argocd-webhook", &address, "--wait-argocd", &address];
    let more = [
        &more[..],
        &["--webhook-style", "gitea", "--wait-seconds", "120"],
    ]
    .concat();
    let run = place.deliver("cart", "7777bbb", &more);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        place.images("cart"),
        [format!("{IMAGE}:7777bbb"), format!("{IMAGE}:7777bbb")]
    );
}

fn a_webhook_that_argocd_refuses_is_a_warning(place: &Place) {
    let address = place.argocd.address();
    let url = place.url();
    let image = format!("{IMAGE}:8888ccc");
    let arguments = [
        "set-image",
        "cart",
        &image,
        "--env",
        "dev",
        "--argocd-webhook",
        &address,
    ];
    let mut command = place.sandbox.command(&url, &arguments);
    let run = Run::of(command.env("ARGOCD_WEBHOOK_SECRET", "another"));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.stderr.contains("warning: Argo CD was not told"),
        "{run:?}"
    );
    assert!(run.stdout.contains("Committed"), "{run:?}");
}

fn the_webhook_lists_what_git_diff_lists(place: &Place) {
    let receiver = Receiver::start("");
    let before = place.tip();
    let run = place.deliver(
        "cart",
        "9999ddd",
        &["--argocd-webhook", &receiver.address()],
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    let body: Value = serde_json::from_str(&receiver.received().body).unwrap();
    let listed = ["added", "modified", "removed"].map(|kind| {
        let files = body.pointer(&format!("/commits/0/{kind}"));
        let files = files.and_then(Value::as_array).unwrap();
        files
            .iter()
            .map(|file| file.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    });
    let differ = place.git(&["diff", "--name-only", &before, "main"]);
    let mut listed = listed.concat();
    listed.sort();
    assert_eq!(listed, differ.lines().collect::<Vec<_>>());
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(body.pointer("/after"), Some(&json!(place.tip())));
    assert_eq!(body.pointer("/before"), Some(&json!(before)));
}

fn manifests_that_cannot_be_read_fail_in_argocds_words(place: &Place) {
    // Somebody else's, in the same folder.
    let broken = r#"{"branch": "main", "message": "broken", "content": "YXBpVmVyc2lvbjogdjEKa2luZDogW3g6Cm1ldGFkYXRhOiB7fQo="}"#;
    let path = format!("repos/{REPOSITORY}/contents/environments/dev/shop/broken.yaml");
    place.gitea.must("POST", &path, broken);
    let run = place.wait("shop", "aaaa000", "300");
    assert_eq!(run.code, Some(4), "{run:?}");
    for words in ["cannot be synced", "ComparisonError", "broken.yaml"] {
        assert!(run.stderr.contains(words), "{run:?}");
    }
}

fn write_program(file: &std::path::Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

//! A real Gitea: merge requests by its API and by AGit pushes, protected branches, its webhook beside ours, git over
//! HTTP and SSH. One server for all of it.

#![expect(
    clippy::indexing_slicing,
    reason = "of JSON: what is missing is null, and fails the test"
)]

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use narae_gitops::handover::forge::{Forge, Kind, MergeRequest};
use narae_gitops::handover::notify::{PushEvent, Style};
use narae_gitops::handover::{Address, ErrorKind, Token};
use narae_gitops::remote::{self, Credential, HttpOptions, Landed, Outcome, Remote, SshOptions};
use narae_gitops::repository::{CommitId, Repository};
use narae_testservers::Gitea;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::fake::{Asked, Fake};
use super::notify::of_openssl;
use crate::fixture::{bare, command, commit, fsck, git};

const REPOSITORY: &str = "narae/gitops";

struct Place {
    gitea: Gitea,
    directory: TempDir,
    objects: Repository,
}

impl Place {
    fn start() -> Option<Self> {
        let gitea = Gitea::start("handing over to a forge")?;
        let made = json!({"name": "gitops", "auto_init": true, "default_branch": "main"});
        gitea.must("POST", "user/repos", &made.to_string());
        let (directory, objects) = bare();
        Some(Self {
            gitea,
            directory,
            objects,
        })
    }

    fn url(&self) -> String {
        format!("{}/{REPOSITORY}.git", self.gitea.address())
    }

    fn over_http(&self) -> Remote {
        let credentials =
            |_: &remote::Asked<'_>| Some(Credential::basic(Gitea::USER, Gitea::PASSWORD));
        Remote::new(&self.url())
            .unwrap()
            .with_http(HttpOptions::new().with_credentials(credentials))
    }

    fn over_ssh(&self) -> Remote {
        let file = |name: &str| self.directory.path().join(name);
        let key = file("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key)
            .status();
        assert!(made.unwrap().success());
        let public = std::fs::read_to_string(file("key.pub")).unwrap();
        let body = json!({"title": "test", "key": public.trim()});
        self.gitea.must("POST", "user/keys", &body.to_string());
        let port = self.gitea.ssh_port();
        let hosts = Command::new("ssh-keyscan")
            .args(["-p", &port.to_string(), "127.0.0.1"])
            .output();
        std::fs::write(file("known_hosts"), hosts.unwrap().stdout).unwrap();
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap();
        Remote::new(&format!(
            "ssh://{}@127.0.0.1:{port}/{REPOSITORY}.git",
            user.trim()
        ))
        .unwrap()
        .with_ssh(
            SshOptions::new()
                .with_configuration("/dev/null")
                .with_known_hosts(file("known_hosts"))
                .with_identity(key),
        )
    }

    fn land(
        &self,
        remote: &Remote,
        branch: &str,
        files: &[(&str, Option<&str>)],
    ) -> Result<Landed, remote::Error> {
        remote.land(
            &self.objects,
            branch,
            1,
            |_| -> Result<_, remote::Error> { Ok(vec![commit("change", files)]) },
            |_| {},
        )
    }

    fn landed(&self, remote: &Remote, branch: &str, files: &[(&str, Option<&str>)]) -> CommitId {
        match self.land(remote, branch, files).unwrap().outcome {
            Outcome::Committed(commits) => *commits.last().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let path = format!("repos/{REPOSITORY}/{path}");
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let answer = self.gitea.must(method, &path, &body);
        serde_json::from_str(&answer).unwrap_or_default()
    }

    fn tip(&self, branch: &str) -> CommitId {
        let found = self.ask("GET", &format!("branches/{branch}"), Value::Null);
        let id = found.pointer("/commit/id").and_then(Value::as_str);
        id.unwrap().parse().unwrap()
    }

    fn forge(&self, token: &str) -> Forge {
        let address = Address::parse(&self.gitea.address()).unwrap();
        Forge::new(Kind::Gitea, address, REPOSITORY, Token::new(token)).unwrap()
    }
}

#[test]
fn a_forge_takes_what_is_handed_over() {
    let Some(place) = Place::start() else { return };
    git_over_http_and_ssh(&place);
    a_token_that_may_only_read(&place);
    its_webhook_and_ours_say_the_same(&place);
    merge_requests_by_api(&place);
    merge_requests_by_a_push(&place);
    a_protected_branch_refuses_in_its_own_words(&place);
    let served: PathBuf = place.gitea.path("repositories/narae/gitops.git");
    fsck(&served);
}

fn git_over_http_and_ssh(place: &Place) {
    let http = place.landed(
        &place.over_http(),
        "main",
        &[("apps/shop/tag", Some("1\n"))],
    );
    assert_eq!(place.tip("main"), http);
    let ssh = place.landed(&place.over_ssh(), "main", &[("apps/shop/tag", Some("2\n"))]);
    assert_eq!(place.tip("main"), ssh);
    let with = |token: String| {
        let credentials = move |_: &remote::Asked<'_>| Some(Credential::bearer(&*token));
        let options = HttpOptions::new().with_credentials(credentials);
        Remote::new(&place.url()).unwrap().with_http(options)
    };
    let remote = with(place.gitea.token().to_owned());
    let bearer = place.landed(&remote, "main", &[("apps/shop/tag", Some("1\n"))]);
    assert_eq!(place.tip("main"), bearer);
    let remote = with("0".repeat(40));
    let error = place
        .land(&remote, "main", &[("apps/shop/tag", Some("2\n"))])
        .unwrap_err();
    assert_eq!(error.kind(), remote::ErrorKind::Unauthorized, "{error}");
    let remote = with(place.gitea.token().to_owned());
    let back = place.landed(&remote, "main", &[("apps/shop/tag", Some("2\n"))]);
    assert_eq!(
        [http, ssh, bearer, back]
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        4
    );
}

fn a_token_that_may_only_read(place: &Place) {
    let token = place.gitea.new_token("read:repository");
    let credentials = move |_: &remote::Asked<'_>| Some(Credential::basic(Gitea::USER, &*token));
    let options = HttpOptions::new().with_credentials(credentials);
    let remote = Remote::new(&place.url()).unwrap().with_http(options);
    let before = place.tip("main");
    let same = place.land(&remote, "main", &[("apps/shop/tag", Some("2\n"))]);
    assert_eq!(same.unwrap().outcome, Outcome::NothingToDo);
    let change = place.land(&remote, "main", &[("apps/shop/tag", Some("3\n"))]);
    let error = change.unwrap_err();
    let told = [remote::ErrorKind::Refused, remote::ErrorKind::Unauthorized];
    assert!(told.contains(&error.kind()), "{error}");
    assert_eq!(place.tip("main"), before);
}

fn its_webhook_and_ours_say_the_same(place: &Place) {
    let fake = Fake::start(vec!["200 OK\n\n".to_owned(); 9]);
    let hook = json!({
        "type": "gitea", "active": true, "events": ["push"],
        "config": {"url": fake.origin(), "content_type": "json", "secret": "s3cret"},
    });
    let hook = place.ask("POST", "hooks", hook);
    let before = place.tip("main");
    let files = [
        ("apps/cart/tag", Some("1\n")),
        ("apps/shop/tag", Some("3\n")),
    ];
    let after = place.landed(&place.over_http(), "main", &files);
    // Gitea sends it when it comes to it, maybe after that of an earlier push; asking it something is the pause
    // between two looks.
    // Far more than it takes: a test that fails is better than one that does not end.
    let patience = Instant::now() + Duration::from_secs(120);
    let theirs = loop {
        assert!(Instant::now() < patience, "no webhook from Gitea");
        let is_ours = |asked: &Asked| asked.body.contains(&format!("\"after\": \"{after}\""));
        if let Some(asked) = fake.asked().into_iter().find(is_ours) {
            break asked;
        }
        place.tip("main");
    };
    place.ask("DELETE", &format!("hooks/{}", hook["id"]), Value::Null);

    let changed = place.objects.changed_files(Some(before), after).unwrap();
    let event = PushEvent::new(&place.url(), "main", after).unwrap();
    let event = event.with_changes(Some(before), changed);
    let ours = event.request(Style::Gitea, &fake.address(), Some(&Token::new("s3cret")));
    let ours: Value = serde_json::from_slice(ours.body()).unwrap();
    let body: Value = serde_json::from_str(&theirs.body).unwrap();
    for part in [
        "/ref",
        "/before",
        "/after",
        "/repository/html_url",
        "/repository/default_branch",
        "/commits/0/id",
        "/commits/0/added",
        "/commits/0/modified",
        "/commits/0/removed",
    ] {
        let (one, other) = (ours.pointer(part), body.pointer(part));
        // An empty list is `null` to Go.
        let other = other.filter(|value| !value.is_null()).cloned();
        let other = other.unwrap_or_else(|| json!([]));
        assert_eq!(one, Some(&other), "{part}");
    }
    // It proves itself as we do.
    assert_eq!(theirs.header("x-gogs-event"), Some("push"));
    if let Some(signature) = of_openssl("s3cret", theirs.body.as_bytes()) {
        assert_eq!(theirs.header("x-gogs-signature"), Some(&*signature));
        let named = format!("sha256={signature}");
        assert_eq!(theirs.header("x-hub-signature-256"), Some(&*named));
    }
}

fn merge_requests_by_api(place: &Place) {
    for label in ["deploy", "prod"] {
        place.ask("POST", "labels", json!({"name": label, "color": "#00aabb"}));
    }
    let branch = json!({"new_branch_name": "promote/shop", "old_branch_name": "main"});
    place.ask("POST", "branches", branch);
    place.landed(
        &place.over_http(),
        "promote/shop",
        &[("apps/shop/tag", Some("4\n"))],
    );
    let wanted = MergeRequest::new("promote/shop", "main", "shop: 4 to prod").unwrap();
    let wanted = wanted
        .with_description("From rc.\n\n- `4`")
        .with_label("deploy");
    let wanted = wanted.unwrap().with_label("prod").unwrap();
    let forge = place.forge(place.gitea.token());
    let opened = forge.open(&wanted).unwrap();
    assert!(
        !opened.was_open && opened.unlabelled.is_none(),
        "{opened:?}"
    );
    assert_eq!(
        opened.url,
        format!(
            "{}/{REPOSITORY}/pulls/{}",
            place.gitea.address(),
            opened.number
        )
    );
    let found = place.ask("GET", &format!("pulls/{}", opened.number), Value::Null);
    assert_eq!(found["title"], "shop: 4 to prod");
    assert_eq!(found["body"], "From rc.\n\n- `4`");
    let labels: Vec<_> = found["labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|label| &label["name"])
        .collect();
    assert_eq!(labels, ["deploy", "prod"]);

    let again = forge.open(&wanted).unwrap();
    assert!(again.was_open);
    assert_eq!((again.number, again.url), (opened.number, opened.url));

    let nothing = MergeRequest::new("main", "main", "nothing").unwrap();
    assert_eq!(forge.open(&nothing).unwrap_err().kind(), ErrorKind::Refused);
    let error = place.forge("0000000000").open(&wanted).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
}

fn merge_requests_by_a_push(place: &Place) {
    let wanted = MergeRequest::new("from-a-push", "main", "cart: 2 to prod").unwrap();
    let push = wanted
        .with_description("Line one\nline two")
        .agit()
        .unwrap();
    let clone = place.directory.path().join("clone");
    let url = place.url().replace(
        "http://",
        &format!("http://{}:{}@", Gitea::USER, Gitea::PASSWORD),
    );
    git(place.directory.path(), &["clone", "--quiet", &url, "clone"]);
    std::fs::write(clone.join("pushed"), "1\n").unwrap();
    git(&clone, &["add", "."]);
    git(&clone, &["commit", "--quiet", "-m", "pushed"]);
    let mut arguments = vec!["push".to_owned(), "--quiet".to_owned()];
    arguments.extend(
        push.options
            .iter()
            .map(|option| format!("--push-option={option}")),
    );
    arguments.extend(["origin".to_owned(), format!("HEAD:{}", push.reference)]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    git(&clone, &arguments);
    let open = place.ask("GET", "pulls?state=open", Value::Null);
    let made = open
        .as_array()
        .unwrap()
        .iter()
        .find(|pull| pull["title"] == "cart: 2 to prod");
    assert_eq!(made.unwrap()["body"], "Line one\nline two");
}

fn a_protected_branch_refuses_in_its_own_words(place: &Place) {
    let rule = json!({"rule_name": "main", "enable_push": false});
    place.ask("POST", "branch_protections", rule);
    let before = place.tip("main");
    let error = place
        .land(
            &place.over_http(),
            "main",
            &[("apps/shop/tag", Some("9\n"))],
        )
        .unwrap_err();
    assert_eq!(error.kind(), remote::ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("protected branch"), "{error}");
    assert_eq!(place.tip("main"), before);
    // git is told the same.
    let clone = place.directory.path().join("clone");
    let output = command(&clone, &["push", "origin", "HEAD:main"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("protected branch"));
}

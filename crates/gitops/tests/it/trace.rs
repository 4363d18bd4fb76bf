//! What dependencies log and trace while credentials pass through them, at the most talkative level.
//!
//! A logger is the whole process's, and so is what is collected here: the work is done by a process of its own.

use std::process::Command;
use std::{env, fs};

use narae_gitops::handover::{Address, Client, Request, Transport as _};
use narae_gitops::remote::{Asked, Credential, Error, HttpOptions, Outcome, Remote, Snapshot};
use narae_testservers::{GitHttp, GitHttpOptions, Trace};

use crate::fixture::{bare, commit, fsck};

/// Set for the process that does the work: the file to write what was said to.
const SPEAKER: &str = "NARAE_GITOPS_TEST_SPEAKER";
const CANARY: &str = "c4n4ry-in-the-c0al-mine";
/// `printf ci:CANARY | base64`
const PAIR: &str = "Y2k6YzRuNHJ5LWluLXRoZS1jMGFsLW1pbmU=";

/// Fetches and pushes with a password, with a token, through a proxy, and tells a webhook.
fn speak() {
    let basic = || Credential::basic("ci", CANARY);
    let bearer = || Credential::bearer(CANARY);
    let password = GitHttpOptions::new().with_login("ci", CANARY);
    let token = GitHttpOptions::new().with_token(CANARY);
    for (options, credential) in [(password, basic as fn() -> _), (token, bearer)] {
        lands(options.clone(), credential);
        lands(options.with_tls(), credential);
    }

    let (directory, _) = bare();
    let options = GitHttpOptions::new().with_login("ci", "another");
    let server = GitHttp::start(directory.path(), options, "what is logged").unwrap();
    let options = HttpOptions::new().with_credentials(move |_: &Asked<'_>| Some(basic()));
    let through = server
        .origin()
        .replace("http://", &format!("http://ci:{CANARY}@"));
    for (options, status) in [
        (options.clone(), "take these credentials"),
        // A proxy that is none: it takes the password, and knows no such page.
        (options.with_proxy(&through).unwrap(), "credentials"),
    ] {
        let remote = Remote::new(&server.address("gitops.git")).unwrap();
        let error = remote.with_http(options).tip("main").unwrap_err();
        assert!(error.to_string().contains(status), "{error}");
    }
    let hook = Address::parse(&format!("{}/services/{CANARY}", server.origin())).unwrap();
    let request = Request::post(hook, CANARY.as_bytes().to_vec())
        .with_header("authorization", format!("Bearer {CANARY}"))
        .with_header("private-token", CANARY);
    assert_eq!(Client::new().send(&request).unwrap().status, 401);
    let closed = Address::parse(&format!("http://127.0.0.1:9/services/{CANARY}")).unwrap();
    assert!(Client::new().send(&Request::get(closed)).is_err());
}

fn lands(options: GitHttpOptions, credential: fn() -> Credential) {
    let ((directory, theirs), (_objects, ours)) = (bare(), bare());
    let server = GitHttp::start(directory.path(), options, "what is logged").unwrap();
    let mut options = HttpOptions::new().with_credentials(move |_: &Asked<'_>| Some(credential()));
    if !server.certificate().is_empty() {
        options = options.with_certificates(server.certificate()).unwrap();
    }
    let remote = Remote::new(&server.address("gitops.git")).unwrap();
    let remote = remote.with_http(options);
    for content in ["1", "2"] {
        let decide = |_: &Snapshot<'_>| Ok::<_, Error>(vec![commit("a", &[("a", Some(content))])]);
        let landed = remote.land(&ours, "main", 1, decide, |_| {}).unwrap();
        assert!(matches!(landed.outcome, Outcome::Committed(_)));
    }
    let sent = [format!("Basic {PAIR}"), format!("Bearer {CANARY}")].map(Some);
    let seen = server.seen();
    assert!(seen.iter().any(|seen| sent.contains(&seen.authorization)));
    fsck(theirs.path());
}

/// Does the work, when this process was started for that; else there is nothing to do here.
#[test]
fn speaker() {
    let Some(file) = env::var_os(SPEAKER) else {
        return;
    };
    let trace = Trace::of_the_process();
    speak();
    fs::write(file, trace.text()).unwrap();
}

#[test]
fn no_credential_is_logged_or_traced() {
    let (directory, _) = bare();
    if GitHttp::start(directory.path(), GitHttpOptions::new(), "what is logged").is_none()
        || narae_testservers::is_missing(&["openssl"], "what is logged")
    {
        return;
    }
    let file = directory.path().join("said");
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "trace::speaker", "--nocapture"])
        .env(SPEAKER, &file)
        // Nor is anything taken from the environment: nobody listens there.
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .env("http_proxy", "http://127.0.0.1:9")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = fs::read_to_string(file).unwrap();
    for dependency in ["reqwest::", "rustls::"] {
        assert!(said.contains(dependency), "nothing was logged: {said}");
    }
    let bytes: Vec<String> = CANARY.bytes().map(|byte| byte.to_string()).collect();
    let hexadecimal: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    for secret in [CANARY, PAIR, &bytes.join(", "), &hexadecimal] {
        let lines = said.lines().filter(|line| line.contains(secret));
        let lines: Vec<_> = lines.collect();
        assert!(lines.is_empty(), "{lines:#?}");
    }
}

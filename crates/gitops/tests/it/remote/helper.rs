//! `git credential` with a helper of the test's, as people have them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use narae_gitops::remote::{CredentialHelper, ErrorKind, HttpOptions, Remote};
use narae_testservers::{Fault, GitHttp, GitHttpOptions, Seen};

use super::fixture::{Served, cache, committed, remote, write};

const WHAT: &str = "git credential";

/// A helper that does `get` when it is asked; what it hears goes to the file `heard`.
fn helper(served: &Served, get: &str) -> CredentialHelper {
    let folder = served.folder();
    let script = folder.join("helper");
    let text = format!(
        "#!/bin/sh\ncd '{}'\n{{ echo \"[$1]\"; cat; }} >> heard\ntest \"$1\" = get || exit 0\n{get}\n",
        folder.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let configuration = folder.join("gitconfig");
    let text = format!("[credential]\n\thelper = {}\n", script.display());
    fs::write(&configuration, text).unwrap();
    CredentialHelper::new().with_configuration(configuration)
}

fn heard(served: &Served) -> Vec<String> {
    let text = fs::read_to_string(served.folder().join("heard")).unwrap_or_default();
    text.lines()
        // Newer versions of git say what else they can do.
        .filter(|line| !line.starts_with("capability[]") && !line.starts_with("wwwauth[]"))
        .map(str::to_owned)
        .collect()
}

fn to(served: &Served, server: &GitHttp, get: &str) -> Remote {
    let options = HttpOptions::new().with_credentials(helper(served, get));
    remote(&server.address("gitops.git")).with_http(options)
}

fn login() -> GitHttpOptions {
    GitHttpOptions::new().with_login("ci", "right")
}

#[test]
fn nobody_is_asked_with_an_empty_password() {
    let served = Served::new();
    let Some(server) = GitHttp::start(served.folder(), login(), WHAT) else {
        return;
    };
    let (_directory, here) = cache();
    // What git says where no helper is configured, and nobody can be asked.
    let remote = to(&served, &server, "echo username=; echo password=");
    let error = remote
        .land(&here, "main", 1, write("a", "x"), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.authorization.is_none())
    );
    assert!(!heard(&served).contains(&"[reject]".to_owned()));
}

#[test]
fn what_the_server_takes_is_approved() {
    let served = Served::new();
    let Some(server) = GitHttp::start(served.folder(), login(), WHAT) else {
        return;
    };
    let (_directory, here) = cache();
    let remote = to(&served, &server, "echo username=ci; echo password=right");
    let landed = remote.land(&here, "main", 1, write("a", "x"), |_| {});
    assert_eq!(committed(&landed.unwrap()), [served.tip()]);
    let host = format!("host={}", server.origin().replace("http://", ""));
    let expected = [
        "[get]",
        "protocol=http",
        &host,
        "[store]",
        "protocol=http",
        &host,
        "username=ci",
        "password=right",
    ];
    assert_eq!(heard(&served), expected);
}

#[test]
fn what_it_does_not_take_is_rejected_and_asked_for_once_more() {
    let served = Served::new();
    let Some(server) = GitHttp::start(served.folder(), login(), WHAT) else {
        return;
    };
    let remote = to(&served, &server, "echo username=ci; echo password=wrong-1");
    let error = remote.tip("main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert!(!format!("{error:?} {remote:?}").contains("wrong-1"));
    let heard = heard(&served);
    let said: Vec<_> = heard.iter().filter(|line| line.starts_with('[')).collect();
    assert_eq!(said, ["[get]", "[erase]", "[get]", "[erase]"]);
}

#[test]
fn an_answer_that_is_not_about_credentials_neither_approves_nor_rejects_them() {
    let html = "Content-Type: text/html\r\n";
    let elsewhere = "Location: https://elsewhere.example/gitops.git\r\n";
    for (status, headers, kind) in [
        ("403 Forbidden", "", ErrorKind::Refused),
        ("404 Not Found", "", ErrorKind::NotFound),
        ("500 Internal Server Error", "", ErrorKind::Unavailable),
        ("503 Service Unavailable", "", ErrorKind::Unavailable),
        ("302 Found", elsewhere, ErrorKind::Address),
        // A page to log in at, or of a proxy.
        ("200 OK", html, ErrorKind::Protocol),
    ] {
        let served = Served::new();
        let options = login().with_faults(move |seen| {
            let page = || Fault::Answer(status, headers.to_owned(), "<html>");
            seen.authorization.is_some().then(page)
        });
        let Some(server) = GitHttp::start(served.folder(), options, WHAT) else {
            return;
        };
        let remote = to(&served, &server, "echo username=ci; echo password=right");
        let error = remote.tip("main").unwrap_err();
        assert_eq!(error.kind(), kind, "{status}: {error}");
        let heard = heard(&served);
        let said: Vec<_> = heard.iter().filter(|line| line.starts_with('[')).collect();
        assert_eq!(said, ["[get]"], "{status}");
    }
}

#[test]
fn after_a_redirect_what_git_answers_approves() {
    let served = Served::new();
    let moved = |seen: &Seen| {
        let tail = seen.target.strip_prefix("/old.git/")?;
        let location = format!("Location: /gitops.git/{tail}\r\n");
        let is_known = seen.authorization.is_some();
        is_known.then_some(Fault::Answer("301 Moved Permanently", location, ""))
    };
    let Some(server) = GitHttp::start(served.folder(), login().with_faults(moved), WHAT) else {
        return;
    };
    let options = HttpOptions::new()
        .with_credentials(helper(&served, "echo username=ci; echo password=right"));
    let remote = remote(&server.address("old.git")).with_http(options);
    assert_eq!(remote.tip("main").unwrap(), Some(served.tip()));
    let heard = heard(&served);
    let said: Vec<_> = heard.iter().filter(|line| line.starts_with('[')).collect();
    assert_eq!(said, ["[get]", "[store]"]);
}

#[test]
fn a_helper_without_an_answer_is_no_credentials() {
    let served = Served::new();
    let Some(server) = GitHttp::start(served.folder(), login(), WHAT) else {
        return;
    };
    let error = to(&served, &server, "exit 1").tip("main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
}

#[test]
fn nobody_is_asked_about_the_host_a_redirect_names() {
    let served = Served::new();
    let Some(other) = GitHttp::start(served.folder(), login(), WHAT) else {
        return;
    };
    let location = format!(
        "Location: {}/gitops.git/info/refs?service=git-upload-pack\r\n",
        other.origin()
    );
    let fault = Fault::Answer("302 Found", location, "");
    let options = login().with_faults(move |_| Some(fault.clone()));
    let Some(server) = GitHttp::start(served.folder(), options, WHAT) else {
        return;
    };
    let remote = to(&served, &server, "echo username=ci; echo password=right");
    let error = remote.tip("main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Address, "{error}");
    assert_eq!(other.seen(), []);
    let host = other.origin().replace("http://", "");
    assert!(!heard(&served).join("\n").contains(&host));
}

#[test]
fn a_helper_that_never_answers_meets_the_deadline_and_git_is_killed() {
    let served = Served::new();
    let Some(server) = GitHttp::start(served.folder(), login(), WHAT) else {
        return;
    };
    // Nobody reads what it writes once git is gone.
    let get = "trap '' PIPE; while echo more=words; do sleep 0.05; done 2> /dev/null; touch gone";
    let error = to(&served, &server, get)
        .with_deadline(Duration::from_secs(3))
        .tip("main")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("git credential"), "{error}");
    let gone = served.folder().join("gone");
    let looks = (0..1_000).take_while(|_| {
        // Only the time between two looks.
        std::thread::sleep(Duration::from_millis(10));
        !gone.exists()
    });
    assert!(looks.count() < 1_000, "git still runs");
}

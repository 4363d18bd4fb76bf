//! `git http-backend` over HTTP: Basic auth, TLS, and everything that can go wrong on the way.

use std::time::Duration;

use narae_gitops::remote::{Asked, Cancel, Credential, ErrorKind, Event, HttpOptions, Remote};
use narae_testservers::{Fault, GitHttp, GitHttpOptions, Seen};

use super::fixture::{Served, cache, committed, remote, replace, write};
use crate::fixture::{fsck, git};

const WHAT: &str = "a remote over HTTP";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) fn start(served: &Served, options: GitHttpOptions) -> Option<GitHttp> {
    GitHttp::start(served.folder(), options, WHAT)
}

pub(crate) fn login() -> GitHttpOptions {
    GitHttpOptions::new().with_login("ci", PASSWORD)
}

pub(crate) fn known(_: &Asked<'_>) -> Option<Credential> {
    Some(Credential::basic("ci", PASSWORD))
}

fn always(fault: Fault) -> GitHttpOptions {
    GitHttpOptions::new().with_faults(move |_| Some(fault.clone()))
}

pub(crate) fn is_push(seen: &Seen) -> bool {
    seen.method == "POST" && seen.target.ends_with("/git-receive-pack")
}

pub(crate) fn is_fetch(seen: &Seen) -> bool {
    seen.method == "POST" && seen.target.ends_with("/git-upload-pack")
}

/// Lands a change that must arrive exactly once.
pub(crate) fn lands_once(served: &Served, remote: &Remote, attempts: u32) {
    let (_directory, here) = cache();
    let decide = replace("apps/shop/values.yaml", "1", "2");
    let landed = remote.land(&here, "main", 5, decide, |_| {}).unwrap();
    assert_eq!(landed.attempts, attempts);
    assert_eq!(committed(&landed), [served.tip()]);
    assert_eq!(served.file("apps/shop/values.yaml"), "tag: 2\n");
    assert_eq!(served.commits(), 2);
    fsck(&served.path());
}

#[test]
fn a_change_lands_over_tls_with_a_password() {
    let served = Served::new();
    let Some(server) = start(&served, login().with_tls()) else {
        return;
    };
    let options = HttpOptions::new()
        .with_credentials(known)
        .with_certificates(server.certificate())
        .unwrap();
    let remote = remote(&server.address("gitops.git")).with_http(options);
    lands_once(&served, &remote, 1);
    git(
        served.folder(),
        &["clone", "--quiet", "gitops.git", "clone"],
    );
    // Every question goes over the one connection, and its one handshake: the tip, what is needed of it, and the push.
    assert!(server.seen().len() >= 5, "{:#?}", server.seen());
    assert_eq!(server.connections(), 1);
    // The password was asked for once, and kept.
    let without = server
        .seen()
        .iter()
        .filter(|seen| seen.authorization.is_none())
        .count();
    assert_eq!(without, 1, "{:#?}", server.seen());
    assert!(!format!("{remote:?}").contains(PASSWORD));
}

#[test]
fn a_push_sends_little_however_wide_the_directory() {
    let served = Served::new();
    let wide: Vec<(String, String)> = (0..3_000)
        .map(|number| {
            (
                format!("apps/app-{number:04}/values.yaml"),
                format!("tag: {number}\n"),
            )
        })
        .collect();
    let files: Vec<(&str, &str, &str)> = wide
        .iter()
        .map(|(name, text)| ("100644", name.as_str(), text.as_str()))
        .collect();
    let stream = crate::fixture::import_stream("refs/heads/wide", &files);
    crate::fixture::git_reading(&served.path(), &["fast-import", "--quiet"], &stream);
    let Some(server) = start(&served, GitHttpOptions::new()) else {
        return;
    };
    let (_directory, here) = cache();
    let decide = replace("apps/app-1234/values.yaml", "1234", "new");
    let remote = remote(&server.address("gitops.git"));
    committed(&remote.land(&here, "wide", 1, decide, |_| {}).unwrap());
    let pushed: usize = server
        .seen()
        .iter()
        .filter(|seen| is_push(seen))
        .map(|seen| seen.body_bytes)
        .sum();
    assert!((100..2_000).contains(&pushed), "{pushed}");
    fsck(&served.path());
}

#[test]
fn a_redirect_to_another_place_is_not_followed_with_or_without_credentials() {
    let served = Served::new();
    let Some(other) = start(&served, GitHttpOptions::new()) else {
        return;
    };
    let location = format!(
        "Location: {}/gitops.git/info/refs?service=git-upload-pack&token=abc\r\n",
        other.origin()
    );
    let fault = Fault::Answer("302 Found", location, "");
    let Some(server) = start(&served, login().with_faults(move |_| Some(fault.clone()))) else {
        return;
    };
    let options = HttpOptions::new().with_credentials(known);
    let remote = remote(&server.address("gitops.git")).with_http(options);
    let error = remote.tip("main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Address, "{error}");
    let text = error.to_string();
    let place = other.origin().replace("http://", "");
    assert!(
        text.contains(&place) && !text.contains("token=abc"),
        "{text}"
    );
    assert_eq!(other.seen(), []);
}

#[test]
fn a_redirect_within_the_host_is_followed() {
    let served = Served::new();
    let moved = |seen: &Seen| {
        let tail = seen.target.strip_prefix("/old.git/")?;
        let location = format!("Location: /gitops.git/{tail}\r\n");
        Some(Fault::Answer("301 Moved Permanently", location, ""))
    };
    let Some(server) = start(&served, GitHttpOptions::new().with_faults(moved)) else {
        return;
    };
    lands_once(&served, &remote(&server.address("old.git")), 1);
    let circle = |seen: &Seen| {
        Some(Fault::Answer(
            "302 Found",
            format!("Location: {}\r\n", seen.target),
            "",
        ))
    };
    let Some(server) = start(&served, GitHttpOptions::new().with_faults(circle)) else {
        return;
    };
    let error = remote(&server.address("gitops.git"))
        .tip("main")
        .unwrap_err();
    assert!(error.to_string().contains("circles"), "{error}");
}

#[test]
fn statuses_are_told_apart() {
    let served = Served::new();
    let cases = [
        (
            "503 Service Unavailable",
            "Content-Type: text/plain\r\nRetry-After: 7\r\n",
            "down for maintenance",
            ErrorKind::Unavailable,
        ),
        ("429 Too Many Requests", "", "", ErrorKind::Unavailable),
        (
            "403 Forbidden",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "write access not granted",
            ErrorKind::Refused,
        ),
        (
            "404 Not Found",
            "Content-Type: text/html\r\n",
            "<html>",
            ErrorKind::NotFound,
        ),
        (
            "200 OK",
            "Content-Type: text/html\r\n",
            "<html>log in",
            ErrorKind::Protocol,
        ),
        (
            "200 OK",
            "Content-Type: application/x-git-upload-pack-advertisement\r\n",
            "<html>log in",
            ErrorKind::Protocol,
        ),
        (
            "200 OK",
            "Content-Type: application/x-git-upload-pack-advertisement\r\n",
            "",
            ErrorKind::Interrupted,
        ),
    ];
    for (status, headers, body, kind) in cases {
        let options = always(Fault::Answer(status, headers.to_owned(), body));
        let Some(server) = start(&served, options) else {
            return;
        };
        let error = remote(&server.address("gitops.git"))
            .tip("main")
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{status}: {error}");
        if headers.contains("text/plain") {
            assert!(error.to_string().contains(body), "{error}");
        }
        if headers.contains("Retry-After") {
            assert!(error.to_string().contains("again after 7"), "{error}");
        }
    }
    let Some(server) = start(&served, GitHttpOptions::new()) else {
        return;
    };
    let error = remote(&server.address("none.git")).tip("main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[test]
fn a_server_that_does_not_speak_version_2_is_told() {
    let served = Served::new();
    let kind = "Content-Type: application/x-git-upload-pack-advertisement\r\n";
    let old = "001e# service=git-upload-pack\n0000004795dcfa3633004da0049d3d0fa03f80589cbcaf31 refs/heads/main\0ofs-delta\n0000";
    let options = always(Fault::Answer("200 OK", kind.to_owned(), old));
    let Some(server) = start(&served, options) else {
        return;
    };
    let error = remote(&server.address("gitops.git"))
        .tip("main")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("version 2"), "{error}");
}

#[test]
fn a_certificate_nobody_vouches_for_is_refused() {
    let served = Served::new();
    let (Some(server), Some(other)) = (
        start(&served, GitHttpOptions::new().with_tls()),
        start(&served, GitHttpOptions::new().with_tls()),
    ) else {
        return;
    };
    for options in [
        HttpOptions::new(),
        HttpOptions::new()
            .with_certificates(other.certificate())
            .unwrap(),
    ] {
        let remote = remote(&server.address("gitops.git")).with_http(options);
        let error = remote.tip("main").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
    }
    assert!(HttpOptions::new().with_certificates(b"nonsense").is_err());
}

#[test]
fn the_words_of_a_hook_come_through() {
    let served = Served::new();
    served.hook("update", "echo 'not on Fridays' >&2; exit 1");
    let Some(server) = start(&served, GitHttpOptions::new()) else {
        return;
    };
    let (_directory, here) = cache();
    let error = remote(&server.address("gitops.git"))
        .land(&here, "main", 5, write("a", "x"), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("not on Fridays"), "{error}");
    assert!(error.to_string().contains("hook declined"), "{error}");
}

#[test]
fn a_silent_or_slow_server_meets_the_deadline() {
    for fault in [Fault::Silence, Fault::Drip] {
        let served = Served::new();
        let Some(server) = start(&served, always(fault)) else {
            return;
        };
        let error = remote(&server.address("gitops.git"))
            .with_deadline(Duration::from_millis(300))
            .tip("main")
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    }
}

#[test]
fn a_silent_server_can_be_left() {
    let served = Served::new();
    let Some(server) = start(&served, always(Fault::Silence)) else {
        return;
    };
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let error = remote(&server.address("gitops.git"))
        .with_cancel(cancel)
        .with_listener(move |event| {
            if matches!(event, Event::Asking { .. }) {
                let stop = stop.clone();
                std::thread::spawn(move || stop.cancel());
            }
        })
        .tip("main")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
}

#[test]
fn a_change_lands_within_an_asynchronous_runtime() {
    let served = Served::new();
    let Some(server) = start(&served, GitHttpOptions::new()) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        lands_once(&served, &remote(&server.address("gitops.git")), 1);
    });
}

#[test]
fn nobody_listening_is_told() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for scheme in ["http", "https"] {
        let error = remote(&format!("{scheme}://127.0.0.1:{port}/x.git"))
            .tip("main")
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    }
}

#[test]
fn an_error_of_the_decision_ends_it() {
    let served = Served::new();
    let Some(server) = start(&served, GitHttpOptions::new()) else {
        return;
    };
    let (_directory, here) = cache();
    let landed = remote(&server.address("gitops.git")).land(
        &here,
        "main",
        9,
        |_| Err(Box::<dyn std::error::Error>::from("no")),
        |_| {},
    );
    assert_eq!(landed.unwrap_err().to_string(), "no");
}

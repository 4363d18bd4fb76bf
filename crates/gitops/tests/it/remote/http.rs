//! `git http-backend` over HTTP: Basic auth, TLS, and everything that can go wrong on the way.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use narae_gitops::remote::{
    Asked, Cancel, Credential, Error, ErrorKind, Event, HttpOptions, Outcome, Remote, Snapshot,
};
use narae_testservers::{Fault, GitHttp, GitHttpOptions, Seen};

use super::fixture::{Served, cache, committed, remote, replace, write};
use crate::fixture::{commit, fsck, git};

const WHAT: &str = "a remote over HTTP";
const PASSWORD: &str = "correct horse battery staple";

fn start(served: &Served, options: GitHttpOptions) -> Option<GitHttp> {
    GitHttp::start(served.folder(), options, WHAT)
}

fn login() -> GitHttpOptions {
    GitHttpOptions::new().with_login("ci", PASSWORD)
}

fn known(_: &Asked<'_>) -> Option<Credential> {
    Some(Credential::basic("ci", PASSWORD))
}

/// Goes wrong at the first request for which `when` holds, and never again.
fn once(when: impl Fn(&Seen) -> bool + Send + Sync + 'static, fault: Fault) -> GitHttpOptions {
    let left = AtomicUsize::new(1);
    GitHttpOptions::new().with_faults(move |seen| {
        let hit = when(seen)
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
        hit.then(|| fault.clone())
    })
}

fn always(fault: Fault) -> GitHttpOptions {
    GitHttpOptions::new().with_faults(move |_| Some(fault.clone()))
}

fn is_push(seen: &Seen) -> bool {
    seen.method == "POST" && seen.target.ends_with("/git-receive-pack")
}

fn is_fetch(seen: &Seen) -> bool {
    seen.method == "POST" && seen.target.ends_with("/git-upload-pack")
}

/// Lands a change that must arrive exactly once.
fn lands_once(served: &Served, remote: &Remote, attempts: u32) {
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
fn credentials_are_asked_for_twice_at_most_and_never_told() {
    let served = Served::new();
    let Some(server) = start(&served, login()) else {
        return;
    };
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let options = HttpOptions::new().with_credentials(move |asked: &Asked<'_>| {
        let mut heard = heard.lock().unwrap();
        heard.push((asked.origin.to_owned(), asked.attempt));
        Some(Credential::basic(
            "ci",
            format!("wrong-secret-{}", heard.len()),
        ))
    });
    let remote = remote(&server.address("gitops.git")).with_http(options);
    let error = remote.tip("main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    let told = format!("{error} {error:?} {remote:?}");
    assert!(!told.contains("wrong-secret"), "{told}");
    let origin = server.origin();
    assert_eq!(*asked.lock().unwrap(), [(origin.clone(), 1), (origin, 2)]);
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn wrong_credentials_are_asked_for_twice_when_something_is_to_land_too() {
    let served = Served::new();
    let Some(server) = start(&served, login()) else {
        return;
    };
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let options = HttpOptions::new().with_credentials(move |_: &Asked<'_>| {
        count.fetch_add(1, Ordering::SeqCst);
        Some(Credential::basic("ci", "wrong"))
    });
    let remote = remote(&server.address("gitops.git")).with_http(options);
    let (_directory, here) = cache();
    let error = remote
        .land(&here, "main", 5, write("a", "x"), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    // Another operation asks again: they may have been put right meanwhile.
    assert!(remote.tip("main").is_err());
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

#[test]
fn credentials_that_may_only_read_hear_that_there_is_nothing_to_do() {
    let is_push = |seen: &Seen| seen.target.contains("git-receive-pack");
    for (status, kind) in [
        ("401 Unauthorized", ErrorKind::Unauthorized),
        ("403 Forbidden", ErrorKind::Refused),
        ("404 Not Found", ErrorKind::NotFound),
    ] {
        let served = Served::new();
        let no = move |seen: &Seen| is_push(seen).then(|| Fault::Answer(status, String::new(), ""));
        let Some(server) = start(&served, login().with_faults(no)) else {
            return;
        };
        let options = HttpOptions::new().with_credentials(known);
        let remote = remote(&server.address("gitops.git")).with_http(options);
        let (_directory, here) = cache();
        let same = write("README.md", "read me\n");
        let landed = remote.land(&here, "main", 3, same, |_| {}).unwrap();
        assert_eq!(landed.outcome, Outcome::NothingToDo, "{status}");
        let change = write("README.md", "read on\n");
        let error = remote.land(&here, "main", 3, change, |_| {}).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().starts_with("cannot push to"), "{error}");
        assert_eq!(served.commits(), 1);
    }
}

#[test]
fn a_repository_that_anybody_reads_is_not_sent_what_may_not_push() {
    let served = Served::new();
    let no = |seen: &Seen| {
        let is_push = seen.target.contains("git-receive-pack");
        is_push.then(|| Fault::Answer("401 Unauthorized", String::new(), ""))
    };
    let Some(server) = start(&served, GitHttpOptions::new().with_faults(no)) else {
        return;
    };
    let options = HttpOptions::new().with_credentials(known);
    let remote = remote(&server.address("gitops.git")).with_http(options);
    let (_directory, here) = cache();
    let same = write("README.md", "read me\n");
    let landed = remote.land(&here, "main", 3, same, |_| {}).unwrap();
    assert_eq!(landed.outcome, Outcome::NothingToDo);
    let reads = server.seen().into_iter().filter(is_fetch);
    // A helper would be told that a wrong password was taken.
    assert!(reads.into_iter().all(|seen| seen.authorization.is_none()));
}

#[test]
fn the_second_credentials_may_be_the_right_ones() {
    let served = Served::new();
    let Some(server) = start(&served, login()) else {
        return;
    };
    let options = HttpOptions::new().with_credentials(|asked: &Asked<'_>| {
        Some(match asked.attempt {
            1 => Credential::bearer("stale"),
            _ => Credential::basic("ci", PASSWORD),
        })
    });
    let remote = remote(&server.address("gitops.git")).with_http(options);
    lands_once(&served, &remote, 1);
}

#[test]
fn without_credentials_it_says_what_is_missing() {
    let served = Served::new();
    let Some(server) = start(&served, login()) else {
        return;
    };
    let address = server.address("gitops.git");
    let error = remote(&address).tip("main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert!(error.to_string().contains("wants credentials"), "{error}");
    for options in [
        HttpOptions::new().with_credentials(|_: &Asked<'_>| None),
        HttpOptions::new().with_credentials(|_: &Asked<'_>| Some(Credential::bearer("a\nb"))),
        HttpOptions::new().with_credentials(|_: &Asked<'_>| Some(Credential::basic("a:b", "c"))),
    ] {
        let error = remote(&address).with_http(options).tip("main").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    }
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
fn a_server_that_dies_in_a_fetch_is_asked_again() {
    for fault in [
        Fault::CloseBefore,
        Fault::CloseAfter,
        Fault::Truncate(0),
        Fault::Truncate(40),
    ] {
        let served = Served::new();
        let Some(server) = start(&served, once(is_fetch, fault)) else {
            return;
        };
        lands_once(&served, &remote(&server.address("gitops.git")), 2);
    }
}

#[test]
fn a_server_that_dies_before_the_push_is_asked_again() {
    let served = Served::new();
    let Some(server) = start(&served, once(is_push, Fault::CloseBefore)) else {
        return;
    };
    lands_once(&served, &remote(&server.address("gitops.git")), 2);
}

#[test]
fn a_push_whose_answer_is_lost_is_found_on_the_branch() {
    for fault in [Fault::CloseAfter, Fault::Truncate(0), Fault::Truncate(20)] {
        let served = Served::new();
        let Some(server) = start(&served, once(is_push, fault)) else {
            return;
        };
        lands_once(&served, &remote(&server.address("gitops.git")), 1);
    }
}

#[test]
fn a_push_whose_answer_is_lost_is_found_below_later_commits() {
    let served = Served::new();
    // Somebody else lands on top of it before we can look.
    served.hook(
        "post-receive",
        "test -e once || { touch once; new=$(git commit-tree -p main -m rival main^{tree}); git update-ref refs/heads/main $new; }",
    );
    git(&served.path(), &["config", "user.name", "Rival"]);
    git(
        &served.path(),
        &["config", "user.email", "rival@example.com"],
    );
    let Some(server) = start(&served, once(is_push, Fault::CloseAfter)) else {
        return;
    };
    let (_directory, here) = cache();
    let landed = remote(&server.address("gitops.git"))
        .land(&here, "main", 5, write("a", "x"), |_| {})
        .unwrap();
    assert_eq!((landed.attempts, served.commits()), (1, 3));
    let ours = committed(&landed)[0].to_string();
    assert_eq!(git(&served.path(), &["rev-parse", "main^"]).trim(), ours);
}

/// The answer to the first push is lost; the next `count` questions are answered 503.
fn lost_and_then_away(count: usize) -> GitHttpOptions {
    let (pushed, left) = (AtomicBool::new(false), AtomicUsize::new(count));
    GitHttpOptions::new().with_faults(move |seen| {
        if is_push(seen) && !pushed.swap(true, Ordering::SeqCst) {
            return Some(Fault::CloseAfter);
        }
        let away = |left: usize| {
            left.checked_sub(1)
                .filter(|_| pushed.load(Ordering::SeqCst))
        };
        let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
        let is_away = left.fetch_update(set, fetch, away).is_ok();
        is_away.then(|| Fault::Answer("503 Service Unavailable", String::new(), ""))
    })
}

#[test]
fn a_push_whose_answer_is_lost_is_looked_for_until_the_server_is_back() {
    let served = Served::new();
    let Some(server) = start(&served, lost_and_then_away(3)) else {
        return;
    };
    let remote = remote(&server.address("gitops.git"));
    let ((_directory, here), mut decided) = (cache(), 0);
    // Decided again, it would find its own value and nothing to do.
    let decide = |_: &Snapshot<'_>| {
        decided += 1;
        Ok::<_, Error>(vec![commit("write", &[("a", Some("x"))])])
    };
    let landed = remote.land(&here, "main", 5, decide, |_| {}).unwrap();
    assert_eq!(committed(&landed), [served.tip()]);
    assert_eq!((landed.attempts, decided, served.commits()), (4, 1, 2));
}

#[test]
fn a_push_of_which_nothing_is_heard_is_told_as_not_known() {
    let served = Served::new();
    let Some(server) = start(&served, lost_and_then_away(9)) else {
        return;
    };
    let (_directory, here) = cache();
    let error = remote(&server.address("gitops.git"))
        .land(&here, "main", 3, write("a", "x"), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    let words = format!("whether {} has arrived is not known", served.tip());
    assert!(error.to_string().contains(&words), "{error}");
    assert!(error.to_string().contains("503"), "{error}");
}

#[test]
fn a_server_that_always_dies_is_given_up() {
    let served = Served::new();
    let options =
        GitHttpOptions::new().with_faults(|seen| is_push(seen).then_some(Fault::CloseBefore));
    let Some(server) = start(&served, options) else {
        return;
    };
    let (_directory, here) = cache();
    let mut waits = Vec::new();
    let error = remote(&server.address("gitops.git"))
        .land(&here, "main", 3, write("a", "x"), |lost| waits.push(lost))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    assert_eq!(waits, [1, 2]);
    assert_eq!(served.commits(), 1);
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
fn a_bearer_token_is_taken() {
    let served = Served::new();
    let token = GitHttpOptions::new().with_token("t0ken");
    let Some(server) = start(&served, token) else {
        return;
    };
    let with = |token: &'static str| {
        let credentials = move |_: &Asked<'_>| Some(Credential::bearer(token));
        let options = HttpOptions::new().with_credentials(credentials);
        remote(&server.address("gitops.git")).with_http(options)
    };
    let error = with("another").tip("main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    lands_once(&served, &with("t0ken"), 1);
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
fn credentials_do_not_leave_this_machine_unencrypted() {
    let served = Served::new();
    let Some(server) = start(&served, login()) else {
        return;
    };
    // A name that somebody could make another machine's.
    let address = server
        .address("gitops.git")
        .replace("127.0.0.1", "LOCALHOST");
    let options = HttpOptions::new().with_credentials(known);
    let error = remote(&address)
        .with_http(options.clone())
        .tip("main")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert!(error.to_string().contains("unencrypted"), "{error}");
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.authorization.is_none())
    );
    let anyway = remote(&address).with_http(options.with_credentials_unencrypted());
    assert_eq!(anyway.tip("main").unwrap(), Some(served.tip()));
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

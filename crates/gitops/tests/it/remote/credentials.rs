//! Who we are to a server over HTTP: asked for twice at most, sent to nobody else, and not good for everything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use narae_gitops::remote::{Asked, Credential, ErrorKind, HttpOptions, Outcome};
use narae_testservers::{Fault, GitHttpOptions, Seen};

use super::fixture::{Served, cache, remote, write};
use super::http::{PASSWORD, is_fetch, known, lands_once, login, start};

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

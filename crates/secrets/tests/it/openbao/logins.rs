//! How often a client logs in, at a server that refuses it.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

use narae_secrets::store::StoreErrorKind as K;
use narae_secrets::store::openbao::{Auth, KvVersion, OpenBao, Options, Retries};

use super::{Fake, answer, kind};
use crate::material::secret;

const TOKEN: &str = r#"{"auth":{"client_token":"s.x","lease_duration":0,"renewable":false}}"#;
const SHORT_TOKEN: &str = r#"{"auth":{"client_token":"s.x","lease_duration":1,"renewable":false}}"#;
const DENIED: &str = r#"{"errors":["permission denied"]}"#;
const REFUSED: &str = r#"{"errors":["invalid role or secret ID"]}"#;

fn is_login(request: &str) -> bool {
    request.starts_with("POST /v1/auth/") && request.contains("/login")
}

fn logins(fake: &Fake) -> usize {
    let seen = fake.seen.try_iter();
    seen.filter(|request| is_login(request)).count()
}

fn connect(fake: &Fake, auth: Auth) -> OpenBao {
    let options = Options::new(&fake.address, auth)
        .with_mount("secret".parse().unwrap(), KvVersion::V2)
        .with_retries(Retries::none());
    OpenBao::connect("main", options).unwrap()
}

fn role() -> Auth {
    Auth::app_role("shop", secret("CANARY"))
}

/// A token that is bound to other addresses is refused as soon as it is used, like the next one.
#[test]
fn a_fresh_token_that_is_refused_is_replaced_once() {
    let count = AtomicU32::new(0);
    let fake = Fake::by(move |request| match is_login(request) {
        true if count.fetch_add(1, SeqCst) < 10 => answer("200 OK", TOKEN),
        true => answer("400 Bad Request", REFUSED),
        false => answer("403 Forbidden", DENIED),
    });
    let store = connect(&fake, role());
    assert_eq!(kind(&store, "secret/x", None), K::TokenRefused);
    assert_eq!(logins(&fake), 2);
    assert_eq!(kind(&store, "secret/x", None), K::TokenRefused);
    assert_eq!(logins(&fake), 1);
}

#[test]
fn nobody_logs_in_after_a_shutdown() {
    let store = Arc::new(OnceLock::<OpenBao>::new());
    let shared = Arc::clone(&store);
    let fake = Fake::by(move |request| {
        if is_login(request) {
            return answer("200 OK", TOKEN);
        }
        if request.contains("/revoke-self") {
            return answer("204 No Content", "");
        }
        // While a request is under way, somebody shuts the connection down.
        shared.get().unwrap().shutdown().unwrap();
        answer("403 Forbidden", DENIED)
    });
    store.set(connect(&fake, role())).unwrap();
    let store = store.get().unwrap();
    let refused = kind(store, "secret/x", None);
    assert!(matches!(refused, K::Configuration { .. }), "{refused:?}");
    assert_eq!(logins(&fake), 1);
}

#[test]
fn refused_credentials_are_sent_once() {
    let fake = Fake::answering("400 Bad Request", REFUSED);
    let store = connect(&fake, Auth::userpass("mina", secret("wrong")));
    for _ in 0..3 {
        assert_eq!(kind(&store, "secret/x", None), K::InvalidCredentials);
    }
    assert_eq!(logins(&fake), 1);

    // Those in a file, again when the file changes.
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("jwt");
    std::fs::write(&file, "a.b.c").unwrap();
    let store = connect(&fake, Auth::kubernetes("shop", &file));
    for _ in 0..3 {
        assert_eq!(kind(&store, "secret/x", None), K::InvalidCredentials);
    }
    assert_eq!(logins(&fake), 1);
    std::fs::write(&file, "another.b.c").unwrap();
    for _ in 0..3 {
        assert_eq!(kind(&store, "secret/x", None), K::InvalidCredentials);
    }
    assert_eq!(logins(&fake), 1);
}

/// The thread in the background, too, replaces a token that ends by one login only, if that is refused.
#[test]
fn the_background_does_not_repeat_a_refused_login() {
    let count = AtomicU32::new(0);
    let fake = Fake::by(move |request| match is_login(request) {
        true if count.fetch_add(1, SeqCst) == 0 => answer("200 OK", SHORT_TOKEN),
        true => answer("400 Bad Request", REFUSED),
        false => answer("404 Not Found", r#"{"errors":[]}"#),
    });
    let store = connect(&fake, role());
    assert_eq!(kind(&store, "secret/x", None), K::NotFound);
    let mut seen = 0;
    while seen < 2 {
        seen += usize::from(is_login(&fake.seen.recv().unwrap()));
    }
    // It waits for the login under way.
    assert_eq!(kind(&store, "secret/x", None), K::InvalidCredentials);
    assert_eq!(kind(&store, "secret/x", None), K::InvalidCredentials);
    assert_eq!(logins(&fake), 0);
}

#[test]
fn those_who_wait_for_a_login_share_its_failure() {
    const THREADS: u32 = 8;
    let begun = Arc::new(AtomicU32::new(0));
    let waiting = Arc::clone(&begun);
    let fake = Fake::by(move |_| {
        while waiting.load(SeqCst) < THREADS {
            std::thread::yield_now();
        }
        answer("500 Internal Server Error", "{}")
    });
    let store = connect(&fake, role());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                begun.fetch_add(1, SeqCst);
                assert_eq!(kind(&store, "secret/x", None), K::Server { status: 500 });
            });
        }
    });
    // One that is late begins another; not all eight are.
    assert!(logins(&fake) < THREADS as usize);
    // What may get better is tried again.
    assert_eq!(kind(&store, "secret/x", None), K::Server { status: 500 });
    assert_eq!(logins(&fake), 1);
}

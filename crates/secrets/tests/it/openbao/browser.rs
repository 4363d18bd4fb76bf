//! Logins by browser: a real server, a small identity provider that it asks, and a plain HTTP client for a browser, which
//! follows where it is sent.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use narae_secrets::store::openbao::{Auth, Browser, OpenBao, Options};
use narae_secrets::store::{BrowserFailure, Store as _, StoreErrorKind as K};
use narae_testservers::{OpenBao as Server, Trace};

use super::provider::{Provider, Twist};
use super::{kind, path, policy};
use crate::material::secret;

/// Longest wait for what is to come.
const LONG: Duration = Duration::from_secs(60);

/// A server that trusts a provider, and has a secret for whoever it vouches for.
fn server(what: &str) -> Option<(Server, Arc<Provider>)> {
    let server = Server::start(what)?;
    let provider = Provider::start();
    server.must("POST", "secret/data/shop", r#"{"data":{"k":"v"}}"#);
    let rules = r#"path "secret/data/shop" { capabilities = ["read"] }"#;
    policy(&server, "shop", rules);
    server.must("POST", "sys/auth/oidc", r#"{"type":"oidc"}"#);
    let config = serde_json::json!({
        "oidc_discovery_url": provider.address, "oidc_client_id": "narae",
        "oidc_client_secret": "s3cret", "default_role": "shop", "jwt_supported_algs": ["ES256"],
    });
    server.must("POST", "auth/oidc/config", &config.to_string());
    // Whichever port of loopback: servers look at the host and the path.
    for (role, place) in [
        ("shop", "http://localhost/oidc/callback"),
        ("other", "https://other.example/"),
    ] {
        let role_of = serde_json::json!({
            "role_type": "oidc", "user_claim": "sub", "allowed_redirect_uris": [place],
            "token_policies": "shop", "token_ttl": "1h",
        });
        server.must(
            "POST",
            &format!("auth/oidc/role/{role}"),
            &role_of.to_string(),
        );
    }
    Some((server, provider))
}

/// A store whose user does this with the address.
fn store(
    server: &Server,
    role: Option<&str>,
    limit: Duration,
    user: impl Fn(String) + Send + Sync + Clone + 'static,
) -> OpenBao {
    let browser = Browser::new(move |url| {
        let (user, url) = (user.clone(), url.to_owned());
        std::thread::spawn(move || user(url));
        Ok(())
    });
    let browser = browser.with_port(0).with_timeout(limit);
    let auth = Auth::oidc(role.map(str::to_owned), browser);
    OpenBao::connect("main", Options::new(server.address(), auth)).unwrap()
}

/// Follows redirects to the end, and gives the last page.
fn browse(mut url: String) -> String {
    loop {
        let page = get(&url).unwrap();
        match page
            .lines()
            .find_map(|line| line.strip_prefix("Location: "))
        {
            Some(next) => url = next.to_owned(),
            None => return page,
        }
    }
}

fn get(url: &str) -> io::Result<String> {
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = TcpStream::connect(host.replace("localhost", "127.0.0.1"))?;
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

fn browser(reason: BrowserFailure) -> K {
    K::Browser { reason }
}

#[test]
fn a_user_logs_in_by_browser_and_nothing_of_it_is_traced() {
    let Some((server, provider)) = server("logins by browser") else {
        return;
    };
    let (send, pages) = mpsc::channel();
    let visit = move |url: String| send.send((browse(url.clone()), url)).unwrap();
    for role in [None, Some("shop")] {
        let store = store(&server, role, LONG, visit.clone());
        let clone = store.clone();
        let (trace, read) = Trace::of(|| store.read(&path("secret/shop"), None));
        assert_eq!(read.unwrap().data["k"], secret("v"));
        // One login for all of it.
        assert!(clone.read(&path("secret/shop"), None).is_ok());
        let (page, url) = pages.recv_timeout(LONG).unwrap();
        assert!(page.starts_with("HTTP/1.1 200 OK"), "{page}");
        assert!(trace.contains("reqwest::"), "nothing was traced: {trace}");
        let state = url.split("state=").nth(1).unwrap().split('&').next();
        for hidden in ["code-", "client_nonce", state.unwrap()] {
            assert!(!page.contains(hidden), "{page}");
            assert!(!trace.contains(hidden), "{hidden}: {trace}");
        }
        store.shutdown().unwrap();
        let closed = kind(&clone, "secret/shop", None);
        assert!(matches!(closed, K::Configuration { .. }), "{closed:?}");
    }
    assert_eq!(provider.logins(), 2);
    assert!(provider.verified(), "the server proved the code by PKCE");
}

#[test]
fn a_token_that_ended_opens_no_browser_by_itself() {
    let Some((server, provider)) = server("ended logins by browser") else {
        return;
    };
    let store = store(&server, None, LONG, |url| drop(browse(url)));
    store.read(&path("secret/shop"), None).unwrap();
    server.must("POST", "sys/leases/revoke-prefix/auth/oidc", "{}");
    assert_eq!(kind(&store, "secret/shop", None), K::TokenRefused);
    assert_eq!(provider.logins(), 1);
}

#[test]
fn what_a_provider_should_not_say_is_refused_by_kind() {
    let Some((server, provider)) = server("bad logins by browser") else {
        return;
    };
    for (twist, expected) in [
        (Twist::WrongState, browser(BrowserFailure::WrongState)),
        (Twist::WrongNonce, K::InvalidCredentials),
        (Twist::WrongSignature, K::InvalidCredentials),
        (Twist::UnknownCode, K::InvalidCredentials),
        (Twist::NoCode, browser(BrowserFailure::NoCode)),
        (
            Twist::Error("access_denied"),
            browser(BrowserFailure::Refused {
                code: "access_denied",
            }),
        ),
        (
            Twist::Error("CANARY"),
            browser(BrowserFailure::Refused { code: "other" }),
        ),
    ] {
        provider.set(twist);
        let states = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&states);
        let store = store(&server, None, LONG, move |url| {
            *seen.lock().unwrap() = url.split("state=").nth(1).unwrap()[..20].to_owned();
            browse(url);
        });
        let error = store.read(&path("secret/shop"), None).unwrap_err();
        assert_eq!(error.kind(), &expected, "{twist:?}");
        assert!(error.is_store_wide());
        let text = format!("{error} {error:?}");
        let state = states.lock().unwrap().clone();
        for secret in ["CANARY", "code-", &state] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn an_answer_that_does_not_come_ends_by_time_or_by_hand() {
    let Some((server, _provider)) = server("lost logins by browser") else {
        return;
    };
    let limit = Duration::from_millis(100);
    let nobody = store(&server, None, limit, drop);
    assert_eq!(
        kind(&nobody, "secret/shop", None),
        browser(BrowserFailure::NoAnswer { limit })
    );

    let (send, asked) = mpsc::channel();
    let store = store(&server, None, LONG, move |url| send.send(url).unwrap());
    let waiting = store.clone();
    let reader = std::thread::spawn(move || kind(&waiting, "secret/shop", None));
    let url = asked.recv_timeout(LONG).unwrap();
    store.shutdown().unwrap();
    assert_eq!(reader.join().unwrap(), browser(BrowserFailure::Cancelled));
    // Nobody listens there any more.
    let redirect = get(&url).unwrap();
    let place = redirect
        .lines()
        .find_map(|line| line.strip_prefix("Location: "))
        .unwrap();
    assert!(get(place).is_err());

    let closed = Browser::new(|_| Err(io::Error::other("CANARY"))).with_port(0);
    let options = Options::new(server.address(), Auth::oidc(None, closed));
    let store = OpenBao::connect("main", options).unwrap();
    let error = store.read(&path("secret/shop"), None).unwrap_err();
    assert_eq!(error.kind(), &browser(BrowserFailure::NotOpened));
    assert!(!format!("{error:?}").contains("CANARY"));
}

/// Icons that browsers ask for, connections on which they say nothing, other methods.
#[test]
fn the_listener_takes_nothing_else() {
    let Some((server, _provider)) = server("the listener of logins by browser") else {
        return;
    };
    let (send, pages) = mpsc::channel();
    let store = store(&server, None, LONG, move |url| {
        let back = get(&url).unwrap();
        let back = back
            .lines()
            .find_map(|line| line.strip_prefix("Location: "))
            .unwrap();
        let (origin, _) = back.split_once("/oidc").unwrap();
        let host = origin.strip_prefix("http://localhost").unwrap();
        let connect = || TcpStream::connect(format!("127.0.0.1{host}")).unwrap();
        let idle: Vec<TcpStream> = (0..5).map(|_| connect()).collect();
        let icon = get(&format!("{origin}/favicon.ico")).unwrap();
        let mut post = connect();
        let head = back.split_once(host).unwrap().1;
        write!(
            post,
            "POST {head} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        )
        .unwrap();
        let mut posted = String::new();
        post.read_to_string(&mut posted).unwrap();
        let mut junk = connect();
        junk.write_all(b"\x16\x03\x01\r\n\r\n").unwrap();
        send.send([icon, posted, get(back).unwrap()]).unwrap();
        drop(idle);
    });
    assert!(store.read(&path("secret/shop"), None).is_ok());
    let [icon, posted, last] = pages.recv_timeout(LONG).unwrap();
    assert!(icon.starts_with("HTTP/1.1 404"), "{icon}");
    assert!(posted.starts_with("HTTP/1.1 404"), "{posted}");
    assert!(last.starts_with("HTTP/1.1 200"), "{last}");
}

/// Somebody who saw the browser come back has code and state, but not what this process alone knows.
#[test]
fn a_code_that_somebody_saw_is_worth_nothing() {
    let Some((server, _provider)) = server("stolen codes of logins by browser") else {
        return;
    };
    let (send, stolen) = mpsc::channel();
    let (let_go, wait) = mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let store = store(&server, None, LONG, move |url| {
        let back = get(&url).unwrap();
        let back = back
            .lines()
            .find_map(|line| line.strip_prefix("Location: "))
            .unwrap();
        send.send(back.split_once('?').unwrap().1.to_owned())
            .unwrap();
        let _ = wait.lock().unwrap().recv();
        get(back).unwrap();
    });
    let reader = std::thread::spawn(move || kind(&store, "secret/shop", None));
    let query = stolen.recv_timeout(LONG).unwrap();
    let answer = server.ask("GET", &format!("auth/oidc/oidc/callback?{query}"), "");
    assert_eq!(answer.status, 400, "{answer:?}");
    let_go.send(()).unwrap();
    // The server takes a state once: the theft is noticed.
    assert_eq!(reader.join().unwrap(), K::InvalidCredentials);
}

#[test]
fn a_role_or_engine_that_cannot_is_named_before_anything_opens() {
    let Some((server, _provider)) = server("roles of logins by browser") else {
        return;
    };
    let never = |_: String| panic!("a browser was opened");
    for role in ["none", "other"] {
        let K::Configuration { reason } = kind(
            &store(&server, Some(role), LONG, never),
            "secret/shop",
            None,
        ) else {
            panic!("{role}: another kind");
        };
        assert!(
            reason.contains("auth/oidc") && reason.contains("http://localhost:"),
            "{reason}"
        );
    }
    let browser = Browser::new(|_| panic!("a browser was opened")).with_port(0);
    let auth = Auth::oidc(None, browser).with_mount("nowhere".parse().unwrap());
    let store = OpenBao::connect("main", Options::new(server.address(), auth)).unwrap();
    let kind = kind(&store, "secret/shop", None);
    assert!(
        matches!(kind, K::Configuration { .. } | K::MountNotFound { .. }),
        "{kind:?}"
    );
    // A port that somebody else has.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let browser = Browser::new(|_| Ok(())).with_port(taken.local_addr().unwrap().port());
    let store = OpenBao::connect(
        "main",
        Options::new(server.address(), Auth::oidc(None, browser)),
    )
    .unwrap();
    let kind = super::kind(&store, "secret/shop", None);
    assert!(
        matches!(
            kind,
            K::Io {
                action: "listen at",
                ..
            }
        ),
        "{kind:?}"
    );
}

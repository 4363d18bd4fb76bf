//! How a server is spoken to: TLS, redirects, limits, headers, options, the environment.

use std::net::TcpListener;
use std::time::Duration;

use narae_secrets::SecretBytes;
use narae_secrets::resolve::{Request, resolve};
use narae_secrets::store::openbao::{
    Environment, KvVersion, OpenBao, Options, Retries, ServerState,
};
use narae_secrets::store::{Store as _, StoreErrorKind as K};
use narae_testservers::OpenBao as Server;

use super::{Fake, answer, kind, path};
use crate::material::secret;

#[test]
fn only_a_trusted_server_gets_the_token() {
    let Some(server) = Server::start_tls("TLS") else {
        return;
    };
    let options = || Options::new(server.tls_address(), secret(server.token()));
    let read = |options| {
        kind(
            &OpenBao::connect("main", options).unwrap(),
            "secret/x",
            None,
        )
    };
    let authority = std::fs::read(server.path("ca.pem")).unwrap();
    assert_eq!(read(options().with_ca_pem(authority)), K::NotFound);

    let address = server.tls_address();
    assert_eq!(
        read(options()),
        K::Untrusted {
            address: address.clone()
        }
    );
    let other = std::fs::read(crate::material::data("keys/2048.crt")).unwrap();
    assert_eq!(read(options().with_ca_pem(other)), K::Untrusted { address });
}

#[test]
fn a_redirect_is_not_followed_and_the_token_stays() {
    let target = Fake::answering("200 OK", "{}");
    let elsewhere = target.address.replace("127.0.0.1", "localhost");
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let fake = Fake::new(format!(
            "HTTP/1.1 {status}\r\nLocation: {elsewhere}/v1/secret/data/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ));
        let kind = kind(&fake.store(), "secret/x", None);
        assert!(matches!(kind, K::Redirected { .. }), "{status}: {kind:?}");
    }
    assert!(target.seen.try_recv().is_err(), "the redirect was followed");
}

#[test]
fn requests_are_as_the_api_wants_them() {
    let fake = Fake::answering("404 Not Found", r#"{"errors":[]}"#);
    let address = format!("{}/proxy/vault/", fake.address);
    let options = Options::new(address, secret("s.token\n"))
        .with_mount("secret".parse().unwrap(), KvVersion::V2)
        .with_namespace("team");
    let store = OpenBao::connect("main", options).unwrap();
    assert_eq!(kind(&store, "secret/a/b", Some(7)), K::NotFound);
    let request = fake.seen.recv().unwrap().to_ascii_lowercase();
    assert!(
        request.starts_with("get /proxy/vault/v1/secret/data/a/b?version=7 http/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nx-vault-token: s.token\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nx-vault-namespace: team\r\n"),
        "{request}"
    );
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let limit = Duration::from_millis(200);
    let options = Options::new(&address, secret("t"))
        .with_retries(Retries::none())
        .with_timeout(limit);
    let store = OpenBao::connect("main", options).unwrap();
    assert_eq!(
        kind(&store, "secret/x", None),
        K::Timeout { address, limit }
    );
}

#[test]
fn an_answer_without_end_or_too_large_is_given_up() {
    let endless = |head: &str| {
        let mut answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").into_bytes();
        answer.resize(answer.len() + 3 * 1024 * 1024, b' ');
        Fake::new(answer)
    };
    for head in ["Content-Length: 34603008", "Connection: close"] {
        let options = endless(head);
        let options = options.options().with_max_answer_bytes(1024 * 1024);
        let store = OpenBao::connect("main", options).unwrap();
        assert_eq!(
            kind(&store, "secret/x", None),
            K::TooLarge {
                limit_bytes: 1024 * 1024
            },
            "{head}"
        );
    }
}

/// A folder in a folder in a folder: a listing ends all the same, and asks for no path that cannot be.
#[test]
fn folders_without_end_are_given_up() {
    for (name, most) in [("a/", 300), ("../", 4), ("a//", 5)] {
        let body = format!(r#"{{"data":{{"keys":["{name}"]}}}}"#);
        // It cannot scan.
        let fake = Fake::in_turn(vec![answer("405 X", "{}"), answer("200 OK", &body)]);
        let error = fake.store().list(Some(&path("secret"))).unwrap_err();
        assert!(
            matches!(error.kind(), K::UnexpectedAnswer { .. }),
            "{error}"
        );
        let seen: Vec<String> = fake.seen.try_iter().collect();
        assert!((2..most).contains(&seen.len()), "{name}: {}", seen.len());
        assert!(!seen.iter().any(|request| request.contains("..")));
    }
}

#[test]
fn a_thousand_references_over_fifty_paths_are_fifty_requests() {
    let keys: Vec<String> = (0..20)
        .map(|key| format!(r#""k{key}":"value {key}""#))
        .collect();
    let metadata = r#""metadata":{"version":1,"created_time":"x"}"#;
    let body = format!(r#"{{"data":{{"data":{{{}}},{metadata}}}}}"#, keys.join(","));
    let fake = Fake::answering("200 OK", &body);
    let store = fake.store();
    let requests: Vec<Request> = (0..1000)
        .map(|number| format!("ref+vault://main/secret/p{}#/k{}", number % 50, number / 50))
        .map(|text| Request::new(text.parse().unwrap(), "a.yaml:1:1"))
        .collect();
    assert_eq!(resolve(&requests, &[&store]).unwrap().len(), 1000);
    assert_eq!(fake.seen.try_iter().count(), 50);
}

/// Whoever may not ask what is mounted is believed to have versions, for that once.
#[test]
fn a_guess_about_a_mount_is_not_kept() {
    let denied = || answer("403 X", r#"{"errors":["permission denied"]}"#);
    // Asked after every refusal, to tell a token that is refused from one that may not.
    let token = || answer("200 OK", r#"{"data":{"ttl":60}}"#);
    let mount = r#"{"data":{"path":"old/","type":"kv","options":{"version":"1"}}}"#;
    let fake = Fake::in_turn(vec![
        denied(),
        token(),
        denied(),
        token(),
        answer("200 OK", mount),
        answer("200 OK", r#"{"data":{"k":"v"}}"#),
    ]);
    let store = fake.store();
    assert!(matches!(
        kind(&store, "old/x", None),
        K::PermissionDenied { .. }
    ));
    let read = store.read(&path("old/x"), None).unwrap();
    assert_eq!(read.data["k"], secret("v"));
}

#[test]
fn odd_answers_have_kinds_and_leak_nothing() {
    let reason = |kind: K| matches!(kind, K::UnexpectedAnswer { .. });
    for body in [
        "",
        "<h1>CANARY</h1>",
        "null",
        r#"{"data":{"data":{"password":"CANARY"},"metadata":{"version":"CANARY"}}}"#,
        r#"{"data":{"data":{"password":"CANARY"},"metadata":{}}}"#,
        r#"{"data":{"data":["CANARY"],"metadata":{"version":1}}}"#,
        r#"{"data":{"password":"CANARY"}}"#,
        r#"{"data":{"data":{"password":"CANARY\ud800"},"metadata":{"version":1}}}"#,
    ] {
        let fake = Fake::answering("200 OK", body);
        let error = fake.store().read(&path("secret/x"), None).unwrap_err();
        assert!(reason(error.kind().clone()), "{body}: {error}");
        assert!(
            !format!("{error} {error:?} {error:#?}").contains("CANARY"),
            "{error:?}"
        );
    }
    let garbage = Fake::new(*b"CANARY\r\n\r\n");
    assert!(reason(kind(&garbage.store(), "secret/x", None)));
    for (status, expected) in [
        ("429 Too Many", K::RateLimited),
        ("472 Replica", K::Standby),
        ("473 Standby", K::Standby),
        ("502 Bad Gateway", K::Server { status: 502 }),
        ("503 Unavailable", K::Server { status: 503 }),
        ("400 Bad Request", K::Server { status: 400 }),
    ] {
        let fake = Fake::answering(status, r#"{"errors":["CANARY"]}"#);
        let error = fake.store().read(&path("secret/x"), None).unwrap_err();
        assert_eq!(error.kind(), &expected);
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }
    let fake = Fake::answering(
        "200 OK",
        r#"{"data":{"data":{"k":"v","n":1234567890123456789012.50},"metadata":{"version":1,"new":[]}},"x":1}"#,
    );
    let found = fake.store().read(&path("secret/x"), None).unwrap();
    assert_eq!(found.data["k"], secret("v"));
    assert_eq!(found.data["n"], secret("1234567890123456789012.50"));
}

#[test]
fn https_to_a_plain_server_is_not_trusted() {
    let fake = Fake::answering("200 OK", "{}");
    let address = fake.address.replace("http://", "https://");
    let options = Options::new(&address, secret("s.CANARY"));
    let store = OpenBao::connect("main", options).unwrap();
    assert_eq!(kind(&store, "secret/x", None), K::Untrusted { address });
    assert!(!fake.seen.recv().unwrap().contains("CANARY"));
}

#[test]
fn options_that_cannot_work_are_said() {
    let refused = |options: Options| {
        let error = OpenBao::connect("main", options).unwrap_err();
        assert!(matches!(error.kind(), K::Configuration { .. }), "{error}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("CANARY"), "{text}");
        text
    };
    let token = || secret("CANARY");
    let at = "https://bao.example";
    assert!(refused(Options::new("bao.example:8200", token())).contains("address"));
    assert!(refused(Options::new("", token())).contains("address"));
    assert!(refused(Options::new("ftp://bao.example", token())).contains("ftp"));
    assert!(refused(Options::new("https://u:CANARY@bao.example", token())).contains("credentials"));
    for odd in [
        "https://bao.example/?token=CANARY",
        "https://bao.example/#CANARY",
    ] {
        let said = refused(Options::new(odd, token()));
        assert!(said.contains("query") && !said.contains("CANARY"), "{said}");
    }
    for address in [
        "https://u:CANARY@bao.example:8200/x",
        "https://CANARY@bao.example:8200/x",
        "https://bao.example:8200/x?token=CANARY",
        "https://bao.example:8200/x#CANARY",
        "CANARY bao.example",
    ] {
        let options = Options::new(address, token());
        let found = Environment::read(|name| (name == "BAO_ADDR").then(|| address.to_owned()));
        let shown = format!("{options:?} {found:?}");
        assert!(!shown.contains("CANARY"), "{shown}");
        let is_url = address.starts_with("https:");
        assert_eq!(shown.contains("bao.example:8200/x"), is_url, "{shown}");
    }
    assert!(refused(Options::new("https://bao.example?x=1", token())).contains("query"));
    assert!(refused(Options::new("http://bao.example", token())).contains("in the clear"));
    assert!(refused(Options::new(at, secret("CAN\nARY CANARY"))).contains("token"));
    assert!(refused(Options::new(at, secret(" \n"))).contains("token"));
    assert!(refused(Options::new(at, SecretBytes::new(vec![0xff]))).contains("token"));
    assert!(refused(Options::new(at, token()).with_namespace("a b")).contains("namespace"));
    assert!(refused(Options::new(at, token()).with_ca_pem("no certificate")).contains("CA"));
    let allowed = Options::new("http://bao.example", token()).with_plain_http_to_other_machines();
    assert_eq!(
        OpenBao::connect("main", allowed).unwrap().address(),
        "http://bao.example"
    );
    for local in ["http://localhost:1", "http://127.0.0.9:1", "http://[::1]:1"] {
        assert!(
            OpenBao::connect("main", Options::new(local, token())).is_ok(),
            "{local}"
        );
    }
}

#[test]
fn within_a_runtime_it_refuses_and_drops_in_peace() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = Options::new("http://127.0.0.1:1", secret("t"));
        let store = OpenBao::connect("main", options).unwrap();
        assert_eq!(kind(&store, "secret/x", None), K::InsideRuntime);
        drop(store);
    });
}

#[test]
fn the_environment_is_read_as_openbao_reads_it() {
    let read = |set: &[(&str, &str)]| {
        Environment::read(|name| {
            set.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    };
    let both = read(&[
        ("VAULT_ADDR", "v"),
        ("BAO_ADDR", "b"),
        ("VAULT_TOKEN", "t"),
        ("BAO_TOKEN", ""),
    ]);
    assert_eq!(both.address.as_deref(), Some("b"));
    assert_eq!(
        both.token,
        Some(secret("t")),
        "an empty variable is not set"
    );
    assert!(!format!("{both:?}").contains("\"t\""));
    let all = read(&[("BAO_NAMESPACE", "n"), ("VAULT_CACERT", "ca.pem")]);
    assert_eq!(all.namespace.as_deref(), Some("n"));
    assert_eq!(all.ca_certificate_file.as_deref(), Some("ca.pem"));
    assert!(all.options().is_none());
    assert!(both.options().is_some());
}

#[test]
fn health_is_read_of_every_server() {
    let state = |status: &str, body: &str| {
        let health = Fake::answering(status, body).store().health().unwrap();
        (health.state, health.version)
    };
    // As OpenBao 2.7, Vault 1.20 and Vault 1.2 answer.
    let openbao = r#"{"initialized":true,"sealed":false,"standby":false,"version":"2.7.2","cluster_name":"c"}"#;
    assert_eq!(
        state("200 OK", openbao),
        (ServerState::Active, Some("2.7.2".to_owned()))
    );
    let vault = r#"{"initialized":true,"sealed":false,"standby":true,"performance_standby":false,"enterprise":false,"version":"1.20.4","echo_duration_ms":0}"#;
    assert_eq!(
        state("429 Standby", vault),
        (ServerState::Standby, Some("1.20.4".to_owned()))
    );
    assert_eq!(
        state("473 X", "{}"),
        (ServerState::PerformanceStandby, None)
    );
    assert_eq!(state("472 X", "{}"), (ServerState::DisasterRecovery, None));
    assert_eq!(state("501 X", "{}"), (ServerState::Uninitialized, None));
    assert_eq!(state("503 X", "{}"), (ServerState::Sealed, None));
    for (status, body) in [
        ("200 OK", "<h1>"),
        ("404 X", "{}"),
        ("302 X", "{}"),
        ("502 X", "{}"),
    ] {
        assert!(
            Fake::answering(status, body).store().health().is_err(),
            "{status}"
        );
    }
    // No token is shown to whoever is only asked how it is.
    let fake = Fake::answering("200 OK", openbao);
    fake.store().health().unwrap();
    assert!(!fake.seen.recv().unwrap().contains("CANARY"));
}

#[test]
fn health_of_a_real_server() {
    let Some(server) = Server::start("health") else {
        return;
    };
    let store = super::store(&server);
    let health = store.health().unwrap();
    assert_eq!(health.state, ServerState::Active);
    assert!(health.version.unwrap().starts_with("2."));
    server.must("POST", "sys/seal", "");
    assert_eq!(store.health().unwrap().state, ServerState::Sealed);
}

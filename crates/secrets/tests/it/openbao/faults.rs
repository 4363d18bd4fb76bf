//! What goes wrong, from a real server where it can: each a kind of its own, and no harm done.

use std::time::Duration;

use narae_secrets::store::openbao::{Auth, KvVersion, OpenBao, Options, Retries};
use narae_secrets::store::{Cas, Store as _, StoreErrorKind as K};
use narae_testservers::OpenBao as Server;

use super::{Fake, kind, path, quick, store, store_of, token_of};
use crate::material::{secret, values};

#[test]
fn an_expired_token_is_known_as_such() {
    let Some(server) = Server::start("expired tokens") else {
        return;
    };
    let token = token_of(&server, r#"{"policies":["default"],"ttl":"1s"}"#);
    let expired = store_of(&server, &token);
    server.until("the token to expire", || {
        kind(&expired, "secret/x", None) == K::TokenRefused
    });
    // One that has uses left only, too.
    let token = token_of(&server, r#"{"policies":["root"],"num_uses":1}"#);
    let counted = store_of(&server, &token);
    assert_eq!(kind(&counted, "secret/x", None), K::NotFound);
    assert_eq!(kind(&counted, "secret/x", None), K::TokenRefused);
}

#[test]
fn a_sealed_server_says_so_and_a_stopped_one_is_unreachable() {
    let Some(mut server) = Server::start("sealing") else {
        return;
    };
    let store = store(&server);
    server.must("POST", "sys/seal", "");
    assert_eq!(kind(&store, "secret/x", None), K::Sealed);
    let write = store.write(&path("secret/x"), &values([("k", "v")]), Cas::Any);
    assert_eq!(write.unwrap_err().kind(), &K::Sealed);
    server.kill();
    let address = server.address();
    assert_eq!(kind(&store, "secret/x", None), K::Unreachable { address });
}

#[test]
fn a_rate_limit_is_waited_for_as_long_as_may_be() {
    let Some(server) = Server::start("rate limits") else {
        return;
    };
    server.must("POST", "secret/data/x", r#"{"data":{"k":"v"}}"#);
    let quota = r#"{"path":"secret/","rate":1,"interval":"2s"}"#;
    server.must("POST", "sys/quotas/rate-limit/slow", quota);
    let with = |retries| {
        let options = Options::new(server.address(), secret(server.token()))
            .with_mount("secret".parse().unwrap(), KvVersion::V2)
            .with_retries(retries);
        OpenBao::connect("main", options).unwrap()
    };
    let at_once = with(Retries::none());
    server.until("the limit", || {
        matches!(at_once.read(&path("secret/x"), None), Err(error) if error.kind() == &K::RateLimited)
    });
    let wait = Duration::from_secs(1);
    let patient = with(Retries::default().with_attempts(20).with_waits(wait, wait));
    assert!(patient.read(&path("secret/x"), None).is_ok());
}

#[test]
fn a_host_that_swallows_everything_is_given_up() {
    // A listener whose queue is full: the next connection is neither taken nor refused.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    socket.listen(0).unwrap();
    let at = socket.local_addr().unwrap().as_socket().unwrap();
    let _first = std::net::TcpStream::connect(at).unwrap();
    let limit = Duration::from_millis(200);
    let address = format!("http://{at}");
    let options = Options::new(&address, secret("t"))
        .with_retries(Retries::none())
        .with_connect_timeout(limit);
    let store = OpenBao::connect("main", options).unwrap();
    assert_eq!(
        kind(&store, "secret/x", None),
        K::Timeout { address, limit }
    );
}

#[test]
fn nothing_is_sent_where_a_redirect_points_to() {
    let target = Fake::answering("200 OK", r#"{"auth":{"client_token":"s.x"}}"#);
    let elsewhere = target.address.replace("127.0.0.1", "localhost");
    let redirect = format!(
        "HTTP/1.1 307 Temporary\r\nLocation: {elsewhere}/v1/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let fake = Fake::new(redirect);
    let data = values([("k", "CANARY")]);
    let store = fake.store();
    let at = path("secret/x");
    let redirected = K::Redirected { status: 307 };
    assert_eq!(
        store.write(&at, &data, Cas::Any).unwrap_err().kind(),
        &redirected
    );
    assert_eq!(store.list(Some(&at)).unwrap_err().kind(), &redirected);
    assert_eq!(store.credentials(&at).unwrap_err().kind(), &redirected);
    assert_eq!(store.health().unwrap_err().kind(), &redirected);
    let login = Auth::app_role("role", secret("CANARY"));
    let login = OpenBao::connect("main", Options::new(&fake.address, login)).unwrap();
    assert_eq!(kind(&login, "secret/x", None), redirected);
    assert!(target.seen.try_recv().is_err(), "a redirect was followed");
}

#[test]
fn a_body_of_33_mib_is_not_even_sent() {
    let Some(server) = Server::start("large bodies") else {
        return;
    };
    let store = store(&server);
    let at = path("secret/large");
    let large = values([("k", &*"a".repeat(33 * 1024 * 1024))]);
    let refused = store.write(&at, &large, Cas::Any).unwrap_err();
    assert!(matches!(refused.kind(), K::Refused { .. }), "{refused}");
    assert_eq!(kind(&store, "secret/large", None), K::NotFound);
    // What a server says that takes less.
    let fake = Fake::answering(
        "413 Too Large",
        r#"{"errors":["http: request body too large"]}"#,
    );
    let refused = fake
        .store()
        .write(&at, &values([("k", "v")]), Cas::Any)
        .unwrap_err();
    assert!(matches!(refused.kind(), K::Refused { .. }), "{refused}");
    // Something large that it holds is not read beyond the limit.
    store
        .write(&at, &values([("k", &*"a".repeat(900 * 1024))]), Cas::Any)
        .unwrap();
    let options = Options::new(server.address(), secret(server.token()))
        .with_max_answer_bytes(512 * 1024)
        .with_retries(quick());
    let small = OpenBao::connect("main", options).unwrap();
    let limit_bytes = 512 * 1024;
    assert_eq!(
        kind(&small, "secret/large", None),
        K::TooLarge { limit_bytes }
    );
}

#[test]
fn a_token_that_cannot_be_a_header_is_refused_before_anything_is_sent() {
    for token in ["s.CANARY\nX-Evil: 1", "s.CAN ARY", "s.CANARYü", "\0", ""] {
        let fake = Fake::answering("200 OK", "{}");
        let error =
            OpenBao::connect("main", Options::new(&fake.address, secret(token))).unwrap_err();
        assert!(matches!(error.kind(), K::Configuration { .. }), "{token:?}");
        assert!(!format!("{error} {error:?}").contains("CANARY"));
        assert!(fake.seen.try_recv().is_err());
    }
}

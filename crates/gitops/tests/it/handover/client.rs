//! What the client sends, what it takes, and what it does not do.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use narae_gitops::handover::{
    Address, Client, ErrorKind, MAX_ANSWER_BYTES, Request, Token, Transport,
};

use super::fake::Fake;

#[test]
fn addresses_are_read_or_refused_by_name() {
    for (text, shown) in [
        ("https://Argo.example.com/sub/", "https://argo.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
    ] {
        assert_eq!(Address::parse(text).unwrap().to_string(), shown);
    }
    for (text, words) in [
        ("http://argo.example.com", "not sent unencrypted"),
        ("http://127.0.0.1.example.com", "not sent unencrypted"),
        ("http://localhost@example.com", "a password does not belong"),
        ("ftp://example.com", "expected https://"),
        ("example.com", "expected https://"),
        ("https://", "no host name"),
        ("https://:80", "no host name"),
        ("https://a b/", "no host name"),
        ("https://example.com/a b", "characters that no address has"),
        ("https://example.com/#x", "a fragment"),
    ] {
        let error = Address::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{text}");
        assert!(error.to_string().contains(words), "{text}: {error}");
    }
    let inside = Address::unencrypted("http://argocd-server.argocd.svc").unwrap();
    assert_eq!(inside.origin(), "http://argocd-server.argocd.svc");
}

#[test]
fn nothing_secret_is_printed() {
    let address = Address::parse("https://hooks.slack.com/services/T0/B0/s3cret").unwrap();
    let token = Token::new("s3cret\n");
    assert_eq!(token.expose(), "s3cret");
    let request =
        Request::post(address.clone(), b"s3cret".to_vec()).with_header("x-token", token.expose());
    let printed = format!("{address} {address:?} {token:?} {request:?}");
    assert!(!printed.contains("s3cret"), "{printed}");
    assert!(printed.contains("x-token"));
}

#[test]
fn a_redirect_is_not_followed_and_the_token_stays() {
    let thief = Fake::start(vec!["200 OK\n\n{}".to_owned()]);
    let fake = Fake::start(vec![format!(
        "302 Found\nLocation: {}/\n\n",
        thief.origin()
    )]);
    let request = Request::get(fake.address().join("/x")).with_header("authorization", "s3cret");
    let answer = Client::new().send(&request).unwrap();
    assert_eq!(answer.status, 302);
    let error = answer.accepted().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Address);
    assert!(error.to_string().contains("redirects are not followed"));
    assert!(thief.asked().is_empty());
    assert_eq!(fake.asked()[0].header("authorization"), Some("s3cret"));
}

#[test]
fn a_proxy_is_gone_through_and_its_password_not_told() {
    let told = "Basic Y2k6czNjcmV0"; // printf ci:s3cret | base64
    let tunnel = "407 Proxy Authentication Required\n\n".to_owned();
    let proxy = Fake::start(vec!["200 OK\n\n{}".to_owned(), tunnel]);
    let through = proxy.origin().replace("http://", "http://ci:s3cret@");
    let client = Client::new().with_proxy(&through).unwrap();
    let plain = Address::unencrypted("http://narae.invalid/x").unwrap();
    assert_eq!(client.send(&Request::get(plain)).unwrap().status, 200);
    let encrypted = Address::parse("https://narae.invalid/x").unwrap();
    let error = client.send(&Request::get(encrypted)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    let asked = proxy.asked();
    let lines: Vec<_> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(
        lines,
        ["GET http://narae.invalid/x", "CONNECT narae.invalid:443"]
    );
    for asked in &asked {
        assert_eq!(asked.header("proxy-authorization"), Some(told));
    }
    let printed = format!("{error} {error:?} {client:?}");
    assert!(!printed.contains("s3cret"), "{printed}");
    for wrong in [
        "proxy:3128",
        "socks5://proxy:1080",
        "http://",
        "ftp://proxy",
    ] {
        let error = Client::new().with_proxy(wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{wrong}");
    }
}

#[test]
fn what_does_not_speak_http_is_told_from_a_connection_that_ended() {
    for (answer, kind) in [
        (&b"SSH-2.0-OpenSSH\r\n"[..], ErrorKind::Protocol),
        (b"", ErrorKind::Interrupted),
        (b"HTTP/1.1 200 OK\r\n", ErrorKind::Interrupted),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
            ErrorKind::Interrupted,
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk",
            ErrorKind::Protocol,
        ),
    ] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(answer).unwrap();
        });
        let request = Request::get(Address::parse(&address).unwrap());
        let error = Client::new().send(&request).unwrap_err();
        let answer = String::from_utf8_lossy(answer);
        assert_eq!(error.kind(), kind, "{answer}: {error}");
        server.join().unwrap();
    }
}

#[test]
fn it_may_be_called_and_dropped_within_an_asynchronous_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        let fake = Fake::start(vec!["200 OK\n\n{}".to_owned()]);
        let client = Client::new();
        let answer = client.send(&Request::get(fake.address())).unwrap();
        assert_eq!(answer.body, b"{}");
    });
}

#[test]
fn an_answer_has_a_limit() {
    let fake = Fake::start(vec![format!(
        "200 OK\n\n{}",
        "x".repeat(MAX_ANSWER_BYTES + 1)
    )]);
    let error = Client::new()
        .send(&Request::get(fake.address()))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn who_is_not_there_or_never_answers_is_named() {
    let gone = Fake::start(Vec::new()).address();
    let error = Client::new().send(&Request::get(gone.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().starts_with(gone.origin()), "{error}");

    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let client = Client::new().with_timeout(Duration::from_millis(50));
    let request = Request::get(Address::parse(&address).unwrap());
    let error = client.send(&request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(
        error.to_string().contains("no answer within 50ms"),
        "{error}"
    );
    assert!(error.is_temporary());
}

#[test]
fn a_header_that_cannot_be_sent_is_not_repeated() {
    let fake = Fake::start(Vec::new());
    let request = Request::get(fake.address()).with_header("authorization", "s3cret\ninjected: 1");
    let error = Client::new().send(&request).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(!format!("{error} {error:?}").contains("s3cret"));
    assert!(fake.asked().is_empty());
}

#[test]
fn a_status_is_sorted_by_what_the_caller_can_do() {
    for (head, kind) in [
        ("401 Unauthorized", ErrorKind::Unauthorized),
        ("403 Forbidden", ErrorKind::Forbidden),
        ("404 Not Found", ErrorKind::NotFound),
        ("409 Conflict", ErrorKind::Exists),
        ("422 Unprocessable", ErrorKind::Refused),
        (
            "429 Too Many Requests\nRetry-After: 7",
            ErrorKind::Unavailable,
        ),
        ("502 Bad Gateway", ErrorKind::Unavailable),
    ] {
        let body = r#"{"message": ["one", "two"], "errors": [{"message": "three"}]}"#;
        let fake = Fake::start(vec![format!("{head}\n\n{body}")]);
        let answer = Client::new().send(&Request::get(fake.address())).unwrap();
        let error = answer.accepted().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            error.to_string().ends_with(": three; one; two")
                || error.to_string().ends_with(": one; two; three"),
            "{error}"
        );
        assert_eq!(error.retry_after().is_some(), head.contains("429"));
    }
    // A page for people says nothing.
    let fake = Fake::start(vec!["502 Bad Gateway\n\n<html>nginx</html>".to_owned()]);
    let answer = Client::new().send(&Request::get(fake.address())).unwrap();
    assert_eq!(
        answer.accepted().unwrap_err().to_string(),
        "HTTP status 502"
    );
}

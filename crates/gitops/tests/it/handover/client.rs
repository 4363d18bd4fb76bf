//! What the client sends, what it takes, and what it does not do.

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

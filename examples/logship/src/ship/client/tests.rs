//! What cannot be seen from outside: what the libraries beneath log and trace at their most talkative level.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use narae_testservers::Trace;
use reqwest::Method;

use super::Client;

const CANARY: &str = "c4narY-of-logship";

/// Answers each connection's request with this, and closes it.
fn server(answer: &'static str) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    Ok(format!("http://{address}"))
}

#[test]
fn nothing_logs_a_credential_a_signature_or_a_body() -> anyhow::Result<()> {
    let server = server("HTTP/1.1 200 X\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")?;
    let (traced, said) = Trace::of(|| -> anyhow::Result<_> {
        let client = Client::new("http", None)?;
        let url = format!("{server}/bucket?X-Amz-Signature={CANARY}");
        let request = client.request(Method::PUT, &url);
        let request = request.header("authorization", CANARY).body(CANARY);
        assert_eq!(client.send(request, 100)?.body, b"ok");
        // An error that would show the address.
        let url = format!("http://127.0.0.1:1/?X-Amz-Signature={CANARY}");
        let refused = client.send(client.request(Method::PUT, &url), 100);
        Ok(format!("{:#}", refused.expect_err("nobody listens there")))
    });
    let traced = traced + &said?;
    assert!(traced.contains("reqwest"), "nothing was traced: {traced}");
    assert!(!traced.contains(CANARY), "{traced}");
    Ok(())
}

#[test]
fn an_answer_is_bounded_and_a_redirect_not_followed() -> anyhow::Result<()> {
    let client = Client::new("http", None)?;
    let long = server("HTTP/1.1 200 X\r\nconnection: close\r\n\r\n0123456789")?;
    let said = client.send(client.request(Method::POST, &long), 9);
    let said = said.expect_err("ten bytes").to_string();
    assert_eq!(said, "an answer of more than 9 bytes");
    let sent = client.send(client.request(Method::POST, &long), 10)?;
    assert_eq!(sent.body, b"0123456789");
    let away = server(
        "HTTP/1.1 307 X\r\nlocation: http://127.0.0.1:1/\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n",
    )?;
    let sent = client.send(client.request(Method::POST, &away), 10)?;
    assert_eq!((sent.status, sent.retry_after.as_deref()), (307, Some("7")));
    Ok(())
}

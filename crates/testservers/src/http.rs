//! One request over HTTP to a server on loopback.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::connection::Answer;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sends JSON, as whoever `authorization` names, and returns the answer.
///
/// # Panics
///
/// If there is none.
#[must_use]
pub fn ask(port: u16, method: &str, path: &str, authorization: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // HTTP/1.0: the answer ends with the connection, and never comes in chunks.
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: {authorization}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer {
        status: status.unwrap(),
        body: body.to_owned(),
    }
}

impl Answer {
    /// The body; the status must be one of success.
    pub(crate) fn must(self, what: &str) -> String {
        assert!((200..300).contains(&self.status), "{what}: {self:?}");
        self.body
    }
}

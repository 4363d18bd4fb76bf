//! Requests to an API server, one after another over one connection: thousands of them in the time
//! kubectl takes for a few. `kubectl proxy` does the TLS and says who asks; this speaks just enough of
//! HTTP/1.1 (RFC 9112) to it over a socket in the folder of the control plane.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::process::Process;

/// A connection to an API server, as its administrator.
#[derive(Debug)]
pub struct Connection {
    // INVARIANT: dropped before the proxy it leads to.
    stream: BufReader<UnixStream>,
    _proxy: Process,
}

/// What an API server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status: 201.
    pub status: u16,
    /// Mostly JSON.
    pub body: String,
}

impl Connection {
    pub(crate) fn new(mut proxy: Process, socket: &Path) -> Self {
        loop {
            // The socket appears when the proxy listens; it ends when it cannot.
            if let Ok(stream) = UnixStream::connect(socket) {
                let stream = BufReader::new(stream);
                return Self {
                    stream,
                    _proxy: proxy,
                };
            }
            assert!(proxy.is_running(), "kubectl proxy: {}", proxy.output());
            // Only the time between two looks.
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Reads a resource: `/api/v1/namespaces/default`.
    pub fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "application/json", "")
    }

    /// Creates an object from JSON.
    pub fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send("POST", path, "application/json", body)
    }

    /// Any request.
    ///
    /// # Panics
    ///
    /// If the connection ends or what comes is not HTTP/1.1.
    pub fn send(&mut self, method: &str, path: &str, content_type: &str, body: &str) -> Answer {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(request.as_bytes()).unwrap();
        let status = self.line();
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line().to_ascii_lowercase();
            match line.split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().unwrap(),
                Some(("transfer-encoding", value)) => is_chunked = value.trim() == "chunked",
                Some(_) => {}
                None => break,
            }
        }
        let body = if is_chunked {
            self.chunks()
        } else {
            self.bytes(length)
        };
        Answer {
            status: status.unwrap(),
            body: String::from_utf8(body).unwrap(),
        }
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line(), 16).unwrap();
            body.extend(self.bytes(size));
            assert_eq!(self.line(), "", "a chunk ends with an empty line");
            if size == 0 {
                return body;
            }
        }
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        assert!(line.ends_with("\r\n"), "the API server's proxy went away");
        line.truncate(line.len() - 2);
        line
    }
}

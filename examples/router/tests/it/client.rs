//! HTTP/1.1 by hand, so that tests can say exactly which bytes are sent.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A request or response: first line, fields with lower-case names, body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) first: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(n, _)| n == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} stands once: {self:?}");
        value
    }

    pub(crate) fn status(&self) -> u16 {
        self.first[9..12].parse().unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// One client connection.
pub(crate) struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        // A hang is a failure, not a stuck test run.
        stream
            .set_read_timeout(Some(Duration::from_secs(120)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            reader: BufReader::new(stream),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.reader.get_mut().write_all(bytes.as_ref()).unwrap();
        self
    }

    /// First line and fields only, for when no HTTP follows.
    pub(crate) fn head(&mut self) -> Message {
        read_head(&mut self.reader).expect("a response")
    }

    pub(crate) fn receive(&mut self) -> Message {
        read_message(&mut self.reader, true).expect("a response")
    }

    pub(crate) fn get(&mut self, path: &str) -> Message {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: shop.example\r\n\r\n"))
            .receive()
    }

    pub(crate) fn reader(&mut self) -> &mut BufReader<TcpStream> {
        &mut self.reader
    }

    /// Whether the router has closed the connection, nothing more being sent.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.reader.fill_buf(), Ok([]) | Err(_))
    }
}

/// Reads one message; `None` at the end of the connection.
pub(crate) fn read_message(reader: &mut impl BufRead, response: bool) -> Option<Message> {
    let mut message = read_head(reader)?;
    if message.field("transfer-encoding") == Some("chunked") {
        loop {
            let size = usize::from_str_radix(&line(reader)?, 16).unwrap();
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            if size == 0 {
                break;
            }
            message.body.extend_from_slice(&chunk[..size]);
        }
    } else if let Some(length) = message.field("content-length") {
        message.body = vec![0; length.parse().unwrap()];
        reader.read_exact(&mut message.body).ok()?;
    } else if response {
        reader.read_to_end(&mut message.body).ok()?;
    }
    Some(message)
}

fn read_head(reader: &mut impl BufRead) -> Option<Message> {
    let mut message = Message {
        first: line(reader)?,
        ..Message::default()
    };
    loop {
        let line = line(reader)?;
        if line.is_empty() {
            return Some(message);
        }
        let (name, value) = line.split_once(':').unwrap();
        message
            .fields
            .push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    line.ends_with("\r\n").then(|| line.trim_end().to_owned())
}

//! A server on loopback that takes one request, answers it and remembers it; or some that it does not serve before.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

pub(crate) struct Receiver {
    port: u16,
    thread: JoinHandle<Received>,
}

pub(crate) struct Received {
    /// The first line and the headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Receiver {
    /// Answers 200 and `answer`.
    pub(crate) fn start(answer: &'static str) -> Self {
        Self::start_after(0, answer)
    }

    /// The same, after it has answered 404 so often.
    pub(crate) fn start_after(refusals: usize, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let take = move |status: &str, answer: &str| {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(&stream);
            let lines = reader.by_ref().lines().map(Result::unwrap);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let length = head.iter().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.parse().unwrap())
            });
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            let length = answer.len();
            write!(
                &stream,
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{answer}"
            )
            .unwrap();
            Received {
                head: head.join("\n"),
                body: String::from_utf8(body).unwrap(),
            }
        };
        let thread = std::thread::spawn(move || {
            for _ in 0..refusals {
                take("404 Not Found", r#"{"message": "404 Branch Not Found"}"#);
            }
            take("200 OK", answer)
        });
        Self { port, thread }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What was sent. Waits for it.
    pub(crate) fn received(self) -> Received {
        self.thread.join().unwrap()
    }
}

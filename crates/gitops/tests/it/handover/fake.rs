//! A server on loopback that plays recorded answers, and a clock that only moves when somebody sleeps.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use narae_gitops::handover::{Address, Answer, Clock, Error, Request, Transport};

/// What a client sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// `POST /api/v4/…`
    pub(crate) line: String,
    /// `name: value`, the name in lower case.
    pub(crate) headers: Vec<String>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Plays one answer for each request: the head's lines after `HTTP/1.1 `, an empty one, the body.
pub(crate) struct Fake {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    pub(crate) fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (all, over) = (Arc::clone(&asked), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let mut answers = answers.into_iter();
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                all.lock().unwrap().push(read(&stream));
                let answer = answers
                    .next()
                    .unwrap_or("500 no such answer\n\n".to_owned());
                let (head, body) = answer.split_once("\n\n").unwrap();
                let head = head.replace('\n', "\r\n");
                let length = body.len();
                // A client that has seen enough may have gone.
                let _ = write!(
                    stream,
                    "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
                );
            }
        });
        Self {
            port,
            asked,
            is_over,
            thread: Some(thread),
        }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn address(&self) -> Address {
        Address::parse(&self.origin()).unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.thread.take().unwrap().join();
    }
}

fn read(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let first = line();
    let mut asked = Asked {
        line: first.trim_end_matches(" HTTP/1.1").to_owned(),
        ..Asked::default()
    };
    loop {
        let header = line();
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        asked
            .headers
            .push(format!("{}: {}", name.to_lowercase(), value.trim()));
    }
    let length: usize = asked
        .header("content-length")
        .map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    asked.body = String::from_utf8(body).unwrap();
    asked
}

/// Answers without a network; the last is given again and again.
#[derive(Default)]
pub(crate) struct Script {
    answers: Mutex<Vec<Result<Answer, Error>>>,
    asked: Mutex<Vec<Request>>,
}

impl Script {
    pub(crate) fn new(answers: Vec<Result<Answer, Error>>) -> Self {
        Self {
            answers: Mutex::new(answers),
            asked: Mutex::default(),
        }
    }

    /// `GET /api/…` of each request.
    pub(crate) fn lines(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|request| {
                let url = request.url();
                let path = url.strip_prefix(request.origin()).unwrap().to_owned();
                format!("{} {path}", request.method().name())
            })
            .collect()
    }

    pub(crate) fn last(&self) -> Request {
        self.asked.lock().unwrap().last().unwrap().clone()
    }
}

impl Transport for Script {
    fn send(&self, request: &Request) -> Result<Answer, Error> {
        self.asked.lock().unwrap().push(request.clone());
        let mut answers = self.answers.lock().unwrap();
        match answers.as_slice() {
            [last] => last.clone(),
            _ => answers.remove(0),
        }
    }
}

#[derive(Default)]
pub(crate) struct FakeClock(Mutex<Duration>);

impl Clock for FakeClock {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}

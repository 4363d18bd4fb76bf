//! OpenBao: a real server for what it answers, a small fake one for what no honest server does.

mod answers;
mod auth;
mod browser;
mod faults;
mod kv;
mod leases;
mod logins;
mod paths;
mod provider;
mod renewal;
mod retries;
mod transit;
mod transport;
mod wrapping;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use narae_secrets::store::openbao::{KvVersion, OpenBao, Options, Retries};
use narae_secrets::store::{SecretPath, Store as _, StoreErrorKind as K, Version};
use narae_testservers::OpenBao as Server;

use crate::material::secret;

/// A store of root's.
fn store(server: &Server) -> OpenBao {
    store_of(server, server.token())
}

fn store_of(server: &Server, token: &str) -> OpenBao {
    OpenBao::connect("main", Options::new(server.address(), secret(token))).unwrap()
}

/// A token, made from a JSON body.
fn token_of(server: &Server, body: &str) -> String {
    field(
        &server.must("POST", "auth/token/create", body),
        "client_token",
    )
}

/// A policy, in the server's own language.
fn policy(server: &Server, name: &str, rules: &str) {
    let body = serde_json::json!({ "policy": rules }).to_string();
    server.must("POST", &format!("sys/policies/acl/{name}"), &body);
}

/// The text of the first field of this name.
fn field(json: &str, name: &str) -> String {
    let (_, rest) = json.split_once(&format!("\"{name}\":\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn path(text: &str) -> SecretPath {
    text.parse().unwrap()
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

/// Why reading fails.
fn kind(store: &OpenBao, at: &str, number: Option<u64>) -> K {
    let error = store.read(&path(at), number.map(version)).unwrap_err();
    error.kind().clone()
}

/// What reading without permission fails with.
fn denied(capability: &'static str, path: &str) -> K {
    let path = path.to_owned();
    K::PermissionDenied { capability, path }
}

/// Retries that take no time worth mentioning.
fn quick() -> Retries {
    let moment = Duration::from_millis(1);
    Retries::default().with_waits(moment, moment)
}

/// Answers connections with these bytes in turn, the last for ever; gives the requests it saw.
struct Fake {
    address: String,
    seen: std::sync::mpsc::Receiver<String>,
}

impl Fake {
    fn new(answer: impl Into<Vec<u8>>) -> Self {
        Self::in_turn(vec![answer.into()])
    }

    fn in_turn(answers: Vec<Vec<u8>>) -> Self {
        let answers = Mutex::new(answers);
        Self::by(move |_| {
            let mut answers = answers.lock().unwrap();
            match answers.len() {
                1 => answers[0].clone(),
                _ => answers.remove(0),
            }
        })
    }

    /// Answers each request, on a thread of its own, by what `answer` makes of it.
    fn by(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (send, seen) = std::sync::mpsc::channel();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let mut socket = socket.unwrap();
                let (send, answer) = (send.clone(), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let request = request(&mut socket);
                    // Nobody may want to know, and the client may have hung up already: that is its right.
                    let _ = send.send(request.clone());
                    let _ = socket.write_all(&answer(&request));
                });
            }
        });
        Self { address, seen }
    }

    fn answering(status: &str, body: &str) -> Self {
        Self::new(answer(status, body))
    }

    /// A store with `secret` for a mount, which is not asked for.
    fn store(&self) -> OpenBao {
        OpenBao::connect("main", self.options()).unwrap()
    }

    fn options(&self) -> Options {
        Options::new(&self.address, secret("s.CANARY"))
            .with_mount("secret".parse().unwrap(), KvVersion::V2)
            .with_retries(Retries::none())
    }
}

/// What a client sends, to its end.
fn request(socket: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    // A TLS client's first byte is 0x16; it is answered as soon as it speaks.
    while !is_whole(&request) && request.first() != Some(&0x16) {
        match socket.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
    String::from_utf8_lossy(&request).into_owned()
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Whether the head and the body it announces have come.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().unwrap())
    });
    body.len() >= length.unwrap_or(0)
}

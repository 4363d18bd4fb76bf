//! Smart HTTP in front of `git http-backend`: Basic auth, TLS, and whatever a test wants to go wrong.
//!
//! One thread for each connection, one CGI process for each request; just enough of HTTP/1.1 (RFC 9112) and
//! CGI (RFC 3875) for git and for this workspace's client.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::git_daemon::git_program;
use crate::program::{is_missing, skip};

/// What a test wants to happen in place of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "for tests of this workspace")]
pub enum Fault {
    /// A status line, headers (each with its line end) and a body.
    Answer(&'static str, String, &'static str),
    /// The same, after git has done all of it: a proxy that does not wait for it.
    AnswerAfter(&'static str),
    /// The connection is closed before the request reaches git.
    CloseBefore,
    /// The connection is closed after git has done all of it.
    CloseAfter,
    /// The connection is closed after so many bytes of the body.
    Truncate(usize),
    /// Nothing is sent, for as long as the client waits.
    Silence,
    /// The body comes a byte at a time, ever more slowly than anybody wants.
    Drip,
}

/// One request as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// `GET`
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The value of `Authorization`.
    pub authorization: Option<String>,
    /// The bytes of the body.
    pub body_bytes: usize,
    /// How long git worked on it.
    pub git: Duration,
}

type Faults = dyn Fn(&Seen) -> Option<Fault> + Send + Sync;

/// How to serve.
#[derive(Clone, Default)]
pub struct GitHttpOptions {
    /// The one value of `Authorization` that opens the door.
    authorization: Option<String>,
    faults: Option<Arc<Faults>>,
    is_secure: bool,
}

impl GitHttpOptions {
    /// Anybody may do everything, unencrypted, and nothing goes wrong.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only who knows these may come in.
    #[must_use]
    pub fn with_login(self, user: &str, password: &str) -> Self {
        let pair = STANDARD.encode(format!("{user}:{password}"));
        Self {
            authorization: Some(format!("Basic {pair}")),
            ..self
        }
    }

    /// Only who bears this token may come in.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Self {
            authorization: Some(format!("Bearer {token}")),
            ..self
        }
    }

    /// Over TLS, with a certificate of its own for 127.0.0.1 and localhost.
    #[must_use]
    pub fn with_tls(self) -> Self {
        Self {
            is_secure: true,
            ..self
        }
    }

    /// Asked for each request that may come in.
    #[must_use]
    pub fn with_faults(
        self,
        faults: impl Fn(&Seen) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        Self {
            faults: Some(Arc::new(faults)),
            ..self
        }
    }
}

impl fmt::Debug for GitHttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHttpOptions")
            .field("is_secure", &self.is_secure)
            .finish_non_exhaustive()
    }
}

/// A running server.
#[derive(Debug)]
pub struct GitHttp {
    port: u16,
    shared: Arc<Shared>,
    certificate: Option<Vec<u8>>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    backend: PathBuf,
    folder: PathBuf,
    options: GitHttpOptions,
    tls: Option<Arc<ServerConfig>>,
    seen: Mutex<Vec<Seen>>,
    open: Mutex<Vec<TcpStream>>,
    is_stopping: AtomicBool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl GitHttp {
    /// Serves the repositories in `folder`. `None`, with a line on standard error, where git has no
    /// HTTP backend, or TLS is wanted and there is no `openssl`.
    #[must_use]
    pub fn start(folder: &Path, options: GitHttpOptions, skipped: &str) -> Option<Self> {
        let Some(backend) = git_program("git-http-backend") else {
            skip("git http-backend", skipped);
            return None;
        };
        if options.is_secure && is_missing(&["openssl"], skipped) {
            return None;
        }
        let (tls, certificate) = if options.is_secure {
            let (config, pem) = self_signed();
            (Some(config), Some(pem))
        } else {
            (None, None)
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            backend,
            folder: folder.to_owned(),
            options,
            tls,
            seen: Mutex::default(),
            open: Mutex::default(),
            is_stopping: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accepting.accept(&listener));
        Some(Self {
            port,
            shared,
            certificate,
            acceptor: Some(acceptor),
        })
    }

    /// The address of the repository `name` of the folder.
    #[must_use]
    pub fn address(&self, name: &str) -> String {
        format!("{}/{name}", self.origin())
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Its certificate in PEM, which is its own authority; empty without TLS.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        self.certificate.as_deref().unwrap_or_default()
    }

    /// The requests so far, those without a login included.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }

    /// How many connections there were so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.shared.open).len()
    }
}

impl Drop for GitHttp {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then looks.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        for connection in lock(&self.shared.open).drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

/// A stream of either kind.
trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for connection in listener.incoming().flatten() {
            if self.is_stopping.load(Ordering::SeqCst) {
                return;
            }
            if let Ok(copy) = connection.try_clone() {
                lock(&self.open).push(copy);
            }
            let shared = Arc::clone(self);
            thread::spawn(move || {
                let _ = shared.serve(connection);
            });
        }
    }

    fn serve(&self, socket: TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let end = socket.try_clone()?;
        let stream: Box<dyn Stream> = match &self.tls {
            Some(config) => {
                let connection =
                    ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                Box::new(StreamOwned::new(connection, socket))
            }
            None => Box::new(socket),
        };
        let mut stream = BufReader::new(stream);
        while self.request(&mut stream)? {}
        end.shutdown(Shutdown::Both)
    }

    /// Whether the connection stays open.
    fn request(&self, stream: &mut BufReader<Box<dyn Stream>>) -> io::Result<bool> {
        let Some(request) = Request::read(stream)? else {
            return Ok(false);
        };
        let number = {
            let mut seen = lock(&self.seen);
            seen.push(request.seen.clone());
            seen.len() - 1
        };
        if !self.may_come_in(&request) {
            let expected = self.options.authorization.as_deref().unwrap_or_default();
            let scheme = expected.split(' ').next().unwrap_or_default();
            let challenge = format!("WWW-Authenticate: {scheme} realm=\"git\"\r\n");
            answer(stream, "401 Unauthorized", &challenge, b"")?;
            return Ok(true);
        }
        let fault = self
            .options
            .faults
            .as_ref()
            .and_then(|faults| faults(&request.seen));
        match fault {
            None => {
                let start = Instant::now();
                let (status, headers, body) = self.backend(&request)?;
                if let Some(seen) = lock(&self.seen).get_mut(number) {
                    seen.git = start.elapsed();
                }
                answer(stream, &status, &headers, &body)?;
                Ok(true)
            }
            Some(Fault::Answer(status, headers, body)) => {
                answer(stream, status, &headers, body.as_bytes())?;
                Ok(true)
            }
            Some(Fault::AnswerAfter(status)) => {
                self.backend(&request)?;
                answer(stream, status, "", b"")?;
                Ok(true)
            }
            Some(Fault::CloseBefore) => Ok(false),
            Some(Fault::CloseAfter) => {
                self.backend(&request)?;
                Ok(false)
            }
            Some(Fault::Truncate(count)) => {
                let (status, headers, body) = self.backend(&request)?;
                write!(
                    stream.get_mut(),
                    "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n",
                    body.len()
                )?;
                stream
                    .get_mut()
                    .write_all(body.get(..count).unwrap_or(&body))?;
                stream.get_mut().flush()?;
                Ok(false)
            }
            Some(Fault::Silence) => {
                // Ends when the client goes.
                let _ = stream.read(&mut [0]);
                Ok(false)
            }
            Some(Fault::Drip) => {
                let (status, headers, body) = self.backend(&request)?;
                let to = stream.get_mut();
                write!(
                    to,
                    "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n",
                    body.len()
                )?;
                for byte in body {
                    to.write_all(&[byte])?;
                    to.flush()?;
                    // The fault itself.
                    thread::sleep(Duration::from_millis(20));
                }
                Ok(false)
            }
        }
    }

    fn may_come_in(&self, request: &Request) -> bool {
        let expected = self.options.authorization.as_ref();
        expected.is_none_or(|expected| request.seen.authorization.as_ref() == Some(expected))
    }

    /// Status, headers and body of git's answer.
    fn backend(&self, request: &Request) -> io::Result<(String, String, Vec<u8>)> {
        let (path, query) = request
            .seen
            .target
            .split_once('?')
            .unwrap_or((&request.seen.target, ""));
        let mut child = Command::new(&self.backend)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("GIT_PROJECT_ROOT", &self.folder)
            .env("CONTENT_LENGTH", request.body.len().to_string())
            .envs([
                ("GIT_HTTP_EXPORT_ALL", "1"),
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_CONFIG_COUNT", "1"),
                ("GIT_CONFIG_KEY_0", "http.receivepack"),
                ("GIT_CONFIG_VALUE_0", "true"),
                ("REMOTE_ADDR", "127.0.0.1"),
                ("REMOTE_USER", "tester"),
                ("REQUEST_METHOD", &request.seen.method),
                ("PATH_INFO", path),
                ("QUERY_STRING", query),
                ("CONTENT_TYPE", &request.content_type),
                ("HTTP_CONTENT_ENCODING", &request.encoding),
                ("GIT_PROTOCOL", &request.protocol),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (mut to, body) = (child.stdin.take().unwrap(), request.body.clone());
        let writer = thread::spawn(move || {
            // git may end without reading all of it; its answer tells.
            let _ = to.write_all(&body);
        });
        let output = child.wait_with_output()?.stdout;
        let _ = writer.join();
        let end = output
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .map_or(0, |end| end + 4);
        let (head, body) = output.split_at(end);
        let (mut status, mut headers) = ("200 OK".to_owned(), String::new());
        for line in String::from_utf8_lossy(head).lines() {
            match line.strip_prefix("Status: ") {
                Some(found) => status = found.to_owned(),
                None if line.is_empty() => {}
                None => headers.push_str(&format!("{line}\r\n")),
            }
        }
        Ok((status, headers, body.to_vec()))
    }
}

struct Request {
    seen: Seen,
    content_type: String,
    encoding: String,
    protocol: String,
    body: Vec<u8>,
}

impl Request {
    fn read(stream: &mut BufReader<Box<dyn Stream>>) -> io::Result<Option<Self>> {
        let first = line(stream)?;
        let mut words = first.split(' ').map(str::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Ok(None);
        };
        let mut request = Self {
            seen: Seen {
                method,
                target,
                authorization: None,
                body_bytes: 0,
                git: Duration::ZERO,
            },
            content_type: String::new(),
            encoding: String::new(),
            protocol: String::new(),
            body: Vec::new(),
        };
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let header = line(stream)?;
            let Some((name, value)) = header.split_once(':') else {
                break;
            };
            let value = value.trim().to_owned();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().map_err(io::Error::other)?,
                "transfer-encoding" => is_chunked = value.eq_ignore_ascii_case("chunked"),
                "content-type" => request.content_type = value,
                "content-encoding" => request.encoding = value,
                "git-protocol" => request.protocol = value,
                "authorization" => request.seen.authorization = Some(value),
                "expect" => stream
                    .get_mut()
                    .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?,
                _ => {}
            }
        }
        if is_chunked {
            loop {
                let size = usize::from_str_radix(&line(stream)?, 16).map_err(io::Error::other)?;
                take(stream, size, &mut request.body)?;
                line(stream)?;
                if size == 0 {
                    break;
                }
            }
        } else {
            take(stream, length, &mut request.body)?;
        }
        request.seen.body_bytes = request.body.len();
        Ok(Some(request))
    }
}

fn take(stream: &mut impl Read, count: usize, body: &mut Vec<u8>) -> io::Result<()> {
    let limit = u64::try_from(count).map_err(io::Error::other)?;
    if stream.take(limit).read_to_end(body)? < count {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn answer(
    stream: &mut BufReader<Box<dyn Stream>>,
    status: &str,
    headers: &str,
    body: &[u8],
) -> io::Result<()> {
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    stream.get_mut().write_all(&bytes)?;
    stream.get_mut().flush()
}

/// A certificate that is its own authority, made by `openssl`.
fn self_signed() -> (Arc<ServerConfig>, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let (key, certificate) = (
        directory.path().join("key.pem"),
        directory.path().join("certificate.pem"),
    );
    make_certificate(&key, &certificate);
    let pem = std::fs::read(&certificate).unwrap();
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(&key).unwrap())
        .unwrap();
    (Arc::new(config), pem)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a key and a certificate for loopback that is its own authority, both in PEM.
pub(crate) fn make_certificate(key: &Path, certificate: &Path) {
    let output = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", "/CN=narae test"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"])
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(certificate)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

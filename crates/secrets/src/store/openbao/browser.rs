//! A login at an identity provider, by the user's browser: OpenID Connect's authorization code, as the command lines of
//! OpenBao and Vault do it, from the same address, so that what is registered for them serves.
//!
//! The server says which page to open and remembers a state, a nonce and, where the provider can, a PKCE verifier for it.
//! The caller's function opens the page. The provider sends the browser back to a listener on loopback
//! (RFC 8252), which takes one thing only: a code under the state of this very login. The server gets the code and a
//! nonce of ours that never left this process before, so a code that somebody else saw is worth nothing
//! to them, checks the provider's ID token (its nonce, too) and answers with a token.
//!
//! Neither the page's address, which holds the state, nor the code is in any error. The listener lives as long as the login
//! is waited for; shutting the connection down ends that. The provider must come back by a query (`oidc_response_mode`, whose default that is).

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::answer::Login;
use super::connection::Connection;
use super::request::Request;
use crate::network::Waiting;
use crate::store::{BrowserFailure, StoreErrorKind};

/// Where the listener is, unless told otherwise: where the command lines of OpenBao and Vault have theirs.
pub const DEFAULT_CALLBACK_PORT: u16 = 8250;
/// Longest wait for the user, unless told otherwise.
pub const DEFAULT_BROWSER_TIMEOUT: Duration = Duration::from_secs(120);

/// The path of the listener; roles allow it by name.
const CALLBACK: &str = "/oidc/callback";
/// Browsers connect ahead of time and may say nothing for a while. So many are kept.
const MAX_CONNECTIONS: usize = 16;
/// Longest wait for what a browser has to say.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Before another connection is taken, when one could not be.
const PAUSE: Duration = Duration::from_millis(100);
/// Codes of RFC 6749 (4.1.2.1) and OpenID Connect Core (3.1.2.6).
const CODES: &[&str] = &[
    "invalid_request",
    "unauthorized_client",
    "access_denied",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "interaction_required",
    "login_required",
    "account_selection_required",
    "consent_required",
    "invalid_request_uri",
    "invalid_request_object",
    "request_not_supported",
    "request_uri_not_supported",
    "registration_not_supported",
];

/// How a user's browser takes part in a login.
pub struct Browser {
    open: Box<Open>,
    port: u16,
    timeout: Duration,
}

type Open = dyn Fn(&str) -> io::Result<()> + Send + Sync;

impl Browser {
    /// `open` is given an `http` or `https` address, and opens it or shows it to the user. It must come back before the
    /// user has logged in. The address is for that user alone: it belongs in no log.
    #[must_use]
    pub fn new(open: impl Fn(&str) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self {
            open: Box::new(open),
            port: DEFAULT_CALLBACK_PORT,
            timeout: DEFAULT_BROWSER_TIMEOUT,
        }
    }

    /// The port of the listener on loopback; 0 for any that is free. Servers do not compare it, some identity providers do.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Longest wait for the user.
    #[must_use]
    pub fn with_timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    fn listener(&self) -> Result<(TcpListener, u16), StoreErrorKind> {
        let place = (Ipv4Addr::LOCALHOST, self.port);
        let listen = || {
            let listener = TcpListener::bind(place)?;
            listener.set_nonblocking(true)?;
            let port = listener.local_addr()?.port();
            Ok((listener, port))
        };
        listen().map_err(|cause: io::Error| StoreErrorKind::Io {
            action: "listen at",
            file: format!("127.0.0.1:{}", self.port),
            reason: cause.to_string(),
        })
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser")
            .field("port", &self.port)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Waits for the user, until `cancelled`.
    pub(super) fn log_in_by_browser(
        &self,
        mount: &str,
        role: Option<&str>,
        browser: &Browser,
        cancelled: Arc<Notify>,
    ) -> Result<Login, StoreErrorKind> {
        let (listener, port) = browser.listener()?;
        let nonce = nonce()?;
        let page = self.page(mount, role, port, &nonce)?;
        (browser.open)(page.url.as_str()).map_err(|_| failed(BrowserFailure::NotOpened))?;
        let heard = hear(listener, page.state.clone(), cancelled);
        let limit = browser.timeout;
        let heard = async { tokio::time::timeout(limit, heard).await };
        // A runtime of its own: listener and connections end with it, now.
        let waiting = Waiting::new().map_err(|cause| StoreErrorKind::Configuration {
            reason: format!("no runtime to listen in: {cause}"),
        })?;
        let heard = waiting.on(heard);
        drop(waiting);
        let code = heard
            .ok_or(StoreErrorKind::InsideRuntime)?
            .unwrap_or(Err(BrowserFailure::NoAnswer { limit }))
            .map_err(failed)?;
        let request = Request::get(&["auth", mount, "oidc/callback"])
            .with_query("state", &page.state)
            .with_query("code", &code)
            .with_query("client_nonce", &nonce);
        self.log_in(&request.once())
    }

    /// Which page to open, for coming back to `port`.
    fn page(
        &self,
        mount: &str,
        role: Option<&str>,
        port: u16,
        client_nonce: &str,
    ) -> Result<Page, StoreErrorKind> {
        use StoreErrorKind as K;
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            role: Option<&'a str>,
            redirect_uri: &'a str,
            client_nonce: &'a str,
        }
        #[derive(Deserialize)]
        struct Data {
            auth_url: String,
        }
        let redirect_uri = format!("http://localhost:{port}{CALLBACK}");
        let none = || K::Configuration {
            reason: format!(
                "auth/{mount} begins no login by browser; check the role, and that its allowed_redirect_uris has {redirect_uri}"
            ),
        };
        let body = Body {
            role,
            redirect_uri: &redirect_uri,
            client_nonce,
        };
        let request = Request::post(&["auth", mount, "oidc/auth_url"], &body)?.repeatable();
        let answer = self.send_as(self.namespace(), None, &request)?;
        match answer.check(&self.asked(self.namespace(), &request)) {
            Ok(()) => {}
            Err(K::Server { status: 400 } | K::PermissionDenied { .. } | K::NotFound) => {
                return Err(none());
            }
            Err(kind) => return Err(kind),
        }
        let data: Data = answer.data()?;
        // A role without this address is answered by an empty one.
        if data.auth_url.is_empty() {
            return Err(none());
        }
        Page::read(&data.auth_url).ok_or(K::UnexpectedAnswer {
            reason: "no address of a page to log in at",
        })
    }
}

/// The provider's page, and the state it is to come back with.
struct Page {
    url: Url,
    state: String,
}

impl Page {
    fn read(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        // It goes to a program that opens whatever it is given.
        let is_web = matches!(url.scheme(), "https" | "http");
        let state = parameter(&url, "state").filter(|_| is_web)?;
        (!state.is_empty()).then_some(Self { url, state })
    }
}

fn failed(reason: BrowserFailure) -> StoreErrorKind {
    StoreErrorKind::Browser { reason }
}

fn nonce() -> Result<Zeroizing<String>, StoreErrorKind> {
    use std::fmt::Write as _;
    let mut bytes = Zeroizing::new([0_u8; 20]);
    getrandom::fill(&mut *bytes).map_err(|_| StoreErrorKind::NoRandomness)?;
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for byte in &*bytes {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

type Heard = Result<Zeroizing<String>, BrowserFailure>;

/// Listens until the browser comes back, with a code or without.
async fn hear(listener: TcpListener, state: String, cancelled: Arc<Notify>) -> Heard {
    let (send, mut heard) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    let cancel = send.clone();
    tasks.spawn(async move {
        cancelled.notified().await;
        let _ = cancel.send(Err(BrowserFailure::Cancelled)).await;
    });
    tasks.spawn(listen(listener, Arc::from(state), send));
    let heard = heard.recv().await;
    // A sender waits for the cancellation, so there is always one.
    heard.unwrap_or(Err(BrowserFailure::Cancelled))
}

async fn listen(listener: TcpListener, state: Arc<str>, send: mpsc::Sender<Heard>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let mut connections = JoinSet::new();
    loop {
        if connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve(
                    TokioIo::new(stream),
                    Arc::clone(&state),
                    send.clone(),
                ));
            }
            // One that was lost before it was taken is no reason to end; one without memory for it may be no last one.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// One request. What it says is passed on when its answer is written: the browser shows a page, not a lost connection.
async fn serve(stream: TokioIo<tokio::net::TcpStream>, state: Arc<str>, send: mpsc::Sender<Heard>) {
    let heard = Mutex::new(None);
    let service = service_fn(async |request: hyper::Request<Incoming>| {
        let said = said(&request, &state);
        let answer = answer(said.as_ref());
        *heard.lock().unwrap_or_else(PoisonError::into_inner) = said;
        Ok::<_, Infallible>(answer)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(false)
        .serve_connection(stream, service);
    // A browser that hangs up has said it all the same.
    let _ = connection.await;
    let heard = heard.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(heard) = heard {
        let _ = send.send(heard).await;
    }
}

/// What a request says about the login; `None` if it is about something else: an icon, say.
fn said(request: &hyper::Request<Incoming>, state: &str) -> Option<Heard> {
    let uri = request.uri();
    if request.method() != Method::GET || uri.path() != CALLBACK {
        return None;
    }
    let url = format!("http://localhost/?{}", uri.query().unwrap_or_default());
    let url = Url::parse(&url).ok()?;
    if parameter(&url, "state").as_deref() != Some(state) {
        return Some(Err(BrowserFailure::WrongState));
    }
    if let Some(said) = parameter(&url, "error") {
        let known = CODES.iter().find(|code| **code == said);
        let code = known.copied().unwrap_or("other");
        return Some(Err(BrowserFailure::Refused { code }));
    }
    let code = parameter(&url, "code").filter(|code| !code.is_empty());
    Some(code.map(Zeroizing::new).ok_or(BrowserFailure::NoCode))
}

/// The page that the user sees at last. Nothing of what came stands in it.
fn answer(said: Option<&Heard>) -> Response<Full<Bytes>> {
    let (status, text) = match said {
        Some(Ok(_)) => (
            StatusCode::OK,
            "Done here. The program you came from takes it from now on; this page can be closed.\n",
        ),
        Some(Err(_)) => (
            StatusCode::BAD_REQUEST,
            "The login failed. The program you came from says why.\n",
        ),
        None => (StatusCode::NOT_FOUND, "Nothing is here.\n"),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}

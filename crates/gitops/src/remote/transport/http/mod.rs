//! Smart HTTP (`gitprotocol-http`), over TLS by rustls.
//!
//! **Credentials** go to the scheme, host and port of the remote's address and nowhere else. A redirect is
//! followed only there, and only of the first question; to anywhere else it is an error that names the
//! place. Over `http://` they go to this machine only, unless that is asked for by name.
//!
//! No proxy or certificate is taken from the environment: what is not in [`HttpOptions`] is not used, except for
//! the certificates the operating system trusts.

mod credential;
mod helper;
mod incoming;
mod options;

use std::io::Read;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, Url};

pub use credential::{Asked, Credential, Credentials};
pub use helper::CredentialHelper;
pub use options::HttpOptions;

use super::super::error::{Error, ErrorKind};
use super::super::watch::Watch;
use super::super::wire::{AGENT, shown};
use super::{Conversation, Service};
use crate::web::{Failure, Kind, Web};
use incoming::Incoming;

/// How often credentials are asked for in a row, each time because the last were not taken.
const MAX_ASKED: u8 = 2;
/// How many redirects within the host are followed.
const MAX_REDIRECTS: usize = 3;
/// How much of a page that comes in place of an answer is read.
const MAX_PAGE_BYTES: u64 = 4 * 1024;

/// Connections to one host, kept open between questions.
pub(in super::super) struct Client {
    web: Web,
    options: HttpOptions,
    /// `https://host:port`
    origin: String,
    user: Option<String>,
    /// The path of the repository; another once the server said so.
    path: Mutex<String>,
    known: Mutex<Known>,
    may_send_credentials: bool,
}

impl Client {
    pub(in super::super) fn new(
        secure: bool,
        user: Option<&str>,
        authority: &str,
        path: &str,
        options: &HttpOptions,
    ) -> Self {
        let scheme = if secure { "https" } else { "http" };
        Self {
            web: options.web(),
            options: options.clone(),
            origin: format!("{scheme}://{authority}"),
            user: user.map(str::to_owned),
            path: Mutex::new(path.to_owned()),
            known: Mutex::default(),
            may_send_credentials: secure || options.is_unencrypted || is_this_machine(authority),
        }
    }

    fn path(&self) -> String {
        lock(&self.path).clone()
    }

    /// One request, and again with credentials when the server wants some.
    fn exchange(&self, question: &Question, watch: &Watch) -> Result<(Head, Incoming), Error> {
        loop {
            let credential = lock(&self.known).current.clone();
            let (head, incoming) = self.send(question, credential.as_ref(), watch)?;
            if head.status == 401 {
                self.ask_for_credentials(credential, watch)?;
                continue;
            }
            // Only what git answers shows that they were taken: any other status, or a page, comes from whoever is asked first.
            if head.is_answer(question)
                && let Some(credential) = &credential
            {
                let asked = watch.asked().swap(0, Ordering::Relaxed);
                if let (1.., Some(source)) = (asked, &self.options.credentials) {
                    source.accepted(&self.asked(asked, watch), credential);
                }
            }
            return Ok((head, incoming));
        }
    }

    fn ask_for_credentials(&self, refused: Option<Credential>, watch: &Watch) -> Result<(), Error> {
        let Some(source) = &self.options.credentials else {
            return Err(self
                .unauthorized("the server wants credentials")
                .hint("give the remote credentials"));
        };
        let asked = watch.asked().load(Ordering::Relaxed);
        lock(&self.known).current = None;
        if let Some(refused) = &refused {
            source.refused(&self.asked(asked.max(1), watch), refused);
        }
        if asked >= MAX_ASKED {
            return self.enough(refused);
        }
        if !self.may_send_credentials {
            return Err(self
                .unauthorized("credentials are not sent unencrypted")
                .hint("an https:// address"));
        }
        watch.remaining()?;
        watch.asked().store(asked + 1, Ordering::Relaxed);
        match source.credential(&self.asked(asked + 1, watch))? {
            Some(credential) => {
                lock(&self.known).current = Some(credential);
                Ok(())
            }
            None => Err(self.unauthorized("the server wants credentials, and there are none")),
        }
    }

    /// No more are asked for; but what may not push may be good enough to read, which is tried once.
    fn enough(&self, refused: Option<Credential>) -> Result<(), Error> {
        let mut known = lock(&self.known);
        if refused.is_none() && known.spare.is_some() {
            known.current = known.spare.take();
            return Ok(());
        }
        known.spare = refused;
        Err(self.unauthorized("the server does not take these credentials"))
    }

    fn asked<'a>(&'a self, attempt: u8, watch: &'a Watch) -> Asked<'a> {
        Asked {
            origin: &self.origin,
            user: self.user.as_deref(),
            attempt,
            watch,
        }
    }

    fn unauthorized(&self, why: &str) -> Error {
        Error::new(ErrorKind::Unauthorized, format!("{}: {why}", self.origin))
    }

    fn send(
        &self,
        question: &Question,
        credential: Option<&Credential>,
        watch: &Watch,
    ) -> Result<(Head, Incoming), Error> {
        let url = Url::parse(&format!("{}{}", self.origin, question.target));
        let url = url.map_err(|error| Error::new(ErrorKind::Protocol, error.to_string()))?;
        let mut request = Request::new(question.method.clone(), url);
        *request.headers_mut() = question.headers.clone();
        if let Some(credential) = credential {
            let headers = request.headers_mut();
            headers.insert(header::AUTHORIZATION, credential.header()?);
        }
        if question.method == Method::POST {
            *request.body_mut() = Some(question.body.clone().into());
        }
        let response = self.web.send(request, || watch.slice())?;
        let head = Head::new(response.status(), |name| response.header(name));
        Ok((head, Incoming::new(response, watch.clone())))
    }
}

/// What was given so far.
#[derive(Default)]
struct Known {
    /// What is sent.
    current: Option<Credential>,
    /// The last that were not taken.
    spare: Option<Credential>,
}

/// A conversation over HTTP: each question is a request of its own.
pub(super) struct Http<'a> {
    client: &'a Client,
    service: Service,
    watch: Watch,
    from: Option<Incoming>,
}

impl<'a> Http<'a> {
    pub(super) fn new(client: &'a Client, service: Service, watch: &Watch) -> Self {
        Self {
            client,
            service,
            watch: watch.clone(),
            from: None,
        }
    }

    fn question(&self, method: Method, target: String, body: Vec<u8>) -> Question {
        let kind = match method {
            Method::POST => "result",
            _ => "advertisement",
        };
        let mut headers = HeaderMap::new();
        let service = self.service.name();
        let mut set = |name, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        };
        // Some forges serve git only to what calls itself so.
        set(header::USER_AGENT, format!("git/2.0 ({AGENT})"));
        if method == Method::POST {
            set(
                header::CONTENT_TYPE,
                format!("application/x-{service}-request"),
            );
            set(header::ACCEPT, format!("application/x-{service}-result"));
        } else {
            set(header::ACCEPT, "*/*".to_owned());
        }
        if self.service == Service::UploadPack {
            headers.insert("git-protocol", HeaderValue::from_static("version=2"));
        }
        Question {
            method,
            target,
            headers,
            body: body.into(),
            expected: format!("application/x-{service}-{kind}"),
        }
    }

    fn answer(
        &mut self,
        question: &Question,
        head: &Head,
        from: Incoming,
    ) -> Result<Box<dyn Read + '_>, Error> {
        if head.status != 200 {
            return Err(head.refusal(from));
        }
        if !head.is_answer(question) {
            let expected = &question.expected;
            let found = shown(head.content_type.as_bytes());
            let message = format!("expected {expected}, found `{found}`: not a git server?");
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        Ok(Box::new(self.from.insert(from)))
    }

    /// Lets go of the last answer. What little is left of it is read, so that the connection can be used again.
    fn drain(&mut self) {
        if let Some(from) = self.from.take() {
            let _ = std::io::copy(&mut from.take(MAX_PAGE_BYTES), &mut std::io::sink());
        }
    }
}

impl Conversation for Http<'_> {
    fn greeting(&mut self) -> Result<Box<dyn Read + '_>, Error> {
        let tail = format!("/info/refs?service={}", self.service.name());
        for _ in 0..=MAX_REDIRECTS {
            let target = format!("{}{tail}", self.client.path());
            let question = self.question(Method::GET, target, Vec::new());
            let (head, from) = self.client.exchange(&question, &self.watch)?;
            if !matches!(head.status, 301 | 302 | 303 | 307 | 308) {
                return self.answer(&question, &head, from);
            }
            let path = head.moved_within(&self.client.origin, &tail)?;
            *lock(&self.client.path) = path;
        }
        let message = format!("{} redirects in circles", self.client.origin);
        Err(Error::new(ErrorKind::Protocol, message))
    }

    fn ask(&mut self, request: Vec<u8>) -> Result<Box<dyn Read + '_>, Error> {
        self.drain();
        let target = format!("{}/{}", self.client.path(), self.service.name());
        let question = self.question(Method::POST, target, request);
        let (head, from) = self.client.exchange(&question, &self.watch)?;
        self.answer(&question, &head, from)
    }

    fn finish(&mut self) {
        self.drain();
    }
}

/// A request, which may have to be made again with credentials.
struct Question {
    method: Method,
    /// Path and query.
    target: String,
    headers: HeaderMap,
    body: Bytes,
    /// What kind of answer git gives.
    expected: String,
}

/// What stands before an answer's body.
#[derive(Debug)]
struct Head {
    status: u16,
    content_type: String,
    location: Option<String>,
    retry_after: Option<String>,
}

impl Head {
    fn new(status: u16, text: impl Fn(HeaderName) -> Option<String>) -> Self {
        Self {
            status,
            content_type: text(header::CONTENT_TYPE).unwrap_or_default(),
            location: text(header::LOCATION),
            retry_after: text(header::RETRY_AFTER),
        }
    }

    /// Whether git itself answers `question`.
    fn is_answer(&self, question: &Question) -> bool {
        self.status == 200 && self.content_type == question.expected
    }

    /// The repository's new path, when a redirect stays within `origin`.
    fn moved_within(&self, origin: &str, tail: &str) -> Result<String, Error> {
        let location = self.location.as_deref().unwrap_or_default();
        let path = match location.strip_prefix(origin) {
            Some(path) => path,
            None if location.starts_with('/') && !location.starts_with("//") => location,
            None => {
                // Without what may be secret in it.
                let place = location.split(['?', '#']).next().unwrap_or_default();
                let place = place.rsplit('@').next().unwrap_or_default();
                let place = place.strip_suffix("/info/refs").unwrap_or(place);
                let message = format!(
                    "{origin} redirects to another place: {}",
                    shown(place.as_bytes())
                );
                return Err(Error::new(ErrorKind::Address, message)
                    .hint("that address, if it is the right one"));
            }
        };
        match path.strip_suffix(tail) {
            Some(path) if path.starts_with('/') => Ok(path.to_owned()),
            _ => Err(Error::new(
                ErrorKind::Protocol,
                format!("{origin} redirects to a page that is not a repository's"),
            )),
        }
    }

    /// What a status that is not 200 means, with the words that came along if they are plain text.
    fn refusal(&self, from: Incoming) -> Error {
        let mut words = Vec::new();
        if self.content_type.starts_with("text/plain") {
            // Without them the status says enough.
            let _ = from.take(MAX_PAGE_BYTES).read_to_end(&mut words);
        }
        let mut message = format!("HTTP status {}", self.status);
        if let Some(after) = &self.retry_after {
            message = format!("{message}, again after {}", shown(after.as_bytes()));
        }
        if !words.is_empty() {
            message = format!("{message}: {}", shown(&words));
        }
        let kind = match self.status {
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Refused,
            404 | 410 => ErrorKind::NotFound,
            413 => ErrorKind::TooLarge,
            408 | 429 | 500..=599 => ErrorKind::Unavailable,
            _ => ErrorKind::Protocol,
        };
        Error::new(kind, message)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let kind = match failure.kind {
            Kind::Unreachable => ErrorKind::Unreachable,
            Kind::Untrusted => ErrorKind::Untrusted,
            Kind::Interrupted => ErrorKind::Interrupted,
            Kind::Other => ErrorKind::Protocol,
        };
        Self::new(kind, failure.words)
    }
}

fn is_this_machine(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Whole values are put in: a panic leaves the old or the new one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

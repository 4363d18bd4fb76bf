//! Sessions: a client stays with its backend, whatever the weights, and with its endpoint there (GEP-1619).
//!
//! The token a client carries names its backend and endpoint by hashes, when the session began and when it was
//! last used; nothing is stored here, so any instance can serve it. It is not signed: it chooses
//! among the backends of a rule the client may reach anyway, and a client that changes it can at
//! most pick one or outstay a timeout. It never decides which rule matches.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::HeaderChange;
use super::header::is_name;
use super::request::Request;
use crate::gateway::{Lifetime, ObjectName, SessionPersistence, SessionType};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Session {
    carrier: Carrier,
    absolute: Option<Duration>,
    idle: Option<Duration>,
}

#[derive(Debug, PartialEq, Eq)]
enum Carrier {
    Cookie {
        name: String,
        path: String,
        permanent: bool,
    },
    Header(String),
}

/// What a client says of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    backend: u64,
    begun: u64,
    used: u64,
    /// Of the endpoint's address, if whoever picks endpoints said it.
    endpoint: Option<u64>,
}

impl Session {
    pub(super) fn new(
        session: &SessionPersistence,
        route: &ObjectName,
        rule: usize,
    ) -> Result<Self, &'static str> {
        let nonzero = |d: Duration| !d.is_zero();
        let absolute = session
            .absolute_timeout
            .map(Duration::from)
            .filter(|d| nonzero(*d));
        let idle = session
            .idle_timeout
            .map(Duration::from)
            .filter(|d| nonzero(*d));
        // Rules of one host must not overwrite each other's sessions.
        let fallback = format!("narae-{:08x}", hash(&format!("{route}#{rule}")) >> 32);
        let name = |own: Option<&String>| {
            let name = own.or(session.session_name.as_ref()).unwrap_or(&fallback);
            if is_name(name) {
                Ok(name.clone())
            } else {
                Err("its name is a token (RFC 9110, 5.6.2)")
            }
        };
        let carrier = match session.kind {
            SessionType::Header => {
                Carrier::Header(name(session.header.as_ref().and_then(|h| h.name.as_ref()))?)
            }
            SessionType::Cookie => {
                let cookie = session.cookie_config.clone().unwrap_or_default();
                let permanent = cookie.lifetime_type == Lifetime::Permanent;
                if permanent && absolute.is_none() {
                    return Err("a Permanent cookie needs absoluteTimeout");
                }
                let path = cookie.path.as_deref().unwrap_or("/");
                if !path.starts_with('/')
                    || !super::path::has_path_characters(path)
                    || path.contains(';')
                {
                    return Err("a cookie's path is a path");
                }
                Carrier::Cookie {
                    name: name(cookie.name.as_ref())?,
                    path: path.to_owned(),
                    permanent,
                }
            }
        };
        Ok(Self {
            carrier,
            absolute,
            idle,
        })
    }

    /// The session a request belongs to, if it still lives.
    pub(super) fn token(&self, request: &Request<'_>) -> Option<Token> {
        let now = request.now.as_secs();
        let text = match &self.carrier {
            Carrier::Header(name) => request.header(name).next()?,
            Carrier::Cookie { name, .. } => request
                .header("cookie")
                .flat_map(|line| line.split(';'))
                .filter_map(|pair| pair.trim().split_once('='))
                .find_map(|(written, value)| (written == name).then_some(value))?,
        };
        let mut parts = text.split('.').map(|part| {
            let plain = part.len() <= 16 && part.bytes().all(|b| b.is_ascii_hexdigit());
            u64::from_str_radix(part, 16).ok().filter(|_| plain)
        });
        let token = Token {
            backend: parts.next()??,
            begun: parts.next()??,
            used: parts.next()??,
            endpoint: match parts.next() {
                Some(endpoint) => Some(endpoint?),
                None => None,
            },
        };
        let within = |since: u64, limit: Option<Duration>| {
            let age = now.checked_sub(since);
            age.is_some_and(|age| limit.is_none_or(|limit| age < limit.as_secs().max(1)))
        };
        (parts.next().is_none()
            && within(token.begun, self.absolute)
            && within(token.used, self.idle))
        .then_some(token)
    }

    /// What the response must say for a session with `backend`, new or going on.
    pub(super) fn change(
        &self,
        backend: u64,
        endpoint: Option<u64>,
        old: Option<Token>,
        now: u64,
        secure: bool,
    ) -> Option<HeaderChange<'static>> {
        let stays = |old: &Token| endpoint.is_none() || old.endpoint == endpoint;
        let old = old.filter(|old| old.backend == backend).filter(stays);
        if old.is_some() && self.idle.is_none() {
            return None;
        }
        let begun = old.map_or(now, |old| old.begun);
        let mut text = format!("{backend:x}.{begun:x}.{now:x}");
        if let Some(endpoint) = endpoint.or(old.and_then(|old| old.endpoint)) {
            text.push_str(&format!(".{endpoint:x}"));
        }
        Some(match &self.carrier {
            Carrier::Header(name) => HeaderChange::Set(Cow::Owned(name.clone()), Cow::Owned(text)),
            Carrier::Cookie {
                name,
                path,
                permanent,
            } => {
                let mut cookie = format!("{name}={text}; Path={path}; HttpOnly; SameSite=Lax");
                if secure {
                    cookie.push_str("; Secure");
                }
                if let Some(limit) = self.absolute.filter(|_| *permanent) {
                    let left = limit.as_secs().saturating_sub(now - begun);
                    cookie.push_str(&format!("; Max-Age={left}"));
                }
                HeaderChange::Add("set-cookie".into(), cookie.into())
            }
        })
    }
}

impl Token {
    /// The hash of the backend it names.
    pub(super) fn backend(self) -> u64 {
        self.backend
    }
}

/// The session of a request that is sent on, for whoever picks the endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    session: Arc<Session>,
    backend: u64,
    token: Option<Token>,
    now: u64,
    secure: bool,
}

impl Kept {
    pub(super) fn new(
        session: &Arc<Session>,
        backend: u64,
        token: Option<Token>,
        request: &Request<'_>,
        secure: bool,
    ) -> Self {
        Self {
            session: Arc::clone(session),
            backend,
            token: token.filter(|token| token.backend == backend),
            now: request.now.as_secs(),
            secure,
        }
    }

    /// The endpoint the client is at, as [`Pool::pick_kept`](crate::pool::Pool::pick_kept) knows it.
    #[must_use]
    pub fn endpoint(&self) -> Option<u64> {
        self.token?.endpoint
    }

    /// What the response says of the session with the backend alone; it is among the decision's. Whoever says
    /// [`Kept::with`] leaves it out.
    #[must_use]
    pub fn change(&self) -> Option<HeaderChange<'static>> {
        self.says(None)
    }

    /// What the response says once the endpoint with this [key](crate::pool::endpoint_key) has served it; nothing if
    /// the client says so already.
    #[must_use]
    pub fn with(&self, endpoint: u64) -> Option<HeaderChange<'static>> {
        self.says(Some(endpoint))
    }

    fn says(&self, endpoint: Option<u64>) -> Option<HeaderChange<'static>> {
        let (session, token) = (&self.session, self.token);
        session.change(self.backend, endpoint, token, self.now, self.secure)
    }
}

/// FNV-1a, 64 bits: stable across builds and instances, which a session outlives.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

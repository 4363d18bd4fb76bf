//! Cross-origin requests: the server's side of the Fetch standard's CORS protocol.
//!
//! A preflight is answered here and never sent on. Whoever may ask gets their own origin back, never
//! `*`, so that an answer that allows credentials is no different from one that does not; `Vary`
//! tells caches. Whoever may not gets no CORS headers: the browser then keeps the answer from the page.

use std::borrow::Cow;

use super::HeaderChange;
use super::request::Request;
use crate::gateway::CorsFilter;

/// What the API says when `maxAge` is absent, in seconds.
const DEFAULT_MAX_AGE: u32 = 5;

#[derive(Debug)]
pub(super) struct Cors {
    origins: Vec<Origins>,
    credentials: bool,
    methods: Names,
    headers: Names,
    exposed: Names,
    max_age: u32,
}

/// Who may ask.
#[derive(Debug)]
enum Origins {
    All,
    One(String),
    /// What comes before and after the wildcard.
    Pattern(String, String),
}

/// A list of names, or all of them.
#[derive(Debug)]
enum Names {
    All,
    Listed(String),
}

impl Cors {
    pub(super) fn new(filter: &CorsFilter) -> Result<Self, &'static str> {
        let origins: Result<Vec<Origins>, _> = filter
            .allow_origins
            .iter()
            .map(|o| Origins::new(o))
            .collect();
        let origins = origins?;
        if origins.len() > 1 && origins.iter().any(|o| matches!(o, Origins::All)) {
            return Err("`*` stands alone in allowOrigins");
        }
        Ok(Self {
            origins,
            credentials: filter.allow_credentials == Some(true),
            methods: Names::new(&filter.allow_methods)?,
            headers: Names::new(&filter.allow_headers)?,
            exposed: Names::new(&filter.expose_headers)?,
            max_age: filter.max_age.unwrap_or(DEFAULT_MAX_AGE),
        })
    }

    /// Adds what the response must say; true if the request is a preflight and ends here.
    pub(super) fn apply<'a>(
        &'a self,
        request: &Request<'a>,
        response: &mut Vec<HeaderChange<'a>>,
    ) -> bool {
        // To all: who keeps an answer to nobody must not give it to a page (Fetch, 3.3.5).
        response.push(HeaderChange::Add("vary".into(), "Origin".into()));
        let Some(origin) = request.header("origin").next() else {
            return false;
        };
        let method = request.header("access-control-request-method").next();
        let preflight = method.filter(|_| request.method == "OPTIONS");
        let mut set = |name: &'static str, value: Cow<'a, str>| {
            response.push(HeaderChange::Set(Cow::Borrowed(name), value));
        };
        if self.origins.iter().any(|allowed| allowed.holds(origin)) {
            set("access-control-allow-origin", Cow::Borrowed(origin));
            if self.credentials {
                set("access-control-allow-credentials", "true".into());
            }
            // To a request with credentials `*` is a header of that name (Fetch, 3.3.3).
            match &self.exposed {
                Names::All if self.credentials => {}
                exposed => exposed.say("access-control-expose-headers", Some("*"), &mut set),
            }
            if preflight.is_some() {
                let headers = request.header("access-control-request-headers").next();
                self.methods
                    .say("access-control-allow-methods", method, &mut set);
                self.headers
                    .say("access-control-allow-headers", headers, &mut set);
                set("access-control-max-age", self.max_age.to_string().into());
            }
        }
        preflight.is_some()
    }
}

/// Whether a browser asks what it may ask (Fetch, 4.8): [`Cors::apply`] answers it.
pub(super) fn is_preflight(request: &Request<'_>) -> bool {
    let has = |name| request.header(name).next().is_some();
    request.method == "OPTIONS" && has("origin") && has("access-control-request-method")
}

impl Origins {
    fn new(text: &str) -> Result<Self, &'static str> {
        let text = text.to_ascii_lowercase();
        if text == "*" {
            return Ok(Self::All);
        }
        if !text.contains("://") {
            return Err("an origin is `*` or scheme://host[:port]");
        }
        match text.split_once('*') {
            None => Ok(Self::One(text)),
            Some((_, after)) if after.contains('*') => {
                Err("an origin has one `*`, which stands for any number of labels")
            }
            Some((before, after)) => Ok(Self::Pattern(before.to_owned(), after.to_owned())),
        }
    }

    fn holds(&self, origin: &str) -> bool {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        match self {
            Self::All => true,
            Self::One(one) => same(one, origin),
            Self::Pattern(before, after) => {
                let middle = origin.len().checked_sub(after.len());
                let parts = middle.and_then(|at| {
                    let star = origin.get(before.len()..at)?;
                    Some((origin.get(..before.len())?, star, origin.get(at..)?))
                });
                parts.is_some_and(|(start, star, end)| {
                    same(start, before)
                        && same(end, after)
                        && !star.is_empty()
                        // The wildcard is within the host.
                        && !star.contains([':', '/', '@'])
                })
            }
        }
    }
}

impl Names {
    fn new(names: &[String]) -> Result<Self, &'static str> {
        if names.iter().any(|name| name == "*") {
            return Ok(Self::All);
        }
        if !names.iter().all(|name| super::header::is_name(name)) {
            return Err("methods and headers are tokens (RFC 9110, 5.6.2) or `*`");
        }
        Ok(Self::Listed(names.join(", ")))
    }

    /// Says the list, or of all names those that were asked for.
    fn say<'a>(
        &'a self,
        header: &'static str,
        asked: Option<&'a str>,
        set: &mut impl FnMut(&'static str, Cow<'a, str>),
    ) {
        match self {
            Self::Listed(list) if list.is_empty() => {}
            Self::Listed(list) => set(header, Cow::Borrowed(list)),
            Self::All => {
                if let Some(asked) = asked {
                    set(header, Cow::Borrowed(asked));
                }
            }
        }
    }
}

//! One rule, compiled: what happens on the way, and where requests go.

use std::borrow::Cow;
use std::fmt;

use super::backend::{Backend, Services};
use super::cors::Cors;
use super::decision::{Forward, HeaderChange, Outcome, Refusal, RuleName};
use super::header::{HeaderEdit, Headers};
use super::problem::Problem;
use super::request::Request;
use super::session::{self, Session};
use super::target::{PathChange, Redirect, replacement_host};
use crate::gateway::{
    BackendReference, Filter, MirrorFilter, ObjectName, Retry, SessionPersistence, Timeouts,
};
use crate::{Backends, Split, Weight};

/// A kind of route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RouteKind {
    /// `HTTPRoute`.
    Http,
    /// `GRPCRoute`.
    Grpc,
}

impl RouteKind {
    /// The kind as objects name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTPRoute",
            Self::Grpc => "GRPCRoute",
        }
    }
}

impl fmt::Display for RouteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a rule of either kind of route says.
pub(super) struct RuleSource<'o> {
    pub(super) kind: RouteKind,
    pub(super) route: &'o ObjectName,
    pub(super) index: usize,
    pub(super) name: Option<&'o str>,
    pub(super) filters: &'o [Filter],
    pub(super) backends: &'o [BackendReference],
    pub(super) timeouts: Timeouts,
    pub(super) retry: Option<&'o Retry>,
    pub(super) session: Option<&'o SessionPersistence>,
    /// Whether it has exactly one match, of a prefix.
    pub(super) one_prefix: bool,
}

#[derive(Debug)]
pub(super) struct Rule {
    kind: RouteKind,
    route: ObjectName,
    index: usize,
    name: Option<String>,
    steps: Steps,
    targets: Vec<Target>,
    /// Indices into `targets`; `None` if there is nobody to pick.
    split: Option<Split<usize>>,
    timeouts: Timeouts,
    retry: Option<Retry>,
    session: Option<Session>,
}

#[derive(Debug)]
struct Target {
    backend: Result<Backend, Refusal>,
    /// Of the backend, for sessions.
    hash: u64,
    steps: Steps,
}

/// Filters in their order, or a refusal if one of them cannot be carried out.
type Steps = Result<Vec<Step>, Refusal>;

#[derive(Debug)]
enum Step {
    RequestHeaders(HeaderEdit),
    ResponseHeaders(HeaderEdit),
    Redirect(Redirect),
    Rewrite {
        hostname: Option<String>,
        path: Option<PathChange>,
    },
    Mirror(Backend, Copies),
    Cors(Cors),
    Respond {
        status: u16,
        body: String,
    },
}

/// How many requests a mirror gets.
#[derive(Debug)]
enum Copies {
    All,
    None,
    Part(Box<Split<bool>>),
}

/// What a rule is told of how its request came.
#[derive(Clone, Copy)]
pub(super) struct Came<'a> {
    pub(super) scheme: &'static str,
    pub(super) port: u16,
    /// The prefix that matched, without trailing slash; empty if none did.
    pub(super) prefix: &'a str,
}

/// A request on its way through the steps.
struct Passage<'a> {
    host: Cow<'a, str>,
    target: Cow<'a, str>,
    headers: Headers<'a>,
    mirrors: Vec<&'a Backend>,
}

impl Rule {
    pub(super) fn new(
        source: &RuleSource<'_>,
        services: &Services<'_>,
        found: &mut Vec<(String, Problem)>,
    ) -> Self {
        let place = format!("spec.rules[{}]", source.index);
        let mut report = |path: String, problem| found.push((format!("{place}{path}"), problem));
        let steps = steps(source, source.filters, ".filters", services, &mut report);
        let targets: Vec<Target> = source
            .backends
            .iter()
            .enumerate()
            .map(|(at, reference)| {
                let path = format!(".backendRefs[{at}]");
                let namespace = source.route.namespace();
                let backend = services.resolve(reference, source.kind, namespace);
                if let Err(refusal) = backend {
                    let backend = Services::name(reference, namespace);
                    report(path.clone(), Problem::Backend { backend, refusal });
                }
                let path = format!("{path}.filters");
                Target {
                    hash: backend
                        .as_ref()
                        .map_or(0, |b| session::hash(&b.to_string())),
                    backend,
                    steps: steps_of(source, &reference.filters, &path, services, &mut report),
                }
            })
            .collect();
        let weights = source
            .backends
            .iter()
            .map(|b| Weight::new(b.weight.unwrap_or(1)));
        let session = source.session.and_then(|session| {
            Session::new(session, source.route, source.index)
                .map_err(|reason| report(".sessionPersistence".into(), Problem::Session { reason }))
                .ok()
        });
        Self {
            kind: source.kind,
            route: source.route.clone(),
            index: source.index,
            name: source.name.map(str::to_owned),
            steps,
            targets,
            split: Backends::new(weights.enumerate()).ok().map(Split::new),
            timeouts: source.timeouts,
            retry: source.retry.cloned(),
            session,
        }
    }

    pub(super) fn name(&self) -> RuleName<'_> {
        RuleName {
            kind: self.kind,
            route: &self.route,
            index: self.index,
            name: self.name.as_deref(),
        }
    }

    pub(super) fn decide<'a>(
        &'a self,
        request: &Request<'a>,
        came: Came<'_>,
    ) -> (Outcome<'a>, Vec<HeaderChange<'a>>) {
        let mut response = Vec::new();
        let outcome = self.outcome(request, came, &mut response);
        (outcome.unwrap_or_else(Outcome::Refuse), response)
    }

    fn outcome<'a>(
        &'a self,
        request: &Request<'a>,
        came: Came<'_>,
        response: &mut Vec<HeaderChange<'a>>,
    ) -> Result<Outcome<'a>, Refusal> {
        let mut passage = Passage {
            host: Cow::Borrowed(request.host),
            target: Cow::Borrowed(request.target),
            headers: borrowed(request.headers),
            mirrors: Vec::new(),
        };
        let steps = self.steps.as_ref().map_err(|refusal| *refusal)?;
        if let Some(outcome) = passage.walk(steps, request, came, response)? {
            return Ok(outcome);
        }
        let target = self.target(request, came, response)?;
        let backend = target.backend.as_ref().map_err(|refusal| *refusal)?;
        let steps = target.steps.as_ref().map_err(|refusal| *refusal)?;
        if let Some(outcome) = passage.walk(steps, request, came, response)? {
            return Ok(outcome);
        }
        Ok(Outcome::Forward(Forward {
            backend,
            host: passage.host,
            target: passage.target,
            headers: passage.headers,
            mirrors: passage.mirrors,
            timeouts: self.timeouts,
            retry: self.retry.as_ref(),
        }))
    }

    /// The session's backend, else the next by weight.
    fn target<'a>(
        &'a self,
        request: &Request<'a>,
        came: Came<'_>,
        response: &mut Vec<HeaderChange<'a>>,
    ) -> Result<&'a Target, Refusal> {
        let token = self.session.as_ref().and_then(|s| s.token(request));
        let kept = token.and_then(|token| {
            let usable = |t: &&Target| t.backend.is_ok() && t.hash == token.backend();
            self.targets.iter().find(usable)
        });
        let picked = || self.targets.get(*self.split.as_ref()?.pick());
        let target = kept.or_else(picked).ok_or(if self.targets.is_empty() {
            Refusal::NoBackend
        } else {
            Refusal::AllDrained
        })?;
        if let Some(session) = &self.session
            && target.backend.is_ok()
        {
            let secure = came.scheme == "https";
            response.extend(session.change(target.hash, token, request, secure));
        }
        Ok(target)
    }
}

impl<'a> Passage<'a> {
    /// Takes the steps in order; an outcome if one of them ends the way.
    fn walk(
        &mut self,
        steps: &'a [Step],
        request: &Request<'a>,
        came: Came<'_>,
        response: &mut Vec<HeaderChange<'a>>,
    ) -> Result<Option<Outcome<'a>>, Refusal> {
        for step in steps {
            match step {
                Step::RequestHeaders(edit) => edit.apply(&mut self.headers),
                Step::ResponseHeaders(edit) => response.extend(edit.changes()),
                Step::Rewrite { hostname, path } => {
                    if let Some(hostname) = hostname {
                        self.host = Cow::Borrowed(hostname);
                    }
                    if let Some(path) = path {
                        self.target = Cow::Owned(path.target(request.target, came.prefix));
                    }
                }
                Step::Mirror(backend, copies) => {
                    let copied = match copies {
                        Copies::All => true,
                        Copies::None => false,
                        Copies::Part(split) => *split.pick(),
                    };
                    self.mirrors.extend(copied.then_some(backend));
                }
                Step::Cors(cors) => {
                    if cors.apply(request, response) {
                        return Ok(Some(Outcome::Respond {
                            status: 200,
                            body: "",
                        }));
                    }
                }
                Step::Redirect(redirect) => {
                    let location = redirect.location(request, came.scheme, came.port, came.prefix);
                    return Ok(Some(Outcome::Redirect {
                        status: redirect.status,
                        location: location.ok_or(Refusal::NoHost)?,
                    }));
                }
                Step::Respond { status, body } => {
                    let status = *status;
                    return Ok(Some(Outcome::Respond { status, body }));
                }
            }
        }
        Ok(None)
    }
}

fn borrowed<'a>(headers: &'a [(&'a str, &'a str)]) -> Headers<'a> {
    let entry = |(name, value): &(&'a str, &'a str)| (Cow::Borrowed(*name), Cow::Borrowed(*value));
    headers.iter().map(entry).collect()
}

/// The filters of a rule, of which some exclude each other.
fn steps(
    source: &RuleSource<'_>,
    filters: &[Filter],
    path: &str,
    services: &Services<'_>,
    report: &mut dyn FnMut(String, Problem),
) -> Steps {
    let has = |kind: &str| filters.iter().any(|filter| filter.kind == kind);
    let excluded = if has("RequestRedirect") && has("URLRewrite") {
        Some("RequestRedirect and URLRewrite exclude each other")
    } else if has("RequestRedirect") && !source.backends.is_empty() {
        Some("RequestRedirect and backendRefs exclude each other")
    } else {
        None
    };
    if let Some(reason) = excluded {
        let kind = "RequestRedirect".to_owned();
        report(path.to_owned(), Problem::Filter { kind, reason });
        return Err(Refusal::Filter);
    }
    steps_of(source, filters, path, services, report)
}

fn steps_of(
    source: &RuleSource<'_>,
    filters: &[Filter],
    path: &str,
    services: &Services<'_>,
    report: &mut dyn FnMut(String, Problem),
) -> Steps {
    let mut steps = Vec::new();
    let mut sound = true;
    let mut seen: Vec<&str> = Vec::new();
    for (at, filter) in filters.iter().enumerate() {
        let place = format!("{path}[{at}]");
        let kind = filter.kind.as_str();
        let repeated = seen.contains(&kind) && !["RequestMirror", "ExtensionRef"].contains(&kind);
        seen.push(kind);
        let step = if repeated {
            Err("stands twice")
        } else {
            step(source, filter, services, &mut |problem| {
                report(place.clone(), problem);
            })
        };
        match step {
            Ok(step) => steps.extend(step),
            Err(reason) => {
                let kind = kind.to_owned();
                report(place, Problem::Filter { kind, reason });
                sound = false;
            }
        }
    }
    if sound {
        Ok(steps)
    } else {
        Err(Refusal::Filter)
    }
}

/// One filter; `None` for one that does nothing.
fn step(
    source: &RuleSource<'_>,
    filter: &Filter,
    services: &Services<'_>,
    report: &mut dyn FnMut(Problem),
) -> Result<Option<Step>, &'static str> {
    const MISSING: &str = "the field named like its type is missing";
    let step = match filter.kind.as_str() {
        "RequestHeaderModifier" => {
            let edit = filter.request_header_modifier.as_ref().ok_or(MISSING)?;
            Step::RequestHeaders(HeaderEdit::new(edit)?)
        }
        "ResponseHeaderModifier" => {
            let edit = filter.response_header_modifier.as_ref().ok_or(MISSING)?;
            Step::ResponseHeaders(HeaderEdit::new(edit)?)
        }
        "RequestRedirect" => {
            let redirect = filter.request_redirect.as_ref().ok_or(MISSING)?;
            Step::Redirect(Redirect::new(redirect, source.one_prefix)?)
        }
        "URLRewrite" => {
            let rewrite = filter.url_rewrite.as_ref().ok_or(MISSING)?;
            let path = rewrite.path.as_ref();
            let path = path.map(|path| PathChange::new(path, source.one_prefix));
            Step::Rewrite {
                hostname: rewrite
                    .hostname
                    .as_deref()
                    .map(replacement_host)
                    .transpose()?,
                path: path.transpose()?,
            }
        }
        "RequestMirror" => {
            let mirror = filter.request_mirror.as_ref().ok_or(MISSING)?;
            return self::mirror(source, mirror, services, report);
        }
        "CORS" => Step::Cors(Cors::new(filter.cors.as_ref().ok_or(MISSING)?)?),
        "DirectResponse" => {
            let response = filter.direct_response.as_ref().ok_or(MISSING)?;
            if !(200..=599).contains(&response.status_code) {
                return Err("statusCode is 200 to 599");
            }
            Step::Respond {
                status: response.status_code,
                body: response.body.clone().unwrap_or_default().string,
            }
        }
        "ExtensionRef" | "ExternalAuth" => return Err("not supported"),
        _ => return Err("not a type of filter"),
    };
    Ok(Some(step))
}

/// A mirror that cannot be reached is left out; the main request does not suffer for it.
fn mirror(
    source: &RuleSource<'_>,
    mirror: &MirrorFilter,
    services: &Services<'_>,
    report: &mut dyn FnMut(Problem),
) -> Result<Option<Step>, &'static str> {
    let (part, whole) = match (mirror.percent, mirror.fraction) {
        (Some(_), Some(_)) => return Err("percent and fraction exclude each other"),
        (Some(percent), None) => (percent, 100),
        (None, Some(f)) => (f.numerator, f.denominator.unwrap_or(100)),
        (None, None) => (1, 1),
    };
    let copies = match whole.checked_sub(part) {
        None => return Err("a part is at most the whole"),
        Some(_) if whole == 0 => return Err("a denominator is above 0"),
        Some(0) => Copies::All,
        Some(_) if part == 0 => Copies::None,
        Some(rest) => {
            let weights = [(true, Weight::new(part)), (false, Weight::new(rest))];
            Backends::new(weights).map_or(Copies::None, |b| Copies::Part(Box::new(Split::new(b))))
        }
    };
    let namespace = source.route.namespace();
    match services.resolve(&mirror.backend_ref, source.kind, namespace) {
        Ok(backend) => Ok(Some(Step::Mirror(backend, copies))),
        Err(refusal) => {
            let backend = Services::name(&mirror.backend_ref, namespace);
            report(Problem::Mirror { backend, refusal });
            Ok(None)
        }
    }
}

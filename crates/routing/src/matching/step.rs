//! What happens to a request on the way: the filters of a rule, compiled into steps, and the walk
//! through them. It knows nothing of matches, weights or sessions.

use std::borrow::Cow;

use super::backend::{Backend, Resolved, Services};
use super::cors::Cors;
use super::decision::{HeaderChange, Outcome, Refusal};
use super::header::HeaderEdit;
use super::problem::Problem;
use super::request::Request;
use super::rule::RuleSource;
use super::target::{PathChange, Redirect, replacement_host};
use crate::gateway::{Filter, MirrorFilter};
use crate::{Backends, Split, Weight};

/// Filters in their order, or a refusal if one of them cannot be carried out.
pub(super) type Steps = Result<Vec<Step>, Refusal>;

#[derive(Debug)]
pub(super) enum Step {
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
pub(super) enum Copies {
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
pub(super) struct Passage<'a> {
    pub(super) host: Cow<'a, str>,
    pub(super) target: Cow<'a, str>,
    pub(super) headers: Vec<HeaderChange<'a>>,
    pub(super) mirrors: Vec<&'a Backend>,
}

impl<'a> Passage<'a> {
    pub(super) fn of(request: &Request<'a>) -> Self {
        Self {
            host: Cow::Borrowed(request.host),
            target: Cow::Borrowed(request.target),
            headers: Vec::new(),
            mirrors: Vec::new(),
        }
    }

    /// Takes the steps in order; an outcome if one of them ends the way.
    pub(super) fn walk(
        &mut self,
        steps: &'a [Step],
        request: &Request<'a>,
        came: Came<'_>,
        response: &mut Vec<HeaderChange<'a>>,
    ) -> Result<Option<Outcome<'a>>, Refusal> {
        for step in steps {
            match step {
                Step::RequestHeaders(edit) => self.headers.extend(edit.changes()),
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

/// Whether they answer preflights before anything else could be reached.
pub(super) fn answers_preflights(steps: &Steps) -> bool {
    let steps = steps.as_deref().unwrap_or_default();
    steps.iter().any(|step| matches!(step, Step::Cors(_)))
}

/// What their CORS filter says to a request.
pub(super) fn cors<'a>(steps: &'a Steps, request: &Request<'a>) -> Vec<HeaderChange<'a>> {
    let mut response = Vec::new();
    for step in steps.as_deref().unwrap_or_default() {
        if let Step::Cors(cors) = step {
            cors.apply(request, &mut response);
        }
    }
    response
}

/// Who gets copies.
pub(super) fn mirrors(steps: &Steps) -> impl Iterator<Item = &Backend> {
    let steps = steps.as_deref().unwrap_or_default();
    steps.iter().filter_map(|step| match step {
        Step::Mirror(backend, _) => Some(backend),
        _ => None,
    })
}

/// The filters of a rule, of which some exclude each other.
pub(super) fn rule_steps(
    source: &RuleSource<'_>,
    services: &Services<'_>,
    report: &mut dyn FnMut(String, Problem),
) -> Steps {
    let (filters, path) = (source.filters, ".filters");
    let has = |kind: &str| filters.iter().any(|filter| filter.kind == kind);
    let excluded = if has("RequestRedirect") && has("URLRewrite") {
        Some("RequestRedirect and URLRewrite exclude each other")
    } else if has("RequestRedirect") && !source.backends.is_empty() {
        Some("RequestRedirect and backendRefs exclude each other")
    } else {
        None
    };
    if let Some(reason) = excluded {
        report(path.to_owned(), Problem::Incompatible { reason });
        return Err(Refusal::Filter);
    }
    steps(source, filters, path, services, report)
}

/// The filters of a backend, or of a rule.
pub(super) fn steps(
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
    let resolved = services.resolve(&mirror.backend_ref, source.kind, namespace);
    match resolved.and_then(Resolved::served) {
        Ok(backend) => Ok(Some(Step::Mirror(backend, copies))),
        Err(refusal) => {
            let backend = Services::name(&mirror.backend_ref, namespace);
            report(Problem::Mirror { backend, refusal });
            Ok(None)
        }
    }
}

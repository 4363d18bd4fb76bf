//! Routes of both kinds as one: checked against the API's limits, their matches compiled.

use super::hostname::Hostname;
use super::path::Pattern;
use super::precedence::PathRank;
use super::predicate::Predicate;
use super::problem::Problem;
use super::rule::{RouteKind, RuleSource};
use crate::gateway::{
    BackendReference, Filter, GrpcMatch, GrpcRouteRule, HttpMatch, HttpRouteRule, MatchType,
    Metadata, ObjectName, Objects, ParentReference, Timeouts,
};

/// The API's limits on lists. Those of the experimental channel, where they are larger.
const MAX_HOSTNAMES: usize = 16;
const MAX_RULES: usize = 16;
const MAX_MATCHES: usize = 64;
const MAX_MATCHES_IN_ALL: usize = 128;
const MAX_CONDITIONS: usize = 16;
const MAX_FILTERS: usize = 16;
const MAX_BACKENDS: usize = 16;
const MAX_WEIGHT: u32 = 1_000_000;

/// What is wrong, and where in the object.
type Refused = (String, Problem);

/// A route.
pub(super) struct Source<'o> {
    pub(super) kind: RouteKind,
    pub(super) name: ObjectName,
    pub(super) created: Option<&'o str>,
    pub(super) parents: &'o [ParentReference],
    hostnames: &'o [String],
    pub(super) rules: Vec<AnyRule>,
}

/// A rule of either kind.
pub(super) enum AnyRule {
    Http(HttpRouteRule),
    Grpc(GrpcRouteRule),
}

impl<'o> Source<'o> {
    pub(super) fn all(objects: &'o Objects) -> impl Iterator<Item = Self> {
        let http = objects.http_routes.iter().map(|route| {
            let rules = route.spec.rules().into_iter().map(AnyRule::Http).collect();
            let spec = &route.spec;
            Self::new(
                RouteKind::Http,
                &route.metadata,
                &spec.parent_refs,
                &spec.hostnames,
                rules,
            )
        });
        let grpc = objects.grpc_routes.iter().map(|route| {
            let rules = route.spec.rules().into_iter().map(AnyRule::Grpc).collect();
            let spec = &route.spec;
            Self::new(
                RouteKind::Grpc,
                &route.metadata,
                &spec.parent_refs,
                &spec.hostnames,
                rules,
            )
        });
        http.chain(grpc)
    }

    fn new(
        kind: RouteKind,
        metadata: &'o Metadata,
        parents: &'o [ParentReference],
        hostnames: &'o [String],
        rules: Vec<AnyRule>,
    ) -> Self {
        Self {
            kind,
            name: metadata.object_name(),
            created: metadata.creation_timestamp.as_deref(),
            parents,
            hostnames,
            rules,
        }
    }

    /// The hosts it is for; [`Hostname::Any`] if it names none.
    pub(super) fn hostnames(&self) -> Result<Vec<Hostname>, Refused> {
        if self.hostnames.is_empty() {
            return Ok(vec![Hostname::Any]);
        }
        let parse = |(at, text): (usize, &String)| match Hostname::parse(text) {
            Some(hostname) if hostname != Hostname::Any => Ok(hostname),
            _ => {
                let hostname = text.clone();
                Err((
                    format!("spec.hostnames[{at}]"),
                    Problem::Hostname { hostname },
                ))
            }
        };
        self.hostnames.iter().enumerate().map(parse).collect()
    }

    /// Holds it against the API's limits.
    pub(super) fn check(&self) -> Result<(), Refused> {
        at_most(MAX_HOSTNAMES, self.hostnames.len(), || {
            "spec.hostnames".into()
        })?;
        at_most(MAX_RULES, self.rules.len(), || "spec.rules".into())?;
        let mut in_all = 0;
        for (at, rule) in self.rules.iter().enumerate() {
            let place = |field: &str| format!("spec.rules[{at}].{field}");
            at_most(MAX_MATCHES, rule.match_count(), || place("matches"))?;
            at_most(MAX_FILTERS, rule.filters().len(), || place("filters"))?;
            at_most(MAX_BACKENDS, rule.backends().len(), || place("backendRefs"))?;
            in_all += rule.match_count();
            for (entry, conditions) in rule.condition_counts().enumerate() {
                at_most(MAX_CONDITIONS, conditions, || {
                    place(&format!("matches[{entry}]"))
                })?;
            }
            for (entry, backend) in rule.backends().iter().enumerate() {
                let path = format!("backendRefs[{entry}]");
                let weight = backend.weight.unwrap_or(1);
                if weight > MAX_WEIGHT {
                    return Err((place(&path), Problem::Weight { weight }));
                }
                at_most(MAX_FILTERS, backend.filters.len(), || place(&path))?;
            }
        }
        at_most(MAX_MATCHES_IN_ALL, in_all, || "spec.rules".into())
    }

    /// Whether it takes part at all.
    pub(super) fn is_sound(&self) -> bool {
        self.check().is_ok()
            && self.hostnames().is_ok()
            && (0..self.rules.len()).all(|rule| self.matches(rule).is_ok())
    }

    /// The matches of a rule; the one that matches everything if it names none.
    pub(super) fn matches(
        &self,
        rule: usize,
    ) -> Result<Vec<(Pattern, PathRank, Predicate)>, Refused> {
        let place = |entry: usize| format!("spec.rules[{rule}].matches[{entry}]");
        let compiled: Vec<Result<_, Problem>> = match self.rules.get(rule) {
            Some(AnyRule::Http(rule)) => or_default(&rule.matches).iter().map(http).collect(),
            Some(AnyRule::Grpc(rule)) => or_default(&rule.matches).iter().map(grpc).collect(),
            None => Vec::new(),
        };
        let compiled = compiled.into_iter().enumerate();
        compiled
            .map(|(entry, one)| one.map_err(|problem| (place(entry), problem)))
            .collect()
    }

    pub(super) fn rule(&self, index: usize, one_prefix: bool) -> Option<RuleSource<'_>> {
        let rule = self.rules.get(index)?;
        let (name, session) = match rule {
            AnyRule::Http(rule) => (&rule.name, &rule.session_persistence),
            AnyRule::Grpc(rule) => (&rule.name, &rule.session_persistence),
        };
        let (timeouts, retry) = match rule {
            AnyRule::Http(rule) => (rule.timeouts.unwrap_or_default(), rule.retry.as_ref()),
            AnyRule::Grpc(_) => (Timeouts::default(), None),
        };
        Some(RuleSource {
            kind: self.kind,
            route: &self.name,
            index,
            name: name.as_deref(),
            filters: rule.filters(),
            backends: rule.backends(),
            timeouts,
            retry,
            session: session.as_ref(),
            one_prefix,
        })
    }
}

impl AnyRule {
    fn filters(&self) -> &[Filter] {
        match self {
            Self::Http(rule) => &rule.filters,
            Self::Grpc(rule) => &rule.filters,
        }
    }

    fn backends(&self) -> &[BackendReference] {
        match self {
            Self::Http(rule) => &rule.backend_refs,
            Self::Grpc(rule) => &rule.backend_refs,
        }
    }

    fn match_count(&self) -> usize {
        match self {
            Self::Http(rule) => rule.matches.len(),
            Self::Grpc(rule) => rule.matches.len(),
        }
    }

    /// The longer of each match's lists of headers and query parameters.
    fn condition_counts(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        match self {
            Self::Http(rule) => {
                let longer = |m: &HttpMatch| m.headers.len().max(m.query_params.len());
                Box::new(rule.matches.iter().map(longer))
            }
            Self::Grpc(rule) => Box::new(rule.matches.iter().map(|m| m.headers.len())),
        }
    }
}

fn at_most(limit: usize, count: usize, path: impl FnOnce() -> String) -> Result<(), Refused> {
    if count > limit {
        return Err((path(), Problem::TooMany { count, limit }));
    }
    Ok(())
}

fn or_default<M: Clone + Default>(matches: &[M]) -> Vec<M> {
    if matches.is_empty() {
        vec![M::default()]
    } else {
        matches.to_vec()
    }
}

fn http(written: &HttpMatch) -> Result<(Pattern, PathRank, Predicate), Problem> {
    let pattern = Pattern::new(written.path.as_ref())?;
    let rank = match &pattern {
        Pattern::Exact(path) => PathRank::Exact(path.len()),
        Pattern::Prefix(prefix) => PathRank::Prefix(prefix.len()),
        Pattern::Expression(text) => PathRank::Expression(text.len()),
    };
    let method = written.method.as_deref();
    let predicate = Predicate::new(method, &written.headers, &written.query_params)?;
    Ok((pattern, rank, predicate))
}

/// A call is a request to `/service/method`.
fn grpc(written: &GrpcMatch) -> Result<(Pattern, PathRank, Predicate), Problem> {
    let call = written.method.clone().unwrap_or_default();
    let part = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (service, method) = (part(&call.service), part(&call.method));
    if call.kind == MatchType::RegularExpression {
        // Each on its own, before they are parts of one.
        for text in service.iter().chain(&method) {
            super::predicate::expression(text)?;
        }
    }
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let rank = PathRank::Call(length(&service), length(&method));
    let pattern = match (call.kind, service, method) {
        (_, None, None) => Pattern::Prefix(String::new()),
        (MatchType::Exact, Some(service), Some(method)) => {
            Pattern::Exact(format!("/{service}/{method}"))
        }
        (MatchType::Exact, Some(service), None) => Pattern::Prefix(format!("/{service}")),
        (kind, service, method) => {
            let expression = |text: Option<String>| match (kind, text) {
                (_, None) => "[^/]+".to_owned(),
                (MatchType::Exact, Some(text)) => regex::escape(&text),
                (MatchType::RegularExpression, Some(text)) => format!("(?:{text})"),
            };
            Pattern::Expression(format!("/{}/{}", expression(service), expression(method)))
        }
    };
    if let Pattern::Expression(text) = &pattern {
        super::predicate::expression(text)?;
    }
    let predicate = Predicate::new(None, &written.headers, &[])?;
    Ok((pattern, rank, predicate))
}

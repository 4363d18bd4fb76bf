//! One rule, compiled: its targets, which of them gets a request, and what is made of it.

use std::fmt;
use std::sync::Arc;

use super::access::Guards;
use super::backend::{Backend, Resolved, Services};
use super::decision::{Forward, HeaderChange, Outcome, Refusal, RuleName};
use super::problem::Problem;
use super::request::Request;
use super::session::{self, Kept, Session};
use super::step::{Came, Passage, Steps, answers_preflights, cors, mirrors, rule_steps, steps};
use crate::gateway::{BackendReference, Filter, ObjectName, Retry, SessionPersistence, Timeouts};
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
    /// `None` if there is nobody to pick.
    split: Option<Split<Slot>>,
    timeouts: Timeouts,
    retry: Option<Retry>,
    session: Option<Arc<Session>>,
    /// Who says who may pass.
    pub(super) guards: Guards,
}

#[derive(Debug)]
struct Target {
    backend: Result<Resolved, Refusal>,
    /// Of the backend's name, by which sessions and splits know it.
    hash: u64,
    steps: Steps,
}

/// A target as its split knows it: by its backend, and the how manieth of it if it is named several
/// times.
type Slot = crate::slot::Slot<(u64, usize)>;

impl Rule {
    pub(super) fn new(
        source: &RuleSource<'_>,
        services: &Services<'_>,
        guards: Guards,
        found: &mut Vec<(String, Problem)>,
    ) -> Self {
        let place = format!("spec.rules[{}]", source.index);
        let mut report = |path: String, problem| found.push((format!("{place}{path}"), problem));
        let on_the_way = rule_steps(source, services, &mut report);
        let targets: Vec<Target> = source
            .backends
            .iter()
            .enumerate()
            .map(|(at, reference)| {
                let path = format!(".backendRefs[{at}]");
                let namespace = source.route.namespace();
                let backend = services.resolve(reference, source.kind, namespace);
                let name = Services::name(reference, namespace);
                let hash = session::hash(&format!("{name}:{}", reference.port.unwrap_or(0)));
                if let Err(refusal) = served(&backend) {
                    let backend = name;
                    report(path.clone(), Problem::Backend { backend, refusal });
                }
                let path = format!("{path}.filters");
                Target {
                    hash,
                    backend,
                    steps: steps(source, &reference.filters, &path, services, &mut report),
                }
            })
            .collect();
        let split = Backends::new(weighted(&targets, source.backends)).ok();
        let session = source.session.and_then(|session| {
            Session::new(session, source.route, source.index)
                .map_err(|reason| report(".sessionPersistence".into(), Problem::Session { reason }))
                .ok()
                .map(Arc::new)
        });
        Self {
            kind: source.kind,
            route: source.route.clone(),
            index: source.index,
            name: source.name.map(str::to_owned),
            steps: on_the_way,
            targets,
            split: split.map(Split::new),
            timeouts: source.timeouts,
            retry: source.retry.cloned(),
            session,
            guards,
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

    pub(super) fn backends(&self) -> impl Iterator<Item = &Backend> {
        let of_targets = self.targets.iter().flat_map(|target| {
            let mirrors = mirrors(&target.steps);
            let resolved = target.backend.as_ref().ok();
            resolved.map(|r| &r.backend).into_iter().chain(mirrors)
        });
        of_targets.chain(mirrors(&self.steps))
    }

    /// Whether it answers a request itself that asks for a browser what it may ask.
    pub(super) fn answers_preflight(&self, request: &Request<'_>) -> bool {
        answers_preflights(&self.steps) && super::cors::is_preflight(request)
    }

    /// What its CORS filter says to a request that is refused.
    pub(super) fn cors<'a>(&'a self, request: &Request<'a>) -> Vec<HeaderChange<'a>> {
        cors(&self.steps, request)
    }

    /// Whether it has backends, none of which gets anything.
    pub(super) fn is_drained(&self) -> bool {
        self.split.is_none() && !self.targets.is_empty()
    }

    /// Carries on where the rule's last version stood, so that shares stay exact across the change.
    pub(super) fn carry(&mut self, last: &Self) {
        if let (Some(split), Some(last)) = (&mut self.split, &last.split) {
            *split = last.reconfigured(split.backends().clone());
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
        let mut passage = Passage::of(request);
        let steps = self.steps.as_ref().map_err(|refusal| *refusal)?;
        if let Some(outcome) = passage.walk(steps, request, came, response)? {
            return Ok(outcome);
        }
        let (target, session) = self.target(request, came, response)?;
        let backend = served(&target.backend)?;
        let steps = target.steps.as_ref().map_err(|refusal| *refusal)?;
        if let Some(outcome) = passage.walk(steps, request, came, response)? {
            return Ok(outcome);
        }
        Ok(Outcome::Forward(Forward {
            backend,
            host: passage.host,
            target: passage.target,
            request_headers: passage.headers,
            mirrors: passage.mirrors,
            timeouts: self.timeouts,
            retry: self.retry.as_ref(),
            session,
        }))
    }

    /// The session's backend, else the next by weight.
    fn target<'a>(
        &'a self,
        request: &Request<'a>,
        came: Came<'_>,
        response: &mut Vec<HeaderChange<'a>>,
    ) -> Result<(&'a Target, Option<Kept>), Refusal> {
        let token = self.session.as_ref().and_then(|s| s.token(request));
        let kept = token.and_then(|token| {
            let usable = |t: &&Target| served(&t.backend).is_ok() && t.hash == token.backend();
            self.targets.iter().find(usable)
        });
        let picked = || self.targets.get(self.split.as_ref()?.pick().at);
        let target = kept.or_else(picked).ok_or(if self.targets.is_empty() {
            Refusal::NoBackend
        } else {
            Refusal::AllDrained
        })?;
        let session = self.session.as_ref();
        let session = session.filter(|_| served(&target.backend).is_ok());
        let kept = session.map(|session| {
            let secure = came.scheme == "https";
            Kept::new(session, target.hash, token, request, secure)
        });
        response.extend(kept.as_ref().and_then(Kept::change));
        Ok((target, kept))
    }
}

/// The backend to send to, if there is anybody.
fn served(resolved: &Result<Resolved, Refusal>) -> Result<&Backend, Refusal> {
    match resolved {
        Ok(resolved) if resolved.is_served => Ok(&resolved.backend),
        Ok(_) => Err(Refusal::NoReadyEndpoint),
        Err(refusal) => Err(*refusal),
    }
}

/// Slots and weights of targets, in their order.
fn weighted(targets: &[Target], references: &[BackendReference]) -> Vec<(Slot, Weight)> {
    let occurrence = |at: usize, hash: u64| {
        let earlier = targets.iter().take(at);
        earlier.filter(|target| target.hash == hash).count()
    };
    let weights = references
        .iter()
        .map(|r| Weight::new(r.weight.unwrap_or(1)));
    let slots = targets.iter().enumerate().map(|(at, target)| Slot {
        id: (target.hash, occurrence(at, target.hash)),
        at,
    });
    slots.zip(weights).collect()
}

//! Everything compiled: from the place a request came in to the rule that decides it.

use std::collections::{HashMap, HashSet};

use super::access::{Accesses, Guards};
use super::backend::Backend;
use super::compile::compile;
use super::decision::{Decision, ListenerName, Outcome, Refusal, RuleName};
use super::hostname::{HostMap, Hostname, port_of};
use super::normal::is_clear;
use super::path::{PathIndex, Pattern};
use super::precedence::Precedence;
use super::predicate::{Difference, Predicate};
use super::problem::Finding;
use super::request::{Arrival, Request};
use super::rule::Rule;
use super::step::Came;
use crate::gateway::{ObjectName, Objects};

/// Gateways, listeners and routes, compiled. Shared by everyone who decides (`&self`, `Send + Sync`):
/// the shares of its rules are exact over all of its decisions together.
///
/// ```
/// use narae_routing::gateway::Objects;
/// use narae_routing::matching::{Arrival, Outcome, Refusal, Request, Table};
///
/// let (table, findings) = Table::compile(&Objects::default());
/// assert!(findings.is_empty());
/// let request = Request::new("GET", "example.com", "/", &[]);
/// let decision = table.decide(&Arrival::ANYWHERE, &request);
/// assert_eq!(decision.outcome, Outcome::Refuse(Refusal::NoListener));
/// assert_eq!(decision.status(), Some(404));
/// ```
#[derive(Debug, Default)]
pub struct Table {
    pub(super) gateways: Vec<Entrance>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) rules: Vec<Rule>,
    pub(super) access: Accesses,
}

/// A gateway.
#[derive(Debug)]
pub(super) struct Entrance {
    pub(super) name: ObjectName,
    pub(super) ports: Vec<Port>,
}

/// The listeners of one port.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) number: u16,
    /// The most specific hostname first.
    pub(super) listeners: Vec<Listening>,
}

#[derive(Debug)]
pub(super) struct Listening {
    pub(super) name: String,
    /// Its place in the gateway's list.
    pub(super) index: usize,
    pub(super) scheme: &'static str,
    pub(super) hostname: Hostname,
    pub(super) hosts: HostMap<PathIndex>,
    /// Who says who clients are.
    pub(super) guards: Guards,
}

/// One match of one rule. Sorted by precedence, so that its index is its precedence.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) precedence: Precedence,
    pub(super) pattern: Pattern,
    pub(super) predicate: Predicate,
    pub(super) rule: usize,
}

impl Candidate {
    /// What of a request it first objects to.
    pub(super) fn differs(&self, request: &Request<'_>) -> Option<Difference<'_>> {
        if self.pattern.holds(request.path()) {
            self.predicate.differs(request)
        } else {
            Some(Difference::Path)
        }
    }

    /// All it asks, as one text that is equal for equal questions.
    pub(super) fn asks(&self) -> String {
        format!("{:?} {}", self.pattern, self.predicate.asks())
    }

    pub(super) fn asks_for_path_only(&self) -> bool {
        self.predicate.specificity() == (false, 0, 0)
    }
}

impl Table {
    /// Compiles objects. What cannot be taken as written is in the findings, and the rest works.
    #[must_use]
    pub fn compile(objects: &Objects) -> (Self, Vec<Finding>) {
        compile(objects)
    }

    /// The same table, whose rules carry on where those of `last` stand: a rule is the same one by its
    /// route and its name or, without one, its place. So shares stay exact however often routes change.
    #[must_use]
    pub fn carrying_on(mut self, last: &Self) -> Self {
        let known: HashMap<_, _> = last
            .rules
            .iter()
            .map(|r| (r.name().identity(), r))
            .collect();
        for rule in &mut self.rules {
            if let Some(last) = known.get(&rule.name().identity()) {
                rule.carry(last);
            }
        }
        self
    }

    /// Decides one request.
    #[must_use]
    pub fn decide<'a>(&'a self, arrival: &Arrival, request: &Request<'a>) -> Decision<'a> {
        let host = request.host();
        let mut refused = None;
        for (entrance, port) in self.places(arrival, request) {
            let listening = match port.listener(arrival, &host) {
                Ok(listening) => listening,
                Err(refusal) => {
                    refused.get_or_insert((None, refusal));
                    continue;
                }
            };
            let listener = listening.name_at(entrance);
            // A page of an origin that may ask may also read why it is refused.
            let refuse = |rule: Option<&'a Rule>, refusal, denied| {
                let challenges = self.access.challenges(&listening.guards, request, refusal);
                let cors = rule.map(|rule| rule.cors(request));
                Decision {
                    listener: Some(listener),
                    rule: rule.map(Rule::name),
                    outcome: Outcome::Refuse(refusal),
                    response_headers: challenges
                        .into_iter()
                        .chain(cors.into_iter().flatten())
                        .collect(),
                    denied,
                }
            };
            let admission = match self.access.admit(&listening.guards, request) {
                Ok(admission) => admission,
                Err(refusal) => {
                    let unknown = self.access.unknown(request);
                    let headers = unknown.headers(request);
                    let asked = request.with_headers(&headers);
                    let rule = self.first(listening, &host, &asked).map(|(_, rule)| rule);
                    return refuse(rule, refusal, None);
                }
            };
            let mut own = listening.hosts.matching(&host);
            if own.any(|paths| paths.is_guarded) && !is_clear(request.path()) {
                return refuse(None, Refusal::Unclear, None);
            }
            let headers = admission.headers(request);
            let asked = request.with_headers(&headers);
            let Some((candidate, rule)) = self.first(listening, &host, &asked) else {
                refused.get_or_insert((Some(listener), Refusal::NoRule));
                continue;
            };
            let barred = self
                .access
                .bars(&listening.guards, &rule.guards, &admission);
            if let Some((refusal, denied)) = barred
                && !rule.answers_preflight(request)
            {
                return refuse(Some(rule), refusal, denied);
            }
            let prefix = match &candidate.pattern {
                Pattern::Prefix(prefix) => prefix.as_str(),
                _ => "",
            };
            let came = Came {
                scheme: listening.scheme,
                port: port.number,
                prefix,
            };
            let (mut outcome, response_headers) = rule.decide(request, came);
            if let Outcome::Forward(forward) = &mut outcome {
                forward.request_headers.splice(0..0, admission.changes);
            }
            return Decision {
                listener: Some(listener),
                rule: Some(rule.name()),
                outcome,
                response_headers,
                denied: None,
            };
        }
        let (listener, refusal) = refused.unwrap_or((None, Refusal::NoListener));
        Decision {
            listener,
            rule: None,
            outcome: Outcome::Refuse(refusal),
            response_headers: Vec::new(),
            denied: None,
        }
    }

    /// Every backend that a rule may send to, copies included; one may be named several times.
    pub fn backends(&self) -> impl Iterator<Item = &Backend> {
        self.rules.iter().flat_map(Rule::backends)
    }

    /// The precedence of the match that would decide, without deciding: no share moves on.
    #[must_use]
    pub fn winner(&self, arrival: &Arrival, request: &Request<'_>) -> Option<&Precedence> {
        let host = request.host();
        self.places(arrival, request)
            .into_iter()
            .find_map(|(_, port)| {
                let listening = port.listener(arrival, &host).ok()?;
                let admission = self.access.admit(&listening.guards, request).ok()?;
                let headers = admission.headers(request);
                let (candidate, _) =
                    self.first(listening, &host, &request.with_headers(&headers))?;
                Some(&candidate.precedence)
            })
    }

    pub(super) fn matches(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter()
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// A match and its rule.
    pub(super) fn matched(&self, index: u32) -> Option<(RuleName<'_>, &Candidate)> {
        let candidate = self.candidate(index)?;
        Some((self.rules.get(candidate.rule)?.name(), candidate))
    }

    /// The place of a match's rule.
    pub(super) fn rule_of(&self, index: u32) -> Option<usize> {
        Some(self.candidate(index)?.rule)
    }

    /// Every listener.
    pub(super) fn all_listenings(&self) -> impl Iterator<Item = (ListenerName<'_>, &Listening)> {
        let ports = self.gateways.iter().flat_map(|entrance| {
            let ports = entrance.ports.iter();
            ports.map(move |port| (entrance, port))
        });
        ports.flat_map(|(entrance, port)| {
            let listeners = port.listeners.iter();
            listeners.map(move |listening| (listening.name_at(entrance), listening))
        })
    }

    /// How many routes are attached to a listener.
    pub(super) fn attached_routes(&self, gateway: &ObjectName, listener: &str) -> usize {
        let listenings = self.all_listenings();
        let own =
            listenings.filter(|(name, _)| name.gateway == gateway && name.listener == listener);
        let matches = own.flat_map(|(_, listening)| {
            listening.hosts.entries().flat_map(|(_, paths)| paths.all())
        });
        let routes =
            matches.filter_map(|at| self.matched(at).map(|(rule, _)| (rule.kind, rule.route)));
        routes.collect::<HashSet<_>>().len()
    }

    /// The listeners that take a request, in the order they are asked.
    pub(super) fn listenings(
        &self,
        arrival: &Arrival,
        request: &Request<'_>,
    ) -> Vec<(ListenerName<'_>, &Listening)> {
        let host = request.host();
        let places = self.places(arrival, request).into_iter();
        let taking = places.filter_map(|(entrance, port)| {
            let listening = port.listener(arrival, &host).ok()?;
            Some((listening.name_at(entrance), listening))
        });
        taking.collect()
    }

    /// The ports a request may have come to, in the order they are asked.
    fn places(&self, arrival: &Arrival, request: &Request<'_>) -> Vec<(&Entrance, &Port)> {
        let said = port_of(request.host);
        let mut places = Vec::new();
        for entrance in &self.gateways {
            if arrival
                .gateway
                .as_ref()
                .is_some_and(|name| *name != entrance.name)
            {
                continue;
            }
            let first = places.len();
            places.extend(entrance.ports.iter().filter_map(|port| {
                let asked = arrival.port.is_none_or(|number| number == port.number);
                (asked && port.has(arrival)).then_some((entrance, port))
            }));
            if let Some(own) = places.get_mut(first..) {
                own.sort_by_key(|(_, port)| (Some(port.number) != said, port.number != 80));
            }
        }
        places
    }

    fn first(
        &self,
        listening: &Listening,
        host: &str,
        request: &Request<'_>,
    ) -> Option<(&Candidate, &Rule)> {
        let accepts = |candidate: u32| {
            self.candidate(candidate)
                .is_some_and(|candidate| candidate.predicate.holds(request))
        };
        let mut indices = listening.hosts.matching(host);
        let found = indices.find_map(|paths| paths.first(request, accepts))?;
        let candidate = self.candidate(found)?;
        Some((candidate, self.rules.get(candidate.rule)?))
    }

    fn candidate(&self, index: u32) -> Option<&Candidate> {
        self.candidates.get(usize::try_from(index).ok()?)
    }
}

impl Listening {
    fn name_at<'a>(&'a self, entrance: &'a Entrance) -> ListenerName<'a> {
        ListenerName {
            gateway: &entrance.name,
            listener: &self.name,
        }
    }
}

impl Port {
    fn has(&self, arrival: &Arrival) -> bool {
        arrival
            .listener
            .as_ref()
            .is_none_or(|name| self.listeners.iter().any(|l| l.name == *name))
    }

    /// The listener that takes requests for a host.
    fn listener(&self, arrival: &Arrival, host: &str) -> Result<&Listening, Refusal> {
        let mut matching = self.listeners.iter().filter(|l| l.hostname.matches(host));
        let best = matching.next().ok_or(Refusal::NoListener)?;
        let elsewhere = arrival
            .listener
            .as_ref()
            .is_some_and(|name| *name != best.name);
        if elsewhere && best.scheme == "https" {
            return Err(Refusal::Misdirected);
        }
        Ok(best)
    }
}

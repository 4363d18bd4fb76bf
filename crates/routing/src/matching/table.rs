//! Everything compiled: from the place a request came in to the rule that decides it.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::attach::{Attaching, Attachment, Entrances, scheme};
use super::backend::{Backend, Services};
use super::decision::{Decision, ListenerName, Outcome, Refusal};
use super::hostname::{HostMap, Hostname, port_of};
use super::path::{PathIndex, Pattern};
use super::precedence::{PathRank, Precedence};
use super::predicate::Predicate;
use super::problem::{Finding, Problem};
use super::request::{Arrival, Request};
use super::rule::{RouteKind, Rule};
use super::source::Source;
use super::step::Came;
use crate::gateway::{Gateway, ObjectName, Objects};

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
    gateways: Vec<Entrance>,
    candidates: Vec<Candidate>,
    rules: Vec<Rule>,
}

/// A gateway.
#[derive(Debug)]
struct Entrance {
    name: ObjectName,
    ports: Vec<Port>,
}

/// The listeners of one port.
#[derive(Debug)]
struct Port {
    number: u16,
    /// The most specific hostname first.
    listeners: Vec<Listening>,
}

#[derive(Debug)]
struct Listening {
    name: String,
    /// Its place in the gateway's list.
    index: usize,
    scheme: &'static str,
    hostname: Hostname,
    hosts: HostMap<PathIndex>,
}

/// One match of one rule. Sorted by precedence, so that its index is its precedence.
#[derive(Debug)]
struct Candidate {
    precedence: Precedence,
    pattern: Pattern,
    predicate: Predicate,
    rule: usize,
}

impl Table {
    /// Compiles objects. What cannot be taken as written is in the findings, and the rest works.
    #[must_use]
    pub fn compile(objects: &Objects) -> (Self, Vec<Finding>) {
        let mut compiler = Compiler {
            services: Services::new(objects),
            entrances: Entrances::new(objects),
            table: Self {
                gateways: objects.gateways.iter().map(Entrance::new).collect(),
                ..Self::default()
            },
            attachments: Vec::new(),
            findings: Vec::new(),
        };
        for route in Source::all(objects) {
            compiler.route(&route);
        }
        compiler.index()
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
            let listener = ListenerName {
                gateway: &entrance.name,
                listener: &listening.name,
            };
            let Some((candidate, rule)) = self.first(listening, &host, request) else {
                refused.get_or_insert((Some(listener), Refusal::NoRule));
                continue;
            };
            let prefix = match &candidate.pattern {
                Pattern::Prefix(prefix) => prefix.as_str(),
                _ => "",
            };
            let came = Came {
                scheme: listening.scheme,
                port: port.number,
                prefix,
            };
            let (outcome, response_headers) = rule.decide(request, came);
            return Decision {
                listener: Some(listener),
                rule: Some(rule.name()),
                outcome,
                response_headers,
            };
        }
        let (listener, refusal) = refused.unwrap_or((None, Refusal::NoListener));
        Decision {
            listener,
            rule: None,
            outcome: Outcome::Refuse(refusal),
            response_headers: Vec::new(),
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
                let (candidate, _) = self.first(listening, &host, request)?;
                Some(&candidate.precedence)
            })
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
        let found = indices.find_map(|paths| paths.first(request.path(), accepts))?;
        let candidate = self.candidate(found)?;
        Some((candidate, self.rules.get(candidate.rule)?))
    }

    fn candidate(&self, index: u32) -> Option<&Candidate> {
        self.candidates.get(usize::try_from(index).ok()?)
    }
}

impl Entrance {
    fn new(gateway: &Gateway) -> Self {
        let mut ports: Vec<Port> = Vec::new();
        for (index, listener) in gateway.spec.listeners.iter().enumerate() {
            let hostname = Hostname::parse(listener.hostname.as_deref().unwrap_or_default());
            let (Some(scheme), Some(hostname)) = (scheme(listener), hostname) else {
                continue;
            };
            let listening = Listening {
                name: listener.name.clone(),
                index,
                scheme,
                hostname,
                hosts: HostMap::default(),
            };
            match ports.iter_mut().find(|port| port.number == listener.port) {
                Some(port) => port.listeners.push(listening),
                None => ports.push(Port {
                    number: listener.port,
                    listeners: vec![listening],
                }),
            }
        }
        for port in &mut ports {
            port.listeners
                .sort_by_key(|listening| Reverse(listening.hostname.specificity()));
        }
        Self {
            name: gateway.metadata.object_name(),
            ports,
        }
    }

    fn listening(&mut self, index: usize) -> Option<&mut Listening> {
        self.ports
            .iter_mut()
            .flat_map(|port| &mut port.listeners)
            .find(|listening| listening.index == index)
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

struct Compiler<'o> {
    services: Services<'o>,
    entrances: Entrances<'o>,
    table: Table,
    /// Where each rule's matches are asked for, by the rule's index.
    attachments: Vec<Vec<Attachment>>,
    findings: Vec<Finding>,
}

impl<'o> Compiler<'o> {
    fn route(&mut self, route: &Source<'o>) {
        let report = |findings: &mut Vec<Finding>, path: String, problem| {
            findings.push(Finding {
                kind: route.kind.name(),
                object: route.name.clone(),
                path,
                problem,
            });
        };
        let hostnames = match route.check().and_then(|()| route.hostnames()) {
            Ok(hostnames) => hostnames,
            Err((path, problem)) => return report(&mut self.findings, path, problem),
        };
        let matches: Result<Vec<Vec<_>>, _> = (0..route.rules.len())
            .map(|rule| route.matches(rule))
            .collect();
        let matches = match matches {
            Ok(matches) => matches,
            Err((path, problem)) => return report(&mut self.findings, path, problem),
        };
        for (index, matches) in matches.into_iter().enumerate() {
            let mut found = Vec::new();
            let one_prefix = matches!(matches.as_slice(), [(Pattern::Prefix(_), ..)]);
            if let Some(source) = route.rule(index, one_prefix) {
                self.table
                    .rules
                    .push(Rule::new(&source, &self.services, &mut found));
                let attachments = self.attachments(route, &hostnames, index == 0, &mut found);
                self.attachments.push(attachments);
                self.candidates(route, index, matches);
            }
            for (path, problem) in found {
                report(&mut self.findings, path, problem);
            }
        }
    }

    fn attachments(
        &self,
        route: &Source<'o>,
        hostnames: &[Hostname],
        report: bool,
        found: &mut Vec<(String, Problem)>,
    ) -> Vec<Attachment> {
        let attaching = Attaching {
            kind: route.kind,
            namespace: route.name.namespace(),
            hostnames: hostnames.to_vec(),
        };
        let mut attachments = Vec::new();
        for (at, parent) in route.parents.iter().enumerate() {
            match self.entrances.attach(&attaching, parent) {
                Ok(there) => attachments.extend(there),
                Err(problem) if report => found.push((format!("spec.parentRefs[{at}]"), problem)),
                Err(_) => {}
            }
        }
        attachments
    }

    fn candidates(
        &mut self,
        route: &Source<'o>,
        rule: usize,
        matches: Vec<(Pattern, PathRank, Predicate)>,
    ) {
        for (entry, (pattern, path, predicate)) in matches.into_iter().enumerate() {
            let (method, headers, query) = predicate.specificity();
            self.table.candidates.push(Candidate {
                precedence: Precedence {
                    path: Reverse(path),
                    method: Reverse(method),
                    headers: Reverse(headers),
                    query_parameters: Reverse(query),
                    unborn: route.created.is_none(),
                    created: route.created.unwrap_or_default().to_owned(),
                    route: route.name.clone(),
                    kind: u8::from(route.kind == RouteKind::Grpc),
                    rule,
                    entry,
                },
                pattern,
                predicate,
                rule: self.table.rules.len() - 1,
            });
        }
    }

    /// Puts every match where its listeners and hosts look for it.
    fn index(mut self) -> (Table, Vec<Finding>) {
        let table = &mut self.table;
        table
            .candidates
            .sort_by(|a, b| a.precedence.cmp(&b.precedence));
        // No cluster holds so many matches; those beyond would never be found.
        for (index, candidate) in (0..u32::MAX).zip(&table.candidates) {
            for attachment in self.attachments.get(candidate.rule).into_iter().flatten() {
                let entrance = table.gateways.get_mut(attachment.gateway);
                let Some(listening) = entrance.and_then(|e| e.listening(attachment.listener))
                else {
                    continue;
                };
                for hostname in &attachment.hostnames {
                    let paths = listening.hosts.entry(hostname);
                    paths.insert(&candidate.pattern, index);
                }
            }
        }
        let listeners = table
            .gateways
            .iter_mut()
            .flat_map(|entrance| &mut entrance.ports)
            .flat_map(|port| &mut port.listeners);
        for paths in listeners.flat_map(|listening| listening.hosts.values_mut()) {
            // Each expression was compiled alone before, so one alone fits here as well.
            let _ = paths.finish();
        }
        (self.table, self.findings)
    }
}

//! From objects to a table: every match where its listeners and hosts look for it, the rest as findings.

use std::cmp::Reverse;

use super::access::{Guards, Targets};
use super::attach::{Attaching, Attachment, Entrances, scheme};
use super::backend::Services;
use super::hostname::{HostMap, Hostname};
use super::path::Pattern;
use super::precedence::{PathRank, Precedence};
use super::predicate::Predicate;
use super::problem::{Finding, Obstacle, Problem};
use super::rival::Rivals;
use super::rule::{RouteKind, Rule};
use super::source::Source;
use super::table::{Candidate, Entrance, Listening, Port, Table};
use crate::gateway::{Gateway, ObjectName, Objects};

pub(super) fn compile(objects: &Objects) -> (Table, Vec<Finding>) {
    let mut gateways: Vec<Entrance> = objects.gateways.iter().map(Entrance::new).collect();
    let mut findings = Vec::new();
    let (targets, access) = Targets::new(objects, &mut gateways, &mut findings);
    let entrances = Entrances::new(objects);
    let routes: Vec<Source<'_>> = Source::all(objects).collect();
    let mut compiler = Compiler {
        services: Services::new(objects),
        rivals: Rivals::new(&routes, &entrances),
        entrances,
        targets,
        table: Table {
            gateways,
            access,
            ..Table::default()
        },
        attachments: Vec::new(),
        findings,
    };
    for route in &routes {
        compiler.route(route);
    }
    compiler.index()
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
                guards: Guards::default(),
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

struct Compiler<'o> {
    services: Services<'o>,
    entrances: Entrances<'o>,
    rivals: Rivals,
    targets: Targets,
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
                let guards = self.targets.of_rule(route.kind, &route.name, source.name);
                let rule = Rule::new(&source, &self.services, guards, &mut found);
                self.table.rules.push(rule);
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
            let there = self.entrances.attach(&attaching, parent);
            let there = there.and_then(|mut there| {
                if self.rivals.beat(route, &mut there) && there.is_empty() {
                    let namespace = parent.namespace.as_deref();
                    let namespace = namespace.unwrap_or(route.name.namespace());
                    return Err(Problem::NotAccepted {
                        gateway: ObjectName::new(namespace, &parent.name),
                        reason: Obstacle::Rival,
                    });
                }
                Ok(there)
            });
            match there {
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
                    let rule = table.rules.get(candidate.rule);
                    paths.is_guarded |= rule.is_some_and(|rule| !rule.guards.is_empty());
                    paths.insert(&candidate.pattern, index);
                }
            }
        }
        let candidates = &table.candidates;
        let predicate = |index: u32| {
            let candidate = candidates.get(usize::try_from(index).ok()?)?;
            Some(&candidate.predicate)
        };
        let listeners = table
            .gateways
            .iter_mut()
            .flat_map(|entrance| &mut entrance.ports)
            .flat_map(|port| &mut port.listeners);
        for paths in listeners.flat_map(|listening| listening.hosts.values_mut()) {
            // Each expression was compiled alone before, so one alone fits here as well.
            let _ = paths.finish(&predicate);
        }
        (self.table, self.findings)
    }
}

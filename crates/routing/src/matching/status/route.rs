//! Routes at their parents, by what compiling found of them.

use std::collections::{BTreeMap, HashSet};

use super::super::decision::Refusal;
use super::super::problem::{Finding, Obstacle, Problem};
use super::super::rule::RouteKind;
use super::super::source::Source;
use super::{Condition, ParentStatus, RouteStatus};
use crate::gateway::{GROUP, ObjectName, Objects, ParentReference};

pub(super) fn statuses(objects: &Objects, findings: &[Finding]) -> Vec<RouteStatus> {
    let gateways: HashSet<ObjectName> = objects
        .gateways
        .iter()
        .map(|gateway| gateway.metadata.object_name())
        .collect();
    let mut found: BTreeMap<(&str, &ObjectName), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let of_object = found.entry((finding.kind, &finding.object)).or_default();
        of_object.push(finding);
    }
    let routes = Source::all(objects).map(|route| {
        let own = found.get(&(route.kind.name(), &route.name));
        let own = own.map_or(&[][..], Vec::as_slice);
        let parents = route.parents.iter().enumerate().filter(|(_, parent)| {
            let name = gateway(parent, route.name.namespace());
            name.is_some_and(|name| gateways.contains(&name))
        });
        let parents: Vec<ParentStatus> = parents
            .map(|(parent, _)| ParentStatus {
                parent,
                conditions: vec![accepted(parent, own), resolved(own)],
            })
            .collect();
        (route.kind, route.name, parents)
    });
    routes
        .filter(|(.., parents)| !parents.is_empty())
        .map(|(kind, route, parents): (RouteKind, _, _)| RouteStatus {
            kind,
            route,
            parents,
        })
        .collect()
}

/// The gateway that is meant, if one is.
fn gateway(parent: &ParentReference, namespace: &str) -> Option<ObjectName> {
    let group = parent.group.as_deref().unwrap_or(GROUP);
    let kind = parent.kind.as_deref().unwrap_or("Gateway");
    let namespace = parent.namespace.as_deref().unwrap_or(namespace);
    (group == GROUP && kind == "Gateway").then(|| ObjectName::new(namespace, &parent.name))
}

/// What is wrong with the route itself counts at every parent, and before what is wrong there.
fn accepted(parent: usize, findings: &[&Finding]) -> Condition {
    let here = format!("spec.parentRefs[{parent}]");
    let reason = |finding: &Finding| match &finding.problem {
        Problem::NotAccepted { reason, .. } if finding.path == here => Some(match reason {
            Obstacle::NoSuchListener => "NoMatchingParent",
            Obstacle::Kind | Obstacle::Namespace => "NotAllowedByListeners",
            Obstacle::Hostname => "NoMatchingListenerHostname",
            // The API says that it is refused, and not by which reason; this one it has for listeners.
            Obstacle::Rival => "HostnameConflict",
        }),
        Problem::NoGateway { .. }
        | Problem::NotAccepted { .. }
        | Problem::Backend { .. }
        | Problem::Mirror { .. }
        // Its requests are carried out, and only its sessions are not kept.
        | Problem::Session { .. } => None,
        Problem::Filter { kind, .. } if kind == "ExtensionRef" => None,
        Problem::Incompatible { .. } => Some("IncompatibleFilters"),
        _ => Some("UnsupportedValue"),
    };
    let found = findings
        .iter()
        .filter_map(|finding| Some((reason(finding)?, finding)))
        .max_by_key(|(_, finding)| finding.path != here);
    match found {
        None => Condition::new("Accepted", true, "Accepted"),
        Some((reason, finding)) => {
            Condition::new("Accepted", false, reason).with_message(said(finding))
        }
    }
}

fn resolved(findings: &[&Finding]) -> Condition {
    let reason = |finding: &Finding| match &finding.problem {
        Problem::Backend { refusal, .. } | Problem::Mirror { refusal, .. } => match refusal {
            Refusal::NotGranted => Some("RefNotPermitted"),
            Refusal::BackendKind => Some("InvalidKind"),
            Refusal::BackendNotFound | Refusal::BackendPort => Some("BackendNotFound"),
            Refusal::ExternalName => Some("UnsupportedProtocol"),
            _ => None,
        },
        Problem::Filter { kind, .. } if kind == "ExtensionRef" => Some("InvalidKind"),
        _ => None,
    };
    let found = findings
        .iter()
        .find_map(|finding| Some((reason(finding)?, finding)));
    match found {
        None => Condition::new("ResolvedRefs", true, "ResolvedRefs"),
        Some((reason, finding)) => {
            Condition::new("ResolvedRefs", false, reason).with_message(said(finding))
        }
    }
}

fn said(finding: &Finding) -> String {
    let Finding { path, problem, .. } = finding;
    format!("{path}: {problem}; {}", problem.effect())
}

//! Which listeners and rules each policy is about.

use std::collections::HashMap;

use super::policy::Access;
use super::{Accesses, Guards};
use crate::gateway::{AccessPolicy, AccessTarget, GROUP, ObjectName, Objects};
use crate::matching::problem::{Finding, Problem};
use crate::matching::rule::RouteKind;
use crate::matching::table::Entrance;

/// Policies by what they are about.
#[derive(Debug, Default)]
pub(in crate::matching) struct Targets {
    routes: HashMap<(RouteKind, ObjectName), Vec<Aim>>,
}

/// A policy's word on one object.
#[derive(Debug)]
struct Aim {
    section: Option<String>,
    /// `None` for one that cannot be carried out.
    policy: Option<usize>,
}

impl Targets {
    /// Compiles all policies and sets those of gateways.
    pub(in crate::matching) fn new(
        objects: &Objects,
        gateways: &mut [Entrance],
        findings: &mut Vec<Finding>,
    ) -> (Self, Accesses) {
        let (mut targets, mut accesses) = (Self::default(), Accesses::default());
        for policy in &objects.access_policies {
            let mut report = |path: String, problem| findings.push(found(policy, path, problem));
            let compiled = Access::new(policy).map_err(|(path, reason)| {
                report(path.to_owned(), Problem::Access { reason });
            });
            let at = compiled.ok().map(|access| {
                for name in access.headers.names() {
                    if !accesses
                        .headers
                        .iter()
                        .any(|own| own.eq_ignore_ascii_case(name))
                    {
                        accesses.headers.push(name.to_owned());
                    }
                }
                accesses.all.push(access);
                accesses.all.len() - 1
            });
            if policy.spec.target_refs.is_empty() {
                let reason = "it names nothing to guard";
                report("spec.targetRefs".into(), Problem::Access { reason });
            }
            for (index, target) in policy.spec.target_refs.iter().enumerate() {
                let path = format!("spec.targetRefs[{index}]");
                let access = at.and_then(|at| accesses.all.get(at));
                let aimed = targets.aim(objects, gateways, policy, target, at, access);
                if let Err(problem) = aimed {
                    report(path, problem);
                }
            }
        }
        (targets, accesses)
    }

    fn aim(
        &mut self,
        objects: &Objects,
        gateways: &mut [Entrance],
        policy: &AccessPolicy,
        target: &AccessTarget,
        at: Option<usize>,
        access: Option<&Access>,
    ) -> Result<(), Problem> {
        let name = ObjectName::new(policy.metadata.namespace(), &target.name);
        let group = target.group.as_deref().unwrap_or(GROUP);
        let section = target.section_name.clone();
        let nothing = || Problem::AccessTarget {
            kind: target.kind.clone(),
            target: name.clone(),
        };
        let kind = match (group, target.kind.as_str()) {
            (GROUP, "Gateway") => {
                let gateway = gateways.iter_mut().find(|gateway| gateway.name == name);
                let gateway = gateway.ok_or_else(nothing)?;
                return on_listeners(gateway, section.as_deref(), at);
            }
            (GROUP, "HTTPRoute") => RouteKind::Http,
            (GROUP, "GRPCRoute") => RouteKind::Grpc,
            _ => return Err(nothing()),
        };
        let rules = rules(objects, kind, &name).ok_or_else(nothing)?;
        let aims = self.routes.entry((kind, name)).or_default();
        let unknown = section
            .as_ref()
            .is_some_and(|s| !rules.contains(&Some(s.as_str())));
        let misplaced = access.is_some_and(Access::is_for_gateways);
        if unknown || misplaced {
            // Closed as a whole: nobody knows which of its rules was meant.
            aims.push(Aim {
                section: None,
                policy: None,
            });
            return Err(Problem::Access {
                reason: if unknown {
                    "the route has no rule of that name"
                } else {
                    "jwt, basic and headers are for gateways"
                },
            });
        }
        aims.push(Aim {
            section,
            policy: at,
        });
        Ok(())
    }

    /// The policies of a rule.
    pub(in crate::matching) fn of_rule(
        &self,
        kind: RouteKind,
        route: &ObjectName,
        rule: Option<&str>,
    ) -> Guards {
        let mut guards = Guards::default();
        let aims = self.routes.get(&(kind, route.clone()));
        for aim in aims.into_iter().flatten() {
            if aim.section.is_none() || aim.section.as_deref() == rule {
                guards.add(aim.policy);
            }
        }
        guards
    }
}

impl Guards {
    fn add(&mut self, policy: Option<usize>) {
        match policy {
            Some(policy) => self.policies.push(policy),
            None => self.broken = true,
        }
    }
}

fn on_listeners(
    gateway: &mut Entrance,
    section: Option<&str>,
    at: Option<usize>,
) -> Result<(), Problem> {
    let listeners = || gateway.ports.iter().flat_map(|port| &port.listeners);
    let known = section.is_none_or(|name| listeners().any(|listener| listener.name == name));
    let section = section.filter(|_| known);
    for listener in gateway
        .ports
        .iter_mut()
        .flat_map(|port| &mut port.listeners)
    {
        if section.is_none_or(|name| listener.name == name) {
            listener.guards.add(at.filter(|_| known));
        }
    }
    if known {
        Ok(())
    } else {
        Err(Problem::Access {
            reason: "the gateway has no listener of that name",
        })
    }
}

/// The names of a route's rules, if there is such a route.
fn rules<'o>(
    objects: &'o Objects,
    kind: RouteKind,
    name: &ObjectName,
) -> Option<Vec<Option<&'o str>>> {
    match kind {
        RouteKind::Http => {
            let mut routes = objects.http_routes.iter();
            let route = routes.find(|route| route.metadata.object_name() == *name)?;
            let rules = route.spec.rules.iter().flatten();
            Some(rules.map(|rule| rule.name.as_deref()).collect())
        }
        RouteKind::Grpc => {
            let mut routes = objects.grpc_routes.iter();
            let route = routes.find(|route| route.metadata.object_name() == *name)?;
            let rules = route.spec.rules.iter().flatten();
            Some(rules.map(|rule| rule.name.as_deref()).collect())
        }
    }
}

fn found(policy: &AccessPolicy, path: String, problem: Problem) -> Finding {
    Finding {
        kind: "AccessPolicy",
        object: policy.metadata.object_name(),
        path,
        problem,
    }
}

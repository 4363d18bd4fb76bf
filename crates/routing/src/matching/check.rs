//! What of compiled routes will be regretted: matches that never decide, hosts that several teams claim, rules
//! that send nobody anywhere.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::decision::ListenerName;
use super::path::Pattern;
use super::table::{Listening, Table};

/// Something about routes that their authors hardly meant. Texts name rules as `HTTPRoute ns/name rule 0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// A match never decides.
    #[error(
        "{rule}: match {entry} never decides: {by} takes its requests first, wherever it is attached"
    )]
    Shadowed {
        /// Its rule.
        rule: String,
        /// Its place in the rule, from zero.
        entry: usize,
        /// A rule that goes before it.
        by: String,
    },
    /// Routes of several namespaces are for one host.
    #[error(
        "host {host} of listener {listener} is claimed by routes of several namespaces: {routes}"
    )]
    SharedHost {
        /// The hostname, `*` for any.
        host: String,
        /// `gateway/listener`.
        listener: String,
        /// The routes.
        routes: String,
    },
    /// A policy asks who clients are where nobody says it.
    #[error(
        "AccessPolicy {policy}: nobody can pass at listener {listener}, where no AccessPolicy says by `jwt` or `basic` who \
         clients are; {rule} answers 403"
    )]
    NobodyKnown {
        /// The policy that requires something.
        policy: String,
        /// `gateway/listener`.
        listener: String,
        /// A rule that it closes, the first.
        rule: String,
    },
    /// All weights of a rule are 0.
    #[error("{rule}: all weights are 0, so its requests get 500")]
    AllDrained {
        /// The rule.
        rule: String,
    },
}

impl Table {
    /// What its routes will be sorry for, in a fixed order. O(matches and where they are attached).
    #[must_use]
    pub fn check(&self) -> Vec<Conflict> {
        let mut found: BTreeSet<Conflict> = BTreeSet::new();
        // By match: whether it decides anywhere, and who takes its requests elsewhere.
        let mut decides: HashSet<u32> = HashSet::new();
        let mut shadowed: BTreeMap<u32, u32> = BTreeMap::new();
        for (listener, listening) in self.all_listenings() {
            found.extend(self.closed(listener, listening));
            for (host, paths) in listening.hosts.entries() {
                let mut all = paths.all();
                all.sort_unstable();
                all.dedup();
                self.shadows(&all, &mut decides, &mut shadowed);
                let rules = all.iter().filter_map(|index| self.matched(*index));
                let routes: BTreeSet<_> = rules.map(|(rule, _)| rule.route).collect();
                let namespaces: BTreeSet<&str> = routes.iter().map(|r| r.namespace()).collect();
                if namespaces.len() > 1 {
                    let routes: Vec<String> = routes.iter().map(ToString::to_string).collect();
                    found.insert(Conflict::SharedHost {
                        host,
                        listener: format!("{}/{}", listener.gateway, listener.listener),
                        routes: routes.join(", "),
                    });
                }
            }
        }
        for (index, by) in shadowed.into_iter().filter(|(at, _)| !decides.contains(at)) {
            if let (Some((rule, own)), Some((by, _))) = (self.matched(index), self.matched(by)) {
                found.insert(Conflict::Shadowed {
                    rule: rule.to_string(),
                    entry: own.precedence.entry,
                    by: by.to_string(),
                });
            }
        }
        let drained = self.rules().filter(|rule| rule.is_drained());
        found.extend(drained.map(|rule| Conflict::AllDrained {
            rule: rule.name().to_string(),
        }));
        found.into_iter().collect()
    }

    /// Policies that let nobody pass at a listener, each with the first rule that it closes.
    fn closed(&self, listener: ListenerName<'_>, listening: &Listening) -> Vec<Conflict> {
        let attached = listening.hosts.entries().flat_map(|(_, paths)| paths.all());
        let attached: BTreeSet<usize> = attached.filter_map(|at| self.rule_of(at)).collect();
        let mut closed: BTreeMap<String, Conflict> = BTreeMap::new();
        for rule in attached.into_iter().filter_map(|at| self.rules.get(at)) {
            if let Some(policy) = self.access.lets_nobody(&listening.guards, &rule.guards) {
                closed
                    .entry(policy.to_string())
                    .or_insert_with(|| Conflict::NobodyKnown {
                        policy: policy.to_string(),
                        listener: format!("{}/{}", listener.gateway, listener.listener),
                        rule: rule.name().to_string(),
                    });
            }
        }
        closed.into_values().collect()
    }

    /// Of the matches of one host in order of precedence: one is shadowed by another before it that asks the same, or
    /// that takes every path. (A match that asks for less goes behind, so nothing else can shadow it.)
    fn shadows(&self, all: &[u32], decides: &mut HashSet<u32>, shadowed: &mut BTreeMap<u32, u32>) {
        let mut first: BTreeMap<String, u32> = BTreeMap::new();
        let mut everything = None;
        for index in all {
            let Some((_, candidate)) = self.matched(*index) else {
                continue;
            };
            let asks = candidate.asks();
            match first.get(&asks).copied().or(everything) {
                Some(by) => {
                    shadowed.entry(*index).or_insert(by);
                }
                None => {
                    decides.insert(*index);
                    first.insert(asks, *index);
                }
            }
            let any = matches!(&candidate.pattern, Pattern::Expression(text) if text == ".*" || text == "/.*");
            if any && candidate.asks_for_path_only() {
                everything = everything.or(Some(*index));
            }
        }
    }
}

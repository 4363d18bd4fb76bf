//! Routes of both kinds that meet at a listener for the same hosts: the API lets exactly one of two stay, the older
//! one, then the first by `namespace/name` (`GRPCRoute`, `hostnames`).

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::attach::{Attaching, Attachment, Entrances};
use super::hostname::Hostname;
use super::rule::RouteKind;
use super::source::Source;
use crate::gateway::ObjectName;

/// Gateway and listener, by their places.
type Place = (usize, usize);

/// Who may not stay where.
#[derive(Debug, Default)]
pub(super) struct Rivals {
    beaten: HashMap<(RouteKind, ObjectName), HashSet<Place>>,
}

impl Rivals {
    pub(super) fn new(routes: &[Source<'_>], entrances: &Entrances<'_>) -> Self {
        let mut rivals = Self::default();
        if routes.iter().all(|route| route.kind == RouteKind::Http) {
            return rivals;
        }
        let mut elders: Vec<&Source<'_>> = routes.iter().filter(|r| r.is_sound()).collect();
        elders.sort_by(|a, b| age(a, b));
        let mut taken: HashMap<(Place, RouteKind), Hosts> = HashMap::new();
        for route in elders {
            let other = match route.kind {
                RouteKind::Http => RouteKind::Grpc,
                RouteKind::Grpc => RouteKind::Http,
            };
            for Attachment {
                gateway,
                listener,
                hostnames,
            } in attachments(route, entrances)
            {
                let place = (gateway, listener);
                let theirs = taken.get(&(place, other));
                if theirs.is_some_and(|theirs| hostnames.iter().any(|h| theirs.meet(h))) {
                    let key = (route.kind, route.name.clone());
                    rivals.beaten.entry(key).or_default().insert(place);
                } else {
                    let ours = taken.entry((place, route.kind)).or_default();
                    hostnames.iter().for_each(|hostname| ours.add(hostname));
                }
            }
        }
        rivals
    }

    /// Takes out where a route may not stay; whether there was any.
    pub(super) fn beat(&self, route: &Source<'_>, attachments: &mut Vec<Attachment>) -> bool {
        let Some(beaten) = self.beaten.get(&(route.kind, route.name.clone())) else {
            return false;
        };
        let before = attachments.len();
        attachments.retain(|a| !beaten.contains(&(a.gateway, a.listener)));
        attachments.len() < before
    }
}

/// The elder first; a route without creation time counts as the youngest.
fn age(a: &Source<'_>, b: &Source<'_>) -> Ordering {
    let key = |route: &Source<'_>| (route.created.is_none(), route.created.map(str::to_owned));
    key(a)
        .cmp(&key(b))
        .then_with(|| (&a.name, a.kind).cmp(&(&b.name, b.kind)))
}

/// Where a route attaches, each place once.
fn attachments(route: &Source<'_>, entrances: &Entrances<'_>) -> Vec<Attachment> {
    let Ok(hostnames) = route.hostnames() else {
        return Vec::new();
    };
    let attaching = Attaching {
        kind: route.kind,
        namespace: route.name.namespace(),
        hostnames,
    };
    let mut seen = HashSet::new();
    let parents = route.parents.iter();
    parents
        .filter_map(|parent| entrances.attach(&attaching, parent).ok())
        .flatten()
        .filter(|a| seen.insert((a.gateway, a.listener)))
        .collect()
}

/// A set of hostnames that is asked whether it meets another one.
#[derive(Debug, Default)]
struct Hosts {
    any: bool,
    exact: HashSet<String>,
    below: HashSet<String>,
    /// Every domain with something of the set below it.
    above: HashSet<String>,
}

impl Hosts {
    fn add(&mut self, hostname: &Hostname) {
        match hostname {
            Hostname::Any => self.any = true,
            Hostname::Exact(host) => {
                self.above.extend(domains(host).map(str::to_owned));
                self.exact.insert(host.clone());
            }
            Hostname::Below(domain) => {
                self.above.extend(domains(domain).map(str::to_owned));
                self.below.insert(domain.clone());
            }
        }
    }

    fn meet(&self, hostname: &Hostname) -> bool {
        let within = |text: &str| self.any || domains(text).any(|d| self.below.contains(d));
        match hostname {
            // Who is here is here for some host.
            Hostname::Any => true,
            Hostname::Exact(host) => within(host) || self.exact.contains(host),
            Hostname::Below(domain) => within(domain) || self.above.contains(domain),
        }
    }
}

/// `.example.com` and `.com` of `www.example.com`; of `.example.com` as well.
fn domains(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('.').filter_map(|(at, _)| text.get(at..))
}

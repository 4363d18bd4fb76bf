//! Which listeners a route attaches to, and for which hosts there.

use std::collections::HashMap;

use super::hostname::Hostname;
use super::problem::{Obstacle, Problem};
use super::rule::RouteKind;
use crate::gateway::{
    self, FromNamespaces, GROUP, Gateway, LabelSelector, Listener, Metadata, ObjectName, Objects,
    Operator, ParentReference,
};

/// What attaching is decided by.
pub(super) struct Entrances<'o> {
    gateways: HashMap<ObjectName, (usize, &'o Gateway)>,
    namespaces: HashMap<&'o str, &'o Metadata>,
}

/// A listener and the hosts a route is for there.
pub(super) struct Attachment {
    pub(super) gateway: usize,
    pub(super) listener: usize,
    /// As the route names them, since precedence counts their characters; hosts outside the listener's never get
    /// there.
    pub(super) hostnames: Vec<Hostname>,
}

/// The route that attaches.
pub(super) struct Attaching<'o> {
    pub(super) kind: RouteKind,
    pub(super) namespace: &'o str,
    /// The hosts it is for; [`Hostname::Any`] if it names none.
    pub(super) hostnames: Vec<Hostname>,
}

impl<'o> Entrances<'o> {
    pub(super) fn new(objects: &'o Objects) -> Self {
        let gateways = objects.gateways.iter().enumerate();
        Self {
            gateways: gateways
                .map(|(at, gateway)| (gateway.metadata.object_name(), (at, gateway)))
                .collect(),
            namespaces: objects
                .namespaces
                .iter()
                .map(|n| (n.metadata.name.as_str(), &n.metadata))
                .collect(),
        }
    }

    /// Where a parent reference attaches a route; empty for a parent that is no gateway.
    pub(super) fn attach(
        &self,
        route: &Attaching<'_>,
        parent: &ParentReference,
    ) -> Result<Vec<Attachment>, Problem> {
        let group = parent.group.as_deref().unwrap_or(GROUP);
        let kind = parent.kind.as_deref().unwrap_or("Gateway");
        if group != GROUP || kind != "Gateway" {
            return Ok(Vec::new());
        }
        let namespace = parent.namespace.as_deref().unwrap_or(route.namespace);
        let name = ObjectName::new(namespace, &parent.name);
        let Some((gateway, found)) = self.gateways.get(&name) else {
            return Err(Problem::NoGateway { gateway: name });
        };
        // The reason of the listener that came closest.
        let mut closest = Obstacle::NoSuchListener;
        let mut attachments = Vec::new();
        for (listener, candidate) in found.spec.listeners.iter().enumerate() {
            match self.hostnames(route, parent, candidate, namespace) {
                Ok(hostnames) => attachments.push(Attachment {
                    gateway: *gateway,
                    listener,
                    hostnames,
                }),
                Err(obstacle) => closest = closest.max(obstacle),
            }
        }
        if attachments.is_empty() {
            return Err(Problem::NotAccepted {
                gateway: name,
                reason: closest,
            });
        }
        Ok(attachments)
    }

    fn hostnames(
        &self,
        route: &Attaching<'_>,
        parent: &ParentReference,
        listener: &Listener,
        gateway_namespace: &str,
    ) -> Result<Vec<Hostname>, Obstacle> {
        let named = parent
            .section_name
            .as_ref()
            .is_none_or(|name| *name == listener.name)
            && parent.port.is_none_or(|port| port == listener.port);
        if !named {
            return Err(Obstacle::NoSuchListener);
        }
        if scheme(listener).is_none() || !allows_kind(listener, route.kind) {
            return Err(Obstacle::Kind);
        }
        if !self.allows_namespace(listener, route.namespace, gateway_namespace) {
            return Err(Obstacle::Namespace);
        }
        let own = listener.hostname.as_deref().unwrap_or_default();
        let own = Hostname::parse(own).ok_or(Obstacle::Hostname)?;
        let hostnames: Vec<Hostname> = route
            .hostnames
            .iter()
            .filter(|hostname| own.intersection(hostname).is_some())
            .cloned()
            .collect();
        if hostnames.is_empty() {
            return Err(Obstacle::Hostname);
        }
        Ok(hostnames)
    }

    fn allows_namespace(&self, listener: &Listener, namespace: &str, own: &str) -> bool {
        let allowed = &listener.allowed_routes.namespaces;
        match allowed.from {
            FromNamespaces::Same => namespace == own,
            FromNamespaces::All => true,
            FromNamespaces::None => false,
            FromNamespaces::Selector => allowed
                .selector
                .as_ref()
                .is_some_and(|selector| self.selects(selector, namespace)),
        }
    }

    fn selects(&self, selector: &LabelSelector, namespace: &str) -> bool {
        let label = |key: &str| {
            // The API server gives every namespace this one.
            if key == "kubernetes.io/metadata.name" {
                return Some(namespace);
            }
            self.namespaces
                .get(namespace)?
                .labels
                .get(key)
                .map(String::as_str)
        };
        selector
            .match_labels
            .iter()
            .all(|(key, value)| label(key) == Some(value))
            && selector.match_expressions.iter().all(|requirement| {
                let value = label(&requirement.key);
                let listed = value.is_some_and(|v| requirement.values.iter().any(|w| w == v));
                match requirement.operator {
                    Operator::In => listed,
                    Operator::NotIn => !listed,
                    Operator::Exists => value.is_some(),
                    Operator::DoesNotExist => value.is_none(),
                }
            })
    }
}

/// The scheme of a listener's requests; `None` for one without HTTP.
pub(super) fn scheme(listener: &Listener) -> Option<&'static str> {
    match listener.protocol.as_str() {
        "HTTP" => Some("http"),
        "HTTPS" => Some("https"),
        _ => None,
    }
}

/// Whether routes of a kind may attach to a listener.
pub(super) fn allows_kind(listener: &Listener, kind: RouteKind) -> bool {
    let kinds = &listener.allowed_routes.kinds;
    kinds.is_empty() || kinds.iter().any(|allowed| is_kind(allowed, kind))
}

/// Whether a listener's entry names a kind.
pub(super) fn is_kind(allowed: &gateway::RouteKind, kind: RouteKind) -> bool {
    allowed.group.as_deref().unwrap_or(GROUP) == GROUP && allowed.kind == kind.name()
}

//! What is made of objects, in the words of the Gateway API's status: which gateways, listeners and routes are
//! accepted, resolved and programmed, and if not, by which of the API's reasons.
//!
//! Types, reasons and their meaning are those of `apis/v1` of Gateway API 1.6. Nothing is written here: whoever
//! watches a cluster puts conditions beside the generation they are about, and the time they changed.
//!
//! Routes have conditions for every parent that is among the objects; other gateways are somebody else's to speak for.

mod listener;
mod route;

use std::collections::BTreeSet;

use super::rule::RouteKind;
use super::table::Table;
use crate::gateway::{ObjectName, Objects};
use listener::Judgement;

/// What listeners depend on beside the objects.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Ground {
    /// Secrets with a certificate and its key that can be served.
    pub certificates: BTreeSet<ObjectName>,
    /// Ports that are listened to.
    pub ports: BTreeSet<u16>,
}

/// One condition, without time and generation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Condition {
    /// Its type.
    pub kind: &'static str,
    /// Whether it is `True`; else it is `False`.
    pub holds: bool,
    /// The API's reason.
    pub reason: &'static str,
    /// The same for people; empty if all is well.
    pub message: String,
}

/// Status of a `Gateway`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GatewayStatus {
    /// Which.
    pub gateway: ObjectName,
    /// `Accepted` and `Programmed`.
    pub conditions: Vec<Condition>,
    /// In the gateway's order.
    pub listeners: Vec<ListenerStatus>,
}

/// Status of a listener.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListenerStatus {
    /// Its name.
    pub name: String,
    /// Kinds of routes that may attach and are known here.
    pub supported_kinds: Vec<RouteKind>,
    /// How many routes do, whether or not they can be carried out.
    pub attached_routes: usize,
    /// `Accepted`, `Conflicted`, `ResolvedRefs` and `Programmed`.
    pub conditions: Vec<Condition>,
}

/// Status of a route.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouteStatus {
    /// Its kind.
    pub kind: RouteKind,
    /// Which.
    pub route: ObjectName,
    /// Of those of its parents that are among the objects.
    pub parents: Vec<ParentStatus>,
}

/// What becomes of a route at a parent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ParentStatus {
    /// The place of the reference in `spec.parentRefs`.
    pub parent: usize,
    /// `Accepted` and `ResolvedRefs`.
    pub conditions: Vec<Condition>,
}

/// What is made of all objects.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Statuses {
    /// Of gateways, in their order.
    pub gateways: Vec<GatewayStatus>,
    /// Of routes with a parent among the objects.
    pub routes: Vec<RouteStatus>,
}

impl Statuses {
    /// Says it. Compiles the objects, so it costs what [`Table::compile`] does.
    #[must_use]
    pub fn of(objects: &Objects, ground: &Ground) -> Self {
        let (table, findings) = Table::compile(objects);
        let judged = Judgement::all(objects, ground);
        let gateways = objects.gateways.iter().zip(&judged);
        Self {
            gateways: gateways
                .map(|(gateway, judged)| listener::status(gateway, judged, &table))
                .collect(),
            routes: route::statuses(objects, &findings),
        }
    }
}

impl Ground {
    /// Certificates and ports.
    #[must_use]
    pub fn new(
        certificates: impl IntoIterator<Item = ObjectName>,
        ports: impl IntoIterator<Item = u16>,
    ) -> Self {
        Self {
            certificates: certificates.into_iter().collect(),
            ports: ports.into_iter().collect(),
        }
    }

    /// Takes out of objects what of listeners cannot be programmed: the listeners, and references to certificates of
    /// those that can do without them.
    pub fn keep_programmed(&self, objects: &mut Objects) {
        let judged = Judgement::all(objects, self);
        for (gateway, judged) in objects.gateways.iter_mut().zip(judged) {
            let mut judged = judged.into_iter();
            gateway.spec.listeners.retain_mut(|listener| {
                let Some(judgement) = judged.next() else {
                    return false;
                };
                listener.tls.certificate_refs = judgement.certificates.clone();
                judgement.is_programmed()
            });
        }
    }
}

impl Condition {
    /// A condition without a message.
    #[must_use]
    pub fn new(kind: &'static str, holds: bool, reason: &'static str) -> Self {
        Self {
            kind,
            holds,
            reason,
            message: String::new(),
        }
    }

    /// With words for people.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }
}

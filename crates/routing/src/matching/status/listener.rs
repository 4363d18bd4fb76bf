//! Gateways and their listeners: which can serve, and what stands in the way of the others.
//!
//! Listeners of one gateway and port that are not distinct (the same hostname, or HTTP beside HTTPS) are all refused,
//! as the API says. Of several gateways that share a port the oldest decides whether it speaks TLS.

use std::collections::BTreeMap;

use super::super::attach::{allows_kind, is_kind, scheme};
use super::super::hostname::Hostname;
use super::super::rule::RouteKind;
use super::super::table::Table;
use super::{Condition, GatewayStatus, Ground, ListenerStatus};
use crate::gateway::{CertificateReference, Gateway, Listener, ObjectName, Objects};

type Fault = Option<(&'static str, String)>;

/// What is found of a listener.
pub(super) struct Judgement {
    kinds: Vec<RouteKind>,
    /// Those of its certificates that can be served.
    pub(super) certificates: Vec<CertificateReference>,
    refused: Fault,
    conflict: Fault,
    unresolved: Fault,
    without_certificate: bool,
}

impl Judgement {
    /// By gateway and listener, in their order.
    pub(super) fn all(objects: &Objects, ground: &Ground) -> Vec<Vec<Self>> {
        let schemes = schemes(objects);
        let gateways = objects.gateways.iter();
        let judge = |gateway: &Gateway| {
            let listeners = gateway.spec.listeners.iter();
            let judge = |listener| Self::of(gateway, listener, objects, ground, &schemes);
            listeners.map(judge).collect()
        };
        gateways.map(judge).collect()
    }

    fn of(
        gateway: &Gateway,
        listener: &Listener,
        objects: &Objects,
        ground: &Ground,
        schemes: &BTreeMap<u16, &'static str>,
    ) -> Self {
        let kinds = [RouteKind::Http, RouteKind::Grpc].into_iter();
        let takes = |kind: &RouteKind| scheme(listener).is_some() && allows_kind(listener, *kind);
        let kinds: Vec<RouteKind> = kinds.filter(takes).collect();
        let mut unresolved = unknown_kind(listener);
        let mut certificates = Vec::new();
        let secure = scheme(listener) == Some("https");
        if secure {
            let name = gateway.metadata.object_name();
            for reference in &listener.tls.certificate_refs {
                match certificate(&name, reference, objects, ground) {
                    Ok(()) => certificates.push(reference.clone()),
                    Err(fault) => unresolved = unresolved.or(Some(fault)),
                }
            }
            if listener.tls.certificate_refs.is_empty() {
                let none = "tls.certificateRefs names no certificate".to_owned();
                unresolved = unresolved.or(Some(("InvalidCertificateRef", none)));
            }
        }
        Self {
            refused: refused(listener, ground),
            conflict: conflict(gateway, listener, schemes),
            unresolved,
            without_certificate: secure && certificates.is_empty(),
            kinds,
            certificates,
        }
    }

    pub(super) fn is_programmed(&self) -> bool {
        let stands = self.refused.is_none() && self.conflict.is_none();
        stands && !self.kinds.is_empty() && !self.without_certificate
    }

    fn conditions(&self) -> Vec<Condition> {
        let said = |fault: &Fault, kind, well| match fault {
            None => Condition::new(kind, true, well),
            Some((reason, message)) => {
                Condition::new(kind, false, reason).with_message(message.clone())
            }
        };
        let conflicted = match &self.conflict {
            None => Condition::new("Conflicted", false, "NoConflicts"),
            Some((reason, message)) => {
                Condition::new("Conflicted", true, reason).with_message(message)
            }
        };
        let programmed = if self.is_programmed() {
            Condition::new("Programmed", true, "Programmed")
        } else {
            let mut faults = [&self.refused, &self.conflict, &self.unresolved].into_iter();
            let message = faults.find_map(|fault| Some(fault.as_ref()?.1.clone()));
            Condition::new("Programmed", false, "Invalid").with_message(message.unwrap_or_default())
        };
        vec![
            said(&self.refused, "Accepted", "Accepted"),
            conflicted,
            said(&self.unresolved, "ResolvedRefs", "ResolvedRefs"),
            programmed,
        ]
    }
}

pub(super) fn status(gateway: &Gateway, judged: &[Judgement], table: &Table) -> GatewayStatus {
    let name = gateway.metadata.object_name();
    let usable = judged.iter().filter(|j| j.is_programmed()).count();
    let broken: Vec<&str> = gateway
        .spec
        .listeners
        .iter()
        .zip(judged)
        .filter(|(_, judgement)| !judgement.is_programmed())
        .map(|(listener, _)| listener.name.as_str())
        .collect();
    let message = format!("listeners that cannot serve: {}", broken.join(", "));
    let accepted = match (usable, broken.is_empty()) {
        (_, true) => Condition::new("Accepted", true, "Accepted"),
        (0, false) => {
            Condition::new("Accepted", false, "ListenersNotValid").with_message(message.clone())
        }
        (_, false) => Condition::new("Accepted", true, "ListenersNotValid").with_message(&message),
    };
    let programmed = if usable > 0 {
        Condition::new("Programmed", true, "Programmed")
    } else {
        Condition::new("Programmed", false, "Invalid").with_message(message)
    };
    let listeners = gateway.spec.listeners.iter().zip(judged);
    let listeners = listeners.map(|(listener, judgement)| ListenerStatus {
        name: listener.name.clone(),
        supported_kinds: judgement.kinds.clone(),
        attached_routes: table.attached_routes(&name, &listener.name),
        conditions: judgement.conditions(),
    });
    GatewayStatus {
        listeners: listeners.collect(),
        conditions: vec![accepted, programmed],
        gateway: name,
    }
}

/// What each port speaks: what the oldest gateway says that has it, of two of one age the first by name.
fn schemes(objects: &Objects) -> BTreeMap<u16, &'static str> {
    let mut gateways: Vec<&Gateway> = objects.gateways.iter().collect();
    gateways.sort_by_key(|gateway| {
        let created = gateway.metadata.creation_timestamp.as_deref();
        (created.is_none(), created, gateway.metadata.object_name())
    });
    let mut schemes = BTreeMap::new();
    for listener in gateways.iter().flat_map(|g| &g.spec.listeners) {
        if let Some(scheme) = scheme(listener) {
            schemes.entry(listener.port).or_insert(scheme);
        }
    }
    schemes
}

fn refused(listener: &Listener, ground: &Ground) -> Fault {
    if scheme(listener).is_none() {
        let message = format!("{} is not served, HTTP and HTTPS are", listener.protocol);
        return Some(("UnsupportedProtocol", message));
    }
    let mode = listener.tls.mode.as_deref();
    if mode.is_some_and(|mode| mode != "Terminate") {
        let message = "TLS is ended here: tls.mode is Terminate".to_owned();
        return Some(("UnsupportedValue", message));
    }
    let hostname = listener.hostname.as_deref().unwrap_or_default();
    if Hostname::parse(hostname).is_none() {
        let message = format!("`{hostname}` is not a hostname");
        return Some(("UnsupportedValue", message));
    }
    if !ground.ports.contains(&listener.port) {
        let message = format!("port {} is not listened to", listener.port);
        return Some(("PortUnavailable", message));
    }
    None
}

fn conflict(
    gateway: &Gateway,
    listener: &Listener,
    schemes: &BTreeMap<u16, &'static str>,
) -> Fault {
    let host = |listener: &Listener| listener.hostname.clone().unwrap_or_default();
    let own = scheme(listener)?;
    let others = gateway.spec.listeners.iter();
    let mut others = others.filter(|o| o.port == listener.port && o.name != listener.name);
    let message = |other: &Listener, what| format!("listener {} has the same {what}", other.name);
    if let Some(other) = others
        .clone()
        .find(|o| scheme(o).is_some_and(|scheme| scheme != own))
    {
        let message = message(other, "port and another protocol");
        return Some(("ProtocolConflict", message));
    }
    if schemes.get(&listener.port) != Some(&own) {
        let message = format!(
            "port {} of another gateway has another protocol",
            listener.port
        );
        return Some(("ProtocolConflict", message));
    }
    let same = others.find(|o| scheme(o) == Some(own) && host(o) == host(listener))?;
    Some(("HostnameConflict", message(same, "port and hostname")))
}

fn unknown_kind(listener: &Listener) -> Fault {
    let known = |kind| [RouteKind::Http, RouteKind::Grpc].map(|own| is_kind(kind, own));
    let mut kinds = listener.allowed_routes.kinds.iter();
    let unknown = kinds.find(|kind| !known(kind).contains(&true))?;
    let message = format!("{} is no kind of route that is known here", unknown.kind);
    Some(("InvalidRouteKinds", message))
}

fn certificate(
    gateway: &ObjectName,
    reference: &CertificateReference,
    objects: &Objects,
    ground: &Ground,
) -> Result<(), (&'static str, String)> {
    let namespace = reference.namespace.as_deref();
    let secret = ObjectName::new(namespace.unwrap_or(gateway.namespace()), &reference.name);
    let group = reference.group.as_deref().unwrap_or_default();
    let kind = reference.kind.as_deref().unwrap_or("Secret");
    if secret.namespace() != gateway.namespace()
        && !objects.grants("Gateway", gateway.namespace(), kind, &secret)
    {
        let message = format!("no ReferenceGrant allows the reference to {secret}");
        return Err(("RefNotPermitted", message));
    }
    if !group.is_empty() || kind != "Secret" {
        let message = format!("{secret}: certificates are Secrets, not {kind}");
        return Err(("InvalidCertificateRef", message));
    }
    if !ground.certificates.contains(&secret) {
        let message = format!("there is no Secret {secret} with a usable certificate and key");
        return Err(("InvalidCertificateRef", message));
    }
    Ok(())
}

//! Which service a reference means, and whether it may be used.

use std::collections::HashMap;
use std::fmt;

use super::decision::Refusal;
use super::rule::RouteKind;
use crate::gateway::pool::SERVICE_NAME;
use crate::gateway::{BackendReference, ObjectName, Objects, Service};

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Backend {
    /// The service.
    pub service: ObjectName,
    /// Its port.
    pub port: u16,
    /// What is spoken there, like `kubernetes.io/h2c`; HTTP/1.1 if absent.
    pub app_protocol: Option<String>,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.port)
    }
}

/// What a reference stands for.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) backend: Backend,
    /// Whether its objects name anybody to send to; true if they say nothing.
    pub(super) is_served: bool,
}

impl Resolved {
    /// The backend, if there is anybody.
    pub(super) fn served(self) -> Result<Backend, Refusal> {
        match self.is_served {
            true => Ok(self.backend),
            false => Err(Refusal::NoReadyEndpoint),
        }
    }
}

/// What references are looked up in.
pub(super) struct Services<'o> {
    services: HashMap<ObjectName, &'o Service>,
    /// Services with slices: whether any endpoint of any is ready.
    ready: HashMap<ObjectName, bool>,
    objects: &'o Objects,
}

impl<'o> Services<'o> {
    pub(super) fn new(objects: &'o Objects) -> Self {
        let services = objects
            .services
            .iter()
            .map(|service| (service.metadata.object_name(), service));
        let mut ready: HashMap<ObjectName, bool> = HashMap::new();
        for slice in &objects.endpoint_slices {
            if let Some(name) = slice.metadata.labels.get(SERVICE_NAME) {
                let name = ObjectName::new(slice.metadata.namespace(), name);
                let any = slice
                    .endpoints
                    .iter()
                    .any(|e| e.conditions.ready != Some(false));
                *ready.entry(name).or_default() |= any;
            }
        }
        Self {
            services: services.collect(),
            ready,
            objects,
        }
    }

    /// The name a reference in `namespace` has.
    pub(super) fn name(reference: &BackendReference, namespace: &str) -> ObjectName {
        let namespace = reference.namespace.as_deref().unwrap_or(namespace);
        ObjectName::new(namespace, &reference.name)
    }

    pub(super) fn resolve(
        &self,
        reference: &BackendReference,
        kind: RouteKind,
        namespace: &str,
    ) -> Result<Resolved, Refusal> {
        let group = reference.group.as_deref().unwrap_or_default();
        let target = reference.kind.as_deref().unwrap_or("Service");
        if !group.is_empty() || target != "Service" {
            return Err(Refusal::BackendKind);
        }
        let name = Self::name(reference, namespace);
        // Before looking it up: without a grant nobody learns what the namespace holds.
        if name.namespace() != namespace
            && !self
                .objects
                .grants(kind.name(), namespace, "Service", &name)
        {
            return Err(Refusal::NotGranted);
        }
        let service = self.services.get(&name).ok_or(Refusal::BackendNotFound)?;
        if service.spec.kind.as_deref() == Some("ExternalName") {
            return Err(Refusal::ExternalName);
        }
        let port = reference.port.ok_or(Refusal::BackendPort)?;
        let tcp = |protocol: Option<&str>| matches!(protocol, None | Some("TCP"));
        let mut ports = service.spec.ports.iter();
        let found = ports.find(|p| p.port == port && tcp(p.protocol.as_deref()));
        let found = found.ok_or(Refusal::BackendPort)?;
        Ok(Resolved {
            is_served: self.ready.get(&name) != Some(&false) || self.has_endpoints(&name, port),
            backend: Backend {
                service: name,
                port,
                app_protocol: found.app_protocol.clone(),
            },
        })
    }

    /// Whether its pool has anybody to send to: a policy may name other sites than the service's own slices.
    fn has_endpoints(&self, service: &ObjectName, port: u16) -> bool {
        let mut sites = self.objects.pool(service, port).sites.into_iter();
        sites.any(|site| {
            !site.weight.is_zero() && site.endpoints.iter().any(|e| !e.weight.is_zero())
        })
    }
}

//! What is watched: where the API server has it, and how it is read.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use narae_routing::gateway::{
    EndpointSlice, Gateway, GrpcRoute, HttpRoute, Namespace, ObjectName, ReferenceGrant, Service,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Entry;
use crate::tls::{Certificate, CertificateError};

/// A resource of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Resource {
    GatewayClass,
    Gateway,
    HttpRoute,
    GrpcRoute,
    ReferenceGrant,
    Service,
    EndpointSlice,
    Namespace,
    Certificate,
}

/// One object, as far as it matters.
pub(super) enum Held {
    /// The name of its controller.
    GatewayClass(String),
    Gateway(Gateway),
    HttpRoute(HttpRoute),
    GrpcRoute(GrpcRoute),
    ReferenceGrant(ReferenceGrant),
    Service(Service),
    EndpointSlice(EndpointSlice),
    Namespace(Namespace),
    Certificate(Certificate),
}

impl Resource {
    pub(super) const ALL: [Self; 9] = [
        Self::GatewayClass,
        Self::Gateway,
        Self::HttpRoute,
        Self::GrpcRoute,
        Self::ReferenceGrant,
        Self::Service,
        Self::EndpointSlice,
        Self::Namespace,
        Self::Certificate,
    ];

    /// Group with version, and the plural by which the API knows it.
    fn path(self) -> (&'static str, &'static str) {
        let gateway = "/apis/gateway.networking.k8s.io/v1";
        match self {
            Self::GatewayClass => (gateway, "gatewayclasses"),
            Self::Gateway => (gateway, "gateways"),
            Self::HttpRoute => (gateway, "httproutes"),
            Self::GrpcRoute => (gateway, "grpcroutes"),
            // Served since the first release of the API; `v1` is not.
            Self::ReferenceGrant => ("/apis/gateway.networking.k8s.io/v1beta1", "referencegrants"),
            Self::Service => ("/api/v1", "services"),
            Self::EndpointSlice => ("/apis/discovery.k8s.io/v1", "endpointslices"),
            Self::Namespace => ("/api/v1", "namespaces"),
            Self::Certificate => ("/api/v1", "secrets"),
        }
    }

    /// Where all of them are.
    pub(super) fn everywhere(self) -> String {
        let (group, plural) = self.path();
        format!("{group}/{plural}")
    }

    /// Where those beside one are.
    pub(super) fn beside(self, name: &ObjectName) -> String {
        let (group, plural) = self.path();
        if self == Self::GatewayClass {
            return self.everywhere();
        }
        format!("{group}/namespaces/{}/{plural}", name.namespace())
    }

    /// Which of them are asked for.
    pub(super) fn fields(self) -> Option<&'static str> {
        (self == Self::Certificate).then_some("type=kubernetes.io/tls")
    }

    /// Whether status is written here, and every other change is a new generation.
    pub(super) fn has_status(self) -> bool {
        matches!(
            self,
            Self::GatewayClass | Self::Gateway | Self::HttpRoute | Self::GrpcRoute
        )
    }

    /// Reads an object. The error never quotes it.
    pub(super) fn read(self, object: Value) -> Result<(ObjectName, Entry), UnreadableError> {
        let Identity { metadata } = typed(&object)?;
        let name = ObjectName::new(
            metadata.namespace.as_deref().unwrap_or("default"),
            &metadata.name,
        );
        let wrong = |_| UnreadableError {
            what: format!("{self} {name}"),
        };
        let part = |pointer: &str| object.pointer(pointer).cloned().unwrap_or_default();
        let (status, parents) = if self.has_status() {
            (part("/status"), part("/spec/parentRefs"))
        } else {
            (Value::Null, Value::Null)
        };
        let held = match self {
            Self::GatewayClass => {
                let controller = object.pointer("/spec/controllerName");
                let controller = controller.and_then(Value::as_str).unwrap_or_default();
                Held::GatewayClass(controller.to_owned())
            }
            Self::Gateway => Held::Gateway(typed(&object).map_err(wrong)?),
            Self::HttpRoute => Held::HttpRoute(typed(&object).map_err(wrong)?),
            Self::GrpcRoute => Held::GrpcRoute(typed(&object).map_err(wrong)?),
            Self::ReferenceGrant => Held::ReferenceGrant(typed(&object).map_err(wrong)?),
            Self::Service => Held::Service(typed(&object).map_err(wrong)?),
            Self::EndpointSlice => Held::EndpointSlice(typed(&object).map_err(wrong)?),
            Self::Namespace => Held::Namespace(typed(&object).map_err(wrong)?),
            Self::Certificate => match certificate(&object) {
                Ok(certificate) => Held::Certificate(certificate),
                Err(cause) => {
                    let what = format!("{self} {name}: {cause}");
                    return Err(UnreadableError { what });
                }
            },
        };
        let entry = Entry {
            held,
            generation: metadata.generation,
            version: metadata.resource_version,
            status,
            parents,
        };
        Ok((name, entry))
    }

    /// The name of an object, whatever else is in it.
    pub(super) fn name(object: &Value) -> Option<ObjectName> {
        let Identity { metadata } = typed(object).ok()?;
        let namespace = metadata.namespace.as_deref().unwrap_or("default");
        Some(ObjectName::new(namespace, &metadata.name))
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path().1)
    }
}

fn typed<T: DeserializeOwned>(object: &Value) -> Result<T, UnreadableError> {
    T::deserialize(object).map_err(|_| UnreadableError {
        what: "an object".to_owned(),
    })
}

fn certificate(secret: &Value) -> Result<Certificate, CertificateError> {
    let part = |pointer: &str| {
        let text = secret.pointer(pointer).and_then(Value::as_str);
        let bytes = text.and_then(|text| STANDARD.decode(text).ok());
        bytes.ok_or(CertificateError::Shape)
    };
    Certificate::from_pem(&part("/data/tls.crt")?, &part("/data/tls.key")?)
}

#[derive(Deserialize)]
struct Identity {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    generation: i64,
    #[serde(default)]
    resource_version: String,
}

/// An object that is not what the API says.
#[derive(Debug, thiserror::Error)]
#[error("{what} cannot be read, and takes no part")]
pub(super) struct UnreadableError {
    what: String,
}

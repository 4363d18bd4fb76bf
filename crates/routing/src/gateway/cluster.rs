//! What decisions need of the core API: services, who stands behind them, namespaces.

use serde::Deserialize;

use super::read::null_is_default;
use super::{Metadata, Object};

/// A `Service`.
pub type Service = Object<ServiceSpec>;

/// What of a service matters here.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct ServiceSpec {
    /// `ClusterIP` if absent.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// The ports it offers.
    #[serde(default, deserialize_with = "null_is_default")]
    pub ports: Vec<ServicePort>,
}

/// A port of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServicePort {
    /// Its name, by which slices know it; may be absent if it is the only one.
    #[serde(default)]
    pub name: Option<String>,
    /// Its number.
    #[serde(default)]
    pub port: u16,
    /// `TCP` if absent.
    #[serde(default)]
    pub protocol: Option<String>,
    /// What is spoken there, like `kubernetes.io/h2c`; HTTP/1.1 if absent.
    #[serde(default)]
    pub app_protocol: Option<String>,
}

/// An `EndpointSlice`; the label `kubernetes.io/service-name` says whose.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct EndpointSlice {
    /// Name, namespace and the label.
    #[serde(default)]
    pub metadata: Metadata,
    /// Who is there.
    #[serde(default, deserialize_with = "null_is_default")]
    pub endpoints: Vec<Endpoint>,
    /// Where they listen.
    #[serde(default, deserialize_with = "null_is_default")]
    pub ports: Vec<EndpointPort>,
}

/// A port of all endpoints of a slice.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct EndpointPort {
    /// The name of the service's port.
    #[serde(default)]
    pub name: Option<String>,
    /// Where its endpoints listen.
    #[serde(default)]
    pub port: Option<u16>,
}

/// One endpoint of a slice.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its addresses, which stand for one and the same: the first counts.
    #[serde(default, deserialize_with = "null_is_default")]
    pub addresses: Vec<String>,
    /// In which state it is.
    #[serde(default, deserialize_with = "null_is_default")]
    pub conditions: EndpointConditions,
}

/// The state of an endpoint.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct EndpointConditions {
    /// Whether it takes traffic; unknown counts as yes, as the API says.
    #[serde(default)]
    pub ready: Option<bool>,
}

/// A `Namespace`.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Namespace {
    /// Its name and labels.
    #[serde(default)]
    pub metadata: Metadata,
}

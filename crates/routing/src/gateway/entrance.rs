//! Where requests come in and who may attach there: `Gateway` and `ReferenceGrant`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Object;
use super::read::{Unread, null_is_default};

/// A `Gateway`.
pub type Gateway = Object<GatewaySpec>;

/// What a gateway listens to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "unread fields are named so that they are known")]
#[non_exhaustive]
pub struct GatewaySpec {
    /// Its class, which says whose business it is.
    #[serde(default)]
    pub gateway_class_name: String,
    /// Its listeners, each with a name of its own.
    #[serde(default, deserialize_with = "null_is_default")]
    pub listeners: Vec<Listener>,
    #[serde(default)]
    addresses: Unread,
    #[serde(default)]
    infrastructure: Unread,
    #[serde(default)]
    allowed_listeners: Unread,
    #[serde(default)]
    tls: Unread,
}

/// One listener of a gateway.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Listener {
    /// What `sectionName` refers to.
    #[serde(default)]
    pub name: String,
    /// The host it takes; every host if absent or empty.
    #[serde(default)]
    pub hostname: Option<String>,
    /// Where it listens.
    #[serde(default)]
    pub port: u16,
    /// `HTTP` or `HTTPS`; routes of other protocols are not for this crate.
    #[serde(default)]
    pub protocol: String,
    /// Which routes may attach.
    #[serde(default, deserialize_with = "null_is_default")]
    pub allowed_routes: AllowedRoutes,
    /// For `HTTPS`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub tls: ListenerTls,
}

/// How a listener speaks TLS.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "unread fields are named so that they are known")]
#[non_exhaustive]
pub struct ListenerTls {
    /// `Terminate` if absent; `Passthrough` is not for routes of HTTP.
    #[serde(default)]
    pub mode: Option<String>,
    /// Secrets with a certificate and its key.
    #[serde(default, deserialize_with = "null_is_default")]
    pub certificate_refs: Vec<CertificateReference>,
    #[serde(default)]
    options: Unread,
    #[serde(default)]
    frontend_validation: Unread,
}

/// A secret with a certificate.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct CertificateReference {
    /// Core if absent.
    #[serde(default)]
    pub group: Option<String>,
    /// `Secret` if absent.
    #[serde(default)]
    pub kind: Option<String>,
    /// The gateway's own if absent.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// Which routes may attach to a listener.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct AllowedRoutes {
    /// From which namespaces.
    #[serde(default, deserialize_with = "null_is_default")]
    pub namespaces: AllowedNamespaces,
    /// Of which kinds; those of the listener's protocol if empty.
    #[serde(default, deserialize_with = "null_is_default")]
    pub kinds: Vec<RouteKind>,
}

/// From which namespaces routes may attach.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct AllowedNamespaces {
    /// The gateway's own if absent.
    #[serde(default)]
    pub from: FromNamespaces,
    /// For [`FromNamespaces::Selector`].
    #[serde(default)]
    pub selector: Option<LabelSelector>,
}

/// How a listener names namespaces.
#[expect(clippy::exhaustive_enums, reason = "the API's four")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum FromNamespaces {
    /// The gateway's own namespace.
    #[default]
    Same,
    /// Every namespace.
    All,
    /// Those with matching labels.
    Selector,
    /// None.
    None,
}

/// A Kubernetes label selector: all its parts must hold; an empty one selects everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LabelSelector {
    /// Labels that must have these values.
    #[serde(default, deserialize_with = "null_is_default")]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements.
    #[serde(default, deserialize_with = "null_is_default")]
    pub match_expressions: Vec<Requirement>,
}

/// One requirement of a label selector.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// What must hold for it.
    pub operator: Operator,
    /// The values of [`Operator::In`] and [`Operator::NotIn`].
    #[serde(default, deserialize_with = "null_is_default")]
    pub values: Vec<String>,
}

/// What must hold for a label.
#[expect(clippy::exhaustive_enums, reason = "Kubernetes' four")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Operator {
    /// It is there with one of the values.
    In,
    /// It is absent or has another value.
    NotIn,
    /// It is there.
    Exists,
    /// It is absent.
    DoesNotExist,
}

/// A kind of route.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct RouteKind {
    /// The Gateway API's if absent.
    #[serde(default)]
    pub group: Option<String>,
    /// `HTTPRoute`, `GRPCRoute` …
    pub kind: String,
}

/// A `ReferenceGrant`: its namespace lets others refer into it.
pub type ReferenceGrant = Object<ReferenceGrantSpec>;

/// Whom a grant lets refer to what: each of the one to each of the other.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct ReferenceGrantSpec {
    /// Who may refer.
    #[serde(default, deserialize_with = "null_is_default")]
    pub from: Vec<GrantFrom>,
    /// To what.
    #[serde(default, deserialize_with = "null_is_default")]
    pub to: Vec<GrantTo>,
}

/// Who may refer.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct GrantFrom {
    /// API group of the referrer.
    #[serde(default)]
    pub group: String,
    /// Kind of the referrer.
    pub kind: String,
    /// Namespace of the referrer.
    pub namespace: String,
}

/// What may be referred to.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct GrantTo {
    /// API group; empty for core.
    #[serde(default)]
    pub group: String,
    /// Kind.
    pub kind: String,
    /// One object, or all of the kind if absent.
    #[serde(default)]
    pub name: Option<String>,
}

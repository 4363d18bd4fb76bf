//! Gateway API objects, as people apply them, and what that API has no word for: [`TrafficPolicy`] and
//! [`AccessPolicy`].
//!
//! The types mirror `gateway.networking.k8s.io/v1` (and `v1beta1` where that has the same fields),
//! plus what is needed of core `Service`, `Namespace` and `EndpointSlice`. They hold what decides
//! where a request goes and read past the rest (labels of pods, addresses of gateways, status). Names and defaults
//! are the API's: a field left out, or null, has the value the API server would put there.
//!
//! They implement serde's `Deserialize`, so any reader of YAML or JSON fills them; wrap it in
//! `serde_ignored` to hear of fields that are not part of the API. [`matching`](crate::matching)
//! makes decisions of them, and there the values are checked.

mod access;
mod cluster;
mod duration;
mod entrance;
mod filter;
mod policy;
pub(crate) mod pool;
mod read;
mod route;
mod scenario;

pub use access::{
    AccessPolicy, AccessPolicySpec, AccessTarget, BasicSpec, ClaimHeader, ConditionSpec,
    HtpasswdSource, IdentityHeaders, JwksSource, JwtSpec, RequireSpec,
};
pub use cluster::{
    Endpoint, EndpointConditions, EndpointPort, EndpointSlice, Namespace, Service, ServicePort,
    ServiceSpec,
};
pub use duration::{ApiDuration, ApiDurationError};
pub use entrance::{
    AllowedNamespaces, AllowedRoutes, CertificateReference, FromNamespaces, Gateway, GatewaySpec,
    GrantFrom, GrantTo, LabelSelector, Listener, ListenerTls, Operator, ReferenceGrant,
    ReferenceGrantSpec, Requirement, RouteKind,
};
pub use filter::{
    CorsFilter, DirectResponse, Filter, Fraction, HeaderFilter, HeaderValue, MirrorFilter,
    PathModifier, PathModifierType, RedirectFilter, ResponseBody, RewriteFilter,
};
pub use policy::{
    BreakerSpec, EndpointSpec, FailoverSpec, HealthCheckSpec, OutlierSpec, POLICY_GROUP, RetrySpec,
    SiteSpec, TargetReference, TrafficPolicy, TrafficPolicySpec,
};
pub use route::{
    BackendReference, GrpcMatch, GrpcMethodMatch, GrpcRoute, GrpcRouteRule, HttpMatch, HttpRoute,
    HttpRouteRule, Lifetime, MatchType, NameMatch, ParentReference, PathMatch, PathMatchType,
    Retry, RouteSpec, SessionCookie, SessionHeader, SessionPersistence, SessionType, Timeouts,
};

pub use scenario::{Deed, EventSpec, LoadSpec, ScenarioError, Simulation, SimulationSpec, Value};

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// The API group of routes and gateways.
pub const GROUP: &str = "gateway.networking.k8s.io";

/// Everything that decides about requests, by kind, in the order it was read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Objects {
    /// Where requests come in.
    pub gateways: Vec<Gateway>,
    /// What HTTP requests do.
    pub http_routes: Vec<HttpRoute>,
    /// What gRPC requests do.
    pub grpc_routes: Vec<GrpcRoute>,
    /// Where requests go.
    pub services: Vec<Service>,
    /// Whether there is anybody: without any slice of a service, its endpoints count as ready.
    pub endpoint_slices: Vec<EndpointSlice>,
    /// Who lets whom refer across namespaces.
    pub reference_grants: Vec<ReferenceGrant>,
    /// Labels that listeners select by.
    pub namespaces: Vec<Namespace>,
    /// How the endpoints of services are kept.
    pub traffic_policies: Vec<TrafficPolicy>,
    /// Who clients are and what they may.
    pub access_policies: Vec<AccessPolicy>,
    /// What policies are tried against.
    pub simulations: Vec<Simulation>,
}

impl Objects {
    /// Whether objects of this API's kind `from` in a namespace may refer to a core object elsewhere.
    #[must_use]
    pub fn grants(&self, from: &str, namespace: &str, to: &str, target: &ObjectName) -> bool {
        let granting = self.reference_grants.iter();
        let mut here = granting.filter(|g| g.metadata.namespace() == target.namespace());
        here.any(|grant| {
            let is_from =
                |g: &GrantFrom| g.group == GROUP && g.kind == from && g.namespace == namespace;
            let is_to = |g: &GrantTo| {
                let named = g.name.as_deref().is_none_or(|name| name == target.name());
                g.group.is_empty() && g.kind == to && named
            };
            grant.spec.from.iter().any(is_from) && grant.spec.to.iter().any(is_to)
        })
    }
}

/// An object with metadata and a specification.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de> + Default"))]
#[non_exhaustive]
pub struct Object<S> {
    /// Name, namespace, age.
    #[serde(default)]
    pub metadata: Metadata,
    /// What it says.
    #[serde(default)]
    pub spec: S,
}

/// What the decisions need of an object's metadata.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Metadata {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its namespace; `default` where none is written.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Its labels.
    #[serde(default, deserialize_with = "read::null_is_default")]
    pub labels: BTreeMap<String, String>,
    /// When it was created, in RFC 3339 and UTC as the API server writes it.
    #[serde(default)]
    pub creation_timestamp: Option<String>,
}

impl Metadata {
    /// The namespace it is in.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// Namespace and name.
    #[must_use]
    pub fn object_name(&self) -> ObjectName {
        ObjectName::new(self.namespace(), &self.name)
    }
}

/// Which object of a kind: `namespace/name`, and ordered as that text is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectName {
    // INVARIANT: the two parts around the slash at `slash`; one text, because ties between routes
    // are broken by comparing this very text.
    text: String,
    slash: usize,
}

impl ObjectName {
    /// The name of an object in a namespace.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            text: format!("{namespace}/{name}"),
            slash: namespace.len(),
        }
    }

    /// The part before the slash.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text.get(..self.slash).unwrap_or_default()
    }

    /// The part after the slash.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text.get(self.slash + 1..).unwrap_or_default()
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialOrd for ObjectName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ObjectName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

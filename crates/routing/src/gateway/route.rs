//! What requests do: `HTTPRoute` and `GRPCRoute`.

use serde::Deserialize;

use super::read::null_is_default;
use super::{ApiDuration, Filter, Object};

/// An `HTTPRoute`.
pub type HttpRoute = Object<RouteSpec<HttpRouteRule>>;

/// A `GRPCRoute`.
pub type GrpcRoute = Object<RouteSpec<GrpcRouteRule>>;

/// What a route says: where it attaches, for which hosts, by which rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "R: Deserialize<'de>"))]
#[non_exhaustive]
pub struct RouteSpec<R> {
    /// The listeners it attaches to.
    #[serde(default, deserialize_with = "null_is_default")]
    pub parent_refs: Vec<ParentReference>,
    /// The hosts it is for; its listeners' hosts if empty.
    #[serde(default, deserialize_with = "null_is_default")]
    pub hostnames: Vec<String>,
    /// Its rules; [`RouteSpec::rules`] knows what absence means.
    #[serde(default)]
    pub rules: Option<Vec<R>>,
}

impl<R> Default for RouteSpec<R> {
    fn default() -> Self {
        Self {
            parent_refs: Vec::new(),
            hostnames: Vec::new(),
            rules: None,
        }
    }
}

impl<R: Default + Clone> RouteSpec<R> {
    /// Its rules; if absent, one that matches everything and goes nowhere.
    #[must_use]
    pub fn rules(&self) -> Vec<R> {
        self.rules.clone().unwrap_or_else(|| vec![R::default()])
    }
}

/// What a route attaches to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ParentReference {
    /// The Gateway API's if absent.
    #[serde(default)]
    pub group: Option<String>,
    /// `Gateway` if absent.
    #[serde(default)]
    pub kind: Option<String>,
    /// The route's own if absent.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// One listener by name; all if absent.
    #[serde(default)]
    pub section_name: Option<String>,
    /// Listeners on one port; on all if absent.
    #[serde(default)]
    pub port: Option<u16>,
}

/// One rule of an `HTTPRoute`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HttpRouteRule {
    /// Its name, for people and policies.
    #[serde(default)]
    pub name: Option<String>,
    /// Which requests it is for: any of these; every request if empty.
    #[serde(default, deserialize_with = "null_is_default")]
    pub matches: Vec<HttpMatch>,
    /// What happens on the way, in this order.
    #[serde(default, deserialize_with = "null_is_default")]
    pub filters: Vec<Filter>,
    /// Where requests go.
    #[serde(default, deserialize_with = "null_is_default")]
    pub backend_refs: Vec<BackendReference>,
    /// How long it may take.
    #[serde(default)]
    pub timeouts: Option<Timeouts>,
    /// Whether to try again.
    #[serde(default)]
    pub retry: Option<Retry>,
    /// Whether a client stays with its backend.
    #[serde(default)]
    pub session_persistence: Option<SessionPersistence>,
}

/// What an HTTP request must look like; everything written must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HttpMatch {
    /// Its path; the prefix `/` if absent.
    #[serde(default)]
    pub path: Option<PathMatch>,
    /// Its headers; of entries with one name the first counts.
    #[serde(default, deserialize_with = "null_is_default")]
    pub headers: Vec<NameMatch>,
    /// Its query parameters; of entries with one name the first counts.
    #[serde(default, deserialize_with = "null_is_default")]
    pub query_params: Vec<NameMatch>,
    /// Its method.
    #[serde(default)]
    pub method: Option<String>,
}

/// What a path must look like.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct PathMatch {
    /// A prefix if absent.
    #[serde(rename = "type", default)]
    pub kind: PathMatchType,
    /// `/` if absent.
    #[serde(default)]
    pub value: Option<String>,
}

/// How a path is compared.
#[expect(clippy::exhaustive_enums, reason = "the API's three")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum PathMatchType {
    /// The same text.
    Exact,
    /// Begins with the same segments.
    #[default]
    PathPrefix,
    /// The whole path matches.
    RegularExpression,
}

/// What a header or query parameter must look like.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct NameMatch {
    /// The same text if absent.
    #[serde(rename = "type", default)]
    pub kind: MatchType,
    /// Whose value.
    pub name: String,
    /// The value, or the expression for all of it.
    pub value: String,
}

/// How a value is compared.
#[expect(clippy::exhaustive_enums, reason = "the API's two")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum MatchType {
    /// The same text.
    #[default]
    Exact,
    /// All of it matches.
    RegularExpression,
}

/// One rule of a `GRPCRoute`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GrpcRouteRule {
    /// Its name, for people and policies.
    #[serde(default)]
    pub name: Option<String>,
    /// Which calls it is for: any of these; every call if empty.
    #[serde(default, deserialize_with = "null_is_default")]
    pub matches: Vec<GrpcMatch>,
    /// What happens on the way, in this order.
    #[serde(default, deserialize_with = "null_is_default")]
    pub filters: Vec<Filter>,
    /// Where calls go.
    #[serde(default, deserialize_with = "null_is_default")]
    pub backend_refs: Vec<BackendReference>,
    /// Whether a client stays with its backend.
    #[serde(default)]
    pub session_persistence: Option<SessionPersistence>,
}

/// What a gRPC call must look like; everything written must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct GrpcMatch {
    /// Its service and method; any if absent.
    #[serde(default)]
    pub method: Option<GrpcMethodMatch>,
    /// Its metadata; of entries with one name the first counts.
    #[serde(default, deserialize_with = "null_is_default")]
    pub headers: Vec<NameMatch>,
}

/// What a call's path `/service/method` must look like.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct GrpcMethodMatch {
    /// The same text if absent.
    #[serde(rename = "type", default)]
    pub kind: MatchType,
    /// The fully qualified service; any if absent.
    #[serde(default)]
    pub service: Option<String>,
    /// The method; any if absent.
    #[serde(default)]
    pub method: Option<String>,
}

/// Where requests go.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct BackendReference {
    /// Core if absent.
    #[serde(default)]
    pub group: Option<String>,
    /// `Service` if absent.
    #[serde(default)]
    pub kind: Option<String>,
    /// The route's own if absent.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its port; a service needs one.
    #[serde(default)]
    pub port: Option<u16>,
    /// Its part of the requests; 1 if absent, at most 1,000,000.
    #[serde(default)]
    pub weight: Option<u32>,
    /// What happens on the way to this backend only, after the rule's filters.
    #[serde(default, deserialize_with = "null_is_default")]
    pub filters: Vec<Filter>,
}

/// How long a rule's requests may take; `0s` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Timeouts {
    /// From the client's request to the end of the answer, retries included.
    #[serde(default)]
    pub request: Option<ApiDuration>,
    /// Each attempt at a backend.
    #[serde(default)]
    pub backend_request: Option<ApiDuration>,
}

/// When to try again (experimental). A connection that fails is always worth another attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Retry {
    /// Statuses to try again after.
    #[serde(default, deserialize_with = "null_is_default")]
    pub codes: Vec<u16>,
    /// How many attempts beyond the first.
    #[serde(default)]
    pub attempts: Option<u32>,
    /// The least time between two attempts.
    #[serde(default)]
    pub backoff: Option<ApiDuration>,
}

/// How a client stays with its backend (experimental, GEP-1619).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SessionPersistence {
    /// Name of the cookie or header.
    #[serde(default)]
    pub session_name: Option<String>,
    /// When a session ends, however busy.
    #[serde(default)]
    pub absolute_timeout: Option<ApiDuration>,
    /// When an unused session ends.
    #[serde(default)]
    pub idle_timeout: Option<ApiDuration>,
    /// A cookie if absent.
    #[serde(rename = "type", default)]
    pub kind: SessionType,
    /// More about the cookie.
    #[serde(default, alias = "cookie")]
    pub cookie_config: Option<SessionCookie>,
    /// More about the header.
    #[serde(default)]
    pub header: Option<SessionHeader>,
}

/// What carries a session.
#[expect(clippy::exhaustive_enums, reason = "the API's two")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum SessionType {
    /// A cookie.
    #[default]
    Cookie,
    /// A header that the client repeats.
    Header,
}

/// More about a session's cookie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SessionCookie {
    /// Its name, before [`SessionPersistence::session_name`].
    #[serde(default)]
    pub name: Option<String>,
    /// The paths it is for; `/` if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// How long a browser keeps it.
    #[serde(default)]
    pub lifetime_type: Lifetime,
}

/// More about a session's header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SessionHeader {
    /// Its name, before [`SessionPersistence::session_name`].
    #[serde(default)]
    pub name: Option<String>,
}

/// How long a browser keeps a cookie.
#[expect(clippy::exhaustive_enums, reason = "the API's two")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Lifetime {
    /// Until it is closed.
    #[default]
    Session,
    /// Until the absolute timeout.
    Permanent,
}

//! What a rule does to a request or its response on the way: the filters of routes.

use serde::Deserialize;

use super::BackendReference;
use super::read::{Unread, null_is_default};

/// One filter: `kind` says which of the other fields counts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "unread fields are named so that they are known")]
#[non_exhaustive]
pub struct Filter {
    /// `RequestHeaderModifier`, `RequestRedirect` … A type nobody here knows is never passed over:
    /// its requests get an error.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Of `RequestHeaderModifier`.
    #[serde(default)]
    pub request_header_modifier: Option<HeaderFilter>,
    /// Of `ResponseHeaderModifier`.
    #[serde(default)]
    pub response_header_modifier: Option<HeaderFilter>,
    /// Of `RequestMirror`.
    #[serde(default)]
    pub request_mirror: Option<MirrorFilter>,
    /// Of `RequestRedirect`.
    #[serde(default)]
    pub request_redirect: Option<RedirectFilter>,
    /// Of `URLRewrite`.
    #[serde(default)]
    pub url_rewrite: Option<RewriteFilter>,
    /// Of `CORS`.
    #[serde(default)]
    pub cors: Option<CorsFilter>,
    /// Of `DirectResponse` (experimental).
    #[serde(default)]
    pub direct_response: Option<DirectResponse>,
    #[serde(default)]
    extension_ref: Unread,
    #[serde(default)]
    external_auth: Unread,
}

/// Changes to headers. Of entries with one name, in any letter case, the first counts.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct HeaderFilter {
    /// Replaces what is there.
    #[serde(default, deserialize_with = "null_is_default")]
    pub set: Vec<HeaderValue>,
    /// Appends to what is there.
    #[serde(default, deserialize_with = "null_is_default")]
    pub add: Vec<HeaderValue>,
    /// Takes out.
    #[serde(default, deserialize_with = "null_is_default")]
    pub remove: Vec<String>,
}

/// A header and its value.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct HeaderValue {
    /// The name, in any letter case.
    pub name: String,
    /// The value.
    #[serde(default)]
    pub value: String,
}

/// Sends a copy elsewhere; nobody waits for its answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MirrorFilter {
    /// Where to.
    pub backend_ref: BackendReference,
    /// Of a hundred requests, how many.
    #[serde(default)]
    pub percent: Option<u32>,
    /// The part of requests, as a fraction.
    #[serde(default)]
    pub fraction: Option<Fraction>,
}

/// A part of requests.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Fraction {
    /// How many …
    pub numerator: u32,
    /// … of how many; 100 if absent.
    #[serde(default)]
    pub denominator: Option<u32>,
}

/// Sends the client elsewhere; what is absent is taken from the request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RedirectFilter {
    /// `http` or `https`.
    #[serde(default)]
    pub scheme: Option<String>,
    /// The host of the new address.
    #[serde(default)]
    pub hostname: Option<String>,
    /// The path of the new address.
    #[serde(default)]
    pub path: Option<PathModifier>,
    /// The port of the new address.
    #[serde(default)]
    pub port: Option<u16>,
    /// 301, 302, 303, 307 or 308; 302 if absent.
    #[serde(default)]
    pub status_code: Option<u16>,
}

/// Changes where a request is sent; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct RewriteFilter {
    /// The `Host` to send.
    #[serde(default)]
    pub hostname: Option<String>,
    /// The path to send.
    #[serde(default)]
    pub path: Option<PathModifier>,
}

/// A change of path; the query always stays.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PathModifier {
    /// Which of the other two counts.
    #[serde(rename = "type")]
    pub kind: PathModifierType,
    /// The whole new path.
    #[serde(default)]
    pub replace_full_path: Option<String>,
    /// What stands in place of the prefix that matched.
    #[serde(default)]
    pub replace_prefix_match: Option<String>,
}

/// How a path is changed.
#[expect(clippy::exhaustive_enums, reason = "the API's two")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum PathModifierType {
    /// All of it.
    ReplaceFullPath,
    /// The prefix that matched.
    ReplacePrefixMatch,
}

/// Cross-origin requests (the Fetch standard's CORS protocol).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CorsFilter {
    /// Origins that may ask: `scheme://host[:port]` with `*` for any part of the host, or `*`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub allow_origins: Vec<String>,
    /// Whether credentials may come along.
    #[serde(default)]
    pub allow_credentials: Option<bool>,
    /// Methods, or `*`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub allow_methods: Vec<String>,
    /// Request headers, or `*`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub allow_headers: Vec<String>,
    /// Response headers a page may read, or `*`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub expose_headers: Vec<String>,
    /// How many seconds a browser may remember a preflight; 5 if absent.
    #[serde(default)]
    pub max_age: Option<u32>,
}

/// An answer given without a backend.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DirectResponse {
    /// Its status.
    pub status_code: u16,
    /// Its body; none if absent.
    #[serde(default)]
    pub body: Option<ResponseBody>,
}

/// The body of a [`DirectResponse`].
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct ResponseBody {
    /// Its text.
    #[serde(default)]
    pub string: String,
}

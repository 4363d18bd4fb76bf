//! Who a client is and what it may: `AccessPolicy` of `narae.dev/v1alpha1`, data only.
//! [`matching`](crate::matching) decides by it; verifying tokens and passwords is the caller's.
//!
//! Unknown fields are errors here: a slip in a policy about access must not open anything.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::read::null_is_default;
use super::{ApiDuration, Object};

/// An `AccessPolicy`: of gateways and routes of its namespace.
///
/// ```yaml
/// apiVersion: narae.dev/v1alpha1
/// kind: AccessPolicy
/// metadata: { name: staff, namespace: shop }
/// spec:
///   targetRefs: [{ kind: Gateway, name: edge, sectionName: https }]
///   jwt:
///     issuer: https://login.example.com/realms/shop
///     audiences: [shop]
///     jwks: { url: "https://login.example.com/realms/shop/protocol/openid-connect/certs" }
///     rolesClaims: [realm_access.roles]
///   headers: { user: x-user, roles: x-roles, claims: [{ claim: tenant, name: x-tenant }] }
/// ---
/// apiVersion: narae.dev/v1alpha1
/// kind: AccessPolicy
/// metadata: { name: admins, namespace: shop }
/// spec:
///   targetRefs: [{ kind: HTTPRoute, name: admin }]
///   require: { any: [{ role: admin }, { user: alice }] }
/// ```
pub type AccessPolicy = Object<AccessPolicySpec>;

/// What an access policy says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct AccessPolicySpec {
    /// What it is about: gateways or their listeners, routes or their named rules.
    pub target_refs: Vec<AccessTarget>,
    /// Whose tokens are believed; only at gateways.
    #[serde(default)]
    pub jwt: Option<JwtSpec>,
    /// Whose passwords are believed; only at gateways.
    #[serde(default)]
    pub basic: Option<BasicSpec>,
    /// What routes and backends learn of the client; only at gateways.
    #[serde(default, deserialize_with = "null_is_default")]
    pub headers: IdentityHeaders,
    /// Who may pass; everybody if absent, whoever is known if empty.
    #[serde(default)]
    pub require: Option<RequireSpec>,
}

/// What a policy is about.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct AccessTarget {
    /// The Gateway API's if absent.
    #[serde(default)]
    pub group: Option<String>,
    /// `Gateway`, `HTTPRoute` or `GRPCRoute`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// One listener of a gateway, or one rule of a route, by name; all if absent.
    #[serde(default)]
    pub section_name: Option<String>,
}

/// Whose tokens are believed (RFC 7519, as `Authorization: Bearer`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct JwtSpec {
    /// What `iss` must be, to the letter.
    pub issuer: String,
    /// One of these must be in `aud`.
    pub audiences: Vec<String>,
    /// The issuer's keys.
    pub jwks: JwksSource,
    /// Which signatures count; `RS256` and `ES256` if empty. Never `none` or `HS…`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub algorithms: Vec<String>,
    /// How far clocks may differ; 30 s.
    #[serde(default)]
    pub leeway: Option<ApiDuration>,
    /// The claim that names the user; `sub`.
    #[serde(default)]
    pub user_claim: Option<String>,
    /// The claims that list roles: lists, or words in one text. Dots lead into objects.
    #[serde(default, deserialize_with = "null_is_default")]
    pub roles_claims: Vec<String>,
    /// The protection space that a 401 names; the policy's name if absent.
    #[serde(default)]
    pub realm: Option<String>,
    /// Whether a verified token goes on to the backend; it does not.
    #[serde(default)]
    pub forward: bool,
}

/// Where keys are (RFC 7517): exactly one of these.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct JwksSource {
    /// Fetched, kept, and fetched again.
    #[serde(default)]
    pub url: Option<String>,
    /// Beside the file of the policy, unless absolute.
    #[serde(default)]
    pub file: Option<String>,
    /// The document itself.
    #[serde(default)]
    pub inline: Option<String>,
}

/// Whose passwords are believed (RFC 7617).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct BasicSpec {
    /// Names and hashes of passwords.
    pub htpasswd: HtpasswdSource,
    /// Who has which roles: users by role.
    #[serde(default, deserialize_with = "null_is_default")]
    pub roles: BTreeMap<String, Vec<String>>,
    /// The protection space that a 401 names; the policy's name if absent.
    #[serde(default)]
    pub realm: Option<String>,
    /// Whether a verified password goes on to the backend; it does not.
    #[serde(default)]
    pub forward: bool,
}

/// Where names and hashes are: exactly one of these.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct HtpasswdSource {
    /// A Secret of the policy's namespace, under `auth` or `.htpasswd`.
    #[serde(default)]
    pub secret: Option<String>,
    /// Beside the file of the policy, unless absolute.
    #[serde(default)]
    pub file: Option<String>,
}

/// Request headers that say who the client is. No client can send them, however it spells them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct IdentityHeaders {
    /// Gets the user's name.
    #[serde(default)]
    pub user: Option<String>,
    /// Gets the roles, joined by commas.
    #[serde(default)]
    pub roles: Option<String>,
    /// Get claims of a token.
    #[serde(default, deserialize_with = "null_is_default")]
    pub claims: Vec<ClaimHeader>,
}

/// A claim as a header.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ClaimHeader {
    /// The claim; dots lead into objects. A list is joined by commas.
    pub claim: String,
    /// The header.
    pub name: String,
}

/// Who may pass: all of the one, and one of the other unless that is empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct RequireSpec {
    /// Every one must hold.
    #[serde(default, deserialize_with = "null_is_default")]
    pub all: Vec<ConditionSpec>,
    /// One must hold.
    #[serde(default, deserialize_with = "null_is_default")]
    pub any: Vec<ConditionSpec>,
}

/// One condition: exactly one of `role`, `user` and `claim`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ConditionSpec {
    /// Has this role.
    #[serde(default)]
    pub role: Option<String>,
    /// Is this user.
    #[serde(default)]
    pub user: Option<String>,
    /// Its token has this claim; dots lead into objects.
    #[serde(default)]
    pub claim: Option<String>,
    /// The claim is this, or a list with it; any value if absent.
    #[serde(default)]
    pub value: Option<String>,
}

//! A request to explain, as a line of JSON says it.

use std::collections::BTreeMap;

use narae_routing::gateway::ObjectName;
use narae_routing::matching::{Arrival, Claims, Identity};
use serde::Deserialize;

/// A request to explain.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default = "get")]
    pub(super) method: String,
    #[serde(default)]
    pub(super) host: String,
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Values>,
    #[serde(default)]
    gateway: Option<GatewayName>,
    #[serde(default)]
    listener: Option<String>,
    #[serde(default)]
    port: Option<u16>,
    /// Who the client was verified to be.
    #[serde(default)]
    identity: Option<Known>,
    /// The same for `identity: { claims: … }`.
    #[serde(default)]
    claims: Option<Claims>,
}

/// A client that was verified.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// With a password …
    #[serde(default)]
    user: Option<String>,
    /// … or with a token.
    #[serde(default)]
    claims: Option<Claims>,
    /// The policy that verified it; the listener's first if absent.
    #[serde(default)]
    policy: Option<GatewayName>,
}

fn get() -> String {
    "GET".to_owned()
}

/// `namespace/name`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct GatewayName(ObjectName);

impl TryFrom<String> for GatewayName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let (namespace, name) = text.split_once('/').unwrap_or(("default", &text));
        if name.is_empty() || name.contains('/') {
            return Err("a gateway is NAMESPACE/NAME");
        }
        Ok(Self(ObjectName::new(namespace, name)))
    }
}

/// One value of a header, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Values {
    One(String),
    Several(Vec<String>),
}

impl Values {
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        let (one, several) = match self {
            Self::One(one) => (Some(one), &[][..]),
            Self::Several(several) => (None, several.as_slice()),
        };
        one.into_iter().chain(several).map(String::as_str)
    }
}

impl Asked {
    pub(super) fn identity(&self) -> Option<Identity> {
        let known = self.identity.as_ref();
        let user = known.and_then(|known| known.user.as_ref());
        let claims = known
            .and_then(|known| known.claims.as_ref())
            .or(self.claims.as_ref());
        let identity = match (user, claims) {
            (Some(user), _) => Identity::of_user(user),
            (None, claims) => Identity::of_claims(claims?.clone()),
        };
        Some(match known.and_then(|known| known.policy.as_ref()) {
            Some(GatewayName(policy)) => identity.verified_by(policy.clone()),
            None => identity,
        })
    }

    pub(super) fn arrival(&self) -> Arrival {
        let mut arrival = Arrival::ANYWHERE;
        if let Some(GatewayName(name)) = &self.gateway {
            arrival = arrival.at_gateway(name.clone());
        }
        if let Some(listener) = &self.listener {
            arrival = arrival.at_listener(listener);
        }
        if let Some(port) = self.port {
            arrival = arrival.at_port(port);
        }
        arrival
    }
}

//! JSON Web Tokens (RFC 7519) in compact form, read and held against what is expected. Signatures are `keys`'.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use narae_routing::gateway::JwtSpec;
use narae_routing::matching::Claims;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What a policy expects of tokens.
pub(crate) struct Expected {
    issuer: String,
    audiences: Vec<String>,
    pub(super) algorithms: Vec<String>,
    leeway: Duration,
}

impl Expected {
    pub(super) fn of(spec: &JwtSpec) -> Self {
        let usual = || ["RS256", "ES256"].map(str::to_owned).to_vec();
        Self {
            issuer: spec.issuer.clone(),
            audiences: spec.audiences.clone(),
            algorithms: Some(spec.algorithms.clone())
                .filter(|a| !a.is_empty())
                .unwrap_or_else(usual),
            leeway: spec.leeway.map_or(Duration::from_secs(30), Duration::from),
        }
    }
}

/// A token whose signature nobody has looked at.
pub(crate) struct Token<'t> {
    pub(super) algorithm: String,
    pub(super) key: Option<String>,
    /// What is signed, and the signature, both as sent.
    pub(super) signed: &'t str,
    pub(super) signature: &'t str,
    registered: Registered,
    claims: Claims,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    /// Extensions that must be understood (RFC 7515, 4.1.11); none is.
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

/// A claim that stands twice is an error.
#[derive(Deserialize)]
struct Registered {
    iss: String,
    aud: Audience,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    iat: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl<'t> Token<'t> {
    /// `None` for what is no signed token that this program could believe, whoever made it.
    pub(crate) fn read(text: &'t str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if payload.contains('.') {
            return None;
        }
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        // RFC 8725, 3.11: a token made for something else, like `logout+jwt`, is none for access.
        let typ = header.typ.as_deref().map(|typ| {
            let lower = typ.to_ascii_lowercase();
            lower
                .strip_prefix("application/")
                .unwrap_or(&lower)
                .to_owned()
        });
        let for_access = typ.is_none_or(|typ| typ == "jwt" || typ == "at+jwt");
        if header.crit.is_some() || !for_access {
            return None;
        }
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        Some(Self {
            algorithm: header.alg,
            key: header.kid,
            signed,
            signature,
            registered: serde_json::from_slice(&payload).ok()?,
            claims: serde_json::from_slice(&payload).ok()?,
        })
    }

    /// Whether it is from whom, for whom, in time and signed in a way that is expected; `wall` since the epoch.
    pub(crate) fn is_as(&self, expected: &Expected, wall: Duration) -> bool {
        let Registered {
            iss,
            aud,
            exp,
            nbf,
            iat,
        } = &self.registered;
        let audiences = match aud {
            Audience::One(one) => std::slice::from_ref(one),
            Audience::Several(several) => several,
        };
        let (now, leeway) = (wall.as_secs_f64(), expected.leeway.as_secs_f64());
        *iss == expected.issuer
            && audiences.iter().any(|aud| expected.audiences.contains(aud))
            && expected.algorithms.contains(&self.algorithm)
            && now < exp + leeway
            && [nbf, iat]
                .into_iter()
                .flatten()
                .all(|from| *from <= now + leeway)
    }

    pub(crate) fn into_claims(self) -> Claims {
        self.claims
    }
}

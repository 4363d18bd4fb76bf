//! One access policy, compiled: who it knows, what it tells of them, whom it lets pass.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::claims::{Claim, is_sendable, joined};
use super::condition::{Denied, Require};
use super::identity::{Identity, Person, Scheme, Who};
use crate::gateway::{
    AccessPolicy, BasicSpec, HtpasswdSource, IdentityHeaders, JwksSource, JwtSpec, ObjectName,
};
use crate::matching::decision::HeaderChange;
use crate::matching::header::is_name;

/// The signatures that tokens may have: of keys whose public half verifies.
pub(super) const ALGORITHMS: [&str; 9] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
];

/// Headers that say something else to somebody on the way.
const TAKEN: [&str; 12] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[derive(Debug)]
pub(in crate::matching) struct Access {
    pub(super) name: ObjectName,
    jwt: Option<Tokens>,
    basic: Option<Passwords>,
    pub(super) headers: Headers,
    pub(super) require: Option<Require>,
}

#[derive(Debug)]
struct Tokens {
    user: String,
    roles: Vec<String>,
    forward: bool,
    realm: String,
}

#[derive(Debug)]
struct Passwords {
    roles: BTreeMap<String, Vec<String>>,
    forward: bool,
    realm: String,
}

#[derive(Debug, Default)]
pub(super) struct Headers {
    user: Option<String>,
    roles: Option<String>,
    /// Claim and header.
    claims: Vec<(String, String)>,
}

impl Access {
    pub(super) fn new(policy: &AccessPolicy) -> Result<Self, (&'static str, &'static str)> {
        let spec = &policy.spec;
        let name = policy.metadata.object_name();
        let at = |path: &'static str| move |reason| (path, reason);
        let jwt = spec.jwt.as_ref().map(|jwt| Tokens::new(jwt, &name));
        let basic = spec
            .basic
            .as_ref()
            .map(|basic| Passwords::new(basic, &name));
        Ok(Self {
            jwt: jwt.transpose().map_err(at("spec.jwt"))?,
            basic: basic.transpose().map_err(at("spec.basic"))?,
            headers: Headers::new(&spec.headers).map_err(at("spec.headers"))?,
            require: (spec.require.as_ref().map(Require::new))
                .transpose()
                .map_err(at("spec.require"))?,
            name,
        })
    }

    /// Whether it tells who somebody is.
    pub(super) fn authenticates(&self) -> bool {
        self.jwt.is_some() || self.basic.is_some()
    }

    /// Whether it has what only makes sense where requests come in.
    pub(super) fn is_for_gateways(&self) -> bool {
        self.authenticates() || self.headers.names().next().is_some()
    }

    /// Somebody as this policy sees them; `None` if it did not verify them.
    pub(super) fn person<'a>(&'a self, identity: &'a Identity) -> Option<Person<'a>> {
        if identity.policy().is_some_and(|policy| *policy != self.name) {
            return None;
        }
        match identity.who() {
            Who::User(user) => {
                let roles = self.basic.as_ref()?.roles.iter();
                let own = roles.filter(|(_, users)| users.contains(user));
                Some(Person {
                    user: Some(Cow::Borrowed(user)),
                    roles: own.map(|(role, _)| Cow::Borrowed(role.as_str())).collect(),
                    claims: None,
                })
            }
            Who::Claims(claims) => {
                let jwt = self.jwt.as_ref()?;
                let roles = jwt.roles.iter().filter_map(|path| claims.get(path));
                Some(Person {
                    user: claims.get(&jwt.user).and_then(Claim::text),
                    roles: roles.flat_map(Claim::words).collect(),
                    claims: Some(claims),
                })
            }
        }
    }

    /// The headers that tell of somebody.
    pub(super) fn tells<'a>(&'a self, person: &Person<'_>) -> Vec<HeaderChange<'a>> {
        let headers = &self.headers;
        let user = headers.user.as_ref().zip(person.user.as_deref());
        let user = user.filter(|(_, user)| is_sendable(user));
        let user = user.map(|(name, user)| (name, user.to_owned()));
        let roles = headers
            .roles
            .as_ref()
            .zip(joined(person.roles.iter().cloned()));
        let claims = headers
            .claims
            .iter()
            .filter_map(|(path, name)| Some((name, person.claims?.get(path)?.header()?)));
        let told = user.into_iter().chain(roles).chain(claims);
        let mut changes: Vec<HeaderChange<'a>> = told
            .map(|(name, value)| HeaderChange::Set(Cow::Borrowed(name), Cow::Owned(value)))
            .collect();
        let forward = match person.claims {
            Some(_) => self.jwt.as_ref().is_some_and(|jwt| jwt.forward),
            None => self.basic.as_ref().is_some_and(|basic| basic.forward),
        };
        if !forward {
            changes.push(HeaderChange::Remove("authorization".into()));
        }
        changes
    }

    pub(super) fn denies<'a>(&'a self, person: Option<&Person<'_>>) -> Option<Denied<'a>> {
        self.require.as_ref()?.denies(&self.name, person)
    }

    /// What a 401 asks for (RFC 9110, section 11.6.1).
    pub(super) fn challenges(&self, invalid: Option<Scheme>) -> impl Iterator<Item = String> {
        let bearer = self.jwt.as_ref().map(|jwt| {
            let wrong = match invalid {
                Some(Scheme::Bearer) => ", error=\"invalid_token\"",
                _ => "",
            };
            format!("Bearer realm=\"{}\"{wrong}", jwt.realm)
        });
        let basic = self.basic.as_ref();
        let basic =
            basic.map(|basic| format!("Basic realm=\"{}\", charset=\"UTF-8\"", basic.realm));
        bearer.into_iter().chain(basic)
    }
}

impl Tokens {
    fn new(spec: &JwtSpec, policy: &ObjectName) -> Result<Self, &'static str> {
        let JwksSource { url, file, inline } = &spec.jwks;
        if [url, file, inline].into_iter().flatten().count() != 1 {
            return Err("jwks is one of url, file and inline");
        }
        if spec.issuer.is_empty() || spec.audiences.is_empty() {
            return Err("issuer and audiences say whose tokens are believed, and for whom");
        }
        if !spec
            .algorithms
            .iter()
            .all(|a| ALGORITHMS.contains(&a.as_str()))
        {
            return Err("algorithms are RS, PS, ES or EdDSA");
        }
        Ok(Self {
            user: spec.user_claim.clone().unwrap_or_else(|| "sub".to_owned()),
            roles: spec.roles_claims.clone(),
            forward: spec.forward,
            realm: realm(spec.realm.as_deref(), policy)?,
        })
    }
}

impl Passwords {
    fn new(spec: &BasicSpec, policy: &ObjectName) -> Result<Self, &'static str> {
        let HtpasswdSource { secret, file } = &spec.htpasswd;
        if secret.is_some() == file.is_some() {
            return Err("htpasswd is one of secret and file");
        }
        Ok(Self {
            roles: spec.roles.clone(),
            forward: spec.forward,
            realm: realm(spec.realm.as_deref(), policy)?,
        })
    }
}

/// The protection space, fit to stand between quotes.
fn realm(written: Option<&str>, policy: &ObjectName) -> Result<String, &'static str> {
    let realm = written.unwrap_or(policy.name());
    let fits = |b: u8| b == b' ' || (b.is_ascii_graphic() && b != b'"' && b != b'\\');
    if realm.bytes().all(fits) {
        Ok(realm.to_owned())
    } else {
        Err("a realm is visible ASCII without quotes and backslashes")
    }
}

impl Headers {
    fn new(spec: &IdentityHeaders) -> Result<Self, &'static str> {
        let claims = spec.claims.iter();
        let headers = Self {
            user: spec.user.clone(),
            roles: spec.roles.clone(),
            claims: claims.map(|c| (c.claim.clone(), c.name.clone())).collect(),
        };
        let mut seen: Vec<String> = Vec::new();
        for name in headers.names() {
            let folded = super::folded(name);
            if !is_name(name) || TAKEN.contains(&folded.as_str()) {
                return Err("a header that tells who somebody is has a name of its own");
            }
            if seen.contains(&folded) {
                return Err("one header cannot tell two things");
            }
            seen.push(folded);
        }
        Ok(headers)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let claims = self.claims.iter().map(|(_, name)| name);
        let own = self.user.iter().chain(&self.roles).chain(claims);
        own.map(String::as_str)
    }
}

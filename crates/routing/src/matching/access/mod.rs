//! Who a client is and what it may, as an extension of the API: `AccessPolicy`.
//!
//! 1. Policies of a gateway or listener say who is authenticated there ([`Table::authenticators`]); the caller
//!    verifies tokens and passwords and says in the request what came of it ([`Presented`]). What was found wrong is
//!    401, whoever may pass.
//! 2. Headers that any policy of the table sets are taken from every request at every listener, in any letter case
//!    and with `_` for `-`, as servers behind may read them. Then those of the client's policy are set from what was
//!    verified. Routes match by them as by any header, with the API's precedence.
//! 3. Once a rule is found, every policy of its listener, its route and itself must let the client pass: else 401 to
//!    somebody unknown, 403 to somebody known. A preflight that the rule's CORS filter answers passes, because
//!    browsers send it without credentials.
//!
//! Whatever cannot be carried out closes: its targets answer 500. An identity counts only where the policy that
//! verified it authenticates.

mod claims;
mod condition;
mod identity;
mod policy;
mod target;

use std::borrow::Cow;

pub use claims::{Claim, Claims};
pub use condition::{Condition, Denied};
pub use identity::{Identity, Presented, Scheme};

pub(super) use identity::Person;
pub(super) use policy::Access;
pub(super) use target::Targets;

use super::decision::{HeaderChange, Refusal};
use super::request::{Arrival, Request};
use super::table::Table;
use crate::gateway::ObjectName;

/// The policies of a listener or a rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Guards {
    /// Their places among all.
    policies: Vec<usize>,
    /// Whether one of them cannot be carried out.
    broken: bool,
}

/// All policies, compiled.
#[derive(Debug, Default)]
pub(super) struct Accesses {
    all: Vec<Access>,
    /// Headers that only policies set.
    headers: Vec<String>,
}

/// A request as its listener's policies let it in.
pub(super) struct Admission<'a> {
    /// What the policies change about its headers.
    pub(super) changes: Vec<HeaderChange<'a>>,
    person: Option<Person<'a>>,
}

impl Guards {
    /// Whether anybody is kept out.
    pub(super) fn is_empty(&self) -> bool {
        self.policies.is_empty() && !self.broken
    }
}

impl Accesses {
    fn of<'t>(&'t self, guards: &'t Guards) -> impl Iterator<Item = &'t Access> {
        guards.policies.iter().filter_map(|at| self.all.get(*at))
    }

    pub(super) fn admit<'a>(
        &'a self,
        guards: &'a Guards,
        request: &Request<'a>,
    ) -> Result<Admission<'a>, Refusal> {
        if guards.broken {
            return Err(Refusal::Access);
        }
        let mut admission = self.unknown(request);
        let mut authenticating = self.of(guards).filter(|access| access.authenticates());
        match request.presented {
            Presented::Nothing => {}
            Presented::Identity(identity) => {
                let known = |access: &'a Access| Some((access, access.person(identity)?));
                if let Some((access, person)) = authenticating.find_map(known) {
                    admission.changes.extend(access.tells(&person));
                    admission.person = Some(person);
                }
            }
            _ if authenticating.next().is_none() => {}
            Presented::Invalid(_) => return Err(Refusal::InvalidCredentials),
            Presented::Unverifiable => return Err(Refusal::Unverifiable),
        }
        Ok(admission)
    }

    /// A request of somebody unknown.
    pub(super) fn unknown<'a>(&'a self, request: &Request<'a>) -> Admission<'a> {
        Admission {
            changes: self.stripped(request),
            person: None,
        }
    }

    /// Takes out what no client may say of itself.
    fn stripped<'a>(&'a self, request: &Request<'a>) -> Vec<HeaderChange<'a>> {
        let headers = self.headers.iter().map(String::as_str);
        let mut changes: Vec<HeaderChange<'a>> = headers
            .map(|name| HeaderChange::Remove(name.into()))
            .collect();
        if changes.is_empty() {
            return changes;
        }
        let otherwise = |name: &str| !self.headers.iter().any(|h| h.eq_ignore_ascii_case(name));
        let names = request.headers.iter().map(|(name, _)| *name);
        let disguised = names.filter(|name| self.guard(name) && otherwise(name));
        changes.extend(disguised.map(|name| HeaderChange::Remove(Cow::Borrowed(name))));
        changes
    }

    fn guard(&self, name: &str) -> bool {
        self.headers.iter().any(|own| same_name(own, name))
    }

    /// Why a client may not pass, if it may not.
    pub(super) fn bars<'a>(
        &'a self,
        listener: &'a Guards,
        rule: &'a Guards,
        admission: &Admission<'_>,
    ) -> Option<(Refusal, Option<Denied<'a>>)> {
        if rule.broken {
            return Some((Refusal::Access, None));
        }
        let person = admission.person.as_ref();
        let mut policies = self.of(listener).chain(self.of(rule));
        let denied = policies.find_map(|access| access.denies(person))?;
        let asks = self.of(listener).any(Access::authenticates);
        let refusal = if person.is_none() && asks {
            Refusal::Unauthenticated
        } else {
            Refusal::Forbidden
        };
        Some((refusal, Some(denied)))
    }

    /// The first policy that lets nobody pass, since none of the listener's says who anybody is.
    pub(super) fn lets_nobody<'a>(
        &'a self,
        listener: &'a Guards,
        rule: &'a Guards,
    ) -> Option<&'a ObjectName> {
        if self.of(listener).any(Access::authenticates) {
            return None;
        }
        let mut policies = self.of(listener).chain(self.of(rule));
        let closed = policies.find(|access| access.denies(None).is_some());
        closed.map(|access| &access.name)
    }

    /// What goes with a 401.
    pub(super) fn challenges(
        &self,
        listener: &Guards,
        request: &Request<'_>,
        refusal: Refusal,
    ) -> Vec<HeaderChange<'static>> {
        if refusal.status() != 401 {
            return Vec::new();
        }
        let invalid = match request.presented {
            Presented::Invalid(scheme) => Some(scheme),
            _ => None,
        };
        let mut challenges: Vec<String> = Vec::new();
        for challenge in self
            .of(listener)
            .flat_map(|access| access.challenges(invalid))
        {
            if !challenges.contains(&challenge) {
                challenges.push(challenge);
            }
        }
        let header = |value| HeaderChange::Add("www-authenticate".into(), Cow::Owned(value));
        challenges.into_iter().map(header).collect()
    }
}

impl Admission<'_> {
    /// The request's headers as routes see them.
    pub(super) fn headers<'r>(&'r self, request: &Request<'r>) -> Cow<'r, [(&'r str, &'r str)]> {
        if self.changes.is_empty() {
            return Cow::Borrowed(request.headers);
        }
        let changed = |name: &str| self.changes.iter().any(|c| c.is_about(name));
        let kept = request.headers.iter().filter(|(name, _)| !changed(name));
        let told = self
            .changes
            .iter()
            .filter_map(|c| Some((c.name(), c.value()?)));
        Cow::Owned(kept.copied().chain(told).collect())
    }
}

impl Table {
    /// The policies that authenticate where a request comes in, in their order.
    #[must_use]
    pub fn authenticators(&self, arrival: &Arrival, request: &Request<'_>) -> Vec<&ObjectName> {
        if self.access.all.is_empty() {
            return Vec::new();
        }
        let listenings = self.listenings(arrival, request).into_iter();
        let policies = listenings.flat_map(|(_, listening)| self.access.of(&listening.guards));
        let authenticating = policies.filter(|access| access.authenticates());
        authenticating.map(|access| &access.name).collect()
    }

    /// Whether a header says who a client is, so that only policies may set it. Whoever passes requests on takes such
    /// headers out first: what has values that [`Request`] cannot hold is not seen by [`Table::decide`].
    #[must_use]
    pub fn guards(&self, header: &str) -> bool {
        self.access.guard(header)
    }
}

/// Whether servers may take two names of headers for one: CGI writes both `-` and `_` as `_`.
fn same_name(a: &str, b: &str) -> bool {
    let fold = |b: u8| {
        if b == b'_' {
            b'-'
        } else {
            b.to_ascii_lowercase()
        }
    };
    a.len() == b.len() && a.bytes().zip(b.bytes()).all(|(a, b)| fold(a) == fold(b))
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

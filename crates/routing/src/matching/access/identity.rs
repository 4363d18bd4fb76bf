//! Who a client turned out to be, and what a policy makes of it. Verifying is the caller's.

use std::borrow::Cow;

use super::claims::Claims;
use crate::gateway::ObjectName;

/// A client whose token or password was verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    who: Who,
    policy: Option<ObjectName>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Who {
    User(String),
    Claims(Claims),
}

impl Identity {
    /// Somebody with a password.
    #[must_use]
    pub fn of_user(name: impl Into<String>) -> Self {
        Self {
            who: Who::User(name.into()),
            policy: None,
        }
    }

    /// Somebody with a token.
    #[must_use]
    pub fn of_claims(claims: Claims) -> Self {
        Self {
            who: Who::Claims(claims),
            policy: None,
        }
    }

    /// The policy that the verification followed. The identity counts only where that policy authenticates; without
    /// this, it counts as the first policy's that authenticates in its way.
    #[must_use]
    pub fn verified_by(mut self, policy: ObjectName) -> Self {
        self.policy = Some(policy);
        self
    }

    pub(super) fn who(&self) -> &Who {
        &self.who
    }

    /// The policy that verified it, if that is said.
    #[must_use]
    pub fn policy(&self) -> Option<&ObjectName> {
        self.policy.as_ref()
    }
}

/// What a request brought to say who its client is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Presented<'a> {
    /// Nothing that any policy asks for.
    #[default]
    Nothing,
    /// What was verified.
    Identity(&'a Identity),
    /// What was found wrong, in this way: answered with 401 where anybody is authenticated, whether the route asks
    /// for it or not.
    Invalid(Scheme),
    /// What cannot be verified just now: answered with 503.
    Unverifiable,
}

/// In which way a client says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a policy has these two")]
pub enum Scheme {
    /// A token (RFC 6750).
    Bearer,
    /// A name and a password (RFC 7617).
    Basic,
}

/// An identity as the policy sees it that verified it.
#[derive(Clone, Debug)]
pub(in crate::matching) struct Person<'a> {
    pub(super) user: Option<Cow<'a, str>>,
    pub(super) roles: Vec<Cow<'a, str>>,
    pub(super) claims: Option<&'a Claims>,
}

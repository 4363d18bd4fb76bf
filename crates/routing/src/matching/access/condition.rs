//! Who may pass, and what somebody lacks.

use std::fmt;

use super::identity::Person;
use crate::gateway::{ConditionSpec, ObjectName, RequireSpec};

/// One condition on a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a policy has these three")]
pub enum Condition {
    /// It has this role.
    Role(String),
    /// It is this user.
    User(String),
    /// Its token has this claim, with this value if one is named.
    Claim(String, Option<String>),
}

/// Why a client may not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied<'a> {
    /// The policy that says so.
    pub policy: &'a ObjectName,
    /// What does not hold; nothing if it is enough to be known.
    pub lacks: Vec<&'a Condition>,
    /// Whether one of them would do.
    pub one_would_do: bool,
}

/// All of the one, and one of the other unless that is empty.
#[derive(Debug)]
pub(super) struct Require {
    all: Vec<Condition>,
    any: Vec<Condition>,
}

impl Require {
    pub(super) fn new(spec: &RequireSpec) -> Result<Self, &'static str> {
        type Read = Result<Vec<Condition>, &'static str>;
        let read = |specs: &[ConditionSpec]| -> Read { specs.iter().map(Condition::new).collect() };
        Ok(Self {
            all: read(&spec.all)?,
            any: read(&spec.any)?,
        })
    }

    /// What somebody lacks.
    pub(super) fn denies<'a>(
        &'a self,
        policy: &'a ObjectName,
        person: Option<&Person<'_>>,
    ) -> Option<Denied<'a>> {
        let denied = |lacks, one_would_do| Denied {
            policy,
            lacks,
            one_would_do,
        };
        let Some(person) = person else {
            return Some(denied(Vec::new(), false));
        };
        if let Some(failing) = self.all.iter().find(|condition| !condition.holds(person)) {
            return Some(denied(vec![failing], false));
        }
        let passes = self.any.is_empty() || self.any.iter().any(|c| c.holds(person));
        (!passes).then(|| denied(self.any.iter().collect(), true))
    }
}

impl Condition {
    fn new(spec: &ConditionSpec) -> Result<Self, &'static str> {
        match (&spec.role, &spec.user, &spec.claim, &spec.value) {
            (Some(role), None, None, None) => Ok(Self::Role(role.clone())),
            (None, Some(user), None, None) => Ok(Self::User(user.clone())),
            (None, None, Some(claim), value) => Ok(Self::Claim(claim.clone(), value.clone())),
            _ => Err("a condition is one of role, user, and claim with or without value"),
        }
    }

    fn holds(&self, person: &Person<'_>) -> bool {
        match self {
            Self::Role(role) => person.roles.iter().any(|own| own == role),
            Self::User(user) => person.user.as_ref().is_some_and(|own| own == user),
            Self::Claim(path, value) => {
                let claim = person.claims.and_then(|claims| claims.get(path));
                claim.is_some_and(|claim| match value {
                    Some(value) => claim.texts().any(|text| text == *value),
                    None => true,
                })
            }
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => write!(f, "role {role}"),
            Self::User(user) => write!(f, "user {user}"),
            Self::Claim(path, None) => write!(f, "claim {path}"),
            Self::Claim(path, Some(value)) => write!(f, "claim {path} = {value}"),
        }
    }
}

impl fmt::Display for Denied<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessPolicy {} wants ", self.policy)?;
        if self.lacks.is_empty() {
            return f.write_str("a known client");
        }
        for (at, condition) in self.lacks.iter().enumerate() {
            let between = if at == 0 { "" } else { " or " };
            write!(f, "{between}{condition}")?;
        }
        Ok(())
    }
}

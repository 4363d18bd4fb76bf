//! Policies checked in process: what an admission controller would refuse, before anything is
//! applied.
//!
//! Read are `policies.kyverno.io` `ValidatingPolicy` documents (v1, v1beta1, v1alpha1) and
//! `admissionregistration.k8s.io` `ValidatingAdmissionPolicy` documents, which share their fields.
//! Expressions are parsed and evaluated by the `cel` crate; which objects a policy is for, what an
//! error means and which field is to blame is decided here.
//!
//! A field, an operator, a function or a variable that is not understood is an error when the
//! policy is added: a rule that is half enforced looks like one that is. So is a rule that could
//! match nothing: without groups, versions, operations or resources, or with one that does not
//! exist, such as `deployment` for `deployments`.
//!
//! # Versions
//!
//! With `matchPolicy: Equivalent`, which is the default as in Kubernetes, a rule is for every
//! version of its groups: `autoscaling/v1` does not escape a rule for `autoscaling/v2`. With
//! `Exact` it is for the versions that it lists. An object is not converted, where an API server
//! would: expressions see it as it is written, and a field that its version does not have makes one
//! impossible to evaluate, which is a violation unless `failurePolicy` is `Ignore`. Nor are groups
//! taken for one another.
//!
//! # What an evaluation sees
//!
//! `object` is the object, `oldObject` is null and `request` says that it is being created; a rule
//! for `UPDATE` is for it as well, because what is delivered may exist already. What only a cluster knows (`namespaceObject`, `params`, `authorizer`, API calls) is refused.
//!
//! # The field to blame
//!
//! A violation names the field that made the expression false: of `a && b` the side that is false,
//! of `list.all(x, p)` the element that fails and in it what `p` looked at, and at the end the
//! longest chain of fields that starts at `object`, followed through variables.
//!
//! # Limits
//!
//! Expressions have at most [`MAX_EXPRESSION_BYTES`] bytes. Before one is
//! evaluated, its steps are estimated from the expression and the largest collection and text in the part of the object
//! that it looks at; past [`MAX_COST`] it is an error. A policy has at most 256 variables.

mod blame;
mod document;
mod evaluate;
mod matching;

use narae_yaml::{Path, Position, Reader, Value};

use crate::error::{Error, ErrorKind};
use crate::object::ObjectId;
use crate::origin::Origin;
use document::Policy;

pub use crate::expression::{MAX_COST, MAX_EXPRESSION_BYTES};

/// Policies, compiled.
#[derive(Debug, Default)]
pub struct PolicySet {
    policies: Vec<Policy>,
}

/// What one rule of a policy says about one object.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Violation {
    /// The policy's name.
    pub policy: String,
    /// What the rule says to people. Written by its author, it may quote the object.
    pub message: String,
    /// The rule's `reason`, when it has one: `Invalid`, `Forbidden`, ….
    pub reason: Option<String>,
    /// What the policy wants done.
    pub action: Action,
    /// The object.
    pub object: ObjectId,
    /// Which of the objects given to [`PolicySet::check`] it is.
    pub index: usize,
    /// The field to blame; the root when the rule looks at no field.
    pub field: Path,
    /// What the object has there.
    pub found: Option<Value>,
    /// Other fields that could be changed instead, or that fail in the same way.
    pub others: Vec<Path>,
    /// Where the expression stands in its policy file.
    pub validation: Origin,
}

/// What is done about a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Action {
    /// The object is refused.
    Deny,
    /// It is let through with a warning (`Warn`, `Audit`).
    Warn,
}

impl PolicySet {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a file of policies.
    ///
    /// `name` is what errors and violations call it, usually its path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Syntax`] when the file is not YAML or an expression does not parse,
    /// [`ErrorKind::Unsupported`] when a document is not a policy, has a field, function or
    /// variable that is not understood or a rule that could match nothing, and when there is no
    /// document at all, [`ErrorKind::Limit`] when an expression is too long or variables are too many. All name the place,
    /// and none of the file's policies is added.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let documents = Reader::new().named(name).read(text)?;
        let policies = documents
            .iter()
            .filter(|document| !document.root.to_value().is_null())
            .map(|document| Policy::read(name, &document.root))
            .collect::<Result<Vec<_>, _>>()?;
        if policies.is_empty() {
            let message = "there is no policy in this file";
            let start = Origin::at(name.into(), Position::new(0, 1, 1));
            return Err(Error::new(ErrorKind::Unsupported, message).at(start));
        }
        self.policies.extend(policies);
        Ok(())
    }

    /// How many policies there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// Checks objects against every policy that is for them.
    ///
    /// The order is that of the objects, then of the policies and their rules as they were read.
    /// An expression that cannot be evaluated, because a field it needs is absent for instance, is
    /// a violation when the policy's `failurePolicy` is `Fail`, which is the default.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Object`] when a value is not a Kubernetes object, and [`ErrorKind::Limit`] when
    /// an expression would take more than [`MAX_COST`] steps for an object.
    pub fn check(&self, objects: &[&Value]) -> Result<Vec<Violation>, Error> {
        let mut violations = Vec::new();
        for (index, object) in objects.iter().enumerate() {
            let id = address(index, object)?;
            let subject = evaluate::Subject::new(object, &id, index);
            for policy in self
                .policies
                .iter()
                .filter(|policy| policy.applies.matches(&id, object))
            {
                subject.check(policy, &mut violations)?;
            }
        }
        Ok(violations)
    }

    /// The policies that are for none of the objects, with the place of each, in the order in
    /// which they were read.
    ///
    /// A policy is for an object when its `matchConstraints` match it and none of its
    /// `matchConditions` is false (nor, with `failurePolicy: Ignore`, impossible to evaluate). One
    /// that is for none may be right: a rule about what is deleted, or about an object that this
    /// set does not have. It may also have a misspelt group, version or label, and then enforces
    /// nothing; worth a warning.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn idle(&self, objects: &[&Value]) -> Result<Vec<(String, Origin)>, Error> {
        let mut idle: Vec<&Policy> = self.policies.iter().collect();
        for (index, object) in objects.iter().enumerate() {
            let id = address(index, object)?;
            let mut rest = Vec::with_capacity(idle.len());
            // Made for the first policy that matches: most sets are not idle for long.
            let mut subject = None;
            for policy in idle {
                let concerned = policy.applies.matches(&id, object)
                    && subject
                        .get_or_insert_with(|| evaluate::Subject::new(object, &id, index))
                        .concerns(policy)?;
                if !concerned {
                    rest.push(policy);
                }
            }
            idle = rest;
        }
        let named = |policy: &Policy| (policy.name.clone(), policy.origin.clone());
        Ok(idle.into_iter().map(named).collect())
    }
}

/// The address of one of several objects; an error says which.
fn address(index: usize, object: &Value) -> Result<ObjectId, Error> {
    ObjectId::of(object).map_err(|error| {
        Error::new(
            ErrorKind::Object,
            format!("object {index}: {}", error.message()),
        )
    })
}

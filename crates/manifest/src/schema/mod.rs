//! Objects checked against the schemas of their kinds, without a cluster.
//!
//! [`Schemas::kubernetes`] has those of Kubernetes itself (feature `kubernetes`);
//! [`Schemas::add_definitions`] adds custom resources from their own definitions. A check is for
//! what an API server decides by schema: unknown fields, required ones, types, formats,
//! enumerations, lists whose items must differ, and for custom resources every keyword and the
//! rules of `x-kubernetes-validations` (feature `cel`). What an API server decides in code, such as
//! that a selector matches its template, is not in any schema.
//!
//! ```
//! # #[cfg(feature = "kubernetes")] {
//! use narae_manifest::schema::Schemas;
//!
//! let schemas = Schemas::kubernetes("1.36")?;
//! let object = narae_yaml::read_one(
//!     "{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {ports: [{prot: 80}]}}",
//! )?;
//! let findings = schemas.check(&[&object]);
//! assert_eq!(
//!     findings[0].to_string(),
//!     "error[unknown-field] Service shop: `spec.ports[0].prot` is not a field of ServicePort
//!   = did you mean `port`"
//! );
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Custom resources are checked with the defaults of their definitions filled in, as an API server
//! does; an object of Kubernetes' own is checked as it is written.

mod compile;
mod constraint;
mod defaults;
mod definition;
mod format;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod lifecycle;
mod node;
#[cfg(feature = "cel")]
mod rule;
#[cfg(feature = "cel")]
mod typed;
mod values;
mod walk;

use std::collections::{HashMap, HashSet};

use narae_yaml::Value;

use crate::error::Error;
use crate::finding::{Finding, Rule};
use crate::object::ObjectId;
use crate::suggestion::nearest;
use lifecycle::OldKind;
use node::{Node, NodeId};
use walk::Walk;

pub use compile::SkippedRule;
pub use values::ValuesSchema;
pub use walk::{MAX_DEPTH, MAX_FINDINGS, MAX_STEPS};

/// The kinds of a cluster, with the schema of each.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    /// `1.36`; empty when these are not Kubernetes' own.
    version: String,
    nodes: Vec<Node>,
    /// By API version, then by kind.
    kinds: HashMap<String, HashMap<String, Kind>>,
    old: Vec<OldKind>,
    skipped: Vec<SkippedRule>,
}

#[derive(Clone, Copy, Debug)]
struct Kind {
    schema: NodeId,
    scope: Scope,
    /// Whether its schema says what stands where nothing is written.
    has_defaults: bool,
    /// Whether a server that creates the object reads its `status` and forgets it.
    ignores_status: bool,
}

/// Where the objects of a kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster as a whole.
    Cluster,
}

impl Schemas {
    /// No kinds at all: custom resources are to be added.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the kinds of the custom resource definitions in a file, each with all its versions.
    /// Documents that are something else are skipped, so that a whole installation manifest can be
    /// given.
    ///
    /// `name` is what errors call the file, usually its path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Syntax`](crate::ErrorKind::Syntax) when the file is not YAML or a definition
    /// lacks a part, and [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) when a schema
    /// says something that is not understood, or no document is a definition. None of the file's
    /// kinds is added then.
    pub fn add_definitions(&mut self, name: &str, text: &str) -> Result<(), Error> {
        definition::add(self, name, text)
    }

    /// The version of Kubernetes these are for: `1.36`; empty for [`Schemas::new`].
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Rules of custom resources that are not checked, and why: those about an older object, those
    /// with functions that are not known here, and those that compare times, durations, sets or
    /// keyed lists.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedRule] {
        &self.skipped
    }

    /// One finding for each rule that is [`skipped`](Self::skipped) and that an API server would ask
    /// of one of the objects: not those about how an object changes. About no object in particular.
    #[must_use]
    pub fn unchecked_rules(&self, objects: &[&Value]) -> Vec<Finding> {
        let text = |object: &Value, field: &str| Some(object.get(field)?.as_str()?.to_owned());
        let kinds: HashSet<_> = objects
            .iter()
            .filter_map(|object| Some((text(object, "apiVersion")?, text(object, "kind")?)))
            .collect();
        let finding = |rule: &SkippedRule| {
            let (kind, api_version) = (&rule.kind, &rule.api_version);
            let message = format!(
                "a rule of `{kind}` of `{api_version}` was not checked: {}",
                rule.reason
            );
            Finding::new(Rule::SkippedRule, narae_yaml::Path::root(), message)
                .suggesting(Some(format!("rule at {}", rule.origin)))
        };
        let asked = self.skipped.iter().filter(|rule| !rule.is_about_change);
        asked
            .filter(|rule| kinds.contains(&(rule.api_version.clone(), rule.kind.clone())))
            .map(finding)
            .collect()
    }

    /// Where the objects of a kind live, when the kind is known.
    #[must_use]
    pub fn scope(&self, api_version: &str, kind: &str) -> Option<Scope> {
        Some(self.kind(api_version, kind)?.scope)
    }

    /// Checks objects against the schemas of their kinds. Findings are in the order of the objects
    /// and of their fields; [`Finding::trace`] adds the places they come from.
    #[must_use]
    pub fn check(&self, objects: &[&Value]) -> Vec<Finding> {
        let each = objects.iter().enumerate();
        each.flat_map(|(index, object)| self.check_one(index, object))
            .collect()
    }

    fn check_one(&self, index: usize, object: &Value) -> Vec<Finding> {
        let text = |field: &str| object.get(field).and_then(Value::as_str);
        let id = ObjectId::of(object);
        let mut findings = match (text("apiVersion"), text("kind")) {
            (Some(api_version), Some(kind)) => match self.kind(api_version, kind) {
                Some(known) => self.check_known(known, object),
                None => vec![self.unknown(api_version, kind)],
            },
            _ => Vec::new(),
        };
        if let Err(error) = &id {
            let root = narae_yaml::Path::root();
            findings.push(Finding::new(Rule::NotAnObject, root, error.message()));
        }
        let id = id.ok();
        let of = |finding: Finding| finding.of(index, id.as_ref());
        findings.into_iter().map(of).collect()
    }

    fn check_known(&self, known: &Kind, object: &Value) -> Vec<Finding> {
        let completed = known
            .has_defaults
            .then(|| defaults::complete(&self.nodes, known.schema, object));
        let object = completed.as_ref().unwrap_or(object);
        let mut findings = Walk::new(&self.nodes).findings(known.schema, object);
        if known.ignores_status {
            let status = narae_yaml::Path::root().child("status");
            // It must still be readable: as a whole for custom resources, whose values are free.
            let is_read = |rule| match rule {
                Rule::UnknownField | Rule::NotChecked => true,
                Rule::WrongType | Rule::BadFormat | Rule::BadQuantity => !known.has_defaults,
                _ => false,
            };
            findings.retain(|one| !one.field.starts_with(&status) || is_read(one.rule));
        }
        findings
    }

    fn kind(&self, api_version: &str, kind: &str) -> Option<&Kind> {
        self.kinds.get(api_version)?.get(kind)
    }

    fn unknown(&self, api_version: &str, kind: &str) -> Finding {
        if let Some(removal) = self.removal(api_version, kind) {
            return removal;
        }
        let field = |name: &str| narae_yaml::Path::root().child(name);
        if let Some(kinds) = self.kinds.get(api_version) {
            let message = format!("there is no kind `{kind}` in `{api_version}`");
            let meant = nearest(kind, kinds.keys().map(String::as_str));
            let meant = meant.map(|meant| format!("did you mean `{meant}`"));
            let elsewhere = || {
                let known = self.api_versions_of(kind).next()?;
                Some(format!("it is in `{known}`"))
            };
            return Finding::new(Rule::UnknownKind, field("kind"), message)
                .suggesting(meant.or_else(elsewhere));
        }
        let same_group = self
            .api_versions_of(kind)
            .find(|known| group_of(known) == group_of(api_version));
        let near = same_group.or_else(|| nearest(api_version, self.api_versions_of(kind)));
        let (rule, suggestion) = match near {
            Some(known) => (Rule::UnknownKind, format!("did you mean `{known}`")),
            None => {
                let what = "give the custom resource definition that defines it";
                (Rule::MissingSchema, what.to_owned())
            }
        };
        let message = format!("no schema for `{kind}` of `{api_version}`");
        Finding::new(rule, field("apiVersion"), message).suggesting(Some(suggestion))
    }

    /// The API versions that have a kind, in a stable order, stable ones first.
    fn api_versions_of(&self, kind: &str) -> impl Iterator<Item = &str> {
        let have = self
            .kinds
            .iter()
            .filter(|(_, kinds)| kinds.contains_key(kind));
        let mut known: Vec<&str> = have.map(|(api_version, _)| api_version.as_str()).collect();
        let unstable = |known: &str| (known.contains("alpha"), known.contains("beta"));
        known.sort_by_key(|known| (unstable(known), std::cmp::Reverse(*known)));
        known.into_iter()
    }
}

fn group_of(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

//! What the check and the server said of many objects, counted, with every disagreement.

use std::collections::BTreeMap;
use std::fmt;

use narae_manifest::Schemas;
use narae_yaml::Value;

use super::cluster::{Cluster, Verb};
use super::verdict::{self, Class, Refusal};

/// What the server's code decides and no schema says: part of its message, and what it is about.
type Undecided = (&'static str, &'static str);

#[derive(Default)]
pub(super) struct Tally {
    counts: BTreeMap<String, usize>,
    /// What must not be.
    pub(super) wrong: Vec<String>,
}

impl Tally {
    /// Compares the two about one object. `undecided` names what the check need not see; `None` for
    /// Kubernetes' own kinds, whose values are validated in code.
    pub(super) fn compare(
        &mut self,
        name: &str,
        schemas: &Schemas,
        cluster: &mut Cluster,
        object: &Value,
        undecided: Option<&[Undecided]>,
    ) {
        let theirs = match cluster.refusal(Verb::Create, object) {
            Ok(theirs) => theirs,
            Err(reason) => return self.wrong.push(format!("{name}: {reason}")),
        };
        let ours = verdict::of_findings(&schemas.check(&[object]));
        match (theirs, ours) {
            (None, None) => self.count("both take it"),
            (Some(theirs), Some(ours)) => self.both_refuse(name, &theirs, &ours),
            (None, Some(ours)) => match cluster.refusal(Verb::Apply, object) {
                Ok(Some(_)) => self.count("both refuse it, the server when it is applied"),
                _ => self.only_we_refuse(name, &ours),
            },
            (Some(theirs), None) => self.only_they_refuse(name, &theirs, undecided),
        }
    }

    fn both_refuse(&mut self, name: &str, theirs: &Refusal, ours: &Refusal) {
        let same = match theirs.class {
            Class::UnknownField => theirs.fields.is_subset(&ours.fields),
            // Where it could not read, a server often names a part of the place, or none.
            _ => theirs.fields.is_empty() || theirs.names_one_of(ours),
        };
        if same {
            return self.count("both refuse it, for the same field");
        }
        self.count("both refuse it, for other fields");
        if theirs.class != Class::Invalid {
            let fields = (&theirs.fields, &ours.fields);
            self.wrong.push(format!(
                "{name}: other fields: {fields:?}: {}",
                theirs.message
            ));
        }
    }

    fn only_we_refuse(&mut self, name: &str, ours: &Refusal) {
        let known = KNOWN.iter().find(|(place, _)| name.ends_with(place));
        if let Some((_, why)) = known {
            return self.count(format!("only we refuse it, known: {why}"));
        }
        self.count("only we refuse it");
        self.wrong
            .push(format!("{name}: only we refuse it: {}", ours.message));
    }

    fn only_they_refuse(&mut self, name: &str, theirs: &Refusal, undecided: Option<&[Undecided]>) {
        let reason = match (theirs.class, undecided) {
            (Class::Other, _) => Some("admission"),
            (Class::Invalid, None) => Some("validation in code"),
            (Class::Invalid, Some(undecided)) => {
                let known = undecided
                    .iter()
                    .find(|(part, _)| theirs.message.contains(part));
                known.map(|(_, why)| *why)
            }
            _ => None,
        };
        if let Some(reason) = reason {
            return self.count(format!("only the server refuses it, by {reason}"));
        }
        self.count("only the server refuses it");
        self.wrong.push(format!(
            "{name}: only the server refuses it: {}",
            theirs.message
        ));
    }

    pub(super) fn total(&self) -> usize {
        self.counts.values().sum()
    }

    fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} objects", self.total())?;
        self.counts
            .iter()
            .try_for_each(|(what, count)| write!(f, "\n{count:7} {what}"))
    }
}

/// Where the server takes what its schema does not allow: the end of the case's name, and why.
const KNOWN: &[(&str, &str)] = &[(
    "a fraction at spec.enumNumber",
    "it cuts 1.5 to 1 before it looks into an enumeration with 1",
)];

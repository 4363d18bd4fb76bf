//! What people expect of a linter of manifests, beyond schemas: objects that replace one another,
//! namespaces left open, API versions that are going. Decides from a set of objects and the kinds
//! of a cluster; a kind that is not known is not judged.

use std::collections::HashMap;

use narae_yaml::{Path, Value};

use crate::finding::{Finding, Rule};
use crate::object::ObjectId;
use crate::schema::{Schemas, Scope};

/// Checks a set of objects that are to be applied together, in their order.
/// [`Finding::trace`] adds the places they come from.
#[must_use]
pub fn check(objects: &[&Value], schemas: &Schemas) -> Vec<Finding> {
    let mut seen = HashMap::new();
    let mut findings = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        // What has no address is reported by the schema check.
        let Ok(id) = ObjectId::of(object) else {
            continue;
        };
        let found = [
            duplicate(&id, index, &mut seen),
            namespace(&id, schemas),
            schemas.deprecation(&id.api_version, &id.kind),
        ];
        let found = found.into_iter().flatten();
        findings.extend(found.map(|finding| finding.of(index, Some(&id))));
    }
    findings
}

type Address = (String, String, Option<String>, String);

/// The API version does not tell two objects apart, only its group does.
fn duplicate(id: &ObjectId, index: usize, seen: &mut HashMap<Address, usize>) -> Option<Finding> {
    if id.name.is_empty() {
        return None;
    }
    let address = (
        id.group().to_owned(),
        id.kind.clone(),
        id.namespace.clone(),
        id.name.clone(),
    );
    let first = *seen.entry(address).or_insert(index);
    (first != index).then(|| {
        let message = "stands twice in this set, and the second would replace the first";
        let mut finding = Finding::new(Rule::DuplicateObject, field("name"), message);
        finding.related = Some(first);
        finding.suggesting(Some(format!(
            "the first is object {} of the set",
            first + 1
        )))
    })
}

fn namespace(id: &ObjectId, schemas: &Schemas) -> Option<Finding> {
    match (schemas.scope(&id.api_version, &id.kind)?, &id.namespace) {
        (Scope::Namespaced, None) => {
            let message = "has no `metadata.namespace`: it goes wherever it is applied from";
            Some(Finding::new(
                Rule::MissingNamespace,
                field("namespace"),
                message,
            ))
        }
        (Scope::Cluster, Some(_)) => {
            let message = format!("`metadata.namespace` means nothing for a {}", id.kind);
            Some(Finding::new(
                Rule::NeedlessNamespace,
                field("namespace"),
                message,
            ))
        }
        _ => None,
    }
}

fn field(name: &str) -> Path {
    Path::root().child("metadata").child(name)
}

//! One element of `resourceRules`.
//!
//! May refuse what matches no object that there is: a group, an operation or a resource that is
//! misspelt would make the policy pass everything, and nobody would see it.

use narae_yaml::Node;

use super::fields::Fields;
use crate::error::{Error, ErrorKind};
use crate::policy::matching::{Rule, plural_of};

pub(super) fn read_rule(rule: &Fields<'_>) -> Result<Rule, Error> {
    rule.only(&[
        "apiGroups",
        "apiVersions",
        "operations",
        "resourceNames",
        "resources",
        "scope",
    ])?;
    if !matches!(rule.text("scope")?.as_deref(), None | Some("*")) {
        return Err(rule.bad("scope", "`*`"));
    }
    Ok(Rule {
        groups: read(rule, "apiGroups", group)?,
        versions: read(rule, "apiVersions", version)?,
        operations: read(rule, "operations", operation)?,
        resources: read(rule, "resources", resource)?,
        names: rule.texts("resourceNames")?,
    })
}

/// What is wrong with an element, and what to try.
type Verdict = Result<(), (String, String)>;

fn read(
    rule: &Fields<'_>,
    name: &str,
    judge: impl Fn(&str) -> Verdict,
) -> Result<Vec<String>, Error> {
    let judged = |(text, node): (String, &Node)| match judge(&text) {
        Ok(()) => Ok(text),
        Err((message, note)) => Err(rule.error(ErrorKind::Unsupported, message, node).note(note)),
    };
    rule.some_texts(name)?.into_iter().map(judged).collect()
}

fn group(group: &str) -> Verdict {
    let valid = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '.');
    if let Some((bare, _)) = group.split_once('/') {
        return Err((
            format!("`{}` is not an API group", shown(group)),
            format!(
                "`apiGroups` takes the group alone, here `{}`",
                shown(written(bare))
            ),
        ));
    }
    if group == "core" {
        return Err((
            "there is no API group `core`".to_owned(),
            "the group of Pod and Service is written `\"\"`".to_owned(),
        ));
    }
    if group == "*" || group.chars().all(valid) {
        return Ok(());
    }
    Err((
        format!("`{}` is not an API group", shown(group)),
        "a group is a name in lower case, such as `apps`, or `*`".to_owned(),
    ))
}

/// A group as a rule has it: what stands before the slash of `v1/pods` is none, the core group.
fn written(bare: &str) -> &str {
    if bare == "v1" { "\"\"" } else { bare }
}

fn version(version: &str) -> Verdict {
    let valid = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
    if version == "*" || (!version.is_empty() && version.chars().all(valid)) {
        return Ok(());
    }
    Err((
        format!("`{}` is not an API version", shown(version)),
        "`apiVersions` takes the version alone, such as `v1`, or `*`".to_owned(),
    ))
}

fn operation(operation: &str) -> Verdict {
    const KNOWN: [&str; 5] = ["CREATE", "UPDATE", "DELETE", "CONNECT", "*"];
    if KNOWN.contains(&operation) {
        return Ok(());
    }
    let upper = operation.to_ascii_uppercase();
    let note = if KNOWN.contains(&upper.as_str()) {
        format!("did you mean `{upper}`")
    } else {
        "there are `CREATE`, `UPDATE`, `DELETE`, `CONNECT` and `*`".to_owned()
    };
    Err((
        format!("there is no operation `{}`", shown(operation)),
        note,
    ))
}

fn resource(resource: &str) -> Verdict {
    let valid = |part: &str| {
        part == "*"
            || (!part.is_empty()
                && part
                    .chars()
                    .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-')))
    };
    let (name, subresource) = match resource.split_once('/') {
        Some((name, subresource)) => (name, Some(subresource)),
        None => (resource, None),
    };
    let lower = name.to_ascii_lowercase();
    let meant = plural_of(&lower);
    if meant.is_none() && valid(name) && subresource.is_none_or(valid) {
        return Ok(());
    }
    let note = match meant {
        Some(plural) => format!("did you mean `{plural}`"),
        None if lower != name && valid(&lower) => format!("did you mean `{lower}`"),
        None => "a resource is a plural in lower case, such as `deployments`, or `*`".to_owned(),
    };
    Err((format!("there is no resource `{}`", shown(resource)), note))
}

/// A word of the policy as part of one line, and no longer than is useful.
fn shown(word: &str) -> String {
    const MAX_CHARS: usize = 64;
    word.chars()
        .take(MAX_CHARS)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

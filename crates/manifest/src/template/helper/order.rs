//! The order of arguments: here what a helper works on stands first; sprig has it last, for pipes.
//!
//! May find a call that was written the other way round and write it as it should be. A call that
//! could be meant as it stands is left alone.

use super::Helper;
use crate::template::syntax::{Expression, Form};
use narae_yaml::Value;

/// Helpers whose name sprig has, with what they work on behind all else. Sorted.
const LAST_FOR_SPRIG: &[&str] = &[
    "contains",
    "default",
    "has",
    "hasPrefix",
    "hasSuffix",
    "join",
    "repeat",
    "replace",
    "required",
    "semverCompare",
    "split",
    "ternary",
    "trimAll",
    "trimPrefix",
    "trimSuffix",
    "trunc",
];

/// What a call was meant to be, when it can be seen from its form: a literal stands where a value
/// is worked on, and the value behind it.
pub(in crate::template) fn meant(helper: &Helper, arguments: &[Expression]) -> Option<String> {
    let [
        Expression {
            form: Form::Literal(first),
            ..
        },
        ..,
        last,
    ] = arguments
    else {
        return None;
    };
    let name = helper.name();
    // A text that is repeated as often as a value says.
    let is_plausible = name == "repeat" && !matches!(first, Value::Number(_));
    let is_value = !matches!(last.form, Form::Literal(_));
    let is_swapped = LAST_FOR_SPRIG.binary_search(&name).is_ok() && is_value && !is_plausible;
    is_swapped.then(|| turned(name, arguments))
}

/// What a call was meant to be, when it fails as it stands and works the other way round.
pub(in crate::template) fn works_turned(
    helper: &Helper,
    arguments: &[Expression],
    values: &[&Value],
    work: impl FnOnce(&[&Value]) -> bool,
) -> Option<String> {
    LAST_FOR_SPRIG.binary_search(&helper.name()).ok()?;
    let (last, before) = values.split_last()?;
    let values: Vec<&Value> = std::iter::once(last).chain(before).copied().collect();
    work(&values).then(|| turned(helper.name(), arguments))
}

/// The call with its last argument first.
fn turned(name: &str, arguments: &[Expression]) -> String {
    let (before, last) = arguments.split_at(arguments.len().saturating_sub(1));
    let words = last
        .iter()
        .chain(before)
        .map(|argument| format!(" {argument}"));
    format!("{name}{}", words.collect::<String>())
}

//! Lists and mappings. What is made keeps the order it was given in.

use std::collections::HashSet;

use narae_yaml::{Mapping, Value};

use super::{number, text, wanted, wrong_count};
use crate::identity::identity;

/// Elements that `until` gives at most.
const MAX_COUNT: usize = 10_000;

pub(super) fn list(arguments: &[&Value]) -> Result<Value, String> {
    Ok(Value::Sequence(
        arguments.iter().map(|value| (*value).clone()).collect(),
    ))
}

pub(super) fn dict(arguments: &[&Value]) -> Result<Value, String> {
    let mut mapping = Mapping::new();
    for pair in arguments.chunks(2) {
        let [key, value] = pair else {
            return Err("takes a value for each key".to_owned());
        };
        let key = text(key)?;
        if mapping.insert(key, (*value).clone()).is_some() {
            return Err("was given a key twice".to_owned());
        }
    }
    Ok(Value::Mapping(mapping))
}

pub(super) fn append(arguments: &[&Value]) -> Result<Value, String> {
    let (list, value) = list_and(arguments)?;
    let mut list = list.to_vec();
    list.push(value.clone());
    Ok(Value::Sequence(list))
}

pub(super) fn first(arguments: &[&Value]) -> Result<Value, String> {
    only(arguments)?
        .first()
        .cloned()
        .ok_or_else(|| EMPTY.to_owned())
}

pub(super) fn last(arguments: &[&Value]) -> Result<Value, String> {
    only(arguments)?
        .last()
        .cloned()
        .ok_or_else(|| EMPTY.to_owned())
}

pub(super) fn reverse(arguments: &[&Value]) -> Result<Value, String> {
    Ok(Value::Sequence(
        only(arguments)?.iter().rev().cloned().collect(),
    ))
}

pub(super) fn has(arguments: &[&Value]) -> Result<Value, String> {
    let (list, value) = list_and(arguments)?;
    Ok(Value::Bool(list.contains(value)))
}

/// By their texts, byte by byte.
pub(super) fn sort_alpha(arguments: &[&Value]) -> Result<Value, String> {
    let texts: Result<Vec<String>, String> = only(arguments)?.iter().map(text).collect();
    let mut texts = texts?;
    texts.sort();
    Ok(Value::Sequence(
        texts.into_iter().map(Value::String).collect(),
    ))
}

/// Each value once, where it first stands.
pub(super) fn uniq(arguments: &[&Value]) -> Result<Value, String> {
    let mut seen = HashSet::new();
    let list = only(arguments)?.iter();
    let fresh = list.filter(|value| seen.insert(identity(value)));
    Ok(Value::Sequence(fresh.cloned().collect()))
}

pub(super) fn until(arguments: &[&Value]) -> Result<Value, String> {
    let [count] = arguments else {
        return Err(wrong_count(arguments));
    };
    let count = number::count(count, MAX_COUNT)?;
    Ok(Value::Sequence((0..count).map(Value::from).collect()))
}

pub(super) fn len(arguments: &[&Value]) -> Result<Value, String> {
    match arguments {
        [Value::Sequence(list)] => Ok(Value::from(list.len())),
        [Value::Mapping(map)] => Ok(Value::from(map.len())),
        [Value::String(text)] => Ok(Value::from(text.chars().count())),
        [other] => Err(wanted("a list, a mapping or a string", other)),
        _ => Err(wrong_count(arguments)),
    }
}

pub(super) fn keys(arguments: &[&Value]) -> Result<Value, String> {
    let keys = mapping(arguments)?.keys().map(Value::from);
    Ok(Value::Sequence(keys.collect()))
}

pub(super) fn values(arguments: &[&Value]) -> Result<Value, String> {
    Ok(Value::Sequence(
        mapping(arguments)?.values().cloned().collect(),
    ))
}

pub(super) fn has_key(arguments: &[&Value]) -> Result<Value, String> {
    match arguments {
        [Value::Mapping(map), key] => Ok(Value::Bool(map.contains_key(&text(key)?))),
        [other, _] => Err(wanted("a mapping", other)),
        _ => Err(wrong_count(arguments)),
    }
}

/// Mappings into one, as layers of values merge: a later value stands in place of an earlier one.
pub(super) fn merge(arguments: &[&Value]) -> Result<Value, String> {
    let mut merged = Mapping::new();
    for argument in arguments {
        match argument {
            Value::Mapping(map) => merge_into(&mut merged, map),
            other => return Err(wanted("mappings", other)),
        }
    }
    Ok(Value::Mapping(merged))
}

fn merge_into(merged: &mut Mapping, later: &Mapping) {
    for (key, value) in later.iter() {
        match (merged.get_mut(key), value) {
            (Some(Value::Mapping(earlier)), Value::Mapping(value)) => merge_into(earlier, value),
            (Some(earlier), _) => *earlier = value.clone(),
            (None, _) => {
                merged.insert(key, value.clone());
            }
        }
    }
}

const EMPTY: &str = "takes a list that is not empty";

fn only<'v>(arguments: &[&'v Value]) -> Result<&'v [Value], String> {
    match arguments {
        [Value::Sequence(list)] => Ok(list),
        [other] => Err(wanted("a list", other)),
        _ => Err(wrong_count(arguments)),
    }
}

fn list_and<'v>(arguments: &[&'v Value]) -> Result<(&'v [Value], &'v Value), String> {
    match arguments {
        [Value::Sequence(list), value] => Ok((list, value)),
        [other, _] => Err(wanted("a list", other)),
        _ => Err(wrong_count(arguments)),
    }
}

fn mapping<'v>(arguments: &[&'v Value]) -> Result<&'v Mapping, String> {
    match arguments {
        [Value::Mapping(map)] => Ok(map),
        [other] => Err(wanted("a mapping", other)),
        _ => Err(wrong_count(arguments)),
    }
}

//! Comparing, and what counts as true.

use std::cmp::Ordering;

use narae_yaml::Value;

use super::{number, text, wrong_count};

pub(super) fn eq(arguments: &[&Value]) -> Result<Value, String> {
    same(arguments).map(Value::Bool)
}

pub(super) fn ne(arguments: &[&Value]) -> Result<Value, String> {
    same(arguments).map(|same| Value::Bool(!same))
}

pub(super) fn lt(arguments: &[&Value]) -> Result<Value, String> {
    ordered(arguments, Ordering::is_lt)
}

pub(super) fn le(arguments: &[&Value]) -> Result<Value, String> {
    ordered(arguments, Ordering::is_le)
}

pub(super) fn gt(arguments: &[&Value]) -> Result<Value, String> {
    ordered(arguments, Ordering::is_gt)
}

pub(super) fn ge(arguments: &[&Value]) -> Result<Value, String> {
    ordered(arguments, Ordering::is_ge)
}

pub(super) fn not(arguments: &[&Value]) -> Result<Value, String> {
    empty(arguments)
}

pub(super) fn empty(arguments: &[&Value]) -> Result<Value, String> {
    let [value] = arguments else {
        return Err(wrong_count(arguments));
    };
    Ok(Value::Bool(!is_truthy(value, false)))
}

pub(super) fn fail(arguments: &[&Value]) -> Result<Value, String> {
    let [message] = arguments else {
        return Err(wrong_count(arguments));
    };
    Err(format!("says: {}", text(message)?))
}

/// What `#if` takes for true, as handlebars has it: false, null, zero, and everything empty is not.
pub(in crate::template) fn is_truthy(value: &Value, include_zero: bool) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => {
            let float = number.as_f64();
            !float.is_nan() && (include_zero || float != 0.0)
        }
        Value::String(text) => !text.is_empty(),
        Value::Sequence(list) => !list.is_empty(),
        Value::Mapping(map) => !map.is_empty(),
    }
}

fn same(arguments: &[&Value]) -> Result<bool, String> {
    let [a, b] = arguments else {
        return Err(wrong_count(arguments));
    };
    Ok(a == b)
}

fn ordered(arguments: &[&Value], holds: fn(Ordering) -> bool) -> Result<Value, String> {
    let [a, b] = arguments else {
        return Err(wrong_count(arguments));
    };
    let ordering = match (a, b) {
        (Value::Number(a), Value::Number(b)) => number::compare(a, b),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => {
            return Err(format!(
                "compares two numbers or two strings, found {} and {}",
                a.kind(),
                b.kind()
            ));
        }
    };
    // NaN is neither more nor less than anything.
    Ok(Value::Bool(ordering.is_some_and(holds)))
}

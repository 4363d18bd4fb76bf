//! Kubernetes quantities, added, compared and scaled exactly.

use narae_yaml::Value;

use super::{number, text, wanted, wrong_count};
use crate::object::Quantity;

pub(super) fn add(arguments: &[&Value]) -> Result<Value, String> {
    let all: Result<Vec<Quantity>, String> = arguments.iter().map(|value| read(value)).collect();
    let sum = all?.into_iter().map(Some);
    let sum = sum.reduce(|a, b| a?.checked_add(b?)).flatten();
    written(sum)
}

pub(super) fn sub(arguments: &[&Value]) -> Result<Value, String> {
    let (a, b) = two(arguments)?;
    written(a.checked_sub(b))
}

pub(super) fn mul(arguments: &[&Value]) -> Result<Value, String> {
    let [quantity, times] = arguments else {
        return Err(wrong_count(arguments));
    };
    let whole = match times {
        Value::Number(number) => number::whole(number).and_then(|times| i64::try_from(times).ok()),
        _ => None,
    };
    let times = whole.ok_or_else(|| wanted("a whole number as its factor", times))?;
    written(read(quantity)?.checked_mul(times))
}

/// -1, 0 or 1: less, the same, more.
pub(super) fn compare(arguments: &[&Value]) -> Result<Value, String> {
    let (a, b) = two(arguments)?;
    Ok(Value::from(i64::from(a.cmp(&b) as i8)))
}

fn two(arguments: &[&Value]) -> Result<(Quantity, Quantity), String> {
    let [a, b] = arguments else {
        return Err(wrong_count(arguments));
    };
    Ok((read(a)?, read(b)?))
}

fn read(value: &Value) -> Result<Quantity, String> {
    let parsed = text(value)?.parse::<Quantity>();
    parsed.map_err(|error| match error.suggestion() {
        Some(meant) => format!("takes quantities: {error}; did you mean {meant}"),
        None => format!("takes quantities: {error}"),
    })
}

fn written(quantity: Option<Quantity>) -> Result<Value, String> {
    let quantity = quantity.ok_or("gives a quantity that is too large")?;
    Ok(Value::String(quantity.to_string()))
}

//! Arithmetic: whole numbers stay whole and exact, and what does not fit is an error.
//!
//! A number without a fraction is whole, however it is written: `2.0` is `2`. Whole numbers give a
//! whole number, in the range of `i64` and `u64` together; with another among them all are floats.

use std::cmp::Ordering;

use narae_yaml::{Number, Value};

use super::{wanted, wrong_count};

pub(super) fn add(arguments: &[&Value]) -> Result<Value, String> {
    fold(arguments, i128::checked_add, |a, b| a + b)
}

pub(super) fn sub(arguments: &[&Value]) -> Result<Value, String> {
    fold(arguments, i128::checked_sub, |a, b| a - b)
}

pub(super) fn mul(arguments: &[&Value]) -> Result<Value, String> {
    fold(arguments, i128::checked_mul, |a, b| a * b)
}

pub(super) fn div(arguments: &[&Value]) -> Result<Value, String> {
    not_by_zero(arguments)?;
    fold(arguments, i128::checked_div, |a, b| a / b)
}

pub(super) fn divf(arguments: &[&Value]) -> Result<Value, String> {
    not_by_zero(arguments)?;
    floats(&numbers(arguments)?, |a, b| a / b)
}

pub(super) fn modulo(arguments: &[&Value]) -> Result<Value, String> {
    not_by_zero(arguments)?;
    fold(arguments, i128::checked_rem, |a, b| a % b)
}

pub(super) fn min(arguments: &[&Value]) -> Result<Value, String> {
    extreme(arguments, Ordering::Less)
}

pub(super) fn max(arguments: &[&Value]) -> Result<Value, String> {
    extreme(arguments, Ordering::Greater)
}

pub(super) fn int(arguments: &[&Value]) -> Result<Value, String> {
    let [value] = arguments else {
        return Err(wrong_count(arguments));
    };
    let what = "a number or the text of one";
    let number = match value {
        Value::Number(number) => *number,
        Value::String(text) => match text.parse::<i128>() {
            Ok(whole) => return from_whole(whole),
            Err(_) => float_of(text).ok_or_else(|| format!("takes {what}, found another text"))?,
        },
        other => return Err(wanted(what, other)),
    };
    match whole(&number) {
        Some(whole) => from_whole(whole),
        None => {
            let whole = number.as_f64().trunc();
            // Every such text is the exact number; i64's and u64's range is checked behind it.
            let parsed = format!("{whole:.0}").parse::<i128>();
            from_whole(parsed.map_err(|_| TOO_LARGE.to_owned())?)
        }
    }
}

pub(super) fn float(arguments: &[&Value]) -> Result<Value, String> {
    let [value] = arguments else {
        return Err(wrong_count(arguments));
    };
    let what = "a number or the text of one";
    match value {
        Value::Number(number) => Ok(Value::from(number.as_f64())),
        Value::String(text) => float_of(text)
            .map(Value::Number)
            .ok_or_else(|| format!("takes {what}, found another text")),
        other => Err(wanted(what, other)),
    }
}

/// The order of two numbers, exact where both are whole.
pub(super) fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64().partial_cmp(&b.as_f64()),
    }
}

/// A whole number of arguments, as a count.
pub(super) fn count(value: &Value, most: usize) -> Result<usize, String> {
    let number = match value {
        Value::Number(number) => whole(number),
        _ => None,
    };
    let number = number.ok_or_else(|| wanted("a whole number", value))?;
    usize::try_from(number)
        .ok()
        .filter(|count| *count <= most)
        .ok_or_else(|| format!("takes a count of 0 to {most}, found {number}"))
}

pub(super) fn whole(number: &Number) -> Option<i128> {
    let signed = number.as_i64().map(i128::from);
    signed.or_else(|| number.as_u64().map(i128::from))
}

const TOO_LARGE: &str = "gives a number that is too large";

fn from_whole(number: i128) -> Result<Value, String> {
    if let Ok(number) = i64::try_from(number) {
        return Ok(Value::from(number));
    }
    u64::try_from(number)
        .map(Value::from)
        .map_err(|_| TOO_LARGE.to_owned())
}

fn float_of(text: &str) -> Option<Number> {
    let is_plain = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    let float = text.parse::<f64>().ok().filter(|float| float.is_finite())?;
    match Value::from(float) {
        Value::Number(number) if is_plain => Some(number),
        _ => None,
    }
}

fn numbers(arguments: &[&Value]) -> Result<Vec<Number>, String> {
    let number = |value: &&Value| match value {
        Value::Number(number) => Ok(*number),
        other => Err(wanted("numbers", other)),
    };
    arguments.iter().map(number).collect()
}

fn fold(
    arguments: &[&Value],
    exact: fn(i128, i128) -> Option<i128>,
    float: fn(f64, f64) -> f64,
) -> Result<Value, String> {
    let numbers = numbers(arguments)?;
    let wholes: Option<Vec<i128>> = numbers.iter().map(whole).collect();
    if let Some(wholes) = wholes {
        let sum = wholes.into_iter().map(Some).reduce(|a, b| exact(a?, b?));
        return from_whole(sum.flatten().ok_or_else(|| TOO_LARGE.to_owned())?);
    }
    floats(&numbers, float)
}

fn floats(numbers: &[Number], float: fn(f64, f64) -> f64) -> Result<Value, String> {
    let sum = numbers.iter().map(Number::as_f64).reduce(float);
    match sum.filter(|sum| sum.is_finite()) {
        Some(sum) => Ok(Value::from(sum)),
        None => Err(TOO_LARGE.to_owned()),
    }
}

fn not_by_zero(arguments: &[&Value]) -> Result<(), String> {
    match arguments {
        [_, Value::Number(number)] if number.as_f64() == 0.0 => {
            Err("cannot divide by zero".to_owned())
        }
        _ => Ok(()),
    }
}

fn extreme(arguments: &[&Value], wanted: Ordering) -> Result<Value, String> {
    let best = numbers(arguments)?.into_iter().reduce(|best, next| {
        if compare(&next, &best) == Some(wanted) {
            next
        } else {
            best
        }
    });
    best.map(Value::Number)
        .ok_or_else(|| wrong_count(arguments))
}

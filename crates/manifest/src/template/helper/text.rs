//! Texts. Lengths count characters (Unicode scalar values), as people count them, not bytes.

use narae_yaml::Value;

use super::{MAX_GROWTH, number, wanted, wrong_count};

/// The text of a scalar, as it stands inside a word. Null has none: an empty text in its place
/// would be `name-` where a name was meant.
pub(in crate::template) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(wanted("text", other)),
    }
}

pub(super) fn to_string(arguments: &[&Value]) -> Result<Value, String> {
    one(arguments, |text| text)
}

pub(super) fn lower(arguments: &[&Value]) -> Result<Value, String> {
    one(arguments, |text| text.to_lowercase())
}

pub(super) fn upper(arguments: &[&Value]) -> Result<Value, String> {
    one(arguments, |text| text.to_uppercase())
}

pub(super) fn title(arguments: &[&Value]) -> Result<Value, String> {
    one(arguments, |text| {
        let mut titled = String::with_capacity(text.len());
        let mut before = ' ';
        for c in text.chars() {
            if before.is_whitespace() {
                titled.extend(c.to_uppercase());
            } else {
                titled.push(c);
            }
            before = c;
        }
        titled
    })
}

pub(super) fn trim(arguments: &[&Value]) -> Result<Value, String> {
    one(arguments, |text| text.trim().to_owned())
}

pub(super) fn trim_all(arguments: &[&Value]) -> Result<Value, String> {
    let [text, characters] = texts(arguments)?;
    let trimmed = text.trim_matches(|c| characters.contains(c));
    Ok(Value::from(trimmed))
}

pub(super) fn trim_prefix(arguments: &[&Value]) -> Result<Value, String> {
    let [text, part] = texts(arguments)?;
    Ok(Value::from(text.strip_prefix(&*part).unwrap_or(&text)))
}

pub(super) fn trim_suffix(arguments: &[&Value]) -> Result<Value, String> {
    let [text, part] = texts(arguments)?;
    Ok(Value::from(text.strip_suffix(&*part).unwrap_or(&text)))
}

pub(super) fn contains(arguments: &[&Value]) -> Result<Value, String> {
    let [text, part] = texts(arguments)?;
    Ok(Value::Bool(text.contains(&*part)))
}

pub(super) fn has_prefix(arguments: &[&Value]) -> Result<Value, String> {
    let [text, part] = texts(arguments)?;
    Ok(Value::Bool(text.starts_with(&*part)))
}

pub(super) fn has_suffix(arguments: &[&Value]) -> Result<Value, String> {
    let [text, part] = texts(arguments)?;
    Ok(Value::Bool(text.ends_with(&*part)))
}

/// The first characters; with a negative length the last ones.
pub(super) fn trunc(arguments: &[&Value]) -> Result<Value, String> {
    let [value, length] = arguments else {
        return Err(wrong_count(arguments));
    };
    let value = text(value)?;
    let whole = match length {
        Value::Number(number) => number::whole(number),
        _ => None,
    };
    let length = whole.ok_or_else(|| wanted("a whole number as its length", length))?;
    let wanted = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
    let kept: String = if length < 0 {
        let skipped = value.chars().count().saturating_sub(wanted);
        value.chars().skip(skipped).collect()
    } else {
        value.chars().take(wanted).collect()
    };
    Ok(Value::String(kept))
}

pub(super) fn replace(arguments: &[&Value]) -> Result<Value, String> {
    let [text, part, other] = texts(arguments)?;
    if part.is_empty() {
        return Err("cannot replace an empty text".to_owned());
    }
    let count = text.matches(&*part).count();
    bounded(count.saturating_mul(other.len()))?;
    Ok(Value::String(text.replace(&*part, &other)))
}

pub(super) fn repeat(arguments: &[&Value]) -> Result<Value, String> {
    let [value, times] = arguments else {
        return Err(wrong_count(arguments));
    };
    let (value, times) = (text(value)?, number::count(times, MAX_GROWTH)?);
    bounded(value.len().saturating_mul(times))?;
    Ok(Value::String(value.repeat(times)))
}

pub(super) fn concat(arguments: &[&Value]) -> Result<Value, String> {
    let parts: Result<Vec<String>, String> = arguments.iter().map(|part| text(part)).collect();
    Ok(Value::String(parts?.concat()))
}

pub(super) fn join(arguments: &[&Value]) -> Result<Value, String> {
    match arguments {
        [Value::Sequence(list), separator] => {
            let parts: Result<Vec<String>, String> = list.iter().map(text).collect();
            let (parts, separator) = (parts?, text(separator)?);
            bounded(parts.len().saturating_mul(separator.len()))?;
            Ok(Value::String(parts.join(&separator)))
        }
        [other, _] => Err(wanted("a list", other)),
        _ => Err(wrong_count(arguments)),
    }
}

pub(super) fn split(arguments: &[&Value]) -> Result<Value, String> {
    let [text, separator] = texts(arguments)?;
    if separator.is_empty() {
        return Err("cannot split at an empty text".to_owned());
    }
    let parts = text.split(&*separator).map(Value::from);
    Ok(Value::Sequence(parts.collect()))
}

fn one(arguments: &[&Value], change: impl FnOnce(String) -> String) -> Result<Value, String> {
    let [text] = texts(arguments)?;
    Ok(Value::String(change(text)))
}

/// The texts of all arguments, which are as many as there are places for them.
fn texts<const N: usize>(arguments: &[&Value]) -> Result<[String; N], String> {
    let texts: Result<Vec<String>, String> = arguments.iter().map(|part| text(part)).collect();
    texts?.try_into().map_err(|_| wrong_count(arguments))
}

fn bounded(bytes: usize) -> Result<(), String> {
    if bytes > MAX_GROWTH {
        return Err(format!("would make a text of more than {MAX_GROWTH} bytes"));
    }
    Ok(())
}

//! Values as texts of another format: JSON, YAML, Base64 (RFC 4648 §4), SHA-256 (FIPS 180-4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use narae_yaml::Value;
use sha2::{Digest as _, Sha256};

use super::{text, wrong_count};

pub(super) fn to_json(arguments: &[&Value]) -> Result<Value, String> {
    serde_json::to_string(one(arguments)?)
        .map(Value::String)
        .map_err(|_| "takes a value that JSON can hold, found NaN or an infinity".to_owned())
}

pub(super) fn to_yaml(arguments: &[&Value]) -> Result<Value, String> {
    Ok(Value::String(narae_yaml::write(one(arguments)?)))
}

pub(super) fn b64enc(arguments: &[&Value]) -> Result<Value, String> {
    Ok(Value::String(STANDARD.encode(text(one(arguments)?)?)))
}

/// What was decoded is not for messages: it is probably a secret.
pub(super) fn b64dec(arguments: &[&Value]) -> Result<Value, String> {
    let bytes = STANDARD
        .decode(text(one(arguments)?)?)
        .map_err(|_| "takes Base64 with padding, found another text".to_owned())?;
    String::from_utf8(bytes)
        .map(Value::String)
        .map_err(|_| "takes the Base64 of UTF-8 text, found that of other bytes".to_owned())
}

pub(super) fn sha256sum(arguments: &[&Value]) -> Result<Value, String> {
    let digest = Sha256::digest(text(one(arguments)?)?);
    let hex = digest.iter().map(|byte| format!("{byte:02x}"));
    Ok(Value::String(hex.collect()))
}

fn one<'v>(arguments: &[&'v Value]) -> Result<&'v Value, String> {
    match arguments {
        [value] => Ok(value),
        _ => Err(wrong_count(arguments)),
    }
}

//! What we call an object serde_json calls one too, but for what it cannot hold, and the values agree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_logparse::{Reason, Value, format::json};

fuzz_target!(|line: &[u8]| {
    let ours = json::parse(line);
    let theirs = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(line);
    match (ours, theirs) {
        (Ok(record), Ok(object)) => {
            for (name, value) in object.iter().filter(|(name, _)| !name.contains('.')) {
                let Some(Value::Text(text)) = record.get(name) else {
                    continue;
                };
                // A later object under the same name has fields of its own name only.
                assert!(value.is_object() || value.as_str() == text.to_str().ok().as_deref());
            }
        }
        (Ok(_), Err(error)) => {
            let error = error.to_string();
            let cannot_hold = ["surrogate", "hex escape", "out of range"];
            assert!(
                cannot_hold.iter().any(|known| error.contains(known)),
                "{error}"
            );
        }
        (Err(error), Ok(_)) => {
            let limits = [Reason::TooDeep, Reason::TooManyFields, Reason::NameTooLong];
            assert!(limits.contains(&error.reason()), "{error}");
        }
        (Err(error), Err(_)) => assert!(error.offset() <= line.len()),
    }
});

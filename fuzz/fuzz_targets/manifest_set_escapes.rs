//! Any text is an assignment or is refused with a place; any key and text can be written as one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_manifest::{Layer, Values};
use narae_yaml::{Path, Value};

fuzz_target!(|input: (&str, &str, &str)| {
    let (text, key, value) = input;
    match Layer::set("--set", text) {
        Ok(layer) => drop(Values::merge([layer])),
        Err(error) => assert!(error.position().is_some(), "without a place: {error}"),
    }
    if key.is_empty() {
        return;
    }
    let escaped = |text: &str| text.chars().flat_map(|c| ['\\', c]).collect::<String>();
    let assignment = format!("{}={}", escaped(key), escaped(value));
    let layer = Layer::set_string("--set-string", &assignment).expect("all of it is escaped");
    let values = Values::merge([layer]).expect("one assignment merges");
    assert_eq!(
        values.get(&Path::root().child(key)),
        Some(&Value::from(value))
    );
});

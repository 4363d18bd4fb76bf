//! Any pattern is compiled or refused; what it captures stands in the line, in the place the line has it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_logparse::Value;
use narae_logparse::grok::{Patterns, Spelling};

fuzz_target!(|input: (bool, &str, &[u8])| {
    let (stock, pattern, line) = input;
    let patterns = if stock {
        Patterns::stock(Spelling::Ecs)
    } else {
        Patterns::new()
    };
    let Ok(mut grok) = patterns.compile(pattern) else {
        return;
    };
    match grok.parse(line) {
        Ok(record) => {
            for field in record.fields() {
                if let Value::Text(text) = field.value() {
                    assert!(line.as_ptr_range().contains(&text.raw().as_ptr()));
                }
            }
        }
        Err(mismatch) => assert!(mismatch.reached() <= line.len()),
    }
});

//! Security rules are read or refused at a line that is there, and what was read watches anything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_logparse::Format;
use narae_logparse::measure::security::{Rules, Watch};

fuzz_target!(|input: (&str, Vec<&[u8]>)| {
    let (text, lines) = input;
    match Rules::parse(text) {
        Err(error) => assert!((1..=text.lines().count()).contains(&error.line())),
        Ok(rules) => {
            let mut watch = Watch::new(rules);
            for line in lines {
                if let Ok(record) = Format::Plain.parse(line) {
                    watch.add(&record);
                }
            }
        }
    }
});

//! Whatever a format reads out of a line stands in the line, in order; a refusal names a byte of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_logparse::time::Context;
use narae_logparse::{Format, Timestamp, Value};

fuzz_target!(|input: (u8, u32, &[u8])| {
    let (which, offset, line) = input;
    let format = Format::ALL[usize::from(which) % Format::ALL.len()];
    let reference = Timestamp::from_rfc3339(b"2026-11-21T00:00:00Z").expect("a time");
    let offset = i32::try_from(offset % 86_400).expect("small");
    let context = Context::default()
        .with_reference(reference)
        .with_offset_seconds(offset);
    let record = match format.parse_with(line, &context) {
        Ok(record) => record,
        Err(error) => return assert!(error.offset() <= line.len()),
    };
    let mut end = line.as_ptr() as usize;
    for field in record.fields() {
        if let Value::Text(text) = field.value() {
            let raw = text.raw().as_ptr_range();
            let (from, to) = (raw.start as usize, raw.end as usize);
            // Names of levels and streams are not the line's bytes; Docker's members come in any order.
            if line.as_ptr_range().contains(&raw.start) && format != Format::Docker {
                assert!(
                    from >= end,
                    "{format}: {} overlaps what came before",
                    field.name()
                );
                end = to;
            }
        }
        let _ = (
            field.value().as_time(),
            field.value().as_f64(),
            field.value().to_str(),
        );
    }
});

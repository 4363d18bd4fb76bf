//! The fields of a container log line, written out again, are the line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_logparse::format::cri;

fuzz_target!(|line: &[u8]| {
    match cri::parse(line) {
        Ok(entry) => {
            let stream = entry.stream.name().as_bytes();
            let fields = [entry.time_text, stream, entry.tags, entry.message];
            assert_eq!(fields.join(&b' '), line);
            assert_eq!(entry.partial, entry.tags.starts_with(b"P"));
        }
        Err(error) => assert!(error.offset() <= line.len()),
    }
});

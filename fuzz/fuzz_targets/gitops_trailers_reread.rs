//! The trailers of any text, written as a block of their own, read as the same trailers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_gitops::message::Trailers;

fuzz_target!(|text: &str| {
    let found = Trailers::parse(text);
    // `log` output is read line by line: none may come from outside the text.
    assert!(found.len() <= text.lines().count());
    let mut writable = Trailers::new();
    for trailer in &found {
        assert_eq!(trailer.value(), trailer.value().trim());
        let _ = writable.push(trailer.key(), trailer.value());
    }
    assert_eq!(Trailers::parse(&format!("subject\n\n{writable}")), writable);
});

//! Whatever the pattern, the rules and the chunks, a reader by a pattern accounts for every byte, and no text of a line is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_logparse::grok::{Groks, Patterns, Spelling};
use narae_logparse::multiline::Rules;
use narae_logparse::reader::{Reader, ReaderOptions};
use narae_logparse::{Event, Format};

fuzz_target!(|input: (&str, bool, Vec<&[u8]>)| {
    let (pattern, grouped, chunks) = input;
    let Ok(grok) = Patterns::stock(Spelling::Ecs).compile(pattern) else {
        return;
    };
    let mut options = ReaderOptions::default().with_grok(Groks::new([grok]));
    if grouped {
        options = options.with_multiline(Rules::traces().or_indentation());
    }
    let mut reader = Reader::with_options(Format::Grok, &options);
    let check = |reader: &mut Reader| {
        while let Some(event) = reader.next_event() {
            if let Event::Record(record) = event {
                assert!(record.get("message").is_some());
            }
        }
    };
    for chunk in chunks {
        reader.push(chunk);
        check(&mut reader);
    }
    reader.finish();
    check(&mut reader);
    reader.verify().unwrap();
});

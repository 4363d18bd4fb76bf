//! However the input is cut, framed, grouped and limited, events of every format cover it once and do not depend on the cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_logparse::Format;
use narae_logparse::line::{Framing, LineOptions};
use narae_logparse::multiline::Rules;
use narae_logparse::reader::{Reader, ReaderOptions};

fn read(format: Format, options: &ReaderOptions, input: &[u8], chunk: usize) -> Vec<String> {
    let mut reader = Reader::with_options(format, options);
    let mut events = Vec::new();
    for chunk in input.chunks(chunk) {
        reader.push(chunk);
        while let Some(event) = reader.next_event() {
            events.push(format!("{event:?}"))
        }
    }
    reader.finish();
    while let Some(event) = reader.next_event() {
        events.push(format!("{event:?}"))
    }
    reader.verify().expect("every byte is accounted for once");
    events
}

fuzz_target!(|input: (u8, u8, u8, u8, u8, &[u8])| {
    let (which, how, chunk, limit, joined, bytes) = input;
    let framings = [
        Framing::Lines,
        Framing::Nul,
        Framing::OctetCounting,
        Framing::Journal,
    ];
    let lines = LineOptions::default()
        .with_max_line_bytes(limit.into())
        .with_framing(framings[usize::from(how % 4)]);
    let mut options = ReaderOptions::default()
        .with_lines(lines)
        .with_max_message_bytes(joined.into());
    if how & 4 != 0 {
        options = options.with_multiline(Rules::traces().or_indentation());
    }
    let format = Format::ALL[usize::from(which) % Format::ALL.len()];
    let whole = read(format, &options, bytes, usize::MAX);
    assert_eq!(whole, read(format, &options, bytes, usize::from(chunk) + 1));
});

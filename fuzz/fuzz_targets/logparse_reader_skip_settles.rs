//! Whatever was settled of an input, in whatever order, is passed over, and the rest is read once.
#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use narae_logparse::Format;
use narae_logparse::ledger::Ledger;
use narae_logparse::multiline::Rules;
use narae_logparse::reader::{Reader, ReaderOptions};

fuzz_target!(|input: (u8, bool, u8, u64, &[u8])| {
    let (which, grouped, joined, seed, bytes) = input;
    let format = Format::ALL[usize::from(which) % Format::ALL.len()];
    let mut options = ReaderOptions::default().with_max_message_bytes(joined.into());
    if grouped {
        options = options.with_multiline(Rules::traces().or_indentation());
    }
    let end = bytes.len() as u64;
    let mut settled = Ledger::default();
    let mut first = Reader::with_options(format, &options);
    first.push(bytes);
    first.finish();
    while let Some(event) = first.next_event() {
        if (event.offset() ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 63 == 0 {
            settled.record(&event.spans());
        }
    }
    let cut = |span: Range<u64>| &bytes[span.start as usize..span.end as usize];
    let mut at = settled.frontier();
    let ahead: Vec<_> = settled.ahead().chain([end..end]).collect();
    let mut reader = Reader::with_options(format, &options.with_start(at));
    for span in ahead {
        reader.push(cut(at..span.start));
        while let Some(event) = reader.next_event() {
            settled.record(&event.spans());
        }
        assert!(span.is_empty() || reader.skip(span.end - span.start));
        at = span.end;
    }
    reader.finish();
    while let Some(event) = reader.next_event() {
        settled.record(&event.spans());
    }
    reader.verify().expect("every byte is accounted for once");
    settled.verify(end).expect("every byte is settled once");
});

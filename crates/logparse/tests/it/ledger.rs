//! Every byte is accounted for, however the input is cut.

use narae_logparse::ledger::{Imbalance, Ledger};
use narae_logparse::line::LineOptions;
use narae_logparse::multiline::Rules;
use narae_logparse::reader::ReaderOptions;
use narae_logparse::{Event, Format, Reader, Reason, Value};
use proptest::prelude::*;

/// Events without their borrow, and every span with the bytes it stands for.
fn read(
    format: Format,
    chunks: &[&[u8]],
    options: &ReaderOptions,
) -> (Vec<String>, Vec<std::ops::Range<u64>>) {
    let mut reader = Reader::with_options(format, options);
    let (mut events, mut spans) = (Vec::new(), Vec::new());
    for turn in 0..=chunks.len() {
        match chunks.get(turn) {
            Some(chunk) => reader.push(chunk),
            None => reader.finish(),
        }
        while let Some(event) = reader.next_event() {
            events.push(format!("{event:?}"));
            match event {
                Event::Record(record) => spans.extend(record.spans().iter()),
                Event::Raw(raw) => spans.push(raw.span()),
            }
        }
    }
    reader.verify().unwrap();
    (events, spans)
}

/// Pieces of all formats, whole and broken, so that lines are often almost right.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"2026-11-21T04:44:44Z stdout P part ".to_vec()),
        Just(b"2026-11-21T04:44:44Z stderr P other\n".to_vec()),
        Just(b"2026-11-21T04:44:44Z stdout F end\r\n".to_vec()),
        Just(br#"::1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 7 "-" "x""#.to_vec()),
        Just(br#"{"a":{"b":[1,"c"]},"d":"e"}"#.to_vec()),
        Just(br#"{"log":"part","stream":"stdout","time":"2026-11-21T04:44:44Z"}"#.to_vec()),
        Just(b"__REALTIME_TIMESTAMP=1\nMESSAGE\n\x02\0\0\0\0\0\0\0ab\n".to_vec()),
        Just(b"<13>Nov 21 10:00:00 h su: m\n".to_vec()),
        Just(b"a.b.SomeException: x\n".to_vec()),
        Just(b"\tat a.B.c(B.java:1)\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(vec![b'x'; 200]),
        proptest::collection::vec(any::<u8>(), 0..12),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_byte_is_accounted_for_once(input in input(), size in 1_usize..50, limit in 16_usize..300, joined in 0_usize..50, grouped: bool) {
        let options = ReaderOptions::default()
            .with_lines(LineOptions::default().with_max_line_bytes(limit))
            .with_max_message_bytes(joined);
        let options = if grouped { options.with_multiline(Rules::traces()) } else { options };
        for format in Format::ALL {
            let chunks: Vec<&[u8]> = input.chunks(size).collect();
            let (events, mut spans) = read(*format, &chunks, &options);
            prop_assert_eq!(&events, &read(*format, &[&input], &options).0);

            spans.sort_by_key(|span| span.start);
            let rebuilt: Vec<u8> = spans.iter().flat_map(|span| input[usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap()].to_vec()).collect();
            prop_assert_eq!(rebuilt, &input[..], "{}", format);
        }
    }

    #[test]
    fn what_is_settled_is_passed_over_and_the_rest_read_once(input in input(), joined in 0_usize..50, grouped: bool, seed: u64) {
        let options = ReaderOptions::default().with_max_message_bytes(joined);
        let options = if grouped { options.with_multiline(Rules::traces()) } else { options };
        for format in Format::ALL {
            // Whatever was settled before a kill, in whatever order.
            let mut first = Reader::with_options(*format, &options);
            first.push(&input);
            first.finish();
            let mut settled = Ledger::default();
            while let Some(event) = first.next_event() {
                if (event.offset() ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 63 == 0 {
                    settled.record(&event.spans());
                }
            }
            let bytes = |span: std::ops::Range<u64>| &input[usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap()];
            let ahead: Vec<_> = settled.ahead().collect();
            let mut at = settled.frontier();
            let mut reader = Reader::with_options(*format, &options.clone().with_start(at));
            for span in ahead.into_iter().chain(std::iter::once(input.len() as u64..input.len() as u64)) {
                reader.push(bytes(at..span.start));
                while let Some(event) = reader.next_event() {
                    settled.record(&event.spans());
                }
                at = span.end;
                prop_assert!(span.is_empty() || reader.skip(span.end - span.start), "{}: in the middle of a line", format);
            }
            reader.finish();
            while let Some(event) = reader.next_event() {
                settled.record(&event.spans());
            }
            prop_assert_eq!(reader.verify(), Ok(()), "{}", format);
            prop_assert_eq!(settled.verify(input.len() as u64), Ok(()), "{}", format);
        }
    }

    #[test]
    fn the_ledger_accepts_any_order_and_finds_what_is_wrong(sizes in proptest::collection::vec(1_u64..9, 1..20), seed in any::<u64>(), leave in any::<prop::sample::Index>()) {
        let mut end = 0;
        let mut spans: Vec<_> = sizes.iter().map(|size| { end += size; end - size..end }).collect();
        // A shuffle without a generator: order by a hash of the place.
        spans.sort_by_key(|span| (span.start ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut ledger = Ledger::default();
        spans.iter().for_each(|span| ledger.record(&span.clone().into()));
        prop_assert_eq!(ledger.verify(end), Ok(()));
        prop_assert_eq!(ledger.verify(end - 1), Err(Imbalance::Excess { at: end - 1 }));

        let mut twice = ledger.clone();
        twice.raw(spans[0].clone(), Reason::Blank);
        prop_assert_eq!(twice.verify(end), Err(Imbalance::Excess { at: spans[0].start }));

        let left = leave.index(spans.len());
        let mut missing = Ledger::default();
        spans.iter().enumerate().filter(|(at, _)| *at != left).for_each(|(_, span)| missing.record(&span.clone().into()));
        let gap = spans[left].clone();
        prop_assert_eq!(missing.verify(end), Err(Imbalance::Missing { start: gap.start, end: gap.end }));
    }
}

#[test]
fn a_message_that_never_ends_does_not_make_the_ledger_grow() {
    let mut reader = Reader::new(Format::Cri);
    reader.push(b"2026-01-01T00:00:00Z stdout P waits for ever\n");
    for _ in 0..1000 {
        reader.push(b"2026-01-01T00:00:00Z stderr F goes on\nnot a container line\n");
        while reader.next_event().is_some() {}
    }
    assert_eq!(
        (reader.ledger().gaps(), reader.ledger().records()),
        (1, 1000)
    );
    reader.finish();
    while reader.next_event().is_some() {}
    assert_eq!((reader.ledger().gaps(), reader.verify()), (0, Ok(())));
}

#[test]
fn a_message_goes_on_behind_what_is_passed_over() {
    let settled = b"2026-01-01T00:00:00Z stderr F settled\n".len() as u64;
    let mut reader = Reader::new(Format::Cri);
    reader.push(b"2026-01-01T00:00:00Z stdout P one \n");
    assert!(reader.next_event().is_none());
    assert!(reader.skip(settled));
    reader.push(b"2026-01-01T00:00:00Z stdout F message\n2026");
    let Some(Event::Record(record)) = reader.next_event() else {
        panic!("a message");
    };
    let message = record.get("message").and_then(Value::to_str);
    assert_eq!(message.as_deref(), Some("one message"));
    let spans: Vec<_> = record.spans().iter().collect();
    assert_eq!(spans, [0..35, 35 + settled..35 + settled + 38]);
    assert!(reader.next_event().is_none());
    assert!(!reader.skip(1), "half a line waits");
}

/// Reading on at any frontier finds the same records at the same places, and between them all bytes once.
#[test]
fn reading_on_at_the_frontier_loses_nothing() {
    let log = b"{\"a\":1}\nnot json\n{\"b\":2}\n\n{\"c\":3}\n{\"d\"";
    let offsets = |start: u64| {
        let options = ReaderOptions::default().with_start(start);
        let mut reader = Reader::with_options(Format::Json, &options);
        reader.push(&log[usize::try_from(start).unwrap()..]);
        reader.finish();
        let mut found = Vec::new();
        while let Some(offset) = reader.next_event().map(|event| event.offset()) {
            found.push((offset, reader.ledger().frontier()));
        }
        reader.verify().unwrap();
        found
    };
    let all = offsets(0);
    assert_eq!(all.len(), 6);
    for (number, (_, frontier)) in all.iter().enumerate() {
        assert_eq!(offsets(*frontier), all[number + 1..]);
    }
}

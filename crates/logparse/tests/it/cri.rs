//! Container lines: partial ones joined per stream, whatever comes between.

use narae_logparse::format::container::{self, Joiner, Stream};
use narae_logparse::format::cri;
use narae_logparse::line::Part;
use proptest::prelude::*;

fn line(stream: Stream, tag: &str, message: &[u8]) -> Vec<u8> {
    let mut line = format!("2026-11-21T04:44:44.000000001Z {} {tag} ", stream.name()).into_bytes();
    line.extend_from_slice(message);
    line
}

fn stream() -> impl Strategy<Value = Stream> {
    prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)]
}

proptest! {
    #[test]
    fn a_line_is_its_fields(message in proptest::collection::vec(any::<u8>(), 0..50), stream in stream(), partial: bool, extra in "(:[a-z]{0,3}){0,2}") {
        let tags = format!("{}{extra}", if partial { "P" } else { "F" });
        let line = line(stream, &tags, &message);
        let entry = cri::parse(&line).unwrap();
        prop_assert_eq!((entry.stream, entry.partial, entry.tags, entry.message), (stream, partial, tags.as_bytes(), &message[..]));
        let rebuilt = [entry.time_text, b" ", entry.stream.name().as_bytes(), b" ", entry.tags, b" ", entry.message].concat();
        prop_assert_eq!(rebuilt, line);
    }

    /// Against the obvious implementation: one list of texts per stream.
    #[test]
    fn streams_are_joined_apart(lines in proptest::collection::vec((stream(), any::<bool>(), "[a-z]{0,6}"), 0..40), limit in 1_usize..30) {
        let mut joiner = Joiner::new(limit);
        let mut expected: Vec<(Stream, String)> = Vec::new();
        let mut open = [String::new(), String::new()];
        let mut waiting = [false, false];
        let mut found: Vec<(Stream, String)> = Vec::new();
        let mut cut = [String::new(), String::new()];
        let mut spans = Vec::new();

        let mut take = |message: container::Message<'_>| {
            let text = String::from_utf8(message.text.to_vec()).unwrap();
            let which = message.stream as usize;
            assert_eq!(matches!(message.part, Part::Middle | Part::Tail), !cut[which].is_empty());
            spans.extend(message.spans.iter());
            match message.part {
                Part::Head | Part::Middle => cut[which].push_str(&format!("{text}\0")),
                Part::Whole | Part::Tail => found.push((message.stream, format!("{}{text}", std::mem::take(&mut cut[which])).replace('\0', ""))),
            }
        };
        for (at, (stream, partial, text)) in lines.iter().enumerate() {
            let which = *stream as usize;
            open[which].push_str(text);
            waiting[which] = *partial;
            if !partial {
                expected.push((*stream, std::mem::take(&mut open[which])));
            }
            let line = line(*stream, if *partial { "P" } else { "F" }, text.as_bytes());
            let at = at as u64;
            if let Some(message) = joiner.push(cri::parse(&line).unwrap(), at..at + 1) { take(message) }
            prop_assert!(joiner.pending_bytes() <= 2 * limit);
        }
        for stream in [Stream::Stdout, Stream::Stderr] {
            if let Some(message) = joiner.flush(stream) { take(message) }
        }
        prop_assert_eq!(found, expected);
        let mut lines_covered: Vec<u64> = spans.into_iter().flatten().collect();
        lines_covered.sort_unstable();
        prop_assert_eq!(lines_covered, (0..lines.len() as u64).collect::<Vec<_>>());
        for which in 0..2 {
            prop_assert!(!waiting[which] || cut[which].replace('\0', "") == open[which]);
        }
    }
}

#[test]
fn empty_parts_cannot_grow_a_message_for_ever() {
    let mut joiner = Joiner::default();
    let line = line(Stream::Stdout, "P", b"");
    let handed: Vec<_> = (0..2 * Joiner::MAX_LINES as u64)
        .filter_map(|at| joiner.push(cri::parse(&line).unwrap(), at * 2..at * 2 + 1))
        .map(|message| (message.part, message.spans.bytes()))
        .collect();
    assert_eq!(
        handed,
        [
            (Part::Head, Joiner::MAX_LINES as u64),
            (Part::Middle, Joiner::MAX_LINES as u64)
        ]
    );
}

#[test]
fn a_flushed_message_is_marked_and_so_is_what_continues_it() {
    let mut joiner = Joiner::default();
    let (first, last) = (
        line(Stream::Stderr, "P", b"a"),
        line(Stream::Stderr, "F", b"b"),
    );
    assert!(joiner.push(cri::parse(&first).unwrap(), 0..10).is_none());
    assert_eq!(joiner.flush(Stream::Stderr).unwrap().part, Part::Head);
    assert!(joiner.flush(Stream::Stderr).is_none());
    assert_eq!(
        joiner
            .push(cri::parse(&last).unwrap(), 10..20)
            .unwrap()
            .part,
        Part::Tail
    );
    assert_eq!(
        joiner
            .push(cri::parse(&last).unwrap(), 20..30)
            .unwrap()
            .part,
        Part::Whole
    );
}

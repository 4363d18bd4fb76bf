//! Framing: lines, counted octets and entries, within their limits.

use narae_logparse::line::{Ending, Framer, Framing, LineOptions, Part};
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq)]
struct Owned {
    prefix: Vec<u8>,
    bytes: Vec<u8>,
    ending: Ending,
    part: Part,
    offset: u64,
    number: u64,
}

fn lines(chunks: &[&[u8]], max_line_bytes: usize) -> Vec<Owned> {
    framed(Framing::Lines, chunks, max_line_bytes)
}

fn framed(framing: Framing, chunks: &[&[u8]], max_line_bytes: usize) -> Vec<Owned> {
    let options = LineOptions::default().with_framing(framing);
    let mut framer = Framer::new(options.with_max_line_bytes(max_line_bytes));
    let mut lines = Vec::new();
    for turn in 0..=chunks.len() {
        match chunks.get(turn) {
            Some(chunk) => framer.push(chunk),
            None => framer.finish(),
        }
        while let Some(line) = framer.next_line() {
            lines.push(Owned {
                prefix: line.prefix().to_vec(),
                bytes: line.bytes().to_vec(),
                ending: line.ending(),
                part: line.part(),
                offset: line.offset(),
                number: line.number(),
            });
        }
        assert!(framer.pending_bytes() <= max_line_bytes + 11);
    }
    lines
}

/// The whole input at once, without a framer: what a person would write.
fn reference(input: &[u8]) -> Vec<(Vec<u8>, Ending)> {
    let mut lines: Vec<_> = input
        .split_inclusive(|byte| *byte == b'\n')
        .map(
            |line| match (line.strip_suffix(b"\r\n"), line.strip_suffix(b"\n")) {
                (Some(content), _) => (content.to_vec(), Ending::CrLf),
                (None, Some(content)) => (content.to_vec(), Ending::Lf),
                _ => (line.to_vec(), Ending::None),
            },
        )
        .collect();
    lines.retain(|(content, ending)| !content.is_empty() || *ending != Ending::None);
    lines
}

fn input() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => Just(b'a'), 2 => Just(b'\n'), 2 => Just(b'\r'), 1 => any::<u8>()];
    let text = proptest::collection::vec(byte, 0..120);
    let characters = "[aé😀\r\n]{0,60}".prop_map(String::into_bytes);
    prop_oneof![text, characters]
}

proptest! {
    #[test]
    fn lines_are_the_input_however_it_is_cut(input in input(), cuts in proptest::collection::vec(1_usize..9, 1..9), limit in 16_usize..40) {
        let mut chunks = Vec::new();
        let mut rest = input.as_slice();
        for cut in cuts.iter().cycle() {
            let (chunk, after) = rest.split_at((*cut).min(rest.len()));
            chunks.push(chunk);
            rest = after;
            if rest.is_empty() { break; }
        }
        let found = lines(&chunks, limit);
        prop_assert_eq!(&found, &lines(&[&input], limit));

        let joined: Vec<u8> = found.iter().flat_map(|line| [&line.bytes, line.ending.as_bytes()].concat()).collect();
        prop_assert_eq!(joined, &input[..]);
        prop_assert!(found.iter().all(|line| line.bytes.len() <= limit));

        let mut whole: Vec<(Vec<u8>, Ending)> = Vec::new();
        for line in &found {
            match (line.part, whole.last_mut()) {
                (Part::Middle | Part::Tail, Some((bytes, ending))) => {
                    bytes.extend_from_slice(&line.bytes);
                    *ending = line.ending;
                }
                _ => whole.push((line.bytes.clone(), line.ending)),
            }
            prop_assert_eq!(line.number, whole.len() as u64);
        }
        prop_assert_eq!(whole, reference(&input));
    }

    #[test]
    fn a_cut_keeps_characters_whole(text in "[é😀a]{0,40}") {
        for line in lines(&[text.as_bytes()], 16) {
            prop_assert!(std::str::from_utf8(&line.bytes).is_ok());
        }
    }
}

#[test]
fn a_line_of_exactly_the_limit_is_whole() {
    for ending in ["", "\n", "\r\n"] {
        let input = format!("{}{ending}", "x".repeat(16));
        let found = lines(&[input.as_bytes()], 16);
        assert_eq!(
            found.iter().map(|line| line.part).collect::<Vec<_>>(),
            [Part::Whole],
            "{ending:?}"
        );
    }
    let found = lines(&[format!("{}\n", "x".repeat(17)).as_bytes()], 16);
    assert_eq!(
        found.iter().map(|line| line.part).collect::<Vec<_>>(),
        [Part::Head, Part::Tail]
    );
}

#[test]
fn a_long_line_in_small_chunks_is_searched_once() {
    // A search from the start at every push would take minutes here.
    let mut framer = Framer::new(LineOptions::default().with_max_line_bytes(1 << 22));
    for _ in 0..1 << 20 {
        framer.push(b"x");
        assert_eq!(framer.next_line(), None);
    }
    framer.push(b"\n");
    assert_eq!(
        framer.next_line().map(|line| line.bytes().len()),
        Some(1 << 20)
    );
}

#[test]
fn text_that_is_not_utf8_is_kept_and_said_to_be() {
    let mut framer = Framer::default();
    framer.push(b"caf\xe9\nok\n");
    let line = framer.next_line().unwrap();
    assert_eq!((line.bytes(), line.to_str()), (&b"caf\xe9"[..], None));
    assert_eq!(framer.next_line().unwrap().to_str(), Some("ok"));
}

fn shown(framing: Framing, input: &[u8], limit: usize) -> Vec<String> {
    let lines = framed(framing, &[input], limit);
    let show = |line: &Owned| {
        let content = String::from_utf8_lossy(&line.bytes).into_owned();
        format!("{} {content:?} {:?}", line.part.name(), line.ending)
    };
    lines.iter().map(show).collect()
}

#[test]
fn nul_ends_frames_that_hold_line_feeds() {
    let found = shown(Framing::Nul, b"a\nb\0\0c", 16);
    assert_eq!(
        found,
        [
            r#"whole "a\nb" Nul"#,
            r#"whole "" Nul"#,
            r#"whole "c" None"#
        ]
    );
}

#[test]
fn octets_are_counted_where_a_length_stands() {
    let found = shown(
        Framing::OctetCounting,
        b"5 a\nb\0c<1>x\r\n<2>y\0z\n3 abc12x\n",
        16,
    );
    assert_eq!(
        found,
        [
            r#"whole "a\nb\0c" None"#,
            r#"whole "<1>x" CrLf"#,
            r#"whole "<2>y" Nul"#,
            r#"whole "z" Lf"#,
            r#"whole "abc" None"#,
            r#"whole "12x" Lf"#
        ]
    );
    let long = shown(Framing::OctetCounting, b"20 0123456789abcdef01233 end", 16);
    assert_eq!(
        long,
        [
            r#"head "0123456789abcdef" None"#,
            r#"tail "0123" None"#,
            r#"whole "end" None"#
        ]
    );
    // The input ends before the frame: it is said to go on.
    assert_eq!(
        shown(Framing::OctetCounting, b"9 abc", 16),
        [r#"head "abc" None"#]
    );
    assert_eq!(
        shown(Framing::OctetCounting, b"1234567890 x\n", 16),
        [r#"whole "1234567890 x" Lf"#]
    );
}

#[test]
fn entries_of_a_journal_end_with_an_empty_line_outside_of_data() {
    let input = b"A=1\nB\n\x03\0\0\0\0\0\0\0x\n\n\n\nA=2\n\nA=3";
    let found = shown(Framing::Journal, input, 64);
    assert_eq!(
        found,
        [
            r#"whole "A=1\nB\n\u{3}\0\0\0\0\0\0\0x\n\n\n" Lf"#,
            r#"whole "A=2\n" Lf"#,
            r#"whole "A=3" None"#
        ]
    );
    // A length that lies cannot make a frame grow beyond the limit.
    let lie = [&b"B\n\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"[..], &[b'x'; 100]].concat();
    assert!(
        framed(Framing::Journal, &[&lie], 16)
            .iter()
            .all(|line| line.bytes.len() <= 16)
    );
}

proptest! {
    #[test]
    fn every_framing_gives_the_input_however_it_is_cut(pieces in proptest::collection::vec(prop_oneof![
        Just(b"5 ".to_vec()), Just(b"20 ".to_vec()), Just(b"abcde".to_vec()), Just(b"\r\n".to_vec()), Just(b"\0".to_vec()), Just(b"\n".to_vec()),
        Just(b"A=1\n".to_vec()), Just(b"B\n\x05\0\0\0\0\0\0\0".to_vec()), proptest::collection::vec(any::<u8>(), 0..30),
    ], 0..20), size in 1_usize..9, limit in 16_usize..40) {
        let input = pieces.concat();
        for framing in [Framing::Lines, Framing::Nul, Framing::OctetCounting, Framing::Journal] {
            let chunks: Vec<&[u8]> = input.chunks(size).collect();
            let found = framed(framing, &chunks, limit);
            prop_assert_eq!(&found, &framed(framing, &[&input], limit));
            let joined: Vec<u8> = found.iter().flat_map(|line| [&line.prefix, &line.bytes, line.ending.as_bytes()].concat()).collect();
            prop_assert_eq!(joined, &input[..]);
            prop_assert!(found.iter().all(|line| line.bytes.len() <= limit));
        }
    }
}

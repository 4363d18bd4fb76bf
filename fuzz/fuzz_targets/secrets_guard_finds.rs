//! A known value is found wherever a naive search finds it, the same however the text is cut, and never written.
#![no_main]
use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use narae_secrets::SecretBytes;
use narae_secrets::guard::{Form, Guard, KnownValues, What};

fuzz_target!(|input: (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>)| {
    let (value, before, after, cuts) = input;
    let mut known = KnownValues::new();
    known.insert("value", &SecretBytes::copy_of(&value));
    let value = value.trim_ascii();
    // Of several lines, they are compared without what stands before them.
    let is_naive = known.len() == 1 && !value.contains(&b'\n') && value.len() <= 1024;
    let guard = Guard::new(known);
    let text = [&before[..], value, &after].concat();

    let found = guard
        .check("x", &text)
        .map_or_else(|leak| leak.findings, |()| Vec::new());
    if is_naive {
        let plain = |what: &What| {
            matches!(
                what,
                What::Known {
                    form: Form::Plain,
                    ..
                }
            )
        };
        let places = found.iter().filter(|finding| plain(&finding.what));
        let places: Vec<usize> = places.map(|finding| finding.offset as usize).collect();
        let windows = text.windows(value.len()).enumerate();
        let naive: Vec<usize> = windows
            .filter(|(_, window)| *window == value)
            .map(|(at, _)| at)
            .collect();
        let all = naive.iter().all(|at| places.contains(at));
        assert!(all || naive.len() > 900, "{places:?} {naive:?}");
    }
    let (mut scanner, mut writer) = (guard.scanner(), guard.writer("x", Vec::new()));
    let (mut rest, mut sound) = (text.as_slice(), true);
    for cut in cuts {
        let (now, later) = rest.split_at(usize::from(cut).min(rest.len()));
        rest = later;
        scanner.feed(now);
        sound = sound && writer.write_all(now).and_then(|()| writer.flush()).is_ok();
    }
    scanner.feed(rest);
    assert_eq!(scanner.finish(), found);
    sound = sound && writer.write_all(rest).is_ok();
    let passed = writer.get_ref().len() as u64;
    assert!(found.first().is_none_or(|first| passed <= first.offset));
    assert_eq!(sound && writer.finish().is_ok(), found.is_empty());
});

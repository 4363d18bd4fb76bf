//! The texts of an access line stand in it, in order, and account for all of it but separators and numbers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_logparse::format::access::parse_combined;
use narae_logparse::record::Text;

fuzz_target!(|line: &[u8]| {
    let entry = match parse_combined(line) {
        Ok(entry) => entry,
        Err(error) => return assert!(error.offset() <= line.len()),
    };
    let raw = |text: &Option<Text<'_>>| {
        text.as_ref()
            .map_or(b"-".to_vec(), |text| text.raw().to_vec())
    };
    let host = entry.host.raw();
    let head = [
        host,
        b" ",
        &raw(&entry.ident),
        b" ",
        &raw(&entry.user),
        b" [",
        entry.time_text.as_bytes(),
    ];
    let head = [&head.concat()[..], b"] \"", &raw(&entry.request), b"\" "].concat();
    let tail = [
        b" \"",
        &raw(&entry.referer)[..],
        b"\" \"",
        &raw(&entry.user_agent),
        b"\"",
    ]
    .concat();
    let middle = line
        .strip_prefix(&head[..])
        .and_then(|rest| rest.strip_suffix(&tail[..]));
    let middle =
        std::str::from_utf8(middle.expect("head and tail are the line's")).expect("digits");
    let (status, bytes) = middle.split_once(' ').expect("two numbers");
    assert_eq!(status.parse().ok(), entry.status);
    assert_eq!(bytes.parse().ok(), entry.bytes);
});

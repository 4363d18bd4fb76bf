//! The access log formats: read, and written again to the byte.

use narae_logparse::format::access::{Combined, parse_combined};
use narae_logparse::record::Text;
use proptest::prelude::*;

/// Writes an entry the way the grammar has it: what was read is what was written, to the byte.
fn rebuild(entry: &Combined<'_>) -> Vec<u8> {
    let dash = |text: &Option<Text<'_>>| {
        text.as_ref()
            .map_or(b"-".to_vec(), |text| text.raw().to_vec())
    };
    let mut line = Vec::new();
    for (text, after) in [
        (Some(entry.host.clone()), " "),
        (entry.ident.clone(), " "),
        (entry.user.clone(), " ["),
    ] {
        line.extend(dash(&text));
        line.extend(after.bytes());
    }
    line.extend(entry.time_text.bytes());
    line.extend(b"] \"");
    line.extend(dash(&entry.request));
    line.extend(b"\" ");
    line.extend(
        entry
            .status
            .map_or("-".to_owned(), |status| format!("{status:03}"))
            .bytes(),
    );
    line.push(b' ');
    line.extend(
        entry
            .bytes
            .map_or("-".to_owned(), |bytes| bytes.to_string())
            .bytes(),
    );
    for text in [&entry.referer, &entry.user_agent] {
        line.extend(b" \"");
        line.extend(dash(text));
        line.push(b'"');
    }
    line
}

/// As a server writes it: quotes and backslashes escaped, any other byte possible.
fn escaped() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        Just(b'"'),
        Just(b'\\'),
        Just(b' '),
        Just(b'['),
        Just(b']'),
        Just(b'-'),
        any::<u8>()
    ];
    proptest::collection::vec(byte, 0..20).prop_map(|bytes| {
        let escape = |byte: u8| match byte {
            b'"' => b"\\\"".to_vec(),
            b'\\' => b"\\\\".to_vec(),
            0..=0x1F => format!("\\x{byte:02x}").into_bytes(),
            _ => vec![byte],
        };
        bytes.into_iter().flat_map(escape).collect()
    })
}

proptest! {
    #[test]
    fn a_server_s_line_is_read_field_by_field(
        host in "[a-z0-9.:]{1,20}", user in "[a-z]([a-z \\[\\]]{0,10}[a-z])?",
        (day, year, hour) in (1..29_u8, 1970..2100_u16, 0..24_u8),
        request in escaped(), status in 0..1000_u16, bytes in any::<u64>(), referer in escaped(), agent in escaped(),
    ) {
        let mut line = format!("{host} - {user} [{day:02}/Feb/{year}:{hour:02}:00:01 +0900] \"").into_bytes();
        line.extend(&request);
        line.extend(format!("\" {status:03} {bytes} \"").bytes());
        line.extend(&referer);
        line.extend(b"\" \"");
        line.extend(&agent);
        line.push(b'"');

        let entry = parse_combined(&line).unwrap();
        let raw = |text: &Option<Text<'_>>| text.as_ref().map_or(b"-".to_vec(), |text| text.raw().to_vec());
        prop_assert_eq!(entry.host.raw(), host.as_bytes());
        prop_assert_eq!(raw(&entry.user), user.as_bytes());
        prop_assert_eq!((entry.status, entry.bytes), (Some(status), Some(bytes)));
        prop_assert_eq!(raw(&entry.request), request);
        prop_assert_eq!(raw(&entry.referer), referer);
        prop_assert_eq!(raw(&entry.user_agent), agent);
        prop_assert_eq!(rebuild(&entry), line);
    }

    /// One byte changed, removed or added: the line is explained to its last byte or refused within it.
    #[test]
    fn a_damaged_line_is_explained_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3) {
        let mut line = br#"::1 - jane [10/Oct/2000:13:55:36 -0700] "GET /\"a\" HTTP/1.1" 200 7 "-" "x\\y""#.to_vec();
        let at = at.index(line.len());
        match how {
            0 => line[at] = byte,
            1 => drop(line.remove(at)),
            _ => line.insert(at, byte),
        }
        match parse_combined(&line) {
            // Only a number may be written in more than one way.
            Ok(entry) => {
                let rebuilt = rebuild(&entry);
                prop_assert_eq!(parse_combined(&rebuilt).unwrap(), entry);
                prop_assert!(rebuilt.len() == line.len() || line.windows(2).any(|pair| pair[0] == b' ' && pair[1] == b'0'));
            }
            Err(error) => prop_assert!(error.offset() <= line.len()),
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = parse_combined(&line) {
            prop_assert!(error.offset() <= line.len());
        }
    }
}

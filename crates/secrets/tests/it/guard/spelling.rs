//! The ways tools write a value, made by other means than the guard's.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use narae_secrets::guard::Form;

/// A name, the form it is reported as, and how it is written; `None` for what cannot be.
pub(super) type Spelling = (&'static str, Form, fn(&[u8]) -> Option<String>);

pub(super) const SPELLINGS: &[Spelling] = &[
    ("plain", Form::Plain, |value| text(value).map(str::to_owned)),
    ("block scalar", Form::Plain, |value| {
        Some(text(value)?.replace('\n', "\n      "))
    }),
    ("block scalar, CRLF", Form::Plain, |value| {
        Some(text(value)?.replace('\n', "\r\n\t"))
    }),
    ("diff", Form::Plain, |value| {
        Some(format!("+  {}", text(value)?.replace('\n', "\n+    ")))
    }),
    ("base64", Form::Base64, |value| Some(STANDARD.encode(value))),
    ("base64, shifted by 1", Form::Base64, |value| {
        Some(STANDARD.encode([b"\x7f", value].concat()))
    }),
    ("base64, shifted by 2", Form::Base64, |value| {
        Some(STANDARD.encode([b"u:", value, b"\xff"].concat()))
    }),
    ("base64, URL", Form::Base64, |value| {
        Some(URL_SAFE_NO_PAD.encode(value))
    }),
    ("base64, URL, shifted", Form::Base64, |value| {
        Some(URL_SAFE_NO_PAD.encode([b"x", value, b"y"].concat()))
    }),
    ("base64 in lines of 76", Form::Base64, |value| {
        wrapped(value, 76, "\n")
    }),
    ("base64 in lines of 64, indented", Form::Base64, |value| {
        wrapped(value, 64, "\n        ")
    }),
    ("base64 in lines of 64, CRLF", Form::Base64, |value| {
        wrapped(value, 64, "\r\n")
    }),
    ("base64 in lines in JSON", Form::Base64, |value| {
        wrapped(value, 64, "\\n")
    }),
    ("base64 in lines in JSON, CRLF", Form::Base64, |value| {
        wrapped(value, 60, "\\r\\n")
    }),
    (
        "base64 in lines, escaped line breaks",
        Form::Base64,
        |value| wrapped(value, 70, "\\\n  "),
    ),
    ("base64 with escaped slashes", Form::Base64, |value| {
        Some(STANDARD.encode(value).replace('/', "\\/"))
    }),
    ("base64 in a query", Form::Base64, |value| {
        Some(
            STANDARD
                .encode(value)
                .replace('+', "%2B")
                .replace('/', "%2f")
                .replace('=', "%3D"),
        )
    }),
    ("hexadecimal", Form::Hex, |value| Some(hex(value))),
    ("hexadecimal in capitals", Form::Hex, |value| {
        Some(hex(value).to_uppercase())
    }),
    ("hexadecimal in lines", Form::Hex, |value| {
        Some(in_lines(&hex(value), 60, "\n"))
    }),
    ("percent", Form::Percent, |value| {
        Some(percent(value, |byte| byte.is_ascii_alphanumeric()))
    }),
    ("percent, all of it", Form::Percent, |value| {
        Some(percent(value, |_| false))
    }),
    ("JSON", Form::Escaped, |value| Some(json(text(value)?))),
    ("JSON within JSON", Form::Escaped, |value| {
        Some(json(&json(text(value)?)))
    }),
    ("JSON, all of it", Form::Escaped, |value| {
        Some(units(text(value)?, "\\u"))
    }),
    ("JSON, all of it, within JSON", Form::Escaped, |value| {
        Some(units(text(value)?, "\\\\u"))
    }),
    ("YAML", Form::Escaped, |value| {
        let ascii = text(value).filter(|text| text.is_ascii())?;
        Some(ascii.bytes().map(|byte| format!("\\x{byte:02X}")).collect())
    }),
    ("YAML, all of it", Form::Escaped, |value| {
        Some(
            text(value)?
                .chars()
                .map(|c| format!("\\U{:08x}", u32::from(c)))
                .collect(),
        )
    }),
];

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

fn wrapped(value: &[u8], width: usize, line_break: &str) -> Option<String> {
    // Begun elsewhere, as within a longer text.
    Some(in_lines(
        &STANDARD_NO_PAD.encode([&[b'-'; 32][..], value].concat()),
        width,
        line_break,
    ))
}

fn in_lines(text: &str, width: usize, line_break: &str) -> String {
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(width)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    lines.join(line_break)
}

fn hex(value: &[u8]) -> String {
    value.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(value: &[u8], plain: fn(u8) -> bool) -> String {
    let spelt = |byte: &u8| match plain(*byte) {
        true => char::from(*byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    value.iter().map(spelt).collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

fn units(text: &str, escape: &str) -> String {
    text.encode_utf16()
        .map(|unit| format!("{escape}{unit:04x}"))
        .collect()
}

/// Wherever in a value an escape or a line break stands, and wherever in a text the value: what is looked up are windows at some
/// places only.
#[test]
fn an_escape_or_a_line_break_may_stand_anywhere() {
    let letters = "Zq7wXn2Lk9Rt4Vb8Ys3H";
    let found = |value: &str, text: &str| {
        let guard = super::guard(value.as_bytes()).without_shapes();
        (0..8).all(|shift| {
            let text = format!("{}{text} ", " ".repeat(shift));
            !super::findings(&guard, &text.into_bytes()).is_empty()
        })
    };
    for place in 0..letters.len() {
        let (before, after) = letters.split_at(place);
        let value = format!("{before}\"{after}");
        assert!(found(&value, &format!("{before}\\\"{after}")), "{place}");
        assert!(found(&value, &format!("{before}\\u0022{after}")), "{place}");
        assert!(found(&value, &format!("{before}%22{after}")), "{place}");
        assert!(
            found(&value, &format!("{before}\\\\\\\"{after}")),
            "{place}"
        );
    }
    for place in 0..letters.len() {
        let base64 = STANDARD_NO_PAD.encode(letters);
        let (before, after) = base64.split_at(place);
        let filler = "A".repeat(24);
        for line_break in ["\n", "\n    ", "\\n", "\\\n  "] {
            let text = format!("{filler}{before}{line_break}{after}");
            assert!(found(letters, &text), "{place} {line_break:?}");
        }
    }
    // Lines are recognised by the first that has six bytes.
    for place in 6..letters.len() - 1 {
        let (first, second) = letters.split_at(place);
        let value = format!("{first}\n{second}\nand a third line 3");
        for indentation in ["", "  ", "\t\t", "+     "] {
            let text = value.replace('\n', &format!("\n{indentation}"));
            assert!(found(&value, &text), "{place} {indentation:?}");
        }
    }
}

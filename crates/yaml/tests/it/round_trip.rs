//! What is written reads back the same: here, and in a YAML 1.2 reader.

use narae_yaml::{Mapping, Number, Path, Reader, Schema, Segment, Value};
use proptest::prelude::*;

/// Strings that some reader takes for something else, or whose writing some reader gets wrong.
fn nasty() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "b",
        "0",
        "1",
        "_",
        "-",
        "+",
        ".",
        ":",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\t",
        "#",
        " #",
        ": ",
        "- ",
        "? ",
        "'",
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&",
        "*",
        "!",
        "|",
        ">",
        "%",
        "@",
        "`",
        "=",
        "<<",
        "~",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "true",
        "null",
        "0x",
        "0o",
        "0b",
        "e",
        "E",
        "e+",
        ".inf",
        ".nan",
        "---",
        "...",
        "{{",
        "}}",
        "\r",
        "\r\n",
        "\u{0}",
        "\u{7}",
        "\u{1b}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        "\u{fffe}",
        "\u{3000}",
        "é",
        "한",
        "😀",
        "\u{10ffff}",
        "2001-01-01",
        "12:30",
        "1_000",
        "\u{200b}",
    ]);
    prop::collection::vec(pieces, 0..6).prop_map(|pieces| pieces.concat())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => nasty(), 1 => any::<String>(), 1 => "[a-z]{1,12}"]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        any::<f64>()
            .prop_filter("finite", |x| x.is_finite())
            .prop_map(Number::from),
        (-1000..1000i32).prop_map(|n| Number::from(f64::from(n) / 8.0)),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => number().prop_map(Value::from),
        6 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Sequence),
            prop::collection::vec((text(), inner), 0..6)
                .prop_map(|entries| Value::Mapping(entries.into_iter().collect::<Mapping>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_value_reads_back(value in value()) {
        let written = narae_yaml::write(&value);
        let read = narae_yaml::read_one(&written);
        prop_assert_eq!(read.as_ref(), Ok(&value), "{}", written);
        let core = Reader::new().with_schema(Schema::Core).read_one(&written).map(|d| d.into_value());
        prop_assert_eq!(core.as_ref(), Ok(&value), "{}", written);
        prop_assert_eq!(narae_yaml::write(&value), written);
    }

    #[test]
    fn a_stream_reads_back(values in prop::collection::vec(value(), 0..5)) {
        let written = narae_yaml::write_all(&values);
        let read = narae_yaml::read(&written);
        prop_assert_eq!(read.as_ref(), Ok(&values), "{}", written);
    }

    #[test]
    fn a_yaml_1_2_reader_reads_the_same_strings(text in text()) {
        let value = Value::from(Mapping::from([(text.clone(), Value::from(vec![text.clone()])), (format!("{text}!"), text.clone().into())]));
        let written = narae_yaml::write(&value);
        let theirs: serde_json::Value = serde_yaml::from_str(&written).map_err(|e| TestCaseError::fail(format!("{e}\n{written}")))?;
        prop_assert_eq!(theirs, serde_json::to_value(&value).unwrap(), "{}", written);
    }

    #[test]
    fn json_and_back(value in value()) {
        let json = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Value>(&json).unwrap(), &value);
        // JSON in ASCII is YAML, too: every reader of Kubernetes' relies on it.
        prop_assert_eq!(&narae_yaml::to_value(&value).unwrap(), &value);
        prop_assert_eq!(&narae_yaml::from_value::<Value>(value.clone()).unwrap(), &value);
    }

    #[test]
    fn a_path_reads_back(segments in prop::collection::vec(prop_oneof![text().prop_map(Segment::Key), any::<usize>().prop_map(Segment::Index)], 0..6)) {
        let path: Path = segments.into_iter().collect();
        prop_assert_eq!(path.to_string().parse::<Path>(), Ok(path));
    }

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![text(), any::<String>(), prop::collection::vec(text(), 0..20).prop_map(|t| t.join("\n"))]) {
        // With places or without, the reading is one.
        let places = Reader::new().read(&text);
        let values = places.map(|documents| documents.into_iter().map(narae_yaml::Document::into_value).collect());
        prop_assert_eq!(&narae_yaml::read(&text), &values);
        let _ = text.parse::<Path>();
    }
}

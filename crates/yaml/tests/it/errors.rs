//! What errors say: `tests/data/errors/*.txt`, each a source and the line it must be refused with.

use narae_yaml::{Position, Reader};

#[test]
fn cases() {
    let failures = crate::cases("errors", |text| {
        let (expected, source) = text.split_once("\n=== source\n").ok_or("no source")?;
        match Reader::new().named("values/prod.yaml").read_one(source) {
            Ok(_) => Err("was read".to_owned()),
            Err(error) if error.to_string() == expected => Ok(()),
            Err(error) => Err(format!("\nexpected {expected}\n     got {error}")),
        }
    });
    assert_eq!(failures, Vec::<String>::new());
}

#[test]
fn bytes_that_are_not_utf_8_have_a_place() {
    let error = Reader::new()
        .read_bytes("키: 값\nb: \u{e9}".as_bytes().split_last().unwrap().1)
        .unwrap_err();
    assert_eq!(error.position(), Some(Position::new(12, 2, 4)));
    assert!(error.to_string().starts_with("2:4: not UTF-8"), "{error}");
    let error = Reader::new().read_bytes(b"\xef\xbb\xbfa\xff").unwrap_err();
    assert_eq!(error.position(), Some(Position::new(4, 1, 2)));
    assert_eq!(Reader::new().read_bytes(b"a: 1").unwrap().len(), 1);
}

#[test]
fn names_can_be_left_out() {
    for (source, expected) in [
        ("a: *Pa55w0rd", "a.yaml:1:4: alias `*…` "),
        ("a: !!Pa55w0rd b", "a.yaml:1:4: tag `…` "),
        (
            "Pa55w0rd: 1\nPa55w0rd: 2",
            "a.yaml:2:1: duplicate key `…` (first at 1:1)",
        ),
    ] {
        let error = Reader::new().named("a.yaml").read_one(source).unwrap_err();
        assert!(error.to_string().contains("Pa55w0rd"), "{error}");
        let place = error.position();
        let error = error.without_names();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert!(!format!("{error:?}").contains("Pa55w0rd"), "{error:?}");
        assert_eq!(error.position(), place);
    }
    let error = narae_yaml::from_str::<Picky>("a: Pa55w0rd").unwrap_err();
    assert!(error.to_string().contains("Pa55w0rd"), "{error}");
    let error = error.without_names();
    assert!(
        !format!("{error} {error:?}").contains("Pa55w0rd"),
        "{error}"
    );
}

/// Repeats what it is given.
#[derive(Debug, serde::Deserialize)]
struct Picky {
    #[serde(rename = "a", deserialize_with = "refuse")]
    _a: String,
}

fn refuse<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text: String = serde::Deserialize::deserialize(from)?;
    Err(serde::de::Error::custom(format!("{text} is not wanted")))
}

#[test]
fn errors_can_cross_threads() {
    fn check<T: Send + Sync + std::error::Error + 'static>() {}
    check::<narae_yaml::Error>();
    check::<narae_yaml::PathError>();
    check::<narae_yaml::edit::EditError>();
    fn plain<T: Send + Sync + Clone>() {}
    plain::<(
        narae_yaml::Document,
        narae_yaml::Value,
        narae_yaml::Path,
        Reader,
    )>();
}

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

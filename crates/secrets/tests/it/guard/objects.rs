//! Secret objects: each case a file whose first line says what is found in the rest, or `clean`.

use std::fs;

use narae_secrets::guard::{Guard, KnownValues};

#[test]
fn secret_objects_are_found_and_others_are_not() {
    let guard = Guard::new(KnownValues::new());
    let mut cases = 0;
    for entry in fs::read_dir(crate::material::data("guard")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let (expected, input) = text.split_once('\n').unwrap();
        let found = super::findings(&guard, input.as_bytes());
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        let found = if found.is_empty() {
            "clean".to_owned()
        } else {
            found.join("; ")
        };
        assert_eq!(found, expected, "{}", path.display());
        // The same where it is followed by another document, and in pieces.
        let followed = format!("{input}\n---\nkind: ConfigMap\ndata: {{a: b}}\n");
        let mut scanner = guard.scanner();
        followed
            .as_bytes()
            .chunks(5)
            .for_each(|piece| scanner.feed(piece));
        let found: Vec<String> = scanner.finish().iter().map(ToString::to_string).collect();
        let found = if found.is_empty() {
            "clean".to_owned()
        } else {
            found.join("; ")
        };
        assert_eq!(found, expected, "{}, in pieces", path.display());
        cases += 1;
    }
    assert!(cases > 20, "the cases were not found");
}

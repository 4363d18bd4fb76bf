//! `tests/data/edit/*.txt`: a header, the given text, and the expected text or the refusal.

use narae_yaml::edit::{self, EditError};
use narae_yaml::{ErrorKind, Path, Value};

struct Case {
    path: Path,
    new: Value,
    document: usize,
    refused: Option<String>,
    given: String,
    expected: String,
}

fn parse(text: &str) -> Case {
    let (header, body) = text.split_once("=== given\n").expect("a given text");
    let (given, expected) = body.split_once("=== expected\n").unwrap_or((body, ""));
    let field = |name: &str| {
        header
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let as_written = |text: &str| {
        let mut text = text.to_owned();
        if field("final-newline").is_some() {
            text.pop();
        }
        if field("line-ends").is_some() {
            text = text.replace('\n', "\r\n");
        }
        if field("bom").is_some() {
            text.insert(0, '\u{feff}');
        }
        text
    };
    Case {
        path: field("path").expect("a path").parse().expect("a path"),
        new: narae_yaml::read_one(field("new").expect("a new value")).expect("a new value"),
        document: field("document").map_or(0, |number| number.parse().expect("a number")),
        refused: field("refused").map(str::to_owned),
        given: as_written(given),
        expected: as_written(expected),
    }
}

fn kind(error: &EditError) -> &'static str {
    match error {
        EditError::Read(error) => match error.kind() {
            ErrorKind::DuplicateKey { .. } => "duplicate key",
            ErrorKind::Syntax(_) => "syntax",
            _ => "read",
        },
        EditError::Template { .. } => "template",
        EditError::NoDocument { .. } => "no document",
        EditError::NotFound { .. } => "not found",
        EditError::Alias { .. } => "alias",
        EditError::Merged { .. } => "merged",
        EditError::NotScalar { .. } => "not a scalar",
        EditError::BlockScalar { .. } => "block scalar",
        EditError::NewNotScalar { .. } => "new not a scalar",
        EditError::Unsafe { .. } => "unsafe",
        _ => "unknown",
    }
}

#[test]
fn cases() {
    let failures = crate::cases("edit", |text| {
        let case = parse(text);
        let result = edit::replace(&case.given, case.document, &case.path, &case.new);
        match (&case.refused, result) {
            (None, Ok(edited)) if edited == case.expected => Ok(()),
            (None, Ok(edited)) => Err(format!("expected {:?}\n     got {edited:?}", case.expected)),
            (Some(refused), Err(error)) if kind(&error) == refused => Ok(()),
            (_, Err(error)) => Err(format!("refused as {}: {error}", kind(&error))),
            (Some(refused), Ok(edited)) => Err(format!("not refused as {refused}: {edited:?}")),
        }
    });
    assert_eq!(failures, Vec::<String>::new());
}

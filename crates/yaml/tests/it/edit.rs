//! `tests/data/edit/*.txt`: a header, the given text, and the expected text or the refusal.
//!
//! The header names the path and the new value: `set` replaces, `insert` adds, `comment` sets the comment behind a scalar,
//! none of them removes.

use narae_yaml::edit::{self, EditError};
use narae_yaml::{ErrorKind, Mapping, Path, Reader, Value};
use proptest::prelude::*;

enum Edit {
    Replace(Value),
    Insert(Value),
    Comment(String),
    Remove,
}

struct Case {
    path: Path,
    edit: Edit,
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
    let value = |name: &str| field(name).map(|text| narae_yaml::read_one(text).expect("a value"));
    Case {
        path: field("path").expect("a path").parse().expect("a path"),
        edit: match (value("set"), value("insert"), value("comment")) {
            (Some(new), ..) => Edit::Replace(new),
            (_, Some(new), _) => Edit::Insert(new),
            (.., Some(new)) => Edit::Comment(new.as_str().expect("a text").to_owned()),
            _ => Edit::Remove,
        },
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
        EditError::NoComment { .. } => "no comment",
        EditError::NewNotComment => "new not a comment",
        EditError::Exists { .. } => "exists",
        EditError::NotCollection { .. } => "not a collection",
        EditError::Root => "root",
        EditError::AnchorInUse { .. } => "anchor in use",
        EditError::Unsafe { .. } => "unsafe",
        _ => "unknown",
    }
}

#[test]
fn cases() {
    let failures = crate::cases("edit", |text| {
        let case = parse(text);
        let (given, document, path) = (&case.given, case.document, &case.path);
        let result = match &case.edit {
            Edit::Replace(new) => edit::replace(given, document, path, new),
            Edit::Insert(new) => edit::insert(given, document, path, new),
            Edit::Comment(new) => edit::set_comment(given, document, path, new),
            Edit::Remove => edit::remove(given, document, path),
        };
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

/// How a person may have written the text `old`: the line around it, with the scalar in its style.
fn written(style: usize, old: &str) -> String {
    match style {
        0 => format!("tag:   {old}  # by CI"),
        1 => format!("tag: '{old}'\t# by CI"),
        2 => format!("\"tag\" : \"{old}\""),
        3 => format!("tag: !!str {old}"),
        4 => format!("tag: &tag {old} # by CI"),
        _ => format!("tag:\n      {old}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn only_the_scalar_changes(
        style in 0..6usize,
        flow in any::<bool>(),
        old in "[a-z][a-z0-9.-]{0,8}[a-z]",
        new in prop_oneof![any::<String>(), "[a-z0-9.:/@_+-]{1,12}", "[ -~]{0,12}", "[-{}\\[\\],:# '\"&*!|>%@`?]{0,6}"],
    ) {
        // Words such as `no` are not strings until they are quoted.
        prop_assume!(Reader::new().read_one(&old).unwrap().root.as_str().is_some());
        let source = if flow {
            format!("# 머리\nshop: [ {{ tag: {old}, x: \"y\" }} ] # end\n")
        } else {
            format!("# 머리\nshop:\n- x:  y\n  z: {{a: b}}\n-   {}\n    last: 1\n", written(style, &old))
        };
        let path: Path = if flow { "shop[0].tag" } else { "shop[1].tag" }.parse().unwrap();
        let span = Reader::new().read_one(&source).unwrap().root.at(&path).unwrap().span.range();
        let edited = edit::replace(&source, 0, &path, &new.clone().into()).unwrap();
        prop_assert!(edited.starts_with(&source[..span.start]), "{}", edited);
        prop_assert!(edited.ends_with(&source[span.end..]), "{}", edited);
        let mut expected = narae_yaml::read_one(&source).unwrap();
        *expected.at_mut(&path).unwrap() = new.clone().into();
        prop_assert_eq!(narae_yaml::read_one(&edited).unwrap(), expected);
        // A reader of YAML 1.2 sees the new text, too.
        let theirs: serde_yaml::Value = serde_yaml::from_str(&edited).unwrap();
        let theirs = if flow { &theirs["shop"][0]["tag"] } else { &theirs["shop"][1]["tag"] };
        prop_assert_eq!(theirs.as_str(), Some(new.as_str()), "{}", edited);
    }
}

#[test]
fn long_texts_cost_no_recursion() {
    let signs = "+-".repeat(1_000_000);
    let value = Value::from(Mapping::from([("a", signs.as_str()), ("b", "")]));
    let source = narae_yaml::write(&value);
    assert_eq!(narae_yaml::read_one(&source), Ok(value));
    let edited = edit::replace("a: x\n", 0, &"a".parse().unwrap(), &signs.as_str().into()).unwrap();
    assert_eq!(edited, format!("a: \"{signs}\"\n"));
}

//! What an API server says of an object, and what the check says, in the same words.

use std::collections::BTreeSet;

use narae_manifest::finding::{Finding, Severity};
use narae_testservers::Answer;
use narae_yaml::{Path, Segment};

/// Why a server refused an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// A field that the type does not have.
    UnknownField,
    /// It cannot be read into the type.
    Decoding,
    /// It can, and is not what the kind allows: by schema for custom resources, in code for others.
    Invalid,
    /// Admission, quota, names that are taken.
    Other,
}

/// A refusal, with the fields it names.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) class: Class,
    pub(super) fields: BTreeSet<String>,
    pub(super) message: String,
}

impl Refusal {
    /// Whether one of the fields is also the other's, or below it: what a server finds missing in a
    /// part that is not there, the check finds missing as a whole. A server that could not read an
    /// object names fields without list positions and keys, so words may be missing between others.
    pub(super) fn names_one_of(&self, other: &Self) -> bool {
        self.fields.iter().any(|field| {
            let words = names(field);
            other.fields.iter().any(|own| {
                let own = names(own);
                words.starts_with(&own) || are_among(&words, &own)
            })
        })
    }
}

/// Without list positions and the names of types that Go puts between.
fn names(field: &str) -> Vec<&str> {
    let words = field.split(['.', '[', ']']);
    words
        .filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

/// Whether all words are among the others, in their order.
fn are_among(words: &[&str], others: &[&str]) -> bool {
    let mut others = others.iter();
    words.iter().all(|word| others.any(|other| other == word))
}

/// What a server answered to a creation; `None` when it took the object.
pub(super) fn of_server(answer: &Answer) -> Option<Refusal> {
    // Taken by an earlier object of that name: it was valid until there.
    if (200..300).contains(&answer.status) || answer.status == 409 {
        return None;
    }
    let status: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let message = status["message"]
        .as_str()
        .unwrap_or(&answer.body)
        .to_owned();
    let causes = status["details"]["causes"].as_array();
    let (class, fields) = if let Some((_, strict)) = message.split_once("strict decoding error: ") {
        (
            Class::UnknownField,
            quoted(strict).map(str::to_owned).collect(),
        )
    } else if answer.status == 422 {
        let causes = causes.map_or(&[][..], Vec::as_slice).iter();
        let fields = causes.filter_map(|cause| cause["field"].as_str());
        (Class::Invalid, fields.map(str::to_owned).collect())
    } else if answer.status == 400 || answer.status == 500 {
        let field = message.split_once("Go struct field ");
        let field = field.and_then(|(_, rest)| rest.split(' ').next()?.split_once('.'));
        (
            Class::Decoding,
            field
                .map(|(_, field)| field.to_owned())
                .into_iter()
                .collect(),
        )
    } else {
        (Class::Other, BTreeSet::new())
    };
    Some(Refusal {
        class,
        fields,
        message,
    })
}

/// What the check says of it; `None` when it has no error.
pub(super) fn of_findings(findings: &[Finding]) -> Option<Refusal> {
    let errors = || {
        findings
            .iter()
            .filter(|one| one.severity() == Severity::Error)
    };
    let first = errors().next()?;
    Some(Refusal {
        class: match first.rule.id() {
            "unknown-field" => Class::UnknownField,
            "wrong-type" | "bad-format" | "bad-quantity" => Class::Decoding,
            _ => Class::Invalid,
        },
        fields: errors().map(|one| dotted(&one.field)).collect(),
        message: errors()
            .map(|one| format!("{one}"))
            .collect::<Vec<_>>()
            .join("; "),
    })
}

/// `spec.ports[0].name`, as an API server writes it.
fn dotted(path: &Path) -> String {
    let mut text = String::new();
    for segment in path.segments() {
        match segment {
            Segment::Key(key) if text.is_empty() => text.push_str(key),
            Segment::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Segment::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

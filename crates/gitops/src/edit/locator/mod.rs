//! Where a value stands in a file of several documents, said so that it stays true when others move.
//!
//! ```text
//! locator   [document ":"] step…
//! document  "#" index from 0 | Kind "/" name          (none: the only document that has the place)
//! step      key | "." key | "[" index "]" | "[" key "=" value "]"     (odd keys as in narae_yaml::Path)
//! ```
//!
//! `Deployment/web:spec.template.spec.containers[name=web].image` names the element whose `name` is
//! `web`, wherever it stands in its list.

mod naming;

use std::fmt;
use std::str::FromStr;

use narae_yaml::{Document, Node, Path, Position, Segment};

use super::EditError;

pub(super) use naming::Naming;

/// Longest accepted locator in bytes.
pub const MAX_LOCATOR_BYTES: usize = 4096;

/// The place of a value in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locator {
    document: Choice,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Choice {
    /// The only document that has the place.
    Only,
    Index(usize),
    Object {
        kind: String,
        name: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Step {
    Segment(Segment),
    /// The only element that has this text at this key.
    Named {
        key: String,
        value: String,
    },
}

/// A place found: what stands there may be missing, what holds it is not.
#[derive(Clone, Debug)]
pub(super) struct Found<'a> {
    pub(super) document: usize,
    pub(super) path: Path,
    pub(super) node: Option<&'a Node>,
}

impl Locator {
    /// The place at `path` of the only document that has it.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            document: Choice::Only,
            steps: path.segments().iter().cloned().map(Step::Segment).collect(),
        }
    }

    /// The place at `path` of one document (from 0), by numbers only.
    pub(super) fn in_document(document: usize, path: &Path) -> Self {
        Self {
            document: Choice::Index(document),
            ..Self::new(path)
        }
    }

    pub(super) fn leads_to(&self, documents: &[Document], document: usize, path: &Path) -> bool {
        let found = self.resolve(documents);
        found.is_ok_and(|found| found.document == document && found.path == *path)
    }

    /// Finds the place.
    pub(super) fn resolve<'a>(&self, documents: &'a [Document]) -> Result<Found<'a>, EditError> {
        let mut there: Vec<Found<'a>> = Vec::new();
        let mut missing = 0;
        for (index, document) in documents.iter().enumerate() {
            let chosen = match &self.document {
                Choice::Only => !document.is_empty(),
                Choice::Index(chosen) => *chosen == index,
                Choice::Object { kind, name } => {
                    object(document).is_some_and(|object| object == (kind.as_str(), name.as_str()))
                }
            };
            if chosen && let Some(found) = self.walk(index, document)? {
                missing += usize::from(found.node.is_none());
                there.push(found);
            }
        }
        if missing < there.len() {
            there.retain(|found| found.node.is_some());
        }
        let mut there = there.into_iter();
        match (there.next(), there.next()) {
            (Some(found), None) => Ok(found),
            (None, _) => Err(EditError::NotFound {
                place: self.to_string(),
            }),
            (Some(first), Some(second)) => Err(EditError::Ambiguous {
                place: self.to_string(),
                first: position(documents, &first),
                second: position(documents, &second),
            }),
        }
    }

    fn walk<'a>(
        &self,
        index: usize,
        document: &'a Document,
    ) -> Result<Option<Found<'a>>, EditError> {
        let mut path = Path::root();
        let mut node = &document.root;
        for (at, step) in self.steps.iter().enumerate() {
            let segment = match step {
                Step::Segment(segment) => segment.clone(),
                Step::Named { key, value } => match self.element(node, key, value)? {
                    Some(index) => Segment::Index(index),
                    None => return Ok(None),
                },
            };
            path.push(segment.clone());
            match node.at(&segment.clone().into()) {
                Some(child) => node = child,
                None => {
                    // A last key may be missing from a mapping that could hold it.
                    let could_be = at + 1 == self.steps.len()
                        && matches!(segment, Segment::Key(_))
                        && node.as_mapping().is_some();
                    return Ok(could_be.then_some(Found {
                        document: index,
                        path,
                        node: None,
                    }));
                }
            }
        }
        Ok(Some(Found {
            document: index,
            path,
            node: Some(node),
        }))
    }

    fn element(&self, list: &Node, key: &str, value: &str) -> Result<Option<usize>, EditError> {
        let elements = list.as_sequence().unwrap_or_default().iter().enumerate();
        let mut called = elements.filter(|(_, element)| text(element, key) == Some(value));
        match (called.next(), called.next()) {
            (Some((_, first)), Some((_, second))) => Err(EditError::Ambiguous {
                place: self.to_string(),
                first: first.position(),
                second: second.position(),
            }),
            (first, _) => Ok(first.map(|(index, _)| index)),
        }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.document {
            Choice::Only => {}
            Choice::Index(index) => write!(f, "#{index}:")?,
            Choice::Object { kind, name } => write!(f, "{kind}/{name}:")?,
        }
        if self.steps.is_empty() {
            return f.write_str(".");
        }
        for (place, step) in self.steps.iter().enumerate() {
            match step {
                Step::Segment(segment) => {
                    let written = Path::from(segment.clone()).to_string();
                    let dot = place > 0 && !written.starts_with('[');
                    write!(f, "{}{written}", if dot { "." } else { "" })?;
                }
                Step::Named { key, value } => write!(f, "[{key}={value}]")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Locator {
    type Err = LocatorError;

    fn from_str(text: &str) -> Result<Self, LocatorError> {
        let wrong = |reason: String| LocatorError {
            text: text
                .chars()
                .take(120)
                .flat_map(char::escape_debug)
                .collect(),
            reason,
        };
        if text.len() > MAX_LOCATOR_BYTES {
            return Err(wrong(format!(
                "it is longer than {MAX_LOCATOR_BYTES} bytes"
            )));
        }
        let (document, mut rest) = choice(text).map_err(|reason| wrong(reason.to_owned()))?;
        let mut steps = Vec::new();
        if rest == "." {
            return Ok(Self { document, steps });
        }
        loop {
            let named = next_named(rest);
            let (plain, after) = match &named {
                Some((range, _, _)) => (
                    rest.get(..range.start).unwrap_or_default(),
                    rest.get(range.end..).unwrap_or_default(),
                ),
                None => (rest, ""),
            };
            if !plain.is_empty() || (named.is_none() && steps.is_empty()) {
                let plain = match (steps.is_empty(), plain.strip_prefix('.')) {
                    (false, Some(".")) => return Err(wrong("expected a key after `.`".to_owned())),
                    (false, Some(plain)) => plain,
                    (false, None) if !plain.starts_with('[') => {
                        return Err(wrong("expected `.` or `[` after `]`".to_owned()));
                    }
                    _ => plain,
                };
                let path: Path = plain
                    .parse()
                    .map_err(|error: narae_yaml::PathError| wrong(error.to_string()))?;
                steps.extend(path.segments().iter().cloned().map(Step::Segment));
            }
            let Some((_, key, value)) = named else {
                return Ok(Self { document, steps });
            };
            steps.push(Step::Named { key, value });
            rest = after;
            if rest.is_empty() {
                return Ok(Self { document, steps });
            }
        }
    }
}

/// A text that is not a locator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` does not name a place in a file: {reason}")]
pub struct LocatorError {
    text: String,
    reason: String,
}

/// The document's part of a locator, and the rest.
fn choice(text: &str) -> Result<(Choice, &str), &'static str> {
    if let Some(numbered) = text.strip_prefix('#') {
        let (digits, rest) = numbered
            .split_once(':')
            .ok_or("expected `:` after the document")?;
        let plain = digits == "0" || !digits.starts_with('0');
        let index = digits.bytes().all(|byte| byte.is_ascii_digit()) && plain;
        let index = index.then(|| digits.parse().ok()).flatten();
        return match index {
            Some(index) => Ok((Choice::Index(index), rest)),
            None => Err("expected the document's number after `#`"),
        };
    }
    let is_object = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'/');
    if let Some((object, rest)) = text.split_once(':')
        && object.bytes().all(is_object)
        && let Some((kind, name)) = object.split_once('/')
    {
        if kind.is_empty() || name.is_empty() || name.contains('/') {
            return Err("expected `Kind/name:`");
        }
        let (kind, name) = (kind.to_owned(), name.to_owned());
        return Ok((Choice::Object { kind, name }, rest));
    }
    Ok((Choice::Only, text))
}

/// The first `[key=value]` of a text, outside quoted keys.
fn next_named(text: &str) -> Option<(std::ops::Range<usize>, String, String)> {
    let mut at = 0;
    loop {
        let open = at + text.get(at..)?.find('[')?;
        let inside = text.get(open + 1..)?;
        if inside.starts_with('"') {
            at = open + 1 + end_of_quoted(inside)?;
            continue;
        }
        let close = open + 1 + inside.find(']')?;
        if let Some((key, value)) = text.get(open + 1..close)?.split_once('=')
            && is_name(key)
            && !value.is_empty()
        {
            return Some((open..close + 1, key.to_owned(), value.to_owned()));
        }
        at = close + 1;
    }
}

/// The length of the JSON string a text begins with.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn is_name(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key)?.as_str()
}

/// Kind and name, where a locator can say them.
fn object(document: &Document) -> Option<(&str, &str)> {
    let kind = text(&document.root, "kind")?;
    let name = text(document.root.get("metadata")?, "name")?;
    let is_plain = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        !text.is_empty() && text.bytes().all(plain)
    };
    (is_plain(kind) && is_plain(name)).then_some((kind, name))
}

fn position(documents: &[Document], found: &Found<'_>) -> Position {
    let holder = || {
        let root = &documents.get(found.document)?.root;
        root.at(&found.path.parent()?)
    };
    found
        .node
        .or_else(holder)
        .map(Node::position)
        .unwrap_or_default()
}

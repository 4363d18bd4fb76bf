//! Edits that keep every other byte.
//!
//! [`replace`] sets one scalar in a text a person wrote. Comments, blank lines, quoting, line ends,
//! a byte order mark, other documents: everything but the scalar stays as it was, byte for byte.
//!
//! How: the text is read, the path is walked to the scalar, its span is replaced, and the result is
//! read again and compared, so that an edit either changed exactly what was addressed or is refused.
//! Quotes stay as they were found. A plain scalar stays plain unless some YAML reader (1.1, 1.2,
//! Go) could take the new text for something other than a string; then it gets double quotes.
//!
//! What cannot be edited without guessing is refused by kind in [`EditError`].

mod compare;
mod error;
mod spell;

pub use error::EditError;

use crate::path::{Path, Segment};
use crate::{Document, Node, NodeData, Reader, ScalarStyle, Value};

/// Sets the scalar at `path` in the `document`th document of `source` (from 0) to the scalar `new`.
///
/// The result is `source` with one stretch replaced; if the value is already `new`, it is `source`
/// itself. A scalar that carries an anchor changes for all its aliases too.
///
/// ```
/// use narae_yaml::edit;
///
/// let source = "image:\n  tag: abc1234   # set by CI\n";
/// let path = "image.tag".parse()?;
/// let edited = edit::replace(source, 0, &path, &"12e4567".into())?;
/// // Plain, 12e4567 would be a number.
/// assert_eq!(edited, "image:\n  tag: \"12e4567\"   # set by CI\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the text cannot be read without doubt, the path leads to no scalar of its own, or the edit
/// would change anything else. See [`EditError`].
pub fn replace(
    source: &str,
    document: usize,
    path: &Path,
    new: &Value,
) -> Result<String, EditError> {
    if matches!(new, Value::Sequence(_) | Value::Mapping(_)) {
        return Err(EditError::NewNotScalar { kind: new.kind() });
    }
    let reader = Reader::new();
    let before = reader
        .read(source)
        .map_err(|error| error::unreadable(source, error))?;
    let target = find(source, &before, document, path)?;
    if target.node.to_value() == *new {
        return Ok(source.to_owned());
    }
    let edited = splice(source, &target, new);
    let after = reader.read(&edited).map_err(|_| target.unsafe_here(path))?;
    if compare::only_differs_at(&before, &after, document, path, new) {
        Ok(edited)
    } else {
        Err(target.unsafe_here(path))
    }
}

/// The scalar an edit is about.
struct Target<'a> {
    node: &'a Node,
    style: ScalarStyle,
    /// Whether it stands inside brackets or braces, where more characters are special.
    in_flow: bool,
}

impl Target<'_> {
    fn unsafe_here(&self, path: &Path) -> EditError {
        EditError::Unsafe {
            path: path.clone(),
            position: self.node.position(),
        }
    }
}

fn find<'a>(
    source: &str,
    documents: &'a [Document],
    document: usize,
    path: &Path,
) -> Result<Target<'a>, EditError> {
    let missing = EditError::NoDocument {
        document,
        documents: documents.len(),
    };
    let mut node = &documents.get(document).ok_or(missing)?.root;
    let mut in_flow = false;
    let mut here = Path::root();
    refuse_alias(node, &here)?;
    for segment in path.segments() {
        in_flow |= source
            .get(node.span.range())
            .is_some_and(|text| text.starts_with(['[', '{']));
        here.push(segment.clone());
        node = step(node, segment, &here)?;
        refuse_alias(node, &here)?;
    }
    let (path, position) = (here, node.position());
    let NodeData::Scalar(scalar) = &node.data else {
        return Err(EditError::NotScalar {
            path,
            kind: node.kind(),
            position,
        });
    };
    match scalar.style() {
        ScalarStyle::Literal | ScalarStyle::Folded => {
            Err(EditError::BlockScalar { path, position })
        }
        _ if scalar.text().contains("{{") => Err(EditError::Template { position }),
        style => Ok(Target {
            node,
            style,
            in_flow,
        }),
    }
}

fn step<'a>(node: &'a Node, segment: &Segment, here: &Path) -> Result<&'a Node, EditError> {
    let missing = || EditError::NotFound { path: here.clone() };
    match segment {
        Segment::Index(index) => node
            .as_sequence()
            .and_then(|items| items.get(*index))
            .ok_or_else(missing),
        Segment::Key(key) => {
            let entry = node.entry(key).ok_or_else(missing)?;
            if entry.merged {
                return Err(EditError::Merged {
                    path: here.clone(),
                    position: entry.key.position(),
                });
            }
            Ok(&entry.value)
        }
    }
}

fn refuse_alias(node: &Node, here: &Path) -> Result<(), EditError> {
    match &node.alias {
        None => Ok(()),
        Some(name) => Err(EditError::Alias {
            path: here.clone(),
            name: name.to_string(),
            position: node.position(),
        }),
    }
}

fn splice(source: &str, target: &Target<'_>, new: &Value) -> String {
    let range = target.node.span.range();
    let (before, after) = (
        source.get(..range.start).unwrap_or_default(),
        source.get(range.end..).unwrap_or_default(),
    );
    let mut edited = String::with_capacity(source.len() + 32);
    edited.push_str(before);
    let value = spell::spell(new, target.style, target.in_flow);
    if range.is_empty() {
        // Nothing is written there yet (`tag:`), so nothing separates it from its surroundings either.
        if !before.ends_with([' ', '\t', '\n']) {
            edited.push(' ');
        }
        edited.push_str(&value);
        if !(after.is_empty() || after.starts_with([' ', '\t', '\r', '\n', ',', ']', '}'])) {
            edited.push(' ');
        }
    } else {
        edited.push_str(&value);
    }
    edited.push_str(after);
    edited
}

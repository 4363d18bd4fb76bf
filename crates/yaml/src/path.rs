//! Places inside a value: `spec.template.spec.containers[0].image`.
//!
//! Grammar, which [`Display`](std::fmt::Display) writes and [`FromStr`] reads back to the same path:
//!
//! ```text
//! path    = "." | first rest*          "." alone is the whole document
//! first   = key | index | quoted
//! rest    = "." key | index | quoted
//! key     = letters, digits, "_", "-"  of any script
//! index   = "[" digits "]"
//! quoted  = "[" JSON string "]"        any key at all: ["app.kubernetes.io/name"]
//! ```

use std::fmt::{self, Write as _};
use std::str::FromStr;

/// One step into a value.
#[expect(
    clippy::exhaustive_enums,
    reason = "values nest in mappings and sequences, and in nothing else"
)]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Into a mapping.
    Key(String),
    /// Into a sequence, from 0.
    Index(usize),
}

/// A place inside a value, from its root.
///
/// ```
/// use narae_yaml::Path;
///
/// let path: Path = r#"metadata.annotations["a.b/c"]"#.parse()?;
/// assert_eq!(path, Path::root().child("metadata").child("annotations").child("a.b/c"));
/// assert_eq!(path.to_string(), r#"metadata.annotations["a.b/c"]"#);
/// assert_eq!(path.to_pointer(), "/metadata/annotations/a.b~1c");
/// # Ok::<(), narae_yaml::PathError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The whole value.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Whether this is the whole value.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The steps, from the root.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Goes one step further.
    pub fn push(&mut self, segment: impl Into<Segment>) {
        self.0.push(segment.into());
    }

    /// Goes one step back, and says which it was.
    pub fn pop(&mut self) -> Option<Segment> {
        self.0.pop()
    }

    /// The place one step further.
    #[must_use]
    pub fn child(&self, segment: impl Into<Segment>) -> Self {
        let mut child = self.clone();
        child.push(segment);
        child
    }

    /// The place one step back, unless this is the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, before) = self.0.split_last()?;
        Some(Self(before.to_vec()))
    }

    /// Whether `other` is this place or holds it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// This place as an RFC 6901 JSON pointer: `/spec/containers/0`, and nothing for the root.
    pub fn to_pointer(&self) -> String {
        let mut pointer = String::new();
        for segment in &self.0 {
            pointer.push('/');
            match segment {
                Segment::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Segment::Index(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_char('.');
        }
        for (place, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if !is_bare(key) => write!(f, "[{}]", Quoted(key))?,
                Segment::Key(key) if place == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text == "." {
            return Ok(Self::root());
        }
        let mut path = Self::root();
        let mut rest = text;
        while !rest.is_empty() || path.is_root() {
            let (segment, after) = step(rest, path.is_root()).map_err(|expected| PathError {
                path: text.to_owned(),
                at: text.len() - rest.len(),
                expected,
            })?;
            path.push(segment);
            rest = after;
        }
        Ok(path)
    }
}

impl From<Segment> for Path {
    fn from(segment: Segment) -> Self {
        Self(vec![segment])
    }
}

impl<S: Into<Segment>> FromIterator<S> for Path {
    fn from_iter<I: IntoIterator<Item = S>>(segments: I) -> Self {
        Self(segments.into_iter().map(Into::into).collect())
    }
}

impl<S: Into<Segment>> Extend<S> for Path {
    fn extend<I: IntoIterator<Item = S>>(&mut self, segments: I) {
        self.0.extend(segments.into_iter().map(Into::into));
    }
}

impl From<&str> for Segment {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<String> for Segment {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Text that is not a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is not a path: at byte {at}, expected {expected}")]
pub struct PathError {
    path: String,
    at: usize,
    expected: &'static str,
}

/// Reads one segment off the front, and returns what follows it.
fn step(rest: &str, first: bool) -> Result<(Segment, &str), &'static str> {
    if let Some(inside) = rest.strip_prefix("[\"") {
        let (key, after) = unquote(inside)?;
        let after = after.strip_prefix(']').ok_or("`]` after the quoted key")?;
        return Ok((Segment::Key(key), after));
    }
    if let Some(inside) = rest.strip_prefix('[') {
        let (digits, after) = inside.split_once(']').ok_or("`]`")?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'));
        let index = plain
            .then(|| digits.parse().ok())
            .flatten()
            .ok_or("an index or a key in double quotes")?;
        return Ok((Segment::Index(index), after));
    }
    let key = if first {
        rest
    } else {
        rest.strip_prefix('.')
            .ok_or("`.` or `[` (write an odd key as `[\"key\"]`)")?
    };
    let end = key.find(|c| !is_bare_character(c)).unwrap_or(key.len());
    match key.split_at(end) {
        ("", _) => Err("a key (write an odd one as `[\"key\"]`)"),
        (name, after) => Ok((Segment::Key(name.to_owned()), after)),
    }
}

/// Reads a JSON string whose opening quote is already gone.
fn unquote(text: &str) -> Result<(String, &str), &'static str> {
    const UNFINISHED: &str = "a closing `\"`";
    let mut key = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next().ok_or(UNFINISHED)? {
            '"' => return Ok((key, rest.as_str())),
            '\\' => match rest.next().ok_or(UNFINISHED)? {
                'n' => key.push('\n'),
                'r' => key.push('\r'),
                't' => key.push('\t'),
                'b' => key.push('\u{8}'),
                'f' => key.push('\u{c}'),
                'u' => {
                    let unit = |rest: &mut std::str::Chars<'_>| -> Option<u16> {
                        let digits = rest.as_str().get(..4)?;
                        *rest = rest.as_str().get(4..)?.chars();
                        digits
                            .bytes()
                            .all(|b| b.is_ascii_hexdigit())
                            .then(|| u16::from_str_radix(digits, 16).ok())?
                    };
                    let bad = "four hexadecimal digits of a character";
                    let mut units = vec![unit(&mut rest).ok_or(bad)?];
                    if units
                        .first()
                        .is_some_and(|unit| (0xd800..0xdc00).contains(unit))
                    {
                        rest = rest.as_str().strip_prefix("\\u").ok_or(bad)?.chars();
                        units.push(unit(&mut rest).ok_or(bad)?);
                    }
                    key.push_str(&String::from_utf16(&units).map_err(|_| bad)?);
                }
                same @ ('"' | '\\' | '/') => key.push(same),
                _ => return Err("an escape of JSON's"),
            },
            other => key.push(other),
        }
    }
}

fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_bare_character)
}

fn is_bare_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// A JSON string.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

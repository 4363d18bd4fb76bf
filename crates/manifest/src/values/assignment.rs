//! `a.b[0]=v,c={x,y}`: assignments as Helm's `--set` and `--set-string` have them.
//!
//! ```text
//! assignments = assignment *("," assignment) [","]
//! assignment  = key "=" value
//! key         = name *("." name / "[" index "]")
//! value       = "{" [text *("," text)] "}" / text
//! ```
//!
//! A backslash takes the character behind it as it is: `a\.b` is one name, `x\,y` one text. A text
//! of `--set` is `true`, `false` or `null` in any case, an integer of 64 bits that does not begin
//! with 0, or else a string, so `1.5`, `0444` and `1e3` are strings; `--set-string` has strings
//! only. (Helm, `pkg/strvals`.)
//!
//! May only read. Recursion-free; a key has at most [`MAX_SEGMENTS`] steps.

use narae_yaml::{Path, Position, Segment, Value};

use crate::error::{Error, ErrorKind};
use crate::origin::Origin;

/// Steps of one key. Helm's limit is 30.
pub(super) const MAX_SEGMENTS: usize = 64;

/// One value at a path, and who says so.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub(super) path: Path,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typing {
    /// What it looks like.
    Guessed,
    /// Always a string.
    Strings,
}

/// Reads all assignments of one argument. The origin of each is `source` and the key as written.
pub(super) fn parse(source: &str, text: &str, typing: Typing) -> Result<Vec<Assignment>, Error> {
    let mut parser = Parser {
        source,
        text,
        at: 0,
        typing,
    };
    let mut found = Vec::new();
    while parser.peek().is_some() {
        let start = parser.at;
        let path = parser.key()?;
        let key = text.get(start..parser.at).unwrap_or_default();
        let origin = Origin::named(format!("{source} {key}").into());
        parser.next();
        let value = parser.value()?;
        found.push(Assignment {
            path,
            value,
            origin,
        });
    }
    Ok(found)
}

struct Parser<'t> {
    source: &'t str,
    text: &'t str,
    at: usize,
    typing: Typing,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Characters up to, not including, one of `stops`; escapes are undone.
    fn until(&mut self, stops: &[char]) -> Result<String, Error> {
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| !stops.contains(c)) {
            self.next();
            text.push(match c {
                '\\' => self
                    .next()
                    .ok_or_else(|| self.expected("a character behind `\\`"))?,
                c => c,
            });
        }
        Ok(text)
    }

    /// A key; ends before its `=`.
    fn key(&mut self) -> Result<Path, Error> {
        let mut path = Path::root();
        loop {
            let start = self.at;
            let name = self.until(&['.', '[', ']', '=', ','])?;
            if name.is_empty() {
                self.at = start;
                return Err(self.expected("a name"));
            }
            self.push(&mut path, Segment::Key(name))?;
            while self.peek() == Some('[') {
                self.next();
                let index = self.index()?;
                self.push(&mut path, Segment::Index(index))?;
            }
            match self.peek() {
                Some('=') => return Ok(path),
                Some('.') => self.next(),
                _ => return Err(self.expected("`=` and a value behind the key, `.` or `[`")),
            };
        }
    }

    fn push(&self, path: &mut Path, segment: Segment) -> Result<(), Error> {
        if path.segments().len() == MAX_SEGMENTS {
            let message = format!("a key has at most {MAX_SEGMENTS} steps");
            return Err(self.error(ErrorKind::Limit, message));
        }
        path.push(segment);
        Ok(())
    }

    fn index(&mut self) -> Result<usize, Error> {
        let start = self.at;
        let digits = self.until(&[']'])?;
        let end = self.at;
        self.at = start;
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let index = plain.then(|| digits.parse().ok()).flatten();
        let index = index.ok_or_else(|| self.expected("an index such as `0`"))?;
        self.at = end;
        match self.next() {
            Some(']') => Ok(index),
            _ => Err(self.expected("`]`")),
        }
    }

    /// A value, and the comma behind it.
    fn value(&mut self) -> Result<Value, Error> {
        let value = if self.peek() == Some('{') {
            self.next();
            self.list()?
        } else {
            self.typed(&[','])?
        };
        match self.next() {
            None | Some(',') => Ok(value),
            Some(c) => {
                self.at -= c.len_utf8();
                Err(self.expected("`,` or the end behind `}`"))
            }
        }
    }

    fn list(&mut self) -> Result<Value, Error> {
        let mut list = Vec::new();
        if self.peek() == Some('}') {
            self.next();
            return Ok(Value::Sequence(list));
        }
        loop {
            list.push(self.typed(&[',', '}'])?);
            match self.next() {
                Some('}') => return Ok(Value::Sequence(list)),
                Some(_) => {}
                None => return Err(self.expected("`}`")),
            }
        }
    }

    fn typed(&mut self, stops: &[char]) -> Result<Value, Error> {
        let text = self.until(stops)?;
        Ok(match self.typing {
            Typing::Guessed => guessed(text),
            Typing::Strings => Value::String(text),
        })
    }

    fn expected(&self, what: &str) -> Error {
        self.error(ErrorKind::Syntax, format!("expected {what}"))
    }

    /// The text is not shown: what is assigned may be a secret.
    fn error(&self, kind: ErrorKind, message: String) -> Error {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let position = Position::new(self.at, 1, before.chars().count() + 1);
        let error = Error::new(kind, message).at(Origin::at(self.source.into(), position));
        error.note("as in `a.b=1,c[0]=x,d={x,y}`; `\\` before `,` `.` `=` `[` takes it as it is")
    }
}

fn guessed(text: String) -> Value {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    match () {
        () if is("true") => Value::Bool(true),
        () if is("false") => Value::Bool(false),
        () if is("null") => Value::Null,
        () if text == "0" => Value::from(0_u64),
        () if text.starts_with('0') => Value::String(text),
        () => match text.parse::<i64>() {
            Ok(number) => Value::from(number),
            Err(_) => Value::String(text),
        },
    }
}

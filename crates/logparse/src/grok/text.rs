//! The characters of a pattern as they are read, and the sets they write: escapes and brackets.

use super::Problem;
use super::class::Class;

/// One text being read.
pub(super) struct Text<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
    pub(super) ignore_case: bool,
    pub(super) depth: usize,
}

impl<'t> Text<'t> {
    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    pub(super) fn eat(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    /// Steps over the beginning of a look-around: whether it looks behind, and whether it is negated.
    pub(super) fn look(&mut self) -> Option<(bool, bool)> {
        let kinds = [
            ("?=", (false, false)),
            ("?!", (false, true)),
            ("?<=", (true, false)),
            ("?<!", (true, true)),
        ];
        kinds
            .into_iter()
            .find(|(start, _)| self.eat(start))
            .map(|(_, kind)| kind)
    }

    /// The numbers of `{n}`, `{n,}`, `{,m}` or `{n,m}` if one stands here.
    pub(super) fn count(&self) -> Option<(u32, Option<u32>)> {
        let (inside, _) = self.rest().strip_prefix('{')?.split_once('}')?;
        let number = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| text.parse::<u32>().ok())
        };
        match inside.split_once(',') {
            None => number(inside)?.map(|count| (count, Some(count))),
            Some(("", "")) => None,
            Some((min, "")) => number(min)?.map(|min| (min, None)),
            Some(("", max)) => number(max)?.map(|max| (0, Some(max))),
            Some((min, max)) => Some((number(min)??, Some(number(max)??))),
        }
    }

    /// After a backslash: one character, or a set of them.
    pub(super) fn escaped_class(&mut self) -> Result<Class, Problem> {
        let Some(character) = self.next() else {
            return Err(Problem::Unbalanced);
        };
        let hex = |text: &mut Self, digits: usize| {
            let code = text
                .rest()
                .get(..digits)
                .and_then(|code| u32::from_str_radix(code, 16).ok());
            text.at += digits;
            code.and_then(char::from_u32)
        };
        Ok(match character {
            'd' => digit(),
            'D' => digit().negated(),
            'w' => word(),
            'W' => word().negated(),
            's' => space(),
            'S' => space().negated(),
            'h' => Class::ascii(|byte| byte.is_ascii_hexdigit()),
            'H' => Class::ascii(|byte| byte.is_ascii_hexdigit()).negated(),
            'n' => Class::one('\n'),
            't' => Class::one('\t'),
            'r' => Class::one('\r'),
            'f' => Class::one('\x0c'),
            'v' => Class::one('\x0b'),
            'a' => Class::one('\x07'),
            'e' => Class::one('\x1b'),
            'x' | 'u' => match hex(self, if character == 'x' { 2 } else { 4 }) {
                Some(character) => Class::one(character),
                None => return Err(Problem::Unsupported),
            },
            other if other.is_ascii_alphanumeric() => {
                return Err(Problem::Unsupported);
            }
            other => Class::one(other),
        })
    }

    /// After the opening bracket.
    pub(super) fn class(&mut self) -> Result<Class, Problem> {
        let negated = self.eat("^");
        let mut class = Class::NONE;
        let mut first = true;
        loop {
            if self.rest().starts_with("&&") {
                return Err(Problem::Unsupported);
            }
            let part = if self.rest().starts_with("[:") {
                self.posix()?
            } else {
                match self.next() {
                    None => return Err(Problem::Unbalanced),
                    Some(']') if !first => break,
                    Some('[') => self.class()?,
                    Some('\\') if self.eat("b") => Class::one('\x08'),
                    Some('\\') => self.escaped_class()?,
                    Some(character) => Class::one(character),
                }
            };
            first = false;
            // A range, unless the dash is the last thing in the class or follows a set.
            let mut ahead = self.rest().chars();
            let from = part.only();
            if let (Some(from), Some('-'), Some(next)) = (from, ahead.next(), ahead.next())
                && next != ']'
            {
                self.at += 1;
                let last = match self.next() {
                    Some('\\') => self.escaped_class()?.only(),
                    last => last,
                };
                match last.filter(|last| *last >= from) {
                    Some(last) => class.add(from, last),
                    None => return Err(Problem::Unsupported),
                }
            } else if !class.union(&part) {
                return Err(Problem::Unsupported);
            }
        }
        let class = if self.ignore_case {
            class.folded()
        } else {
            class
        };
        Ok(if negated { class.negated() } else { class })
    }

    /// `[:name:]` or `[:^name:]`.
    fn posix(&mut self) -> Result<Class, Problem> {
        let inside = self.rest().get(2..).and_then(|rest| rest.split_once(":]"));
        let Some((inside, _)) = inside else {
            return Err(Problem::Unbalanced);
        };
        let (negated, name) = match inside.strip_prefix('^') {
            Some(name) => (true, name),
            None => (false, inside),
        };
        let class = match name {
            "alpha" => Class::ascii(|byte| byte.is_ascii_alphabetic()),
            "digit" => digit(),
            "alnum" => Class::ascii(|byte| byte.is_ascii_alphanumeric()),
            "upper" => Class::ascii(|byte| byte.is_ascii_uppercase()),
            "lower" => Class::ascii(|byte| byte.is_ascii_lowercase()),
            "punct" => Class::ascii(|byte| byte.is_ascii_punctuation()),
            "space" => space(),
            "blank" => Class::ascii(|byte| matches!(byte, b' ' | b'\t')),
            "cntrl" => Class::ascii(|byte| byte.is_ascii_control()),
            "xdigit" => Class::ascii(|byte| byte.is_ascii_hexdigit()),
            "print" => Class::ascii(|byte| byte.is_ascii_graphic() || byte == b' '),
            "graph" => Class::ascii(|byte| byte.is_ascii_graphic()),
            "word" => word(),
            _ => return Err(Problem::Unsupported),
        };
        self.at += inside.len() + 4;
        Ok(if negated { class.negated() } else { class })
    }
}

fn digit() -> Class {
    Class::ascii(|byte| byte.is_ascii_digit())
}

fn word() -> Class {
    Class::ascii(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn space() -> Class {
    Class::ascii(|byte| matches!(byte, b' ' | b'\t'..=b'\r'))
}

//! Reads a pattern: the regular part of Oniguruma's syntax, with grok's `%{…}` in it.
//!
//! Alternation, groups, classes with POSIX brackets, greedy and lazy repetition, `^` `$` `\A` `\z` `\Z` `\b` `\B`, `\d` `\w`
//! `\s` `\h` and their opposites (ASCII, as Ruby has them), `(?i)`, `(?<name>…)`, and look-around of bounded length. A plain
//! group does not capture, as in Oniguruma next to named ones. Back-references, possessive repetition and atomic groups
//! around anything but fixed text are refused: they are not regular.

use super::class::Class;
use super::node::{Assertion, Node};
use super::text::Text;
use super::{Conversion, PatternError, Patterns, Problem};
use crate::record::Name;

/// How deep patterns and groups may be inside each other.
const MAX_DEPTH: usize = 64;
/// How many nodes a pattern may expand to.
const MAX_NODES: usize = 100_000;
/// How often something may be repeated when the number is written out.
const MAX_COUNT: u32 = 1000;

/// A field that a pattern fills.
#[derive(Debug, Clone)]
pub(super) struct Capture {
    pub(super) name: Name<'static>,
    pub(super) conversion: Conversion,
}

/// Reads `source`, looking names up in `patterns`.
pub(super) struct Parser<'p> {
    patterns: &'p Patterns,
    pub(super) captures: Vec<Capture>,
    /// Names of patterns used, which nodes refer to.
    pub(super) names: Vec<String>,
    /// Those being read, outermost first.
    open: Vec<String>,
    nodes: usize,
}

impl<'p> Parser<'p> {
    pub(super) const fn new(patterns: &'p Patterns) -> Self {
        Self {
            patterns,
            captures: Vec::new(),
            names: Vec::new(),
            open: Vec::new(),
            nodes: 0,
        }
    }

    pub(super) fn parse(&mut self, source: &str) -> Result<Node, PatternError> {
        let mut text = Text {
            text: source,
            at: 0,
            ignore_case: false,
            depth: 0,
        };
        let node = self.alternate(&mut text)?;
        match text.peek() {
            None => Ok(node),
            Some(_) => Err(self.error(&text, Problem::Unbalanced)),
        }
    }

    fn error(&self, text: &Text<'_>, problem: Problem) -> PatternError {
        PatternError {
            problem,
            offset: text.at,
            within: self.open.last().cloned(),
        }
    }

    fn alternate(&mut self, text: &mut Text<'_>) -> Result<Node, PatternError> {
        text.depth += 1;
        if text.depth > MAX_DEPTH {
            return Err(self.error(text, Problem::TooDeep));
        }
        let outer_case = text.ignore_case;
        let mut branches = vec![self.concat(text)?];
        while text.eat("|") {
            branches.push(self.concat(text)?);
        }
        text.ignore_case = outer_case;
        text.depth -= 1;
        match branches.len() {
            1 => Ok(branches.remove(0)),
            _ => Ok(Node::Alternate(branches)),
        }
    }

    fn concat(&mut self, text: &mut Text<'_>) -> Result<Node, PatternError> {
        let mut nodes = Vec::new();
        while !matches!(text.peek(), None | Some('|' | ')')) {
            let node = self.atom(text)?;
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                return Err(self.error(text, Problem::TooLarge));
            }
            nodes.push(self.repeat(text, node)?);
        }
        Ok(Node::Concat(nodes))
    }

    fn repeat(&mut self, text: &mut Text<'_>, mut node: Node) -> Result<Node, PatternError> {
        loop {
            let (min, max, counted) = match text.peek() {
                Some('*') => (0, None, false),
                Some('+') => (1, None, false),
                Some('?') => (0, Some(1), false),
                Some('{') => match text.count() {
                    Some((min, max)) => (min, max, true),
                    // A brace that is no count is a character.
                    None => return Ok(node),
                },
                _ => return Ok(node),
            };
            // Of `{n}` there is no lazy kind: `a{2}?` is `(?:a{2})?`.
            let mut fixed = false;
            if counted {
                let end = text.rest().find('}').unwrap_or(0);
                fixed = !text.rest().get(..end).unwrap_or_default().contains(',');
                text.at += end;
            }
            text.at += 1;
            if min.max(max.unwrap_or(0)) > MAX_COUNT || max.is_some_and(|max| max < min) {
                return Err(self.error(text, Problem::BadRepetition));
            }
            let greedy = fixed || !text.eat("?");
            if greedy && !counted && text.peek() == Some('+') {
                return Err(self.error(text, Problem::NotRegular));
            }
            node = Node::Repeat {
                node: Box::new(node),
                min,
                max,
                greedy,
            };
        }
    }

    /// One thing that can be repeated.
    fn atom(&mut self, text: &mut Text<'_>) -> Result<Node, PatternError> {
        if text.rest().starts_with("%{")
            && let Some(node) = self.reference(text)?
        {
            return Ok(node);
        }
        let Some(character) = text.next() else {
            return Ok(Node::Concat(Vec::new()));
        };
        let node = match character {
            '(' => return self.group(text),
            '[' => match text.class() {
                Ok(class) => Node::Class(class),
                Err(problem) => return Err(self.error(text, problem)),
            },
            '.' => Node::Class(Class::not_newline()),
            '^' => Node::Assert(Assertion::LineStart),
            '$' => Node::Assert(Assertion::LineEnd),
            '\\' => self.escape(text)?,
            '*' | '+' | '?' => return Err(self.error(text, Problem::BadRepetition)),
            other => Node::Class(Class::one(other)),
        };
        Ok(match node {
            Node::Class(class) if text.ignore_case => Node::Class(class.folded()),
            node => node,
        })
    }

    /// `%{NAME}`, `%{NAME:field}`, `%{NAME:field:type}`; `None` if it is not written like one.
    fn reference(&mut self, text: &mut Text<'_>) -> Result<Option<Node>, PatternError> {
        let inside = text
            .rest()
            .get(2..)
            .and_then(|rest| rest.split_once('}'))
            .map(|(inside, _)| inside);
        let Some(inside) = inside else {
            return Ok(None);
        };
        let (name, field) = match inside.split_once(':') {
            Some((name, field)) => (name, Some(field)),
            None => (inside, None),
        };
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if !is_name(name) {
            return Ok(None);
        }
        let patterns = self.patterns;
        let Some(definition) = patterns.get(name) else {
            return Err(self.error(text, Problem::UnknownPattern(name.to_owned())));
        };
        if self.open.iter().any(|open| open == name) || self.open.len() >= MAX_DEPTH {
            return Err(self.error(text, Problem::Circular(name.to_owned())));
        }
        let capture = match field {
            None => None,
            Some(field) => Some(self.field(text, field)?),
        };
        self.open.push(name.to_owned());
        let node = self.parse(definition)?;
        self.open.pop();
        text.at += inside.len() + 3;
        let number = match self.names.iter().position(|known| known == name) {
            Some(number) => number,
            None => {
                self.names.push(name.to_owned());
                self.names.len() - 1
            }
        };
        let node = Node::Named(number, Box::new(node));
        Ok(Some(match capture {
            Some(capture) => Node::Capture(capture, Box::new(node)),
            None => node,
        }))
    }

    fn field(&mut self, text: &Text<'_>, field: &str) -> Result<usize, PatternError> {
        let (name, conversion) = match field.rsplit_once(':') {
            Some((name, "int")) => (name, Conversion::Int),
            Some((name, "float")) => (name, Conversion::Float),
            Some((name, "string")) => (name, Conversion::Text),
            Some(_) => return Err(self.error(text, Problem::BadType(field.to_owned()))),
            None => (field, Conversion::Text),
        };
        // `[a][b]` is the field b of a.
        let dotted = match name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
        {
            Some(name) => name.replace("][", "."),
            None => name.to_owned(),
        };
        self.captures.push(Capture {
            name: Name::shared(&dotted),
            conversion,
        });
        Ok(self.captures.len() - 1)
    }

    /// After the opening parenthesis.
    fn group(&mut self, text: &mut Text<'_>) -> Result<Node, PatternError> {
        let node = if text.eat("?:") {
            self.alternate(text)?
        } else if text.eat("?>") {
            let node = self.alternate(text)?;
            match node.texts() {
                Some(texts) if texts.len() == 1 => node,
                _ => return Err(self.error(text, Problem::NotRegular)),
            }
        } else if let Some((behind, negated)) = text.look() {
            let node = self.alternate(text)?;
            self.look(text, node, behind, negated)?
        } else if text.eat("?<") || text.eat("?P<") {
            let rest = text.rest();
            let Some((name, _)) = rest.split_once('>') else {
                return Err(self.error(text, Problem::Unbalanced));
            };
            let capture = self.field(text, name)?;
            text.at += name.len() + 1;
            Node::Capture(capture, Box::new(self.alternate(text)?))
        } else if text.eat("?") {
            return self.options(text);
        } else {
            self.alternate(text)?
        };
        if !text.eat(")") {
            return Err(self.error(text, Problem::Unbalanced));
        }
        Ok(node)
    }

    fn look(
        &self,
        text: &Text<'_>,
        node: Node,
        behind: bool,
        negated: bool,
    ) -> Result<Node, PatternError> {
        if let (Some(capture), false, false) = (node.rest_of_line(), behind, negated) {
            return Ok(Node::RestOfLine(capture));
        }
        match node.texts() {
            Some(texts) => Ok(Node::Assert(Assertion::Look {
                behind,
                negated,
                texts,
            })),
            None => Err(self.error(text, Problem::NotRegular)),
        }
    }

    /// `(?i)`, which is `(?i:…)` around all to the end of the group, other branches included; `m` and `x` are not needed by any stock pattern and are refused.
    fn options(&mut self, text: &mut Text<'_>) -> Result<Node, PatternError> {
        let off = text.eat("-");
        if !text.eat("i") {
            return Err(self.error(text, Problem::Unsupported));
        }
        let rest_of_group = text.eat(")");
        if !rest_of_group && !text.eat(":") {
            return Err(self.error(text, Problem::Unsupported));
        }
        let outer = std::mem::replace(&mut text.ignore_case, !off);
        let node = self.alternate(text)?;
        text.ignore_case = outer;
        if !rest_of_group && !text.eat(")") {
            return Err(self.error(text, Problem::Unbalanced));
        }
        Ok(node)
    }

    /// After the backslash, outside of a class.
    fn escape(&self, text: &mut Text<'_>) -> Result<Node, PatternError> {
        let assertion = match text.peek() {
            Some('b') => Assertion::WordBoundary,
            Some('B') => Assertion::NotWordBoundary,
            Some('A') => Assertion::TextStart,
            Some('z') => Assertion::TextEnd,
            Some('Z') => Assertion::LastLineEnd,
            Some('1'..='9' | 'k' | 'g') => return Err(self.error(text, Problem::NotRegular)),
            _ => {
                return text
                    .escaped_class()
                    .map(Node::Class)
                    .map_err(|problem| self.error(text, problem));
            }
        };
        text.next();
        Ok(Node::Assert(assertion))
    }
}

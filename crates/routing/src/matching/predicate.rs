//! What a match asks of a request besides its path: method, headers, query parameters.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};

use super::problem::Problem;
use super::request::Request;
use crate::gateway::{MatchType, NameMatch};

/// The methods a match may name.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];

/// The largest automaton of one expression, in bytes.
const MAX_EXPRESSION: usize = 1 << 20;

/// What of a request a match objects to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Difference<'p> {
    Path,
    Method,
    Header(&'p str),
    Query(&'p str),
}

#[derive(Debug, Default)]
pub(super) struct Predicate {
    method: Option<String>,
    headers: Vec<(String, Test)>,
    query: Vec<(String, Test)>,
}

/// A header, in lower case, or a query parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    Header(String),
    Query(String),
}

impl Part {
    /// Its value in a request, as matches compare it.
    pub(super) fn of<'a>(&self, request: &Request<'a>) -> Option<Cow<'a, str>> {
        match self {
            Self::Header(name) => header(request, name),
            Self::Query(name) => first_parameter(request.query_with_mark(), name),
        }
    }
}

impl Predicate {
    pub(super) fn new(
        method: Option<&str>,
        headers: &[NameMatch],
        query: &[NameMatch],
    ) -> Result<Self, Problem> {
        if let Some(method) = method
            && !METHODS.contains(&method)
        {
            return Err(Problem::Method {
                method: method.to_owned(),
            });
        }
        Ok(Self {
            method: method.map(str::to_owned),
            headers: tests(headers, |a, b| a.eq_ignore_ascii_case(b))?,
            query: tests(query, |a, b| a == b)?,
        })
    }

    /// The parts that must have exactly these values.
    pub(super) fn exact(&self) -> impl Iterator<Item = (Part, &str)> {
        let headers = self.headers.iter().filter_map(|(name, test)| {
            Some((Part::Header(name.to_ascii_lowercase()), test.exact()?))
        });
        let query = self
            .query
            .iter()
            .filter_map(|(name, test)| Some((Part::Query(name.clone()), test.exact()?)));
        headers.chain(query)
    }

    /// Whether it names a method, how many headers, how many query parameters.
    pub(super) fn specificity(&self) -> (bool, usize, usize) {
        (self.method.is_some(), self.headers.len(), self.query.len())
    }

    /// What of a request it first objects to.
    pub(super) fn differs(&self, request: &Request<'_>) -> Option<Difference<'_>> {
        if self.method.as_deref().is_some_and(|m| m != request.method) {
            return Some(Difference::Method);
        }
        let failing = self
            .headers
            .iter()
            .find(|(name, test)| !header(request, name).is_some_and(|value| test.holds(&value)));
        if let Some((name, _)) = failing {
            return Some(Difference::Header(name));
        }
        let failing = self.query.iter().find(|(name, test)| {
            !first_parameter(request.query_with_mark(), name).is_some_and(|v| test.holds(&v))
        });
        failing.map(|(name, _)| Difference::Query(name))
    }

    /// All it asks, as one text that is equal for equal questions.
    pub(super) fn asks(&self) -> String {
        let sorted = |conditions: &[(String, Test)], lower: bool| {
            let text = |(name, test): &(String, Test)| match lower {
                true => format!("{}{test:?}", name.to_ascii_lowercase()),
                false => format!("{name}{test:?}"),
            };
            let mut all: Vec<String> = conditions.iter().map(text).collect();
            all.sort();
            all
        };
        format!(
            "{:?} {:?} {:?}",
            self.method,
            sorted(&self.headers, true),
            sorted(&self.query, false)
        )
    }

    pub(super) fn holds(&self, request: &Request<'_>) -> bool {
        self.differs(request).is_none()
    }
}

#[derive(Debug)]
enum Test {
    Exact(String),
    Expression(Regex),
}

impl Test {
    fn exact(&self) -> Option<&str> {
        match self {
            Self::Exact(value) => Some(value),
            Self::Expression(_) => None,
        }
    }

    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == value,
            Self::Expression(expression) => expression.is_match(value),
        }
    }
}

fn tests(
    matches: &[NameMatch],
    same: impl Fn(&str, &str) -> bool,
) -> Result<Vec<(String, Test)>, Problem> {
    let mut tests: Vec<(String, Test)> = Vec::new();
    for entry in matches {
        if tests.iter().any(|(name, _)| same(name, &entry.name)) {
            continue;
        }
        let test = match entry.kind {
            MatchType::Exact => Test::Exact(entry.value.clone()),
            MatchType::RegularExpression => Test::Expression(expression(&entry.value)?),
        };
        tests.push((entry.name.clone(), test));
    }
    Ok(tests)
}

/// An expression that must match a whole text.
pub(super) fn expression(text: &str) -> Result<Regex, Problem> {
    let built = |text: &str| RegexBuilder::new(text).size_limit(MAX_EXPRESSION).build();
    // On its own first: `a)|(b` is none, though it is one between the parentheses of the anchored text.
    built(text)
        .and_then(|_| built(&anchored(text)))
        .map_err(|error| Problem::Expression {
            expression: text.to_owned(),
            // The last line says what is wrong; those before draw where.
            reason: error
                .to_string()
                .lines()
                .last()
                .unwrap_or_default()
                .to_owned(),
        })
}

/// `find` and comparing the span would miss `ab` with `a|ab`, so the automaton itself is anchored.
pub(super) fn anchored(text: &str) -> String {
    format!("^(?:{text})$")
}

fn header<'a>(request: &Request<'a>, name: &str) -> Option<Cow<'a, str>> {
    let mut values = request.header(name);
    let first = values.next()?;
    let Some(second) = values.next() else {
        return Some(Cow::Borrowed(first));
    };
    let mut joined = format!("{first},{second}");
    for value in values {
        joined.push(',');
        joined.push_str(value);
    }
    Some(Cow::Owned(joined))
}

fn first_parameter<'a>(query_with_mark: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let query = query_with_mark.strip_prefix('?')?;
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(written, _)| decoded(written) == name)
        .map(|(_, value)| decoded(value))
}

/// `application/x-www-form-urlencoded`, leaving alone what is not well formed.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|b| b == b'%' || b == b'+') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, beyond @ ..]) => match hex(*high).zip(hex(*low)) {
                Some((high, low)) => (high * 16 + low, beyond),
                None => (b'%', after),
            },
            (b'+', after) => (b' ', after),
            (other, after) => (*other, after),
        };
        bytes.push(byte);
        rest = after;
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|d| u8::try_from(d).ok())
}

//! Reads rules.

use std::fmt;
use std::time::Duration;

use super::MAX_COUNT;
use crate::grok::{Grok, PatternError, Patterns, Spelling};
use crate::record::{Record, Value};

/// Rules to watch records by.
///
/// ```
/// use narae_logparse::measure::security::Rules;
///
/// let rules = Rules::parse("
/// rule refused-orders
///   says A customer is refused again and again
///   when message grok order %{INT} refused for %{USERNAME:customer}
///   by customer
///   at 5 in 10m
/// ")?;
/// assert_eq!(rules.names().collect::<Vec<_>>(), ["refused-orders"]);
/// assert!(Rules::stock().names().any(|name| name == "scanner-probes"));
/// # Ok::<(), narae_logparse::measure::security::RuleError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Rules {
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) says: String,
    conditions: Vec<Condition>,
    pub(super) by: Names,
    pub(super) different: Option<Names>,
    pub(super) count: usize,
    pub(super) within: Duration,
}

/// Names of one field, the first that a record has.
#[derive(Debug, Clone)]
pub(super) struct Names(Vec<String>);

#[derive(Debug, Clone)]
struct Condition {
    field: Names,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Is(Vec<String>),
    /// In lower case.
    Contains(Vec<String>),
    Grok(Box<Grok>),
}

/// A rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RuleError {
    line: usize,
    problem: Problem,
}

impl RuleError {
    /// The line, from 1.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// What is wrong.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// None of the words a line of a rule begins with.
    #[error("expected rule, says, when, by, different or at, found {0:?}")]
    UnknownWord(String),
    /// Something stands before the first `rule`.
    #[error("a rule begins with: rule NAME")]
    NoRule,
    /// A rule without `when`, `by` or `at`.
    #[error("the rule {rule} has no {missing:?}")]
    Incomplete {
        /// Its name.
        rule: String,
        /// What it lacks.
        missing: &'static str,
    },
    /// A test that does not exist, or of nothing.
    #[error("expected: when FIELD is|contains|grok VALUE")]
    BadCondition,
    /// Not a count and a duration.
    #[error(
        "expected: at COUNT in DURATION, such as at 10 in 5m, with a count from 1 to {MAX_COUNT}"
    )]
    BadCount,
    /// The pattern cannot be compiled.
    #[error("the pattern: {0}")]
    Pattern(#[from] PatternError),
}

impl Rules {
    /// The rules that come with this crate.
    pub fn stock() -> Self {
        // A test reads them.
        Self::parse(include_str!("stock.rules")).unwrap_or_default()
    }

    /// Reads rules.
    ///
    /// # Errors
    ///
    /// The first line that is not as the module's documentation says.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let patterns = Patterns::stock(Spelling::Legacy);
        let mut rules = Vec::new();
        let mut open: Option<(usize, Draft)> = None;
        for (number, line) in text.lines().enumerate() {
            let line_number = number + 1;
            let at = |problem| RuleError {
                line: line_number,
                problem,
            };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let rest = rest.trim_start();
            if word == "rule" {
                rules.extend(close(open.take())?);
                let draft = Draft {
                    name: rest.to_owned(),
                    ..Draft::default()
                };
                open = Some((line_number, draft));
                continue;
            }
            let Some((_, draft)) = &mut open else {
                return Err(at(Problem::NoRule));
            };
            draft.line(word, rest, &patterns).map_err(at)?;
        }
        rules.extend(close(open)?);
        Ok(Self { rules })
    }

    /// Adds other rules behind these.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.rules.extend(more.rules);
        self
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| &rule.name[..])
    }
}

#[derive(Default)]
struct Draft {
    name: String,
    says: String,
    conditions: Vec<Condition>,
    by: Option<Names>,
    different: Option<Names>,
    at: Option<(usize, Duration)>,
}

fn close(open: Option<(usize, Draft)>) -> Result<Option<Rule>, RuleError> {
    let Some((line, draft)) = open else {
        return Ok(None);
    };
    let rule = draft.name.clone();
    let missing = move |missing| RuleError {
        line,
        problem: Problem::Incomplete {
            rule: rule.clone(),
            missing,
        },
    };
    if draft.name.is_empty() {
        return Err(missing("name"));
    }
    if draft.conditions.is_empty() {
        return Err(missing("when"));
    }
    let by = draft.by.ok_or_else(|| missing("by"))?;
    let (count, within) = draft.at.ok_or_else(|| missing("at"))?;
    Ok(Some(Rule {
        name: draft.name,
        says: draft.says,
        conditions: draft.conditions,
        by,
        different: draft.different,
        count,
        within,
    }))
}

impl Draft {
    fn line(&mut self, word: &str, rest: &str, patterns: &Patterns) -> Result<(), Problem> {
        match word {
            "says" => rest.clone_into(&mut self.says),
            "by" => self.by = Some(Names::new(rest)),
            "different" => self.different = Some(Names::new(rest)),
            "at" => self.at = Some(count(rest).ok_or(Problem::BadCount)?),
            "when" => self.conditions.push(condition(rest, patterns)?),
            _ => return Err(Problem::UnknownWord(word.to_owned())),
        }
        Ok(())
    }
}

fn condition(text: &str, patterns: &Patterns) -> Result<Condition, Problem> {
    let mut words = text.splitn(3, char::is_whitespace);
    let (Some(field), Some(test), Some(value)) = (words.next(), words.next(), words.next()) else {
        return Err(Problem::BadCondition);
    };
    let values = || value.split_whitespace().map(str::to_owned);
    let test = match test {
        "is" => Test::Is(values().collect()),
        "contains" => Test::Contains(values().map(|text| text.to_lowercase()).collect()),
        "grok" => Test::Grok(Box::new(patterns.compile(value)?)),
        _ => return Err(Problem::BadCondition),
    };
    Ok(Condition {
        field: Names::new(field),
        test,
    })
}

/// `COUNT in DURATION`.
fn count(text: &str) -> Option<(usize, Duration)> {
    let (count, within) = text.split_once(" in ")?;
    let count = count.trim().parse().ok()?;
    let within = within.trim();
    let unit = within.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = within.strip_suffix(unit)?.parse().ok()?;
    let within = Duration::from_secs(number.checked_mul(seconds)?);
    ((1..=MAX_COUNT).contains(&count) && !within.is_zero()).then_some((count, within))
}

impl Names {
    fn new(text: &str) -> Self {
        Self(text.split('|').map(|name| name.trim().to_owned()).collect())
    }

    /// The text of the first of these fields that one of the records has.
    pub(super) fn value(&self, records: &[&Record<'_>]) -> Option<String> {
        self.0.iter().find_map(|name| {
            let mut values = records.iter().filter_map(|record| record.get(name));
            values.find_map(|value| match value {
                Value::Number(number) => Some(number.to_string()),
                Value::Text(text) => Some(String::from_utf8_lossy(&text.decode()).into_owned()),
                _ => None,
            })
        })
    }
}

impl Rule {
    /// Who it is and what is counted, if every condition holds.
    pub(super) fn source(&mut self, record: &Record<'_>) -> Option<(String, Option<String>)> {
        let mut captured: Vec<Record<'static>> = Vec::new();
        for condition in &mut self.conditions {
            let value = condition.field.value(&[record])?;
            match &mut condition.test {
                Test::Is(values) => values.contains(&value).then_some(())?,
                Test::Contains(texts) => {
                    let value = value.to_lowercase();
                    texts
                        .iter()
                        .any(|text| value.contains(text))
                        .then_some(())?;
                }
                Test::Grok(grok) => captured.push(grok.parse(value.as_bytes()).ok()?.into_owned()),
            }
        }
        // What a pattern captured goes before what the record calls so.
        let records: Vec<&Record<'_>> = captured.iter().chain([record]).collect();
        let different = match &self.different {
            Some(names) => Some(names.value(&records)?),
            None => None,
        };
        Some((self.by.value(&records)?, different))
    }
}

impl fmt::Display for Rules {
    /// One line a rule: its name and what it says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rules = self.rules.iter();
        rules.try_for_each(|rule| writeln!(f, "{}: {}", rule.name, rule.says))
    }
}

//! Counts by source and tells.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use super::MAX_SOURCES;
use super::rule::{Rule, Rules};
use crate::record::Record;
use crate::time::Timestamp;

/// A source did what a rule is about, as often as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signal {
    /// The rule's name.
    pub rule: String,
    /// What it says, for people.
    pub says: String,
    /// Who: the value of the rule's `by`.
    pub source: String,
    /// How often, in the rule's duration.
    pub count: usize,
    /// When the count was reached.
    pub at: Timestamp,
}

/// Watches records by rules.
///
/// ```
/// use narae_logparse::measure::security::{Rules, Watch};
/// use narae_logparse::Format;
///
/// let mut watch = Watch::new(Rules::stock());
/// let mut signals = Vec::new();
/// for path in ["/.env", "/wp-login.php", "/.git/config", "/phpmyadmin"] {
///     let line = format!("192.0.2.9 - - [21/Nov/2026:04:44:44 +0000] \"GET {path} HTTP/1.1\" 404 0 \"-\" \"-\"");
///     signals.extend(watch.add(&Format::Combined.parse(line.as_bytes())?));
/// }
/// let told: Vec<_> = signals.iter().map(|signal| (&signal.rule[..], &signal.source[..], signal.count)).collect();
/// assert_eq!(told, [("scanner-probes", "192.0.2.9", 3)]);
/// # Ok::<(), narae_logparse::ParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Watch {
    rules: Vec<(Rule, HashMap<String, Recent>)>,
    /// The latest time seen, in seconds.
    now: i64,
}

/// What a source did lately.
#[derive(Debug, Clone, Default)]
struct Recent {
    /// Times, and the values that are counted if they must differ; as many as the rule counts to.
    seen: VecDeque<(i64, String)>,
    last: i64,
    told: bool,
}

impl Watch {
    /// Watches by these rules.
    pub fn new(rules: Rules) -> Self {
        let rules = rules.rules.into_iter();
        Self {
            rules: rules.map(|rule| (rule, HashMap::new())).collect(),
            now: 0,
        }
    }

    /// Counts a record: what it was the last straw for.
    pub fn add(&mut self, record: &Record<'_>) -> Vec<Signal> {
        let at = record.time().map_or(self.now, |time| time.unix_seconds());
        self.now = self.now.max(at);
        let mut signals = Vec::new();
        for (rule, sources) in &mut self.rules {
            let Some((source, different)) = rule.source(record) else {
                continue;
            };
            make_room(sources, &source);
            let (recent, source) = match sources.entry(source) {
                Entry::Occupied(known) => {
                    let source = known.key().clone();
                    (known.into_mut(), source)
                }
                Entry::Vacant(new) => {
                    let source = new.key().clone();
                    (new.insert(Recent::default()), source)
                }
            };
            if let Some(count) = recent.add(rule, at, different) {
                signals.push(Signal {
                    rule: rule.name.clone(),
                    says: rule.says.clone(),
                    source,
                    count,
                    at: Timestamp::from_unix_seconds(at),
                });
            }
        }
        signals
    }
}

fn make_room(sources: &mut HashMap<String, Recent>, source: &str) {
    if sources.len() < MAX_SOURCES || sources.contains_key(source) {
        return;
    }
    let oldest = sources.iter().min_by_key(|(_, recent)| recent.last);
    if let Some(oldest) = oldest.map(|(source, _)| source.clone()) {
        sources.remove(&oldest);
    }
}

impl Recent {
    fn add(&mut self, rule: &Rule, at: i64, different: Option<String>) -> Option<usize> {
        let within = i64::try_from(rule.within.as_secs()).unwrap_or(i64::MAX);
        if at.saturating_sub(self.last) > within {
            self.told = false;
        }
        self.last = self.last.max(at);
        self.seen
            .retain(|(time, _)| at.saturating_sub(*time) <= within);
        match different {
            Some(value) => {
                self.seen.retain(|(_, known)| *known != value);
                self.seen.push_back((at, value));
            }
            None => self.seen.push_back((at, String::new())),
        }
        if self.seen.len() > rule.count {
            self.seen.pop_front();
        }
        if self.told || self.seen.len() < rule.count {
            return None;
        }
        self.told = true;
        Some(self.seen.len())
    }
}

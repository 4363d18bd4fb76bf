//! What was read, added up, and how it looks to people.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use narae_logparse::ledger::Imbalance;
use narae_logparse::measure::{Observation, Window};
use narae_logparse::{Event, Format, Reason, Timestamp};

use crate::input::Finished;

/// Different levels counted by name; more are counted together, so that no input can make the summary grow.
const MOST_LEVELS: usize = 16;

/// Counts over all inputs.
#[derive(Default)]
pub(crate) struct Summary {
    inputs: u64,
    bytes: u64,
    accounted: u64,
    imbalances: Vec<Imbalance>,
    records: BTreeMap<Format, u64>,
    detected: BTreeMap<Format, u64>,
    reasons: BTreeMap<Reason, u64>,
    parts: u64,
    seen: Window,
    levels: BTreeMap<String, u64>,
    times: Option<(Timestamp, Timestamp)>,
}

impl Summary {
    /// Counts an event.
    pub(crate) fn add(&mut self, event: &Event<'_>) {
        let Event::Record(record) = event else { return };
        *self.records.entry(record.format()).or_default() += 1;
        self.parts += u64::from(record.part() != narae_logparse::line::Part::Whole);
        if let Some(time) = record.time() {
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
        }
        self.seen.add(&Observation::of(record));
        let mut names = ["level", "severity", "lvl", "log.level"].into_iter();
        if let Some(level) = names.find_map(|name| record.get(name)?.to_str()) {
            self.add_level(&level);
        }
    }

    /// Counts an input once its events were.
    pub(crate) fn add_input(&mut self, input: &Finished) {
        self.inputs += 1;
        self.bytes += input.bytes;
        self.accounted += input.ledger.record_bytes() + input.ledger.raw_bytes();
        self.imbalances.extend(input.balance.err());
        *self.detected.entry(input.format).or_default() += 1;
        for (reason, count) in input.ledger.reasons() {
            *self.reasons.entry(reason).or_default() += count;
        }
    }

    fn add_level(&mut self, level: &str) {
        let known = level.len() <= 16
            && !level.is_empty()
            && level.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let mut name = if known {
            level.to_ascii_lowercase()
        } else {
            "other".to_owned()
        };
        if self.levels.len() >= MOST_LEVELS && !self.levels.contains_key(&name) {
            "other".clone_into(&mut name);
        }
        *self.levels.entry(name).or_default() += 1;
    }

    /// The first and the last time.
    pub(crate) const fn times(&self) -> Option<(Timestamp, Timestamp)> {
        self.times
    }

    /// What was observed.
    pub(crate) const fn seen(&self) -> &Window {
        &self.seen
    }

    /// Records, and lines that are none.
    pub(crate) fn lines(&self) -> (u64, u64) {
        (self.records.values().sum(), self.reasons.values().sum())
    }

    /// Bytes read, and whether each is accounted for once.
    pub(crate) fn bytes(&self) -> (u64, bool) {
        let balanced = self.imbalances.is_empty() && self.accounted == self.bytes;
        (self.bytes, balanced)
    }

    /// Records by format and raw lines by reason, as texts.
    pub(crate) fn kinds(&self) -> (String, String) {
        let reasons = self.reasons.iter().map(|(reason, n)| (reason.code(), n));
        (list(&self.records), list(reasons))
    }

    pub(crate) fn span(&self) -> Option<Duration> {
        let (first, last) = self.times?;
        let nanoseconds = u64::try_from(last.unix_nanoseconds() - first.unix_nanoseconds()).ok()?;
        Some(Duration::from_nanos(nanoseconds))
    }
}

const TITLE: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const DOUBT: Style = AnsiColor::Yellow.on_default();

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records: u64 = self.records.values().sum();
        let unparsed: u64 = self.reasons.values().sum();
        row(
            f,
            "inputs",
            &format!("{} ({})", self.inputs, list(&self.detected)),
        )?;
        row(f, "records", &format!("{records}{}", more(&self.records)))?;
        if self.parts > 0 {
            row(
                f,
                "",
                &styled(
                    DOUBT,
                    &format!(
                        "{} are parts of messages over the limit or unfinished",
                        self.parts
                    ),
                ),
            )?;
        }
        let reasons = self
            .reasons
            .iter()
            .map(|(reason, count)| (reason.code(), count));
        let style = if unparsed == 0 { GOOD } else { DOUBT };
        row(
            f,
            "unparsed",
            &format!("{}{}", styled(style, &unparsed.to_string()), more(reasons)),
        )?;
        self.balance(f)?;
        self.requests_and_levels(f)?;
        if let Some((first, last)) = self.times {
            row(f, "time", &format!("{first} to {last}"))?;
        }
        Ok(())
    }
}

impl Summary {
    fn balance(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.imbalances.is_empty() && self.accounted == self.bytes {
            let text = format!(
                "{} read, {}",
                self.bytes,
                styled(GOOD, &format!("{} accounted for", self.accounted))
            );
            return row(f, "bytes", &text);
        }
        row(
            f,
            "bytes",
            &styled(
                BAD,
                &format!("{} read, {} accounted for", self.bytes, self.accounted),
            ),
        )?;
        self.imbalances
            .iter()
            .try_for_each(|imbalance| row(f, "", &styled(BAD, &imbalance.to_string())))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "rates are shown with three digits"
    )]
    fn requests_and_levels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests = self.seen.requests;
        if requests > 0 {
            let rate = self
                .span()
                .filter(|span| !span.is_zero())
                .map(|span| requests as f64 / span.as_secs_f64());
            let rate = rate.map_or(String::new(), |rate| format!(", {rate:.3} per second"));
            row(f, "requests", &format!("{requests}{rate}"))?;
            let classes = (0_u8..)
                .zip(self.seen.classes)
                .filter(|(_, count)| *count > 0);
            let classes = classes.map(|(class, count)| match class {
                0 => ("none".to_owned(), count),
                class => (format!("{class}xx"), count),
            });
            row(f, "statuses", &list(classes))?;
            let errors = self.seen.failed_requests;
            let style = if errors == 0 { GOOD } else { BAD };
            let ratio = format!(
                "{:.3} % answered 5xx",
                errors as f64 * 100.0 / requests as f64
            );
            row(f, "errors", &styled(style, &ratio))?;
        }
        let latency = &self.seen.latency;
        if let [Some(p50), Some(p90), Some(p99)] =
            [0.5, 0.9, 0.99].map(|share| latency.quantile(share))
        {
            let text = format!(
                "p50 {p50:.1?}, p90 {p90:.1?}, p99 {p99:.1?} of {} (within 1 %)",
                latency.count()
            );
            row(f, "latency", &text)?;
        }
        if !self.levels.is_empty() {
            row(f, "levels", &list(&self.levels))?;
        }
        Ok(())
    }
}

pub(crate) fn row(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    writeln!(f, "{TITLE}{name:<9}{TITLE:#} {text}")
}

/// What came from a log, unable to act on a terminal.
pub(crate) fn visible(text: &str) -> String {
    let escaped = text.chars().map(|c| match c.is_control() {
        true => c.escape_debug().to_string(),
        false => c.to_string(),
    });
    escaped.collect()
}

pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// `a 1, b 2`.
fn list<K: fmt::Display, V: fmt::Display>(counts: impl IntoIterator<Item = (K, V)>) -> String {
    let items: Vec<String> = counts
        .into_iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    items.join(", ")
}

/// The list in brackets, if there is one.
fn more<K: fmt::Display, V: fmt::Display>(counts: impl IntoIterator<Item = (K, V)>) -> String {
    let list = list(counts);
    if list.is_empty() {
        list
    } else {
        format!(" ({list})")
    }
}

//! What is in the logs beyond counts: how it went over time, what kinds of lines there are, and what somebody should look at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use narae_logparse::measure::security::{self, Rules, Signal};
use narae_logparse::measure::{Alert, BurnRate, Objective, Observation, SLO_RULES, Series};
use narae_logparse::template::{Change, Miner, TemplateId, Watch};
use narae_logparse::{Event, Record, Timestamp};

use crate::summary::{BAD, DOUBT, row, styled, visible};

/// The share of requests that should not fail.
const TARGET: f64 = 0.999;
/// So many alerts of each kind are kept; what follows is counted.
const MOST_ALERTS: usize = 500;
/// Windows of a chart.
const CHART_WINDOWS: usize = 120;
/// Windows that templates are counted in.
const TEMPLATE_WINDOWS: usize = 240;
/// Templates of errors that are known as such.
const MOST_ERRORS: usize = 4096;
/// How many spreads a rate must be away to be told, and how often a template that is no error must come.
const SCORE: f64 = 8.0;
const STEADY: f64 = 5.0;
/// How many of them are shown in a terminal.
const SHOWN: usize = 10;

/// Holds a kind of request together.
const JOINT: char = '|';
/// A longer path is cut.
const PATH_BYTES: usize = 44;

/// Fields that hold what a program says, in order of preference.
const MESSAGES: &[&str] = &["message", "msg", "log", "short_message", "MESSAGE"];

/// Something to look at.
pub(crate) struct Notice {
    pub(crate) at: Timestamp,
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    /// Whether somebody should get up.
    pub(crate) is_urgent: bool,
}

/// Adds up what events say.
pub(crate) struct Analysis {
    /// At the detail of a chart: of seconds, or of quarters of a minute, whose multiples people read better.
    seconds: Series,
    quarters: Series,
    /// At the detail of burn rates.
    minutes: Series,
    miner: Miner,
    width: i64,
    windows: BTreeMap<i64, BTreeMap<TemplateId, u64>>,
    /// Templates of errors.
    errors: BTreeSet<TemplateId>,
    security: security::Watch,
    signals: Vec<Signal>,
    notices: Vec<Notice>,
    more_notices: usize,
}

impl Default for Analysis {
    fn default() -> Self {
        Self {
            seconds: Series::new(Duration::from_secs(1), CHART_WINDOWS),
            quarters: Series::new(Duration::from_secs(15), CHART_WINDOWS),
            minutes: Series::new(Duration::from_secs(60), 4320),
            miner: Miner::default(),
            width: 1,
            windows: BTreeMap::new(),
            errors: BTreeSet::new(),
            security: security::Watch::new(Rules::stock()),
            signals: Vec::new(),
            notices: Vec::new(),
            more_notices: 0,
        }
    }
}

impl Analysis {
    pub(crate) fn add(&mut self, event: &Event<'_>) {
        let record = match event {
            Event::Record(record) => record,
            Event::Raw(raw) => {
                self.miner.add(raw.line().bytes());
                return;
            }
        };
        let seen = Observation::of(record);
        self.seconds.add(&seen);
        self.quarters.add(&seen);
        self.minutes.add(&seen);
        let template = match kind_of_request(record, &seen) {
            Some(text) => self.miner.add(text.as_bytes()),
            None => {
                let message = MESSAGES.iter().find_map(|name| match record.get(name)? {
                    narae_logparse::Value::Text(text) => Some(text.decode()),
                    _ => None,
                });
                let Some(message) = message else { return };
                self.miner.add(&message)
            }
        };
        if seen.is_error() && self.errors.len() < MOST_ERRORS {
            self.errors.insert(template.id);
        }
        if let Some(time) = record.time() {
            let window = time.unix_seconds().div_euclid(self.width);
            let counts = self.windows.entry(window).or_default();
            *counts.entry(template.id).or_default() += 1;
            while self.windows.len() > TEMPLATE_WINDOWS {
                self.double();
            }
        }
        if self.signals.len() < MOST_ALERTS {
            self.signals.extend(self.security.add(record));
        }
    }

    fn double(&mut self) {
        self.width *= 2;
        for (window, counts) in std::mem::take(&mut self.windows) {
            let sum = self.windows.entry(window.div_euclid(2)).or_default();
            for (id, count) in counts {
                *sum.entry(id).or_default() += count;
            }
        }
    }

    /// Looks back on everything, in the order of time, whatever order the files were read in.
    pub(crate) fn finish(&mut self) {
        let alerts = self.burn();
        for alert in alerts.into_iter().filter(|alert| alert.raised) {
            self.notice(Notice {
                at: alert.at,
                kind: "error budget",
                text: format!(
                    "{}: failing {:.1} times faster than {} % availability allows",
                    alert.rule.name,
                    alert.rate,
                    TARGET * 100.0
                ),
                is_urgent: alert.rule.name.starts_with("page"),
            });
        }
        for signal in std::mem::take(&mut self.signals) {
            self.notice(Notice {
                at: signal.at,
                kind: "security",
                text: format!(
                    "{}: {} ({} times)",
                    signal.says, signal.source, signal.count
                ),
                is_urgent: false,
            });
        }
        self.changes();
        self.notices.sort_by_key(|notice| notice.at);
    }

    fn burn(&self) -> Vec<Alert> {
        let objective = Objective::availability(TARGET);
        let mut watch = BurnRate::new(objective, SLO_RULES);
        let mut alerts = Vec::new();
        for (start, window) in self.minutes.windows().filter(|(_, w)| w.requests > 0) {
            let (good, bad) = objective.count(window);
            alerts.extend(watch.push(start, good, bad));
        }
        alerts.extend(watch.finish());
        alerts
    }

    fn changes(&mut self) {
        let mut watch = Watch::default();
        let mut known = BTreeSet::new();
        let windows = std::mem::take(&mut self.windows);
        let mut last = windows.keys().next().copied().unwrap_or(0);
        for (window, counts) in windows {
            // Silence is learned from, as far as anything is.
            for _ in (last + 1..window).take(24) {
                watch.end_window();
            }
            last = window;
            for (id, count) in counts {
                // What a line was counted under may since read like another.
                watch.add_many(id, count, known.insert(id));
            }
            let at = Timestamp::from_unix_seconds(window.saturating_mul(self.width));
            for change in watch.end_window() {
                let described = match change {
                    Change::New { id, count } if self.errors.contains(&id) => {
                        Some((id, format!("first seen, {count} times")))
                    }
                    Change::Rate {
                        id,
                        count,
                        expected,
                        score,
                        ..
                    } if self.matters(id, expected, score) => {
                        Some((id, format!("{count} times, usually {expected:.1}")))
                    }
                    _ => None,
                };
                if let Some((id, what)) = described
                    && let Some(text) = self.miner.text(id)
                {
                    let text = format!("{what}: {}", shown(text));
                    self.notice(Notice {
                        at,
                        kind: "template",
                        text,
                        is_urgent: false,
                    });
                }
            }
        }
    }

    /// An error that comes more often, or anything steady that comes more or less often.
    fn matters(&self, id: TemplateId, expected: f64, score: f64) -> bool {
        let is_error = self.errors.contains(&id);
        score.abs() >= SCORE
            && if is_error {
                score > 0.0
            } else {
                expected >= STEADY
            }
    }

    fn notice(&mut self, notice: Notice) {
        if self.notices.len() < MOST_ALERTS {
            self.notices.push(notice);
        } else {
            self.more_notices += 1;
        }
    }

    /// Over time, in as many windows as a chart has room for.
    pub(crate) fn chart(&self) -> &Series {
        if self.seconds.width() < self.quarters.width() {
            &self.seconds
        } else {
            &self.quarters
        }
    }

    /// What to look at, in the order of time, and how much more there was.
    pub(crate) fn notices(&self) -> (&[Notice], usize) {
        (&self.notices, self.more_notices)
    }

    /// Kinds of lines, the most frequent first, as count and text, and how many lines were looked at.
    pub(crate) fn templates(&self) -> (Vec<(u64, String)>, u64) {
        let templates = self.miner.templates().into_iter();
        let templates = templates.map(|template| (template.count, shown(template.text)));
        (templates.collect(), self.miner.lines())
    }
}

/// Method, the beginning of the path, and the kind of status, as one word: only its numbers may become parameters.
fn kind_of_request(record: &Record<'_>, seen: &Observation) -> Option<String> {
    let status = seen.status?;
    let text = |name: &str| record.get(name)?.to_str().map(|text| text.into_owned());
    let either = |names: &[&str]| names.iter().find_map(|name| text(name));
    let method = either(&["method", "http.request.method"])?;
    let target = either(&["target", "path", "url.original", "url.path"])?;
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let mut segments = path.split('/');
    let mut kept: String = segments.by_ref().take(4).collect::<Vec<_>>().join("/");
    if segments.next().is_some() || kept.len() > PATH_BYTES {
        kept = kept.chars().take(PATH_BYTES / 2).collect();
        kept.push('…');
    }
    // A digit in the status would be masked.
    let class = [
        "none",
        "informing",
        "ok",
        "redirect",
        "client+error",
        "server+error",
    ];
    let class = class.get(usize::from(status / 100)).unwrap_or(&"other");
    let text = format!("{method}{JOINT}{kept}{JOINT}{class}");
    Some(text.split_whitespace().collect::<Vec<_>>().join("+"))
}

fn shown(template: &str) -> String {
    match template.contains(JOINT) {
        true => template
            .replace(JOINT, " ")
            .replace("client+error", "client error")
            .replace("server+error", "server error"),
        false if template.is_empty() => "(blank)".to_owned(),
        false => template.to_owned(),
    }
}

impl fmt::Display for Analysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (templates, lines) = self.templates();
        for (number, (count, text)) in templates.iter().take(SHOWN).enumerate() {
            let share = *count as f64 * 100.0 / lines.max(1) as f64;
            let text: String = text.chars().take(100).collect();
            let text = visible(&text);
            let name = if number == 0 { "templates" } else { "" };
            row(f, name, &format!("{share:5.1} % {count:>8}  {text}"))?;
        }
        if templates.len() > SHOWN {
            row(f, "", &format!("and {} more", templates.len() - SHOWN))?;
        }
        for (number, notice) in self.notices.iter().take(SHOWN).enumerate() {
            let style = if notice.is_urgent { BAD } else { DOUBT };
            let text: String = notice.text.chars().take(140).collect();
            let text = visible(&text);
            let text = styled(style, &format!("{}  {}: {text}", notice.at, notice.kind));
            row(f, if number == 0 { "alerts" } else { "" }, &text)?;
        }
        let more = self.notices.len().saturating_sub(SHOWN) + self.more_notices;
        if more > 0 {
            row(f, "", &format!("and {more} more"))?;
        }
        Ok(())
    }
}

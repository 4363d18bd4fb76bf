//! What the records say about how a service does: rates, errors, latency, objectives, comparisons, attacks.
//!
//! | question | answered by |
//! |---|---|
//! | what does one record say? | [`Observation`] |
//! | how many requests, errors, how slow, over time? | [`Series`] of [`Window`]s, with a [`Sketch`] of latencies each |
//! | is a value too high, without flapping? | [`Threshold`] |
//! | will the error budget last? | [`Objective`] and [`BurnRate`] |
//! | is it worse since the deployment, and how sure is that? | [`Comparison`] |
//! | who attacks? | [`security`] |
//!
//! Everything goes by the records' own times or by what the caller says; no clock is read. What is kept has a bound,
//! and what can be counted in parts can be merged.

mod burn;
mod compare;
pub mod security;
mod series;
mod sketch;
mod threshold;

use std::time::Duration;

pub use burn::{Alert, BurnRate, BurnRule, Objective, SLO_RULES};
pub use compare::{CompareOptions, Comparison, Finding, Side, Verdict};
pub use series::{Series, Window};
pub use sketch::{ACCURACY, Sketch};
pub use threshold::{Threshold, Transition};

use crate::format::Format;
use crate::record::{Record, Unit};
use crate::time::Timestamp;

/// Names under which records have the status of an answer.
const STATUS_NAMES: &[&str] = &[
    "status",
    "status_code",
    "http.status",
    "http.status_code",
    "http.response.status_code",
];

/// Names whose value is a level.
const LEVEL_NAMES: &[&str] = &["level", "severity", "lvl", "log.level", "severity_text"];

/// Names whose value is how long a request took, with the unit the name or its usual writer implies.
const LATENCY_NAMES: &[(&str, Unit)] = &[
    ("duration_ms", Unit::Milliseconds),
    ("latency_ms", Unit::Milliseconds),
    ("elapsed_ms", Unit::Milliseconds),
    ("duration_us", Unit::Microseconds),
    ("duration_ns", Unit::Nanoseconds),
    ("request_time", Unit::Seconds),
    ("duration_seconds", Unit::Seconds),
];

/// How bad it is, in the steps of OpenTelemetry's severities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the six ranges of OpenTelemetry's log data model"
)]
pub enum Level {
    /// Of interest to who traces the program.
    Trace,
    /// Of interest to who looks for a fault.
    Debug,
    /// As it should be.
    Info,
    /// Not as it should be, and it goes on.
    Warn,
    /// Something failed.
    Error,
    /// The program, or all of something, failed.
    Fatal,
}

impl Level {
    /// Reads the names of syslog, log4j, klog, nginx, PostgreSQL, Python, Go's and JavaScript's loggers, in any case, and bunyan's
    /// numbers.
    pub fn from_name(name: &str) -> Option<Self> {
        const NAMES: &[(Level, &[&str])] = &[
            (Level::Trace, &["trace", "finest", "finer", "t", "10"]),
            (
                Level::Debug,
                &[
                    "debug", "fine", "dbg", "d", "20", "debug1", "debug2", "debug3", "debug4",
                    "debug5",
                ],
            ),
            (
                Level::Info,
                &[
                    "info",
                    "information",
                    "notice",
                    "i",
                    "30",
                    "log",
                    "statement",
                    "hint",
                    "detail",
                ],
            ),
            (Level::Warn, &["warn", "warning", "w", "40"]),
            (Level::Error, &["error", "err", "e", "severe", "50"]),
            (
                Level::Fatal,
                &[
                    "fatal",
                    "crit",
                    "critical",
                    "alert",
                    "emerg",
                    "emergency",
                    "panic",
                    "dpanic",
                    "f",
                    "60",
                ],
            ),
        ];
        let is = |known: &&str| known.eq_ignore_ascii_case(name);
        let found = NAMES.iter().find(|(_, names)| names.iter().any(is));
        found.map(|(level, _)| *level)
    }

    /// Reads the number of a severity as syslog has it (RFC 5424, table 2), from 0 to 7.
    pub const fn from_syslog(severity: u8) -> Option<Self> {
        Some(match severity {
            0..=2 => Self::Fatal,
            3 => Self::Error,
            4 => Self::Warn,
            5 | 6 => Self::Info,
            7 => Self::Debug,
            _ => return None,
        })
    }

    /// Reads what a record says of it: GELF and the journal in syslog's numbers, everybody else in names or bunyan's numbers.
    pub fn of(record: &Record<'_>) -> Option<Self> {
        let numbered = match record.format() {
            Format::Gelf => Some("level"),
            Format::Journal => Some("PRIORITY"),
            _ => None,
        };
        if let Some(name) = numbered {
            return Self::from_syslog(record.get(name)?.as_integer()?);
        }
        LEVEL_NAMES.iter().find_map(|name| {
            let value = record.get(name)?;
            match value.to_str() {
                Some(text) => Self::from_name(&text),
                None => Self::from_name(&value.as_integer::<u64>()?.to_string()),
            }
        })
    }

    /// Its name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// What one record says.
///
/// ```
/// use narae_logparse::Format;
/// use narae_logparse::measure::Observation;
///
/// let record = Format::Json.parse(br#"{"time":"2026-11-21T04:44:44Z","status":503,"duration_ms":12.5}"#)?;
/// let found = Observation::of(&record);
/// assert_eq!((found.status, found.latency.map(|latency| latency.as_micros())), (Some(503), Some(12_500)));
/// assert!(found.is_request() && found.is_error());
/// # Ok::<(), narae_logparse::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Observation {
    /// When.
    pub time: Option<Timestamp>,
    /// The status answered; 0 where an access log says that there was none.
    pub status: Option<u16>,
    /// How long the request took.
    pub latency: Option<Duration>,
    /// How bad.
    pub level: Option<Level>,
}

impl Observation {
    /// Reads a record. Statuses and latencies are looked for under the names that the formats of this crate and
    /// common loggers use.
    pub fn of(record: &Record<'_>) -> Self {
        Self {
            time: record.time(),
            status: status(record),
            latency: LATENCY_NAMES
                .iter()
                .find_map(|(name, unit)| record.get(name)?.as_duration(*unit)),
            level: Level::of(record),
        }
    }

    /// Whether it is about a request.
    pub const fn is_request(&self) -> bool {
        self.status.is_some()
    }

    /// Whether a request failed by the server's fault or, of what is no request, whether its level is error or worse.
    pub fn is_error(&self) -> bool {
        match self.status {
            Some(status) => status >= 500,
            None => self.level >= Some(Level::Error),
        }
    }
}

fn status(record: &Record<'_>) -> Option<u16> {
    let value = STATUS_NAMES
        .iter()
        .find_map(|name| record.get(name)?.as_integer::<u16>());
    match record.format() {
        Format::Combined
        | Format::Common
        | Format::VhostCombined
        | Format::NginxMain
        | Format::IngressNginx => Some(value.unwrap_or(0)),
        _ => value.filter(|status| (100..=999).contains(status)),
    }
}

//! Service level objectives: how much may go wrong, how fast it is going wrong, and when that is worth waking
//! somebody up.
//!
//! The formulae are those of the SRE workbook, chapter 5: a *budget* is `1 − target` of the requests of a
//! period; the *burn rate* is the share of errors over that, so at 1 the budget is gone exactly at the period's end;
//! an alert that should fire when the part `f` of a budget is gone within a window `w` of a period `P` has the
//! threshold `f · P / w`, and fires only if both that window and a twelfth of it exceed it, so that it
//! also stops soon. [`Objective::page_and_tickets`] is the workbook's table 5-8.
//!
//! [`Record`] counts good and bad events in buckets of time. Times are since an origin of the caller's.

mod record;

pub use record::Record;

use std::time::Duration;

/// The share of events that should be good, over a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    target: f64,
    period: Duration,
}

/// No share of good events, or no period.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("an objective of {target} over {period:?}: above 0 and below 1, over at least a minute")]
pub struct ObjectiveError {
    target: f64,
    period: Duration,
}

impl Objective {
    /// Of a hundred events so many should be good, `0.999` for 99.9 %.
    ///
    /// # Errors
    ///
    /// A target that is not between 0 and 1 (all good leaves no budget to burn), or a period below a minute.
    pub fn new(target: f64, period: Duration) -> Result<Self, ObjectiveError> {
        if !(target > 0.0 && target < 1.0) || period < Duration::from_secs(60) {
            return Err(ObjectiveError { target, period });
        }
        Ok(Self { target, period })
    }

    /// The part of events that may be bad.
    #[must_use]
    pub fn budget(&self) -> f64 {
        1.0 - self.target
    }

    /// How fast errors of this share use the budget up.
    #[must_use]
    pub fn burn_rate(&self, error_share: f64) -> f64 {
        error_share / self.budget()
    }

    /// The burn rate that uses the part `spent` of the budget within `window`.
    #[must_use]
    pub fn threshold(&self, spent: f64, window: Duration) -> f64 {
        spent * self.period.as_secs_f64() / window.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// How long errors of this share last until an alert of `window` fires; `None` if it never does.
    #[must_use]
    pub fn time_to_fire(&self, alert: &Alert, error_share: f64) -> Option<Duration> {
        let rate = self.burn_rate(error_share);
        if rate < alert.threshold {
            return None;
        }
        let seconds = alert.window.as_secs_f64() * alert.threshold / rate;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// The part of the period's budget that is left, from 1 down; negative when it is overspent.
    #[must_use]
    pub fn left(&self, record: &Record, now: Duration) -> f64 {
        1.0 - self.burn_rate(record.error_share(self.period, now).unwrap_or(0.0))
    }

    /// The workbook's alerts: pages for 2 % of the budget in an hour and 5 % in six, a ticket for 10 % in three
    /// days. Windows are those of a period of 30 days, in proportion.
    #[must_use]
    pub fn page_and_tickets(&self) -> [Alert; 3] {
        let alert = |severity, spent, per_period: f64| {
            let window = self.period.div_f64(per_period);
            Alert {
                severity,
                window,
                short: window / 12,
                threshold: self.threshold(spent, window),
                least: 0,
            }
        };
        [
            alert(Severity::Page, 0.02, 720.0),
            alert(Severity::Page, 0.05, 120.0),
            alert(Severity::Ticket, 0.1, 10.0),
        ]
    }
}

/// When a burn rate is worth somebody's attention.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Alert {
    /// Whose.
    pub severity: Severity,
    /// Over which time.
    pub window: Duration,
    /// Over which time as well, so that it ends soon after the errors do.
    pub short: Duration,
    /// From which burn rate on.
    pub threshold: f64,
    /// How many events the long window must have, so that three requests at night are no incident.
    pub least: u64,
}

/// How soon somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the workbook's two")]
pub enum Severity {
    /// In working hours.
    Ticket,
    /// Now.
    Page,
}

impl Alert {
    /// The same alert, silent below so many events.
    #[must_use]
    pub fn with_least(mut self, events: u64) -> Self {
        self.least = events;
        self
    }

    /// Whether it fires: both windows burn at the threshold or above.
    #[must_use]
    pub fn fires(&self, objective: &Objective, record: &Record, now: Duration) -> bool {
        let burns = |window| {
            let share = record.error_share(window, now);
            share.is_some_and(|share| objective.burn_rate(share) >= self.threshold)
        };
        record.events(self.window, now) >= self.least && burns(self.window) && burns(self.short)
    }
}

//! Whether a canary is worse than what it would replace.

use std::time::Duration;

use crate::objective::{Objective, Record};

/// When a canary is too bad. It must fail in both windows: the long one to be sure, the short one to be current.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    objective: Objective,
    window: Duration,
    burn_rate: f64,
    worse_by: f64,
    least: u64,
}

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Judgement {
    /// Not worse, as far as can be told.
    Passes,
    /// There were too few requests to tell.
    TooFew,
    /// Both arms burn, so it is not the canary.
    Both,
    /// The canary is worse: the burn rates over the long window.
    Burns {
        /// Of the canary.
        canary: f64,
        /// Of the stable version.
        stable: f64,
    },
}

impl Gate {
    /// Burning at the rate of the workbook's first page (14.4) over 5 minutes and 25 seconds of them, and twice as
    /// fast as the stable version, with 50 requests at least.
    #[must_use]
    pub fn new(objective: Objective) -> Self {
        Self {
            objective,
            window: Duration::from_secs(300),
            burn_rate: 14.4,
            worse_by: 2.0,
            least: 50,
        }
    }

    /// Over this time and a twelfth of it, from this burn rate on; or from the errors half way between the budget
    /// and all requests, if that is less. (No burn rate is above one over the budget: with a target of 90 %
    /// not even a canary that fails everything burns at 14.4.)
    #[must_use]
    pub fn with_burn_rate(mut self, window: Duration, burn_rate: f64) -> Self {
        (self.window, self.burn_rate) = (window, burn_rate);
        self
    }

    /// Only if it burns so many times as fast as the stable version.
    #[must_use]
    pub fn with_worse_by(mut self, factor: f64) -> Self {
        self.worse_by = factor;
        self
    }

    /// Judges only from so many requests of the canary on, and wants as many in every step with a weight.
    #[must_use]
    pub fn with_least(mut self, requests: u64) -> Self {
        self.least = requests;
        self
    }

    pub(super) fn least(&self) -> u64 {
        self.least
    }

    /// A record that is fine enough for its windows.
    pub(super) fn record(&self, longest_step: Duration) -> Record {
        let longest = self.window.saturating_mul(12).max(longest_step);
        Record::new(self.window / 60, longest)
    }

    /// Compares the two.
    #[must_use]
    pub fn judge(&self, canary: &Record, stable: &Record, now: Duration) -> Judgement {
        self.judge_over(self.window, canary, stable, now)
    }

    /// Compares the two over another time, and a twelfth of it.
    pub(super) fn judge_over(
        &self,
        window: Duration,
        canary: &Record,
        stable: &Record,
        now: Duration,
    ) -> Judgement {
        if canary.events(window, now) < self.least {
            return Judgement::TooFew;
        }
        let burns = |record: &Record, window| {
            let share = record.error_share(window, now)?;
            Some(self.objective.burn_rate(share))
        };
        let half_way = self
            .objective
            .burn_rate((1.0 + self.objective.budget()) / 2.0);
        let too_fast = self.burn_rate.min(half_way);
        let long = burns(canary, window).unwrap_or(0.0);
        // Nothing lately is no sign of having recovered.
        let short = burns(canary, window / 12).unwrap_or(long);
        if long < too_fast || short < too_fast {
            return Judgement::Passes;
        }
        let beside = burns(stable, window).unwrap_or(0.0);
        if long < beside * self.worse_by {
            return Judgement::Both;
        }
        Judgement::Burns {
            canary: long,
            stable: beside,
        }
    }
}

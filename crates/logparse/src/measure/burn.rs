//! Does the error budget last? Alerts on how fast it burns, over two windows at a time.
//!
//! An objective of 99.9 % leaves a budget of 0.1 % of the requests. Burning at rate 1 uses it up exactly in its period; at
//! 14.4 for an hour takes 2 % of thirty days. An alert is raised while both a long window (it matters) and a short one (it still goes on) burn
//! faster than the rule says, and cleared when the short one no longer does: *The Site Reliability Workbook* (Beyer et al., 2018), chapter 5,
//! whose four rules are [`SLO_RULES`].
//!
//! Counts are kept in steps of a minute for the longest window: 4,320 pairs for three days.

use std::collections::VecDeque;
use std::time::Duration;

use super::Window;
use crate::time::Timestamp;

const STEP_SECONDS: i64 = 60;

/// Which requests are good, and how many should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    target: f64,
    latency: Option<Duration>,
}

impl Objective {
    /// This share of the requests does not fail, such as 0.999; kept between 0 and 0.999999.
    pub const fn availability(target: f64) -> Self {
        Self {
            target: target.clamp(0.0, 0.999_999),
            latency: None,
        }
    }

    /// This share of the requests takes at most so long.
    pub const fn latency(target: f64, most: Duration) -> Self {
        Self {
            latency: Some(most),
            ..Self::availability(target)
        }
    }

    /// The share that should be good.
    pub const fn target(&self) -> f64 {
        self.target
    }

    /// How many requests of a window are good and how many are not.
    pub fn count(&self, window: &Window) -> (u64, u64) {
        let (all, bad) = match self.latency {
            None => (window.requests, window.failed_requests),
            Some(most) => (window.latency.count(), window.latency.count_above(most)),
        };
        (all - bad.min(all), bad)
    }

    /// The share that is good; `None` if there are no requests.
    pub fn indicator(&self, window: &Window) -> Option<f64> {
        let (good, bad) = self.count(window);
        (good + bad > 0).then(|| good as f64 / (good + bad) as f64)
    }

    /// How many times faster than it may the budget burns.
    pub fn burn_rate(&self, good: u64, bad: u64) -> f64 {
        let all = good + bad;
        if all == 0 {
            return 0.0;
        }
        bad as f64 / all as f64 / (1.0 - self.target)
    }
}

/// When an alert is raised.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BurnRule {
    /// The name it is told by.
    pub name: &'static str,
    /// The least burn rate over both windows.
    pub rate: f64,
    /// The window that says it matters.
    pub long: Duration,
    /// The window that says it still goes on.
    pub short: Duration,
}

impl BurnRule {
    /// A rule of your own.
    pub const fn new(name: &'static str, rate: f64, long: Duration, short: Duration) -> Self {
        Self {
            name,
            rate,
            long,
            short,
        }
    }
}

/// The rules of the workbook, for a budget of thirty days: two to wake someone, two for the next working day.
pub const SLO_RULES: [BurnRule; 4] = {
    const HOUR: u64 = 3600;
    const fn rule(name: &'static str, rate: f64, long: u64, short: u64) -> BurnRule {
        BurnRule::new(
            name,
            rate,
            Duration::from_secs(long),
            Duration::from_secs(short),
        )
    }
    [
        rule("page, 2 % of the budget in 1 h", 14.4, HOUR, HOUR / 12),
        rule("page, 5 % of the budget in 6 h", 6.0, 6 * HOUR, HOUR / 2),
        rule(
            "ticket, 10 % of the budget in 1 d",
            3.0,
            24 * HOUR,
            2 * HOUR,
        ),
        rule(
            "ticket, 10 % of the budget in 3 d",
            1.0,
            72 * HOUR,
            6 * HOUR,
        ),
    ]
};

/// A rule began or ceased to hold.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Alert {
    /// The rule.
    pub rule: BurnRule,
    /// The end of the minute that showed it.
    pub at: Timestamp,
    /// Whether it was raised; otherwise cleared.
    pub raised: bool,
    /// The burn rate over the long window.
    pub rate: f64,
}

/// Watches an objective as time goes on.
///
/// ```
/// use narae_logparse::Timestamp;
/// use narae_logparse::measure::{BurnRate, Objective, SLO_RULES};
///
/// let mut watch = BurnRate::new(Objective::availability(0.999), SLO_RULES.to_vec());
/// let mut told = Vec::new();
/// for minute in 0..120 {
///     let bad = if (60..70).contains(&minute) { 20 } else { 0 };
///     told.extend(watch.push(Timestamp::from_unix_seconds(minute * 60), 100 - bad, bad));
/// }
/// told.extend(watch.finish());
/// assert!(told.iter().any(|alert| alert.raised && alert.rule.rate == 14.4));
/// assert!(told.iter().any(|alert| !alert.raised && alert.rule.rate == 14.4));
/// ```
#[derive(Debug, Clone)]
pub struct BurnRate {
    objective: Objective,
    rules: Vec<(BurnRule, bool)>,
    least: u64,
    /// Step number, good, bad; in order.
    steps: VecDeque<(i64, u64, u64)>,
}

impl BurnRate {
    /// Watches by these rules.
    pub fn new(objective: Objective, rules: impl IntoIterator<Item = BurnRule>) -> Self {
        Self {
            objective,
            rules: rules.into_iter().map(|rule| (rule, false)).collect(),
            least: 10,
            steps: VecDeque::new(),
        }
    }

    /// Sets how many requests the long window must have for an alert: one failure out of two requests at night is no news. 10 unless told.
    #[must_use]
    pub const fn with_least_requests(mut self, requests: u64) -> Self {
        self.least = requests;
        self
    }

    /// Counts requests; once a later minute begins, the rules are judged. What comes late counts in the minute at hand.
    pub fn push(&mut self, time: Timestamp, good: u64, bad: u64) -> Vec<Alert> {
        let step = time.unix_seconds().div_euclid(STEP_SECONDS);
        let mut alerts = Vec::new();
        match self.steps.back_mut() {
            Some((last, all_good, all_bad)) if step <= *last => {
                *all_good += good;
                *all_bad += bad;
                return alerts;
            }
            Some(&mut (last, _, _)) => {
                alerts = self.judge(last);
                // In a silence the windows run empty: judge where that can clear something.
                if let Some(short) = self.longest_raised()
                    && step - last > 1
                {
                    alerts.extend(self.judge((last + short).min(step - 1)));
                }
            }
            None => {}
        }
        self.steps.push_back((step, good, bad));
        let longest = self.rules.iter().map(|(rule, _)| steps(rule.long)).max();
        let oldest = step - longest.unwrap_or(0);
        while self
            .steps
            .front()
            .is_some_and(|(first, _, _)| *first <= oldest)
        {
            self.steps.pop_front();
        }
        alerts
    }

    /// Judges the last minute, which nothing will follow.
    pub fn finish(&mut self) -> Vec<Alert> {
        let last = self.steps.back().map(|(step, _, _)| *step);
        last.map_or_else(Vec::new, |last| self.judge(last))
    }

    /// The rules that hold.
    pub fn raised(&self) -> impl Iterator<Item = &BurnRule> {
        let raised = self.rules.iter().filter(|(_, raised)| *raised);
        raised.map(|(rule, _)| rule)
    }

    fn longest_raised(&self) -> Option<i64> {
        self.raised().map(|rule| steps(rule.short)).max()
    }

    fn judge(&mut self, step: i64) -> Vec<Alert> {
        let counted = |width: Duration| {
            let from = step - steps(width);
            let window = self.steps.iter().rev().take_while(|(at, _, _)| *at > from);
            window.fold((0, 0), |(good, bad), (_, g, b)| (good + g, bad + b))
        };
        let objective = self.objective;
        let rate = |(good, bad)| objective.burn_rate(good, bad);
        let verdicts: Vec<(f64, bool, bool)> = self
            .rules
            .iter()
            .map(|(rule, _)| {
                let long = counted(rule.long);
                let goes_on = rate(counted(rule.short)) >= rule.rate;
                let matters = rate(long) >= rule.rate && long.0 + long.1 >= self.least;
                (rate(long), matters && goes_on, goes_on)
            })
            .collect();
        let mut alerts = Vec::new();
        for ((rule, is_raised), (rate, raise, goes_on)) in self.rules.iter_mut().zip(verdicts) {
            let raised = if *is_raised { goes_on } else { raise };
            if raised != *is_raised {
                *is_raised = raised;
                alerts.push(Alert {
                    rule: *rule,
                    at: Timestamp::from_unix_seconds((step + 1) * STEP_SECONDS),
                    raised,
                    rate,
                });
            }
        }
        alerts
    }
}

fn steps(width: Duration) -> i64 {
    let seconds = i64::try_from(width.as_secs()).unwrap_or(i64::MAX);
    (seconds / STEP_SECONDS).max(1)
}

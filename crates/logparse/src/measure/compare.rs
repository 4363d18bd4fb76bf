//! Is it worse than before? Two spans compared, with how sure the answer is.
//!
//! Errors and latency are each judged alike. The difference after − before is estimated with its standard error, and taken as normal: so there is
//! a probability that it is worse by more than what matters, better by more, or neither. The verdict is the one of the three whose probability reaches
//! the confidence asked for; if none does, it is [`Verdict::Unsure`], and more data is the answer, not a guess.
//!
//! - **Errors**: the difference of the ratios, each with one failure and one success added on either side (Agresti, Caffo: *Simple and Effective
//!   Confidence Intervals for Proportions*, The American Statistician 2000), so that no errors in ten requests are not taken for certain.
//! - **Latency**: by how much the chance that a request after is slower than one before exceeds one half (Mann–Whitney), with DeLong's
//!   standard error (Biometrics 1988), from the sketches' buckets. No shape of the distribution is assumed; a slow tail counts as much as it is frequent.
//! - **Rate**: the logarithm of the ratio of requests per second. It is told but is no part of the verdict: traffic has reasons of its own.
//!
//! Requests are taken as independent of each other. They are not quite, so read 99 % as *very likely*, not as 1 in 100.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Sketch, Window};
use crate::template::TemplateId;

/// What was seen of a span.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    span: Duration,
    seen: Window,
    templates: BTreeMap<TemplateId, u64>,
}

impl Side {
    /// What was observed in so long a time.
    pub const fn new(span: Duration, seen: Window) -> Self {
        Self {
            span,
            seen,
            templates: BTreeMap::new(),
        }
    }

    /// Adds the templates that occurred, with how often; of both sides by one miner.
    #[must_use]
    pub fn with_templates(
        mut self,
        templates: impl IntoIterator<Item = (TemplateId, u64)>,
    ) -> Self {
        for (id, count) in templates {
            *self.templates.entry(id).or_default() += count;
        }
        self
    }

    /// What was observed.
    pub const fn seen(&self) -> &Window {
        &self.seen
    }
}

/// What matters, and how sure to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompareOptions {
    confidence: f64,
    error_ratio: f64,
    slower: f64,
    rate: f64,
}

impl CompareOptions {
    /// Sets the probability that a verdict must reach, from 0.5 to 0.9999; 0.95 unless told.
    #[must_use]
    pub const fn with_confidence(mut self, probability: f64) -> Self {
        self.confidence = probability.clamp(0.5, 0.9999);
        self
    }

    /// Sets the least change of the error ratio that matters; 0.005 (half a request in a hundred) unless told.
    #[must_use]
    pub const fn with_error_ratio(mut self, change: f64) -> Self {
        self.error_ratio = change;
        self
    }

    /// Sets by how much the chance of a request after being slower than one before must differ from one half; 0.05 unless told.
    #[must_use]
    pub const fn with_slower(mut self, change: f64) -> Self {
        self.slower = change;
        self
    }
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self {
            confidence: 0.95,
            error_ratio: 0.005,
            slower: 0.05,
            rate: 0.2,
        }
    }
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever decides on a deployment answers each"
)]
pub enum Verdict {
    /// Better by more than what matters.
    Better,
    /// No change that matters.
    Same,
    /// The data does not say.
    Unsure,
    /// Worse by more than what matters.
    Worse,
}

impl Verdict {
    /// Its name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Same => "same",
            Self::Unsure => "unsure",
            Self::Worse => "worse",
        }
    }
}

/// One thing compared.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The value before: an error ratio, the median in seconds, or a rate per second.
    pub before: f64,
    /// The value after.
    pub after: f64,
    /// The answer.
    pub verdict: Verdict,
    /// The probability of the answer or, if it is [`Verdict::Unsure`], of the likeliest of the others.
    pub probability: f64,
}

/// Two spans compared.
///
/// ```
/// use narae_logparse::measure::{CompareOptions, Comparison, Observation, Side, Verdict, Window};
/// use std::time::Duration;
///
/// let side = |failing: u64| {
///     let mut seen = Window::default();
///     for request in 0..2000 {
///         let mut observation = Observation::default();
///         observation.status = Some(if request < failing { 502 } else { 200 });
///         seen.add(&observation);
///     }
///     Side::new(Duration::from_secs(60), seen)
/// };
/// let compared = Comparison::new(&side(2), &side(60), &CompareOptions::default());
/// assert_eq!(compared.verdict(), Verdict::Worse);
/// assert!(compared.errors.is_some_and(|errors| errors.probability > 0.99));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// The error ratios; `None` if a side has neither requests nor events.
    pub errors: Option<Finding>,
    /// The latencies; `None` if a side has none.
    pub latency: Option<Finding>,
    /// The chance that a request after is slower than one before; 0.5 is no difference.
    pub slower: Option<f64>,
    /// Requests, or events if there are none, per second. `Worse` is less. No part of the verdict.
    pub rate: Option<Finding>,
    /// Templates that only the span after has, the most frequent first, with how often it has them.
    pub new_templates: Vec<(TemplateId, u64)>,
}

impl Comparison {
    /// Compares.
    pub fn new(before: &Side, after: &Side, options: &CompareOptions) -> Self {
        let slower = slower(&before.seen.latency, &after.seen.latency);
        let median = |side: &Side| side.seen.latency.quantile(0.5);
        let latency = slower.and_then(|(difference, error)| {
            let (before, after) = (median(before)?, median(after)?);
            let values = (before.as_secs_f64(), after.as_secs_f64());
            Some(finding(values, difference, error, options.slower, options))
        });
        let new = after.templates.iter();
        let new = new.filter(|(id, _)| !before.templates.contains_key(id));
        let mut new_templates: Vec<_> = new.map(|(id, count)| (*id, *count)).collect();
        new_templates.sort_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
        Self {
            errors: errors(&before.seen, &after.seen, options),
            latency,
            slower: slower.map(|(difference, _)| difference + 0.5),
            rate: rate(before, after, options),
            new_templates,
        }
    }

    /// Worse if anything is, unsure if anything else is, better if anything is; otherwise the same. Unsure if nothing could be compared.
    pub fn verdict(&self) -> Verdict {
        let findings = [self.errors, self.latency];
        let verdicts: Vec<Verdict> = findings.iter().flatten().map(|f| f.verdict).collect();
        let worst = verdicts.iter().max().copied();
        match worst {
            Some(Verdict::Same) if verdicts.contains(&Verdict::Better) => Verdict::Better,
            Some(verdict) => verdict,
            None => Verdict::Unsure,
        }
    }

    /// How sure the verdict is: the probability of the finding it rests on, the least of them if all must hold.
    pub fn probability(&self) -> f64 {
        let verdict = self.verdict();
        let findings = [self.errors, self.latency];
        let found = findings.iter().flatten();
        match verdict {
            Verdict::Worse | Verdict::Unsure => found
                .filter(|finding| finding.verdict == verdict)
                .map(|finding| finding.probability)
                .fold(0.0, f64::max),
            Verdict::Same | Verdict::Better => {
                found.map(|finding| finding.probability).fold(1.0, f64::min)
            }
        }
    }
}

/// Judges a difference, of which more is worse.
fn finding(
    (before, after): (f64, f64),
    difference: f64,
    error: f64,
    matters: f64,
    options: &CompareOptions,
) -> Finding {
    let worse = normal((difference - matters) / error);
    let better = normal((-difference - matters) / error);
    let same = (1.0 - worse - better).max(0.0);
    let likeliest = [
        (Verdict::Worse, worse),
        (Verdict::Better, better),
        (Verdict::Same, same),
    ]
    .into_iter()
    .max_by(|(_, a), (_, b)| a.total_cmp(b));
    let (verdict, probability) = likeliest.unwrap_or((Verdict::Unsure, 0.0));
    Finding {
        before,
        after,
        verdict: if probability >= options.confidence {
            verdict
        } else {
            Verdict::Unsure
        },
        probability,
    }
}

fn errors(before: &Window, after: &Window, options: &CompareOptions) -> Option<Finding> {
    let values = (before.error_ratio()?, after.error_ratio()?);
    let smoothed = |window: &Window| {
        let (bad, all) = match window.requests {
            0 => (window.errors, window.events),
            requests => (window.failed_requests, requests),
        };
        let all = all as f64 + 2.0;
        let ratio = (bad as f64 + 1.0) / all;
        (ratio, ratio * (1.0 - ratio) / all)
    };
    let (ratio_before, variance_before) = smoothed(before);
    let (ratio_after, variance_after) = smoothed(after);
    let error = (variance_before + variance_after).sqrt();
    let difference = ratio_after - ratio_before;
    let found = finding(values, difference, error, options.error_ratio, options);
    // Failed requests on one side and lines that say error on the other are not the same thing.
    Some(match (before.requests == 0) == (after.requests == 0) {
        true => found,
        false => Finding {
            verdict: Verdict::Unsure,
            probability: 0.0,
            ..found
        },
    })
}

fn rate(before: &Side, after: &Side, options: &CompareOptions) -> Option<Finding> {
    let count = |side: &Side| match side.seen.requests {
        0 => side.seen.events as f64,
        requests => requests as f64,
    };
    let (span_before, span_after) = (before.span.as_secs_f64(), after.span.as_secs_f64());
    if span_before <= 0.0 || span_after <= 0.0 {
        return None;
    }
    let (n, m) = (count(before) + 0.5, count(after) + 0.5);
    // Less is worse.
    let difference = ((n / span_before) / (m / span_after)).ln();
    let error = (1.0 / n + 1.0 / m).sqrt();
    let values = (count(before) / span_before, count(after) / span_after);
    Some(finding(values, difference, error, options.rate, options))
}

/// By how much the chance that one of `after` exceeds one of `before` exceeds one half, and the standard error of that.
fn slower(before: &Sketch, after: &Sketch) -> Option<(f64, f64)> {
    let (n, m) = (before.count() as f64, after.count() as f64);
    if n == 0.0 || m == 0.0 {
        return None;
    }
    // For each bucket of one side: the share of the other below it, half of what is in it.
    let placements = |of: &Sketch, among: &Sketch| {
        let mut below = 0;
        let mut counts = among.numbered().iter().peekable();
        let mut found = Vec::with_capacity(of.numbered().len());
        for (bucket, count) in of.numbered() {
            while let Some((_, less)) = counts.next_if(|(other, _)| *other < bucket) {
                below += less;
            }
            let same = among.numbered().get(bucket).copied().unwrap_or(0);
            let share = (below as f64 + same as f64 / 2.0) / among.count() as f64;
            found.push((share, *count as f64));
        }
        found
    };
    let moments = |shares: &[(f64, f64)], all: f64| {
        let mean = shares.iter().map(|(share, n)| share * n).sum::<f64>() / all;
        let squares = shares.iter().map(|(share, n)| (share - mean).powi(2) * n);
        (mean, squares.sum::<f64>() / (all - 1.0).max(1.0))
    };
    let (chance, variance_after) = moments(&placements(after, before), m);
    let (_, variance_before) = moments(&placements(before, after), n);
    // Where the sides do not overlap there is no variance to see; a pair's is a quarter at most.
    let error = (variance_after / m + variance_before / n + 0.25 / (n * m)).sqrt();
    Some((chance - 0.5, error))
}

/// The chance of a standard normal to be below: Abramowitz and Stegun 7.1.26, off by less than 1.5e-7.
fn normal(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / 0.327_591_1_f64.mul_add(x, 1.0);
    let terms = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let sum: f64 = terms.iter().fold(0.0, |sum, term| sum * t + term);
    let above = sum * t * (-x * x).exp() / 2.0;
    if z > 0.0 { 1.0 - above } else { above }
}

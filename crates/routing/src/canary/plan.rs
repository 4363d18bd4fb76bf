//! The steps of a canary, checked.

use std::time::Duration;

/// What is done next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The canary gets so many percent.
    Weight(u32),
    /// Requests with this header and value go to the canary, whatever the weights.
    Header(String, String),
    /// So much time goes by, in which it is judged.
    Wait(Duration),
    /// Nothing goes on until somebody says so. It is judged all the same.
    Pause,
}

impl Step {
    pub(super) fn length(&self) -> Option<Duration> {
        match self {
            Self::Wait(length) => Some(*length),
            _ => None,
        }
    }
}

/// Steps in order; after the last one the canary is promoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    steps: Vec<Step>,
}

/// Steps that make no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// More than all.
    #[error("step {step}: {percent} percent, and at most 100 are possible")]
    Percent {
        /// Which step, from zero.
        step: usize,
        /// What it says.
        percent: u32,
    },
    /// Nobody would look at it.
    #[error("no step waits or pauses, so nothing would be judged before everything is promoted")]
    Unjudged,
}

impl Plan {
    /// These steps.
    ///
    /// # Errors
    ///
    /// A weight above 100, or steps that take no time at all.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Result<Self, PlanError> {
        let steps: Vec<Step> = steps.into_iter().collect();
        for (step, what) in steps.iter().enumerate() {
            if let Step::Weight(percent) = *what
                && percent > 100
            {
                return Err(PlanError::Percent { step, percent });
            }
        }
        if !steps
            .iter()
            .any(|step| matches!(step, Step::Wait(_) | Step::Pause))
        {
            return Err(PlanError::Unjudged);
        }
        Ok(Self { steps })
    }

    /// The new version is seen by requests with this header only, until somebody says so; then it gets
    /// everything, and is judged for a time before the old one goes.
    #[must_use]
    pub fn blue_green(
        header: impl Into<String>,
        value: impl Into<String>,
        judged: Duration,
    ) -> Self {
        Self {
            steps: vec![
                Step::Header(header.into(), value.into()),
                Step::Pause,
                Step::Weight(100),
                Step::Wait(judged),
            ],
        }
    }

    /// The longest wait.
    pub(super) fn longest(&self) -> Duration {
        let lengths = self.steps.iter().filter_map(Step::length);
        lengths.max().unwrap_or_default()
    }

    pub(super) fn step(&self, at: usize) -> Option<&Step> {
        self.steps.get(at)
    }

    /// What the last weight up to a step says; 0 before any.
    pub(super) fn percent(&self, at: usize) -> u32 {
        let weight = |step: &Step| match step {
            Step::Weight(percent) => Some(*percent),
            _ => None,
        };
        self.steps
            .iter()
            .take(at + 1)
            .rev()
            .find_map(weight)
            .unwrap_or(0)
    }

    /// The last header up to a step.
    pub(super) fn header(&self, at: usize) -> Option<(&str, &str)> {
        self.steps
            .iter()
            .take(at + 1)
            .rev()
            .find_map(|step| match step {
                Step::Header(name, value) => Some((name.as_str(), value.as_str())),
                _ => None,
            })
    }
}

//! A new version beside the old one: step by step, judged against it, promoted or aborted with the reason.
//!
//! **Why**: a version that fails should fail for few, and be gone before anybody looks. **Steps**: weights, pauses,
//! headers that always go to the canary, as [`Plan`] lists them; blue-green is the plan of a preview and one
//! step to all. **Aborts**: when, in both windows of the [`Gate`], the canary burns the error budget at the gate's
//! rate and faster than the stable version by the gate's factor, so that what fails for both (a database, a
//! provider) is nobody's fault; or when a step takes longer than it may. **Ends**: at the last step, promoted.
//!
//! A [`Canary`] has no clock: [`Canary::look`] is told the time and what the two arms served, and says the weights to
//! give a [`Split`](crate::Split). An A/B test is a plan of one paused step and a hash of the user; see [`arm`].

mod gate;
mod plan;

use std::time::Duration;

pub use gate::{Gate, Judgement};
pub use plan::{Plan, PlanError, Step};

use crate::Weight;
use crate::objective::Record;

/// Who serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two")]
pub enum Arm {
    /// The version that is trusted.
    Stable,
    /// The version that is tried.
    Canary,
}

/// Where a canary stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// At this step, since then.
    Step(usize, Duration),
    /// At this step, waiting for [`Canary::proceed`].
    Paused(usize),
    /// The canary serves everything: it is the stable version now.
    Promoted,
    /// The stable version serves everything again.
    Aborted(Reason),
}

/// Why a canary was aborted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// It burns the budget too fast.
    #[error(
        "at step {step} the canary burned the error budget at {canary:.1} times the rate that lasts, the stable version at {stable:.1}"
    )]
    Burns {
        /// The step.
        step: usize,
        /// Burn rate of the canary over the long window.
        canary: f64,
        /// Burn rate of the stable version over the same.
        stable: f64,
    },
    /// A step did not see enough requests in time to be judged.
    #[error("step {step} had {requests} requests of the {least} it needs when its time was over")]
    TooFew {
        /// The step.
        step: usize,
        /// How many the canary had.
        requests: u64,
        /// How many it needs.
        least: u64,
    },
    /// Somebody decided so.
    #[error("aborted by hand: {0}")]
    ByHand(String),
}

/// A canary on its way.
#[derive(Clone, Debug)]
pub struct Canary {
    plan: Plan,
    gate: Gate,
    state: State,
    stable: Record,
    canary: Record,
}

impl Canary {
    /// Begins with the first step.
    #[must_use]
    pub fn begin(plan: Plan, gate: Gate, now: Duration) -> Self {
        let record = gate.record();
        let mut canary = Self {
            plan,
            gate,
            state: State::Step(0, now),
            stable: record.clone(),
            canary: record,
        };
        canary.enter(0, now);
        canary
    }

    /// Counts what an arm served.
    pub fn count(&mut self, arm: Arm, good: u64, bad: u64, now: Duration) {
        match arm {
            Arm::Stable => self.stable.count(good, bad, now),
            Arm::Canary => self.canary.count(good, bad, now),
        }
    }

    /// Judges, and goes on when a step's time is over.
    pub fn look(&mut self, now: Duration) -> &State {
        let step = match self.state {
            State::Step(step, _) | State::Paused(step) => step,
            State::Promoted | State::Aborted(_) => return &self.state,
        };
        if let Judgement::Burns { canary, stable } =
            self.gate.judge(&self.canary, &self.stable, now)
        {
            self.state = State::Aborted(Reason::Burns {
                step,
                canary,
                stable,
            });
        } else if let State::Step(step, since) = self.state
            && let Some(length) = self.plan.step(step).and_then(Step::length)
            && now.saturating_sub(since) >= length
        {
            self.next(step, since, now);
        }
        &self.state
    }

    /// Goes on from a pause; false if it does not pause.
    pub fn proceed(&mut self, now: Duration) -> bool {
        let State::Paused(step) = self.state else {
            return false;
        };
        self.enter(step + 1, now);
        true
    }

    /// Ends it for a reason of somebody's.
    pub fn abort(&mut self, reason: impl Into<String>) {
        if self.state != State::Promoted {
            self.state = State::Aborted(Reason::ByHand(reason.into()));
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The weights of the stable version and the canary, which sum to 100.
    #[must_use]
    pub fn weights(&self) -> (Weight, Weight) {
        let percent = match &self.state {
            State::Step(step, _) | State::Paused(step) => self.plan.percent(*step),
            State::Promoted => 100,
            State::Aborted(_) => 0,
        };
        (Weight::new(100 - percent), Weight::new(percent))
    }

    /// The header and value whose requests go to the canary whatever the weights, if the steps so far set one.
    #[must_use]
    pub fn header(&self) -> Option<(&str, &str)> {
        match &self.state {
            State::Step(step, _) | State::Paused(step) => self.plan.header(*step),
            State::Promoted | State::Aborted(_) => None,
        }
    }

    fn next(&mut self, step: usize, since: Duration, now: Duration) {
        let window = now.saturating_sub(since);
        let requests = self.canary.events(window, now);
        // A preview by header, or no traffic at all, has nothing that could be counted.
        let least = if self.plan.percent(step) > 0 {
            self.gate.least()
        } else {
            0
        };
        if requests < least {
            self.state = State::Aborted(Reason::TooFew {
                step,
                requests,
                least,
            });
        } else {
            self.enter(step + 1, now);
        }
    }

    /// Steps that take no time are passed at once.
    fn enter(&mut self, mut step: usize, now: Duration) {
        self.state = loop {
            match self.plan.step(step) {
                None => break State::Promoted,
                Some(Step::Pause) => break State::Paused(step),
                Some(Step::Wait(_)) => break State::Step(step, now),
                Some(Step::Weight(_) | Step::Header(..)) => step += 1,
            }
        };
    }
}

/// The arm of a key (a user, a session) under so many percent for the canary: always the same one, and who was in the
/// canary stays there when its part grows.
#[must_use]
pub fn arm(key: &[u8], canary_percent: u32) -> Arm {
    let place = crate::hash::mix::hash(key) % 100;
    if place < u64::from(canary_percent.min(100)) {
        Arm::Canary
    } else {
        Arm::Stable
    }
}

//! A new version beside the old one: step by step, judged against it, promoted or aborted with the reason.
//!
//! **Why**: a version that fails should fail for few, and be gone before anybody looks. **Steps**: weights, pauses,
//! headers that always go to the canary, as [`Plan`] lists them; blue-green is the plan of a preview and one
//! step to all. **Aborts**: when, in both windows of the [`Gate`], the canary burns the error budget at the gate's
//! rate and faster than the stable version by the gate's factor, so that what fails for both (a database, a
//! provider) is nobody's fault; or when a step had too few requests to be judged. **Goes on**: at the end of a step
//! that the canary has passed; while both burn it stays where it is. A window with too little traffic is no
//! judgement: the whole step is judged then. **Ends**: after the last step, promoted.
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
use crate::saved::CanaryState;

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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
        let record = gate.record(plan.longest());
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

    /// What should outlive the process.
    #[must_use]
    pub fn saved(&self, now: Duration) -> CanaryState {
        let state = match self.state {
            State::Step(step, since) => State::Step(step, now.saturating_sub(since)),
            ref other => other.clone(),
        };
        CanaryState {
            state,
            stable: self.stable.saved(now),
            canary: self.canary.saved(now),
        }
    }

    /// Goes on where another process stood with this plan and gate. A step that the plan does not have, or that is
    /// another kind of step there, begins at the plan's first.
    #[must_use]
    pub fn resume(plan: Plan, gate: Gate, saved: &CanaryState, now: Duration) -> Self {
        let mut canary = Self::begin(plan, gate, now);
        canary.stable.restore(&saved.stable, now);
        canary.canary.restore(&saved.canary, now);
        let state = match saved.state {
            State::Step(step, ago) => State::Step(step, now.saturating_sub(ago)),
            ref other => other.clone(),
        };
        let known = match &state {
            State::Step(step, _) => matches!(canary.plan.step(*step), Some(Step::Wait(_))),
            State::Paused(step) => matches!(canary.plan.step(*step), Some(Step::Pause)),
            State::Promoted | State::Aborted(_) => true,
        };
        if known {
            canary.state = state;
        }
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
        let judgement = self.gate.judge(&self.canary, &self.stable, now);
        if let State::Step(step, since) = self.state
            && let Some(length) = self.plan.step(step).and_then(Step::length)
            && now.saturating_sub(since) >= length
        {
            self.end(step, since, judgement, now);
        } else {
            self.abort_if_it_burns(step, judgement);
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

    /// The time of a step is over.
    fn end(&mut self, step: usize, since: Duration, judgement: Judgement, now: Duration) {
        // A preview by header, or no traffic at all, has nothing that could be counted.
        if self.plan.percent(step) == 0 {
            return self.enter(step + 1, now);
        }
        let length = now.saturating_sub(since);
        let requests = self.canary.events(length, now);
        let judgement = match judgement {
            Judgement::TooFew => {
                let (canary, stable) = (&self.canary, &self.stable);
                self.gate.judge_over(length, canary, stable, now)
            }
            told => told,
        };
        let least = self.gate.least();
        match judgement {
            Judgement::Burns { .. } => self.abort_if_it_burns(step, judgement),
            Judgement::Both => {}
            Judgement::Passes if requests >= least => self.enter(step + 1, now),
            Judgement::Passes | Judgement::TooFew => {
                self.state = State::Aborted(Reason::TooFew {
                    step,
                    requests,
                    least,
                });
            }
        }
    }

    fn abort_if_it_burns(&mut self, step: usize, judgement: Judgement) {
        if let Judgement::Burns { canary, stable } = judgement {
            self.state = State::Aborted(Reason::Burns {
                step,
                canary,
                stable,
            });
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

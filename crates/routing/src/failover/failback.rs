//! Coming back from a failover without a second outage.
//!
//! **Why**: a site that just recovered has cold caches and may fall over again; sent everything at once, it
//! does. **Trips**: when its health stays below the lower threshold for the down delay. **Recovers**: when
//! it stayed at or above the upper threshold for the hold-down, which doubles with every flap; then its part
//! ramps up from a floor.
//!
//! Between the thresholds nothing changes (hysteresis). A [`Latch`] set by hand overrides all of it. Times are
//! since an origin of the caller's; nothing happens between two calls of [`Failback::observe`].

use std::time::Duration;

use crate::saved::FailbackState;

/// How a site goes and comes back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailbackPolicy {
    down_below: f64,
    up_from: f64,
    down_delay: Duration,
    hold_down: Duration,
    longest_hold_down: Duration,
    flap_memory: Duration,
    ramp: Duration,
    floor: f64,
}

impl Default for FailbackPolicy {
    /// Down below half of its health for 6 s; back from 80 % held for 30 s, doubling per flap within
    /// 15 minutes up to 10 minutes; then from 10 % to all of it in a minute.
    fn default() -> Self {
        Self {
            down_below: 0.5,
            up_from: 0.8,
            down_delay: Duration::from_secs(6),
            hold_down: Duration::from_secs(30),
            longest_hold_down: Duration::from_secs(600),
            flap_memory: Duration::from_secs(900),
            ramp: Duration::from_secs(60),
            floor: 0.1,
        }
    }
}

impl FailbackPolicy {
    /// Goes below the one, comes back from the other; both are parts of 1, and the upper is at least the lower.
    #[must_use]
    pub fn with_thresholds(mut self, down_below: f64, up_from: f64) -> Self {
        self.down_below = fraction(down_below);
        self.up_from = fraction(up_from).max(self.down_below);
        self
    }

    /// How long it must be down before it goes.
    #[must_use]
    pub fn with_down_delay(mut self, delay: Duration) -> Self {
        self.down_delay = delay;
        self
    }

    /// How long it must be up before it comes back, the longest that grows to with flaps, and how long a
    /// flap is remembered.
    #[must_use]
    pub fn with_hold_down(mut self, hold: Duration, longest: Duration, memory: Duration) -> Self {
        self.hold_down = hold;
        self.longest_hold_down = longest.max(hold);
        self.flap_memory = memory;
        self
    }

    /// How long its part grows, and from where.
    #[must_use]
    pub fn with_ramp(mut self, ramp: Duration, floor: f64) -> Self {
        self.ramp = ramp;
        self.floor = fraction(floor);
        self
    }
}

impl FailbackPolicy {
    /// The part that a site takes in the end that was well and then has this health.
    pub(crate) fn settled(&self, health: f64) -> f64 {
        if fraction(health) < self.down_below {
            0.0
        } else {
            1.0
        }
    }
}

fn fraction(number: f64) -> f64 {
    if number.is_nan() {
        0.0
    } else {
        number.clamp(0.0, 1.0)
    }
}

/// What people decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(
    clippy::exhaustive_enums,
    reason = "decided by hand one way, the other, or not"
)]
pub enum Latch {
    /// Nothing: the policy decides.
    #[default]
    Released,
    /// It is out, however healthy.
    Out,
    /// It is in, however ill, and at once: it counts as wholly well.
    In,
}

/// Where a site stands.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Phase {
    /// It takes its part.
    In,
    /// Its health is low since then; if it stays so it goes out.
    Failing(Duration),
    /// It is out, and was not well at the last look.
    Out,
    /// It is out, and well since then; it comes back after the hold-down.
    HeldDown(Duration),
    /// It has been coming back since then.
    Ramping(Duration),
}

impl Phase {
    fn map(self, time: impl Fn(Duration) -> Duration) -> Self {
        match self {
            Self::In | Self::Out => self,
            Self::Failing(then) => Self::Failing(time(then)),
            Self::HeldDown(then) => Self::HeldDown(time(then)),
            Self::Ramping(then) => Self::Ramping(time(then)),
        }
    }

    /// Whether it takes any of its part.
    #[must_use]
    pub fn takes_traffic(self) -> bool {
        !matches!(self, Self::Out | Self::HeldDown(_))
    }
}

/// One site's way out and back.
#[derive(Clone, Debug)]
pub struct Failback {
    policy: FailbackPolicy,
    phase: Phase,
    latch: Latch,
    flaps: u32,
    last_out: Option<Duration>,
}

impl Failback {
    /// A site that is in.
    #[must_use]
    pub fn new(policy: FailbackPolicy) -> Self {
        Self {
            policy,
            phase: Phase::In,
            latch: Latch::Released,
            flaps: 0,
            last_out: None,
        }
    }

    /// Goes by another policy from now on.
    pub fn set_policy(&mut self, policy: FailbackPolicy) {
        self.policy = policy;
    }

    /// Looks at the site's health, a part of 1, and says which part of its traffic it should take now.
    pub fn observe(&mut self, health: f64, now: Duration) -> f64 {
        let health = fraction(health);
        let low = health < self.policy.down_below;
        let well = health >= self.policy.up_from;
        let since = |then: Duration| now.saturating_sub(then);
        self.phase = match self.phase {
            Phase::In | Phase::Ramping(_) if low && self.policy.down_delay.is_zero() => {
                self.out(now)
            }
            Phase::In if low => Phase::Failing(now),
            // No patience with one that has only just come back.
            Phase::Ramping(_) if low => self.out(now),
            Phase::Failing(then) if low && since(then) >= self.policy.down_delay => self.out(now),
            Phase::Failing(_) if !low => Phase::In,
            Phase::Out if well => Phase::HeldDown(now),
            // The hold-down is time in which it stays well.
            Phase::HeldDown(_) if !well => Phase::Out,
            Phase::HeldDown(then) if well && since(then) >= self.hold_down(now) => {
                Phase::Ramping(now)
            }
            Phase::Ramping(then) if since(then) >= self.policy.ramp => Phase::In,
            unchanged => unchanged,
        };
        self.part(now)
    }

    /// The part of its traffic it takes, from 0 to 1.
    #[must_use]
    pub fn part(&self, now: Duration) -> f64 {
        match (self.latch, self.phase) {
            (Latch::Out, _) => 0.0,
            (Latch::In, _) | (_, Phase::In | Phase::Failing(_)) => 1.0,
            (_, Phase::Out | Phase::HeldDown(_)) => 0.0,
            (_, Phase::Ramping(then)) => {
                let ramp = self.policy.ramp.as_secs_f64().max(f64::MIN_POSITIVE);
                let done = now.saturating_sub(then).as_secs_f64() / ramp;
                done.clamp(self.policy.floor, 1.0)
            }
        }
    }

    /// Decides by hand. Released, a site that was latched in is in, and one that was latched out
    /// comes back as after an outage.
    pub fn latch(&mut self, latch: Latch) {
        match (self.latch, latch) {
            (Latch::Out, Latch::Released) => self.phase = Phase::Out,
            (Latch::In, Latch::Released) => self.phase = Phase::In,
            _ => {}
        }
        self.latch = latch;
    }

    /// What people decided.
    #[must_use]
    pub fn latched(&self) -> Latch {
        self.latch
    }

    /// Where it stands, whatever the latch.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What should outlive the process.
    #[must_use]
    pub fn saved(&self, now: Duration) -> FailbackState {
        let ago = |then: Duration| now.saturating_sub(then);
        FailbackState {
            latch: self.latch,
            phase: self.phase.map(ago),
            flaps: self.flaps,
            last_out: self.last_out.map(ago),
        }
    }

    /// Takes up what another process saved.
    pub fn restore(&mut self, saved: &FailbackState, now: Duration) {
        let then = |ago: Duration| now.saturating_sub(ago);
        self.latch = saved.latch;
        self.phase = saved.phase.map(then);
        self.flaps = saved.flaps;
        self.last_out = saved.last_out.map(then);
    }

    /// How long it must be well before it comes back, if it is out.
    #[must_use]
    pub fn hold_down(&self, now: Duration) -> Duration {
        let flaps = if self.remembers(now) { self.flaps } else { 0 };
        let factor = 2u32.saturating_pow(flaps.saturating_sub(1));
        let hold = self.policy.hold_down.saturating_mul(factor);
        hold.min(self.policy.longest_hold_down)
    }

    fn out(&mut self, now: Duration) -> Phase {
        self.flaps = if self.remembers(now) {
            self.flaps.saturating_add(1)
        } else {
            1
        };
        self.last_out = Some(now);
        Phase::Out
    }

    fn remembers(&self, now: Duration) -> bool {
        self.last_out
            .is_some_and(|then| now.saturating_sub(then) < self.policy.flap_memory)
    }
}

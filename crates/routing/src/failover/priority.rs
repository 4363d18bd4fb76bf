//! Priority levels with spill-over: Envoy's rule (`priority.rst`, `recalculatePerPriorityState`).
//!
//! A level counts as healthy up to 100 % of what it should carry: `min(100, factor · healthy · 100 / total)`
//! with a factor of 1.4, so that it may lose 28 % of its hosts before others take over. It carries that
//! much of what the levels before left. If all together are below 100 %, what there is is scaled up.
//!
//! # Known differences from Envoy
//!
//! Envoy panics (sends to all hosts of a level, dead or not) in every level that has less than half of its hosts,
//! once all together are below 100 %. Here a level panics only if no healthy host of another level is left to
//! take what it cannot carry: a share stays with the living as long as there are any. What Envoy then draws
//! at random per request is a share here, for an exact [`Split`](crate::Split).

/// The hosts of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// How many can take traffic.
    pub healthy: u32,
    /// How many there are.
    pub total: u32,
}

/// How much more than its part a level can carry, in percent: 140 is Envoy's 1.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overprovisioning(u32);

impl Default for Overprovisioning {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Overprovisioning {
    /// Envoy's 140 %.
    pub const DEFAULT: Self = Self(140);

    /// A factor in percent; below 100 counts as 100.
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        Self(if percent < 100 { 100 } else { percent })
    }
}

/// What a level gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Share {
    /// Whole percents of all requests; over all levels 100, or 0 if there are no hosts.
    pub percent: u32,
    /// Whether they go to all its hosts, since none is known to be healthy anywhere.
    pub panic: bool,
}

/// The share of each level, the most preferred first.
///
/// ```
/// use narae_routing::failover::{Level, Overprovisioning, shares};
///
/// // Half of the first site is down: it still carries 70 %.
/// let levels = [Level { healthy: 5, total: 10 }, Level { healthy: 10, total: 10 }];
/// let shares = shares(&levels, Overprovisioning::DEFAULT);
/// assert_eq!(shares.iter().map(|s| s.percent).collect::<Vec<_>>(), [70, 30]);
/// ```
#[must_use]
pub fn shares(levels: &[Level], overprovisioning: Overprovisioning) -> Vec<Share> {
    let capacities: Vec<u32> = levels
        .iter()
        .map(|level| level.capacity(overprovisioning))
        .collect();
    let shares = spill(&capacities);
    if shares.iter().all(|percent| *percent == 0) {
        return panic(levels);
    }
    let share = |percent| Share {
        percent,
        panic: false,
    };
    shares.into_iter().map(share).collect()
}

/// What each level carries, in whole percents that sum to 100, the most preferred first, of what it
/// could carry in percent: as much as the levels before it left. If they cannot carry all of it, what
/// there is is scaled up; all are 0 if nobody can carry anything.
#[must_use]
pub fn spill(capacities: &[u32]) -> Vec<u32> {
    let sum = capacities.iter().map(|c| u64::from(*c)).sum::<u64>();
    let total = u32::try_from(sum.min(100)).unwrap_or(100);
    if total == 0 {
        return vec![0; capacities.len()];
    }
    let mut left = 100;
    let mut shares: Vec<u32> = capacities
        .iter()
        .map(|capacity| {
            let percent = ((*capacity).min(100) * 100 / total).min(left);
            left -= percent;
            percent
        })
        .collect();
    // What whole percents lose goes to the first that can carry anything.
    let first = capacities.iter().position(|capacity| *capacity > 0);
    if let Some(share) = first.and_then(|first| shares.get_mut(first)) {
        *share += left;
    }
    shares
}

impl Level {
    /// The part of its hosts that can take traffic, from 0 to 1.
    #[must_use]
    pub fn health(self) -> f64 {
        f64::from(self.healthy.min(self.total)) / f64::from(self.total.max(1))
    }

    /// What it can carry, in percent of what it should.
    #[must_use]
    pub fn capacity(self, overprovisioning: Overprovisioning) -> u32 {
        if self.total == 0 {
            return 0;
        }
        let healthy = u64::from(self.healthy.min(self.total));
        let percent = healthy * u64::from(overprovisioning.0) / u64::from(self.total);
        // A large level whose last host lives is not dead.
        let least = u64::from(healthy > 0);
        u32::try_from(percent.clamp(least, 100)).unwrap_or(100)
    }
}

/// Nobody is healthy: everything to the first level that has hosts at all.
fn panic(levels: &[Level]) -> Vec<Share> {
    let first = levels.iter().position(|level| level.total > 0);
    let share = |at| Share {
        percent: if Some(at) == first { 100 } else { 0 },
        panic: Some(at) == first,
    };
    (0..levels.len()).map(share).collect()
}

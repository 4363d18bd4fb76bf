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
    let health: Vec<u32> = levels
        .iter()
        .map(|level| capacity(*level, overprovisioning))
        .collect();
    let sum = health.iter().map(|h| u64::from(*h)).sum::<u64>();
    let total = u32::try_from(sum.min(100)).unwrap_or(100);
    if total == 0 {
        return panic(levels);
    }
    let mut left = 100;
    let mut shares: Vec<Share> = health
        .iter()
        .map(|health| {
            let percent = (health * 100 / total).min(left);
            left -= percent;
            Share {
                percent,
                panic: false,
            }
        })
        .collect();
    // What whole percents lose goes to the first that is healthy at all.
    let first = health.iter().position(|health| *health > 0);
    if let Some(share) = first.and_then(|first| shares.get_mut(first)) {
        share.percent += left;
    }
    shares
}

/// A level's percents, of what it should carry.
fn capacity(level: Level, overprovisioning: Overprovisioning) -> u32 {
    if level.total == 0 {
        return 0;
    }
    let healthy = u64::from(level.healthy.min(level.total));
    let percent = healthy * u64::from(overprovisioning.0) / u64::from(level.total);
    // A large level whose last host lives is not dead.
    let least = u64::from(healthy > 0);
    u32::try_from(percent.clamp(least, 100)).unwrap_or(100)
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

//! The shares of one moment: from the health of sites to the weights of an exact split.
//!
//! Sites of one priority are a level. A level can carry the weighted mean of what its sites can, levels
//! spill over by [`spill`], and within a level a site gets its weight's part of what it can carry. So a level
//! of one site is Envoy's rule to the percent.

use crate::Weight;
use crate::failover::{Latch, Level, Overprovisioning, spill};

/// No split needs finer shares than a millionth.
const FINEST: u128 = 1_000_000;

/// A site as its share sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    pub(super) priority: u32,
    pub(super) weight: Weight,
    /// Endpoints that can take traffic, of those with a weight.
    pub(super) level: Level,
    /// The part of its traffic it should take, in percent: less than 100 on its way out or back.
    pub(super) part: u32,
    /// What people decided; nothing overrules it.
    pub(super) latch: Latch,
}

/// What each site gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Division {
    /// Relative, in the order of the conditions.
    pub(super) weights: Vec<Weight>,
    /// Nobody is known to be well, so everybody of the first level is asked.
    pub(super) panic: bool,
}

pub(super) fn divide(conditions: &[Condition], over: Overprovisioning) -> Division {
    let by_part = |c: &Condition| carried(c, over, c.part);
    // A site that is well but held down is better than none.
    let by_health = |c: &Condition| carried(c, over, 100);
    let anybody = |c: &Condition| match c.latch {
        Latch::Out => 0,
        _ if c.level.total > 0 => 100,
        _ => 0,
    };
    let weights = weigh(conditions, by_part)
        .or_else(|| weigh(conditions, by_health))
        .map(|weights| Division {
            weights,
            panic: false,
        });
    weights.unwrap_or_else(|| match weigh(conditions, anybody) {
        Some(weights) => Division {
            weights,
            panic: true,
        },
        None => Division {
            weights: vec![Weight::ZERO; conditions.len()],
            panic: false,
        },
    })
}

/// In percent of what the site should carry.
fn carried(condition: &Condition, over: Overprovisioning, part: u32) -> u32 {
    match condition.latch {
        Latch::Out => 0,
        Latch::In if condition.level.total > 0 => 100,
        _ => (condition.level.capacity(over) * part.min(100)).div_ceil(100),
    }
}

/// `None` if nobody can carry anything.
fn weigh(conditions: &[Condition], capacity: impl Fn(&Condition) -> u32) -> Option<Vec<Weight>> {
    let mut priorities: Vec<u32> = conditions.iter().map(|c| c.priority).collect();
    priorities.sort_unstable();
    priorities.dedup();
    // Of each level: what its sites could carry by weight, and what they should.
    let sums: Vec<(u128, u128)> = priorities
        .iter()
        .map(|priority| {
            let here = |c: &&Condition| c.priority == *priority && c.level.total > 0;
            let level = conditions.iter().filter(here);
            level.fold((0, 0), |(can, should), c| {
                let weight = u128::from(c.weight.value());
                (
                    can + weight * u128::from(capacity(c)),
                    should + weight * 100,
                )
            })
        })
        .collect();
    let percents: Vec<u32> = sums
        .iter()
        .map(|(can, should)| {
            let percent = (can * 100).checked_div(*should).unwrap_or(0);
            u32::try_from(percent.max(u128::from(*can > 0))).unwrap_or(100)
        })
        .collect();
    let loads = spill(&percents);
    if loads.iter().all(|load| *load == 0) {
        return None;
    }
    // share = load · (weight · capacity) / can, brought over one denominator.
    let used = || sums.iter().zip(&loads).filter(|(_, load)| **load > 0);
    let denominator = used().fold(1u128, |all, ((can, _), _)| {
        all.saturating_mul(can / divisor(all, *can))
            .min(u128::MAX >> 64)
    });
    let raw = conditions.iter().map(|c| {
        let level = priorities.binary_search(&c.priority).ok()?;
        let ((can, _), load) = (sums.get(level)?, loads.get(level)?);
        let own = u128::from(c.weight.value()) * u128::from(capacity(c));
        let factor = denominator.checked_div(*can)?;
        Some(own.saturating_mul(u128::from(*load)).saturating_mul(factor))
    });
    Some(reduce(
        &raw.map(Option::unwrap_or_default).collect::<Vec<_>>(),
    ))
}

/// The same ratios in the smallest numbers, none above a million.
fn reduce(raw: &[u128]) -> Vec<Weight> {
    let by = raw.iter().fold(0, |a, b| divisor(a, *b)).max(1);
    let largest = raw.iter().max().copied().unwrap_or(0) / by;
    let weight = |raw: &u128| {
        let exact = raw / by;
        let fitted = if largest > FINEST {
            (exact * FINEST / largest).max(u128::from(exact > 0))
        } else {
            exact
        };
        Weight::new(u32::try_from(fitted).unwrap_or(u32::MAX))
    };
    raw.iter().map(weight).collect()
}

/// The greatest that divides both.
pub(super) fn divisor(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { divisor(b, a % b) }
}

//! What time brings: ends of ejections, hold-downs and ramps, and the shares that follow from them.

use std::sync::Arc;
use std::time::Duration;

use super::divide::{Condition, divide};
use super::member::Member;
use super::{EventKind, Pool, Slot};
use crate::failover::{Latch, Level, Phase};
use crate::{Backends, Split, Weight};

/// How often a pool in which something is going on looks at everybody.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Pool {
    /// Whether it is time for [`Pool::look`].
    #[must_use]
    pub fn is_due(&self, now: Duration) -> bool {
        now >= self.next_look
    }

    /// Does what time brings: ends of ejections, hold-downs and ramps. [`Pool::pick`] does it as well; call
    /// it when nobody picks.
    pub fn look(&mut self, now: Duration) {
        self.sweep(now);
        let mut changes = Vec::new();
        for member in &mut self.members {
            if member.look(now, &self.policy) {
                changes.push(EventKind::Endpoint {
                    address: Arc::clone(&member.address),
                    available: member.available,
                });
            }
        }
        let levels: Vec<Level> = (0..self.sites.len()).map(|at| self.level(at)).collect();
        for (site, level) in self.sites.iter_mut().zip(&levels) {
            let before = site.failback.phase();
            site.health = level.health();
            let part = site.failback.observe(site.health, now);
            site.part = percent(part);
            let phase = site.failback.phase();
            if std::mem::discriminant(&before) != std::mem::discriminant(&phase) {
                let name = Arc::clone(&site.name);
                changes.push(EventKind::Site { name, phase });
            }
        }
        for change in changes {
            self.tell(now, change);
        }
        self.divide(&levels, now);
        self.next_look = if self.is_steady() {
            self.next_sweep.max(now.saturating_add(LOOK_EVERY))
        } else {
            now.saturating_add(LOOK_EVERY)
        };
    }

    fn sweep(&mut self, now: Duration) {
        let Some(outliers) = &mut self.outliers else {
            self.next_sweep = Duration::MAX;
            for member in &mut self.members {
                member.ejected = false;
            }
            return;
        };
        let mut ejected = Vec::new();
        if now >= self.next_sweep {
            let interval = self.policy.outliers.as_ref().map(|policy| policy.interval);
            self.next_sweep = now.saturating_add(interval.unwrap_or_default());
            ejected = outliers.sweep(now);
        }
        for member in &mut self.members {
            member.ejected = outliers.is_ejected(&member.address);
        }
        for (address, reason) in ejected {
            self.tell(now, EventKind::Ejected { address, reason });
        }
    }

    pub(super) fn look_if_changed(&mut self, at: usize, now: Duration) {
        let member = self.members.get(at);
        if member.is_some_and(|m| m.can_take_traffic(now) != m.available) {
            self.look(now);
        }
    }

    /// Endpoints of a site that can take traffic, of those with a weight.
    fn level(&self, site: usize) -> Level {
        let members = self.members.iter().filter(|m| m.site == site);
        let mut level = Level {
            healthy: 0,
            total: 0,
        };
        for member in members.filter(|m| !m.listed_weight().is_zero()) {
            level.total += 1;
            level.healthy += u32::from(member.available);
        }
        level
    }

    fn divide(&mut self, levels: &[Level], now: Duration) {
        let conditions = self.conditions(levels);
        let division = divide(&conditions, self.policy.overprovisioning);
        let panic = division.panic;
        for (at, (site, level)) in self.sites.iter_mut().zip(levels).enumerate() {
            // In by hand with nobody known to be well: whoever decided that knows more.
            let everybody = panic || (site.failback.latched() == Latch::In && level.healthy == 0);
            let members = self.members.iter().enumerate();
            let own: Vec<(usize, &Member)> = members.filter(|(_, m)| m.site == at).collect();
            let weight = |(_, member): &(usize, &Member)| {
                if member.available || everybody {
                    member.warm_weight(now, &self.policy)
                } else {
                    Weight::ZERO
                }
            };
            let weights: Vec<Weight> = own.iter().map(weight).collect();
            let slots = own.iter().map(|(at, member)| Slot {
                id: Arc::clone(&member.address),
                at: *at,
            });
            carry(&mut site.split, &mut site.weights, slots, weights);
        }
        let slots = self.sites.iter().enumerate().map(|(at, site)| Slot {
            id: Arc::clone(&site.name),
            at,
        });
        carry(&mut self.split, &mut self.weights, slots, division.weights);
        if panic != self.panic {
            self.panic = panic;
            self.tell(now, EventKind::Panic(panic));
        }
    }

    fn conditions(&self, levels: &[Level]) -> Vec<Condition> {
        let sites = self.policy.sites.iter().zip(&self.sites).zip(levels);
        sites
            .map(|((site, state), level)| Condition {
                priority: site.priority,
                weight: state.weight.unwrap_or(site.weight),
                level: *level,
                part: state.part,
                latch: state.failback.latched(),
            })
            .collect()
    }

    /// Whether nothing but the next sweep changes anything, unless something happens.
    fn is_steady(&self) -> bool {
        self.sites
            .iter()
            .all(|site| matches!(site.failback.phase(), Phase::In))
            && self
                .members
                .iter()
                .all(|m| m.available && m.warming_since.is_none())
    }
}

/// The next split of the same slots, carrying lags, if the weights have changed.
fn carry(
    split: &mut Option<Split<Slot>>,
    made_from: &mut Option<Vec<Weight>>,
    slots: impl Iterator<Item = Slot>,
    weights: Vec<Weight>,
) {
    if made_from.as_ref() == Some(&weights) {
        return;
    }
    let entries = slots.zip(weights.iter().copied());
    *split = match (split.take(), Backends::new(entries)) {
        (_, Err(_)) => None,
        (None, Ok(backends)) => Some(Split::new(backends)),
        (Some(last), Ok(backends)) => Some(last.reconfigured(backends)),
    };
    *made_from = Some(weights);
}

pub(super) fn percent(part: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100"
    )]
    {
        (part * 100.0).floor().clamp(0.0, 100.0) as u32
    }
}

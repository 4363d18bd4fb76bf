//! Tijdeman's rule pick by pick, in integers and O(log n).
//!
//! Time is the number of picks made since the start (or since the last whole period). With `unit`
//! the value of one pick, a backend of reduced weight *w* earns `w·due` per pick, where
//! `due = unit/period`, and has `taken` so far: `unit` for each of its picks, less the lag it began
//! with. Its lag at time *t* is `t·w·due − taken`. With `spread = 2n−2`, it is
//!
//! - *released* at the first *t* with `spread·(t·w·due − taken) ≥ unit`,
//! - *due* by `(spread·taken + (spread−1)·unit) / (spread·w·due)`; the rule compares these, so the
//!   common factor `spread·due` is left out.
//!
//! Two heaps hold every active backend: those not yet released by release, the others by deadline.
//!
//! Sizes: `spread` < 2¹³, `unit` < 2⁴⁵, and within a period a backend has at most its reduced weight
//! of picks, below 2³², so `taken` < 2⁷⁸; a deadline's numerator is below 2⁹¹, and its product with a
//! weight, which is how fractions are compared, below 2¹²⁴.
//!
//! Somebody is always released: lags sum to zero before a pick, so after everyone earned for it they
//! sum to `unit`, the largest is at least `unit/n`, and `spread ≥ n` for n ≥ 2.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::carry::Ledger;

#[derive(Debug)]
pub(super) struct Schedule {
    start: Ledger,
    claims: Vec<Claim>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    released: BinaryHeap<Reverse<Released>>,
    time: u64,
    spread: i128,
}

impl Schedule {
    pub(super) fn new(start: Ledger) -> Self {
        let claims = start.accounts().iter().map(|account| Claim {
            taken: -account.lag,
            picks: account.picks,
        });
        let mut schedule = Self {
            claims: claims.collect(),
            waiting: BinaryHeap::new(),
            released: BinaryHeap::new(),
            time: 0,
            // A single backend has spread 0 by the formula; 1 gives it every pick without a special case.
            spread: (2 * start.active() as i128 - 2).max(1),
            start,
        };
        schedule.queue_all();
        schedule
    }

    /// The index of the backend that gets the next pick.
    pub(super) fn pick(&mut self) -> u16 {
        if self.time == self.start.period() {
            self.begin_period();
        }
        self.time += 1;
        while let Some(Reverse(next)) = self.waiting.peek()
            && next.release <= self.time
        {
            let index = next.index;
            self.waiting.pop();
            self.release(index);
        }
        let picked = self.released.pop().map(|Reverse(released)| released.index);
        // The module doc says why the second source is never needed.
        let index = picked
            .or_else(|| self.waiting.pop().map(|Reverse(waiting)| waiting.index))
            .unwrap_or(0);
        let unit = self.start.unit();
        if let Some(claim) = self.claims.get_mut(usize::from(index)) {
            claim.taken += unit;
            claim.picks += 1;
        }
        self.wait(index);
        index
    }

    /// Where everybody stands now.
    pub(super) fn ledger(&self) -> Ledger {
        let mut ledger = self.start.clone();
        let (due, time) = (ledger.due(), i128::from(self.time));
        for (account, claim) in ledger.accounts_mut().iter_mut().zip(&self.claims) {
            account.lag = time * account.weight * due - claim.taken;
            account.picks = claim.picks;
        }
        ledger
    }

    /// Counts from here again, so that no number grows with uptime.
    fn begin_period(&mut self) {
        for (claim, account) in self.claims.iter_mut().zip(self.start.accounts()) {
            claim.taken -= account.weight * self.start.unit();
        }
        self.time = 0;
        self.queue_all();
    }

    fn queue_all(&mut self) {
        self.waiting.clear();
        self.released.clear();
        for index in (0u16..).take(self.claims.len()) {
            self.wait(index);
        }
    }

    fn wait(&mut self, index: u16) {
        let Some((weight, taken)) = self.claim(index) else {
            return;
        };
        let earned_per_pick = self.spread * weight * self.start.due();
        let missing = self.start.unit() + self.spread * taken;
        let release = missing.div_euclid(earned_per_pick)
            + i128::from(missing.rem_euclid(earned_per_pick) != 0);
        self.waiting.push(Reverse(Waiting {
            // Overdue from before: released at once.
            release: u64::try_from(release.max(0)).unwrap_or(u64::MAX),
            index,
        }));
    }

    fn release(&mut self, index: u16) {
        if let Some((weight, taken)) = self.claim(index) {
            self.released.push(Reverse(Released {
                deadline: self.spread * taken + (self.spread - 1) * self.start.unit(),
                weight,
                index,
            }));
        }
    }

    /// Weight and take of an active backend.
    fn claim(&self, index: u16) -> Option<(i128, i128)> {
        let at = usize::from(index);
        let weight = self.start.accounts().get(at)?.weight;
        let taken = self.claims.get(at)?.taken;
        (weight > 0).then_some((weight, taken))
    }
}

#[derive(Debug)]
struct Claim {
    taken: i128,
    picks: u64,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    release: u64,
    index: u16,
}

/// Ordered by `deadline / weight`, then by place in the list.
#[derive(Debug)]
struct Released {
    deadline: i128,
    weight: i128,
    index: u16,
}

impl Ord for Released {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.deadline * other.weight)
            .cmp(&(other.deadline * self.weight))
            .then(self.index.cmp(&other.index))
    }
}

impl PartialOrd for Released {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Released {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Released {}

//! A whole period's picks worked out beforehand, so that a pick is one increment and one lookup.
//!
//! From a fresh start the rule is back where it began after one period, so one *lap* repeats for
//! ever. From carried lags the first period may serve them off and end elsewhere; then that period is
//! kept as a *lead-in* before the lap. Should the second period not repeat either, there is no order
//! to keep and the schedule runs pick by pick.

use std::sync::atomic::{AtomicU64, Ordering};

use super::carry::Ledger;
use super::schedule::Schedule;

#[derive(Debug)]
pub(super) struct Order {
    lead_in: Box<[u16]>,
    lap: Box<[u16]>,
    start: Ledger,
    picks: Cursor,
}

impl Order {
    pub(super) fn precompute(start: &Ledger) -> Option<Self> {
        let mut schedule = Schedule::new(start.clone());
        let first = period_of(&mut schedule);
        let settled = schedule.ledger();
        let (lead_in, lap) = if same_lags(start, &settled) {
            (Vec::new(), first)
        } else {
            let second = period_of(&mut schedule);
            if !same_lags(&settled, &schedule.ledger()) {
                return None;
            }
            (first, second)
        };
        Some(Self {
            lead_in: lead_in.into_boxed_slice(),
            lap: lap.into_boxed_slice(),
            start: start.clone(),
            picks: Cursor::default(),
        })
    }

    pub(super) fn pick(&self) -> u16 {
        // Relaxed: the counter orders picks among themselves and guards no other memory. At 10⁹
        // picks a second it wraps after 584 years.
        let pick = self.picks.0.fetch_add(1, Ordering::Relaxed);
        // INVARIANT: the lap holds a period, and no period is empty.
        #[expect(
            clippy::indexing_slicing,
            reason = "each index is reduced below the length"
        )]
        match pick.checked_sub(self.lead_in.len() as u64) {
            Some(pick) => self.lap[within(pick, self.lap.len())],
            None => self.lead_in[within(pick, self.lead_in.len())],
        }
    }

    /// Where everybody stands now, counted from the order: O(period + n).
    pub(super) fn ledger(&self) -> Ledger {
        let mut ledger = self.start.clone();
        let made = self.picks.0.load(Ordering::Relaxed);
        let lapping = made.saturating_sub(self.lead_in.len() as u64);
        let laps = lapping / self.lap.len() as u64;
        let lead = made.min(self.lead_in.len() as u64);
        count(
            &mut ledger,
            self.lead_in.iter().take(within(lead, usize::MAX)),
            1,
        );
        if laps > 0 {
            count(&mut ledger, self.lap.iter(), laps);
        }
        count(
            &mut ledger,
            self.lap.iter().take(within(lapping, self.lap.len())),
            1,
        );
        let (due, unit) = (ledger.due(), ledger.unit());
        for account in ledger.accounts_mut() {
            account.lag += i128::from(made) * account.weight * due;
            account.lag -= i128::from(account.picks) * unit;
        }
        ledger
    }
}

/// The counter alone on its cache lines (two of them: they are fetched in pairs), or every pick
/// would also take the order away from the other cores.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Cursor(AtomicU64);

fn period_of(schedule: &mut Schedule) -> Vec<u16> {
    let period = schedule.ledger().period();
    (0..period).map(|_| schedule.pick()).collect()
}

fn same_lags(a: &Ledger, b: &Ledger) -> bool {
    a.accounts()
        .iter()
        .zip(b.accounts())
        .all(|(a, b)| a.lag == b.lag)
}

fn count<'a>(ledger: &mut Ledger, picks: impl Iterator<Item = &'a u16>, times: u64) {
    for &index in picks {
        if let Some(account) = ledger.accounts_mut().get_mut(usize::from(index)) {
            account.picks += times;
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the remainder is below a usize"
)]
fn within(pick: u64, len: usize) -> usize {
    (pick % len as u64) as usize
}

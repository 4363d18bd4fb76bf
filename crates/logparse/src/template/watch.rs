//! What is unusual: a template never seen before, or one that comes more or less often than it used to.
//!
//! Counts per window are compared as square roots, which makes the spread of a steady rate the same whatever the rate (Anscombe,
//! *The transformation of Poisson, binomial and negative-binomial data*, Biometrika 1948). The expectation is the mean over the windows before,
//! and the spread the greater of theirs and that of chance alone, so that a template that comes in bursts is not news each time. A change is told
//! if it is `score` spreads away and at least twice or half the rate. No clock: the caller ends windows.
//!
//! The first `windows` windows only learn. Memory is two numbers per window and template of the last `windows`,
//! of [`MAX_TEMPLATES`] in each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Seen, TemplateId};

/// How many templates of one window are watched; those that come first.
pub const MAX_TEMPLATES: usize = 8192;

/// How much is unusual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WatchOptions {
    windows: usize,
    score: f64,
}

impl WatchOptions {
    /// Sets how many windows a rate is learned from, at least 3; 12 unless told.
    #[must_use]
    pub fn with_windows(mut self, windows: usize) -> Self {
        self.windows = windows.max(3);
        self
    }

    /// Sets how many spreads away is unusual; 5 unless told: less than one in a million windows by chance.
    #[must_use]
    pub const fn with_score(mut self, score: f64) -> Self {
        self.score = score;
        self
    }
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            windows: 12,
            score: 5.0,
        }
    }
}

/// Something unusual about a template in the window that ended.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// It was never seen before.
    New {
        /// The template.
        id: TemplateId,
        /// How many lines it had in the window.
        count: u64,
    },
    /// It came more often, or less, than in the windows before.
    Rate {
        /// The template.
        id: TemplateId,
        /// How many lines it had in the window.
        count: u64,
        /// How many were to be expected.
        expected: f64,
        /// How many spreads that is away; negative if there are fewer.
        score: f64,
    },
}

/// Watches the templates of a stream.
///
/// ```
/// use narae_logparse::template::{Change, Miner, Watch};
///
/// let (mut miner, mut watch) = (Miner::default(), Watch::default());
/// for window in 0..20 {
///     let retries = if window == 15 { 90 } else { 10 };
///     for _ in 0..retries {
///         watch.add(miner.add(b"retrying payment"));
///     }
///     let changes = watch.end_window();
///     assert_eq!(changes.is_empty(), window != 15, "{changes:?}");
/// }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Watch {
    options: WatchOptions,
    current: BTreeMap<TemplateId, u64>,
    new: BTreeSet<TemplateId>,
    /// The windows before, each with what it had.
    past: VecDeque<BTreeMap<TemplateId, u64>>,
}

impl Watch {
    /// With options of your own.
    pub fn with_options(options: WatchOptions) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    /// Counts what a miner said of a line.
    pub fn add(&mut self, seen: Seen) {
        self.add_many(seen.id, 1, seen.is_new);
    }

    /// Counts so many lines of a template; of the first of which somebody said that it is new.
    pub fn add_many(&mut self, id: TemplateId, count: u64, is_new: bool) {
        let seen = Seen { id, is_new };
        if self.current.len() >= MAX_TEMPLATES && !self.current.contains_key(&seen.id) {
            return;
        }
        *self.current.entry(seen.id).or_default() += count;
        if seen.is_new {
            self.new.insert(seen.id);
        }
    }

    /// Ends the window: what was unusual in it, in the order of the ids.
    pub fn end_window(&mut self) -> Vec<Change> {
        let current = std::mem::take(&mut self.current);
        let new = std::mem::take(&mut self.new);
        let mut changes = Vec::new();
        if self.past.len() >= self.options.windows {
            let mut ids: Vec<TemplateId> = current.keys().copied().collect();
            ids.extend(self.past.iter().flat_map(BTreeMap::keys));
            ids.sort_unstable();
            ids.dedup();
            for id in ids {
                let count = current.get(&id).copied().unwrap_or(0);
                if new.contains(&id) {
                    changes.push(Change::New { id, count });
                } else {
                    changes.extend(self.rate(id, count));
                }
            }
            self.past.pop_front();
        }
        self.past.push_back(current);
        changes
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of lines, compared by their square roots"
    )]
    fn rate(&self, id: TemplateId, count: u64) -> Option<Change> {
        // 3/8 makes the spread of small counts steady, too.
        let root = |count: u64| (count as f64 + 0.375).sqrt();
        let counts = || self.past.iter().map(|w| w.get(&id).copied().unwrap_or(0));
        let windows = self.past.len() as f64;
        let mean = counts().map(root).sum::<f64>() / windows;
        let squares: f64 = counts().map(|count| (root(count) - mean).powi(2)).sum();
        let spread = (squares / (windows - 1.0)).sqrt().max(0.5);
        let score = (root(count) - mean) / (spread * (1.0 + 1.0 / windows).sqrt());
        let expected = counts().sum::<u64>() as f64 / windows;
        let found = count as f64;
        let far = found >= 2.0 * expected || found <= expected / 2.0;
        (far && score.abs() >= self.options.score).then_some(Change::Rate {
            id,
            count,
            expected,
            score,
        })
    }
}

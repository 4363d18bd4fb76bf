//! Observations over time, in windows of one width.
//!
//! **Bound.** At most so many windows: when more would be needed, the width doubles and neighbours are merged, as often as it
//! takes. So a day and a year fit as well as each other, at the detail that fits, and the counts stay the same.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Level, Observation, Sketch};
use crate::time::Timestamp;

/// What was observed in a stretch of time.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Window {
    /// All observations.
    pub events: u64,
    /// Those about a request.
    pub requests: u64,
    /// Requests by the hundreds of their status; 0 is what has none, 6 what is beyond.
    pub classes: [u64; 7],
    /// Requests that failed by the server's fault, and other events of level error or worse.
    pub errors: u64,
    /// Of these, requests.
    pub failed_requests: u64,
    /// How long requests took.
    pub latency: Sketch,
}

impl Window {
    /// Counts an observation, whenever it was.
    pub fn add(&mut self, seen: &Observation) {
        self.events += 1;
        let is_error = seen.is_error();
        self.errors += u64::from(is_error);
        if let Some(status) = seen.status {
            self.requests += 1;
            self.failed_requests += u64::from(is_error);
            if let Some(class) = self.classes.get_mut(usize::from(status / 100).min(6)) {
                *class += 1;
            }
        }
        if let Some(latency) = seen.latency {
            self.latency.add(latency);
        }
    }

    /// Counts what another one counted.
    pub fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.requests += other.requests;
        self.errors += other.errors;
        self.failed_requests += other.failed_requests;
        self.latency.merge(&other.latency);
        for (sum, more) in self.classes.iter_mut().zip(other.classes) {
            *sum += more;
        }
    }

    /// The share of requests that failed or, if there are no requests, of events that are errors. `None` of nothing.
    pub fn error_ratio(&self) -> Option<f64> {
        match (self.requests, self.events) {
            (0, 0) => None,
            (0, events) => Some(self.errors as f64 / events as f64),
            (requests, _) => Some(self.failed_requests as f64 / requests as f64),
        }
    }
}

/// Windows in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    width: i64,
    max_windows: usize,
    /// By the number of the window since 1970.
    windows: BTreeMap<i64, Window>,
    undated: Window,
    levels: BTreeMap<Level, u64>,
}

impl Series {
    /// Windows of this width, whole seconds of at least one, and at most so many of them.
    pub fn new(width: Duration, max_windows: usize) -> Self {
        Self {
            width: i64::try_from(width.as_secs()).unwrap_or(i64::MAX).max(1),
            max_windows: max_windows.max(2),
            windows: BTreeMap::new(),
            undated: Window::default(),
            levels: BTreeMap::new(),
        }
    }

    /// Counts an observation in the window of its time; what has none is counted apart.
    pub fn add(&mut self, seen: &Observation) {
        if let Some(level) = seen.level {
            *self.levels.entry(level).or_default() += 1;
        }
        let Some(time) = seen.time else {
            return self.undated.add(seen);
        };
        self.at(time.unix_seconds().div_euclid(self.width))
            .add(seen);
        self.coarsen();
    }

    /// Counts what another one counted, at the coarser of the two widths.
    pub fn merge(&mut self, other: &Self) {
        while self.width < other.width {
            self.double();
        }
        for (number, window) in &other.windows {
            let start = number.saturating_mul(other.width);
            self.at(start.div_euclid(self.width)).merge(window);
            self.coarsen();
        }
        self.undated.merge(&other.undated);
        for (level, count) in &other.levels {
            *self.levels.entry(*level).or_default() += count;
        }
    }

    /// How wide a window is.
    pub const fn width(&self) -> Duration {
        Duration::from_secs(self.width.unsigned_abs())
    }

    /// The windows that have something, in order, each with when it starts.
    pub fn windows(&self) -> impl Iterator<Item = (Timestamp, &Window)> {
        self.windows.iter().filter_map(|(number, window)| {
            Some((
                Timestamp::from_unix_seconds(number.checked_mul(self.width)?),
                window,
            ))
        })
    }

    /// What had no time.
    pub const fn undated(&self) -> &Window {
        &self.undated
    }

    /// Everything, dated or not.
    pub fn total(&self) -> Window {
        let mut total = self.undated.clone();
        self.windows.values().for_each(|window| total.merge(window));
        total
    }

    /// How often each level occurred.
    pub const fn levels(&self) -> &BTreeMap<Level, u64> {
        &self.levels
    }

    fn at(&mut self, number: i64) -> &mut Window {
        self.windows.entry(number).or_default()
    }

    fn coarsen(&mut self) {
        while self.windows.len() > self.max_windows {
            self.double();
        }
    }

    fn double(&mut self) {
        self.width = self.width.saturating_mul(2);
        for (number, window) in std::mem::take(&mut self.windows) {
            self.at(number.div_euclid(2)).merge(&window);
        }
    }
}

//! The better of two, by what they are doing now.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::{Backends, Weight};

/// Power of two choices: two backends are drawn, and the one with less to do per weight is taken
/// (M. Mitzenmacher, 2001). What a backend has to do is its running requests and, with
/// [`LeastLoaded::with_latency`], how long they take: Finagle's peak EWMA, which believes a slow answer
/// at once and forgets it over the decay time.
///
/// Times are since an origin of the caller's, `random` is the caller's.
#[derive(Debug)]
pub struct LeastLoaded<K> {
    backends: Backends<K>,
    /// Those that can be picked, as indices, with their weights.
    active: Vec<(u16, Weight)>,
    loads: Vec<Load>,
    latency: Option<Latency>,
}

#[derive(Clone, Copy, Debug)]
struct Latency {
    initial: f64,
    decay: f64,
}

#[derive(Debug, Default)]
struct Load {
    running: AtomicU32,
    /// Seconds, and when they were estimated.
    estimate: Mutex<Option<(f64, Duration)>>,
}

/// A request that runs at a backend. Say when it has ended; dropped, its time does not count.
#[derive(Debug)]
#[must_use = "a request that is dropped at once is no load"]
pub struct Running<'a, K> {
    id: &'a K,
    load: &'a Load,
    latency: Option<Latency>,
}

impl<K> LeastLoaded<K> {
    /// Compares running requests.
    #[must_use]
    pub fn new(backends: Backends<K>) -> Self {
        let listed = (0..).zip(backends.iter().map(|(_, weight)| weight));
        Self {
            active: listed.filter(|(_, weight)| !weight.is_zero()).collect(),
            loads: backends.iter().map(|_| Load::default()).collect(),
            latency: None,
            backends,
        }
    }

    /// Compares running requests times how long they take: `initial` before the first answer, forgotten
    /// over `decay`. Linkerd takes 30 ms and 10 s.
    #[must_use]
    pub fn with_latency(mut self, initial: Duration, decay: Duration) -> Self {
        self.latency = Some(Latency {
            initial: initial.as_secs_f64(),
            decay: decay.as_secs_f64().max(1e-9),
        });
        self
    }

    /// Takes the better of the two that 64 random bits draw.
    pub fn pick(&self, now: Duration, random: u64) -> Running<'_, K> {
        let count = self.active.len().max(1) as u64;
        let below = |bits: u64, limit: u64| usize::try_from((bits * limit) >> 32).unwrap_or(0);
        let first = below(random & 0xffff_ffff, count);
        // Of the others, so that the two are never the same.
        let second = below(random >> 32, count.saturating_sub(1).max(1));
        let second = if second >= first { second + 1 } else { second };
        let cost = |at: usize| {
            let (index, weight) = *self.active.get(at)?;
            let load = self.loads.get(usize::from(index))?;
            let cost = load.cost(self.latency, now) / f64::from(weight.value());
            Some((cost, index, load))
        };
        let better = match (cost(first), cost(second)) {
            (Some(one), Some(other)) => Some(if other.0 < one.0 { other } else { one }),
            (one, other) => one.or(other),
        };
        // INVARIANT: a list of backends has a weight above zero, so the first draw is there.
        let (index, load) = better.map_or((0, &NO_LOAD), |(_, index, load)| (index, load));
        load.running.fetch_add(1, Ordering::Relaxed);
        Running {
            id: self.backends.id(index),
            load,
            latency: self.latency,
        }
    }
}

static NO_LOAD: Load = Load {
    running: AtomicU32::new(0),
    estimate: Mutex::new(None),
};

impl Load {
    /// What one more request means here.
    fn cost(&self, latency: Option<Latency>, now: Duration) -> f64 {
        let running = f64::from(self.running.load(Ordering::Relaxed)) + 1.0;
        let Some(latency) = latency else {
            return running;
        };
        let estimate = *self.estimate.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = match estimate {
            None => latency.initial,
            // Idle, it is forgotten like under answers that take no time.
            Some((seconds, at)) => seconds * latency.kept(at, now),
        };
        seconds * running
    }
}

impl Latency {
    /// Which part of an estimate is left.
    fn kept(&self, at: Duration, now: Duration) -> f64 {
        (-now.saturating_sub(at).as_secs_f64() / self.decay).exp()
    }
}

impl<'a, K> Running<'a, K> {
    /// The backend it runs at.
    #[must_use]
    pub fn id(&self) -> &'a K {
        self.id
    }

    /// It ended after `took`.
    pub fn end(self, took: Duration, now: Duration) {
        let Some(latency) = self.latency else { return };
        let took = took.as_secs_f64();
        let mut estimate = self
            .load
            .estimate
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let seconds = match *estimate {
            Some((old, at)) if took <= old => {
                let kept = latency.kept(at, now);
                old * kept + took * (1.0 - kept)
            }
            // A peak is believed at once.
            _ => took,
        };
        *estimate = Some((seconds, now));
    }
}

impl<K> Drop for Running<'_, K> {
    fn drop(&mut self) {
        self.load.running.fetch_sub(1, Ordering::Relaxed);
    }
}

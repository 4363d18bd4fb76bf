//! Outlier detection: backends that stand out by their answers are left alone for a while.
//!
//! **Why**: a backend that passes its checks can still fail its requests. **Trips**: at so many failures in a
//! row at once; and, at each sweep, on a success rate far below that of the others, or a share of failures
//! above a limit. **Recovers**: after a time that grows with each ejection in a row. As Envoy does it
//! (`outlier.rst`, `outlier_detection.proto`), with its defaults; never more than a part of the backends
//! is out, but always one may be.
//!
//! Sweeps are the caller's to make, every [`OutlierPolicy::interval`]. Counting is O(1), a sweep O(n).

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::saved::EjectionState;

/// When a backend stands out.
#[derive(Clone, Debug, PartialEq)]
pub struct OutlierPolicy {
    /// Failures in a row that eject; 5.
    pub consecutive_failures: Option<u32>,
    /// Between two sweeps; 10 s.
    pub interval: Duration,
    /// How long the first ejection is; the n-th in a row is n times as long. 30 s.
    pub base_ejection: Duration,
    /// The longest an ejection is; 300 s.
    pub longest_ejection: Duration,
    /// The most that may be out, in percent of all; 10, and always at least one.
    pub most_ejected_percent: u32,
    /// How many standard deviations below the mean success rate are too far; 1.9.
    pub success_rate_deviations: Option<f64>,
    /// How many backends must have enough requests for rates to be compared; 5.
    pub least_backends: usize,
    /// How many requests are enough for a success rate; 100.
    pub success_rate_requests: u32,
    /// The percentage of failures that ejects; none, as Envoy enforces none by default.
    pub failure_percentage: Option<u32>,
    /// How many requests are enough for a percentage of failures; 50.
    pub failure_percentage_requests: u32,
}

impl Default for OutlierPolicy {
    fn default() -> Self {
        Self {
            consecutive_failures: Some(5),
            interval: Duration::from_secs(10),
            base_ejection: Duration::from_secs(30),
            longest_ejection: Duration::from_secs(300),
            most_ejected_percent: 10,
            success_rate_deviations: Some(1.9),
            least_backends: 5,
            success_rate_requests: 100,
            failure_percentage: None,
            failure_percentage_requests: 50,
        }
    }
}

/// Why a backend was ejected.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Ejection {
    /// So many failures in a row.
    Consecutive(u32),
    /// This success rate, in percent, where at least the second was expected.
    SuccessRate(f64, f64),
    /// This percentage of failures.
    FailurePercentage(f64),
}

/// The backends of one pool, by id.
#[derive(Clone, Debug)]
pub struct Outliers<K> {
    policy: OutlierPolicy,
    /// In listing order, so that equal histories lead to equal ejections.
    hosts: Vec<(K, Host)>,
    positions: HashMap<K, usize>,
}

#[derive(Clone, Debug, Default)]
struct Host {
    failures_in_a_row: u32,
    successes: u32,
    failures: u32,
    ejected_until: Option<Duration>,
    /// How often in a row it was ejected, less one for every healthy sweep.
    multiplier: u32,
}

impl Host {
    fn requests(&self) -> u32 {
        self.successes.saturating_add(self.failures)
    }

    fn rate(&self, part: u32) -> f64 {
        f64::from(part) * 100.0 / f64::from(self.requests().max(1))
    }
}

impl<K: Eq + Hash + Clone> Outliers<K> {
    /// Watches these backends.
    #[must_use]
    pub fn new(policy: OutlierPolicy, ids: impl IntoIterator<Item = K>) -> Self {
        let mut outliers = Self {
            policy,
            hosts: Vec::new(),
            positions: HashMap::new(),
        };
        outliers.set(ids);
        outliers
    }

    /// Goes by another policy from now on.
    pub fn set_policy(&mut self, policy: OutlierPolicy) {
        self.policy = policy;
    }

    /// Watches these from now on; those it knows keep what is known of them.
    pub fn set(&mut self, ids: impl IntoIterator<Item = K>) {
        let mut old: HashMap<K, Host> = std::mem::take(&mut self.hosts).into_iter().collect();
        self.positions.clear();
        for id in ids {
            if !self.positions.contains_key(&id) {
                let host = old.remove(&id).unwrap_or_default();
                self.positions.insert(id.clone(), self.hosts.len());
                self.hosts.push((id, host));
            }
        }
    }

    /// Counts an answer; what it led to, if its backend is ejected for it.
    pub fn record(&mut self, id: &K, success: bool, now: Duration) -> Option<Ejection> {
        let host = self.host_mut(id)?;
        if success {
            host.failures_in_a_row = 0;
            host.successes = host.successes.saturating_add(1);
            return None;
        }
        host.failures = host.failures.saturating_add(1);
        host.failures_in_a_row = host.failures_in_a_row.saturating_add(1);
        let in_a_row = host.failures_in_a_row;
        let out = host.ejected_until.is_some();
        if out || self.policy.consecutive_failures? > in_a_row {
            return None;
        }
        self.eject(id, now)
            .then_some(Ejection::Consecutive(in_a_row))
    }

    /// Lets back in whose time is over, compares the others, and begins to count anew.
    pub fn sweep(&mut self, now: Duration) -> Vec<(K, Ejection)> {
        for (_, host) in &mut self.hosts {
            match host.ejected_until {
                Some(until) if now >= until => {
                    host.ejected_until = None;
                    host.failures_in_a_row = 0;
                }
                Some(_) => {}
                None => host.multiplier = host.multiplier.saturating_sub(1),
            }
        }
        let mut ejected = Vec::new();
        for (id, ejection) in self
            .by_success_rate()
            .into_iter()
            .chain(self.by_percentage())
        {
            if self.eject(&id, now) {
                ejected.push((id, ejection));
            }
        }
        for (_, host) in &mut self.hosts {
            (host.successes, host.failures) = (0, 0);
        }
        ejected
    }

    /// Whether a backend is out. One that is not watched is not.
    #[must_use]
    pub fn is_ejected(&self, id: &K) -> bool {
        let host = self.positions.get(id).and_then(|at| self.hosts.get(*at));
        host.is_some_and(|(_, host)| host.ejected_until.is_some())
    }

    /// What should outlive the process; `None` of a backend that was not ejected lately.
    #[must_use]
    pub fn saved(&self, id: &K, now: Duration) -> Option<EjectionState> {
        let (_, host) = self.hosts.get(*self.positions.get(id)?)?;
        (host.multiplier > 0).then(|| EjectionState {
            left: host.ejected_until.map(|until| until.saturating_sub(now)),
            in_a_row: host.multiplier,
        })
    }

    /// Takes up what another process saved.
    pub fn restore(&mut self, id: &K, saved: &EjectionState, now: Duration) {
        let longest = self.policy.longest_ejection.max(self.policy.base_ejection);
        if let Some(host) = self.host_mut(id) {
            host.multiplier = saved.in_a_row;
            host.ejected_until = saved.left.map(|left| now.saturating_add(left.min(longest)));
        }
    }

    /// Lets a backend back in at once, as when an active check of it succeeds.
    pub fn forgive(&mut self, id: &K) {
        if let Some(host) = self.host_mut(id) {
            (host.ejected_until, host.failures_in_a_row) = (None, 0);
        }
    }

    /// Ejects if it is in, and if not too many are out.
    fn eject(&mut self, id: &K, now: Duration) -> bool {
        let out = self.out();
        let percent = usize::try_from(self.policy.most_ejected_percent.min(100)).unwrap_or(100);
        let most = (self.hosts.len() * percent / 100).max(1);
        let (base, longest) = (self.policy.base_ejection, self.policy.longest_ejection);
        match self.host_mut(id) {
            Some(host) if host.ejected_until.is_none() && out < most => {
                host.multiplier = host.multiplier.saturating_add(1);
                let time = base.saturating_mul(host.multiplier).min(longest.max(base));
                host.ejected_until = Some(now.saturating_add(time));
                true
            }
            _ => false,
        }
    }

    fn host_mut(&mut self, id: &K) -> Option<&mut Host> {
        let (_, host) = self.hosts.get_mut(*self.positions.get(id)?)?;
        Some(host)
    }

    /// How many are out.
    fn out(&self) -> usize {
        let out = |(_, host): &&(K, Host)| host.ejected_until.is_some();
        self.hosts.iter().filter(out).count()
    }

    /// Those in with enough requests.
    fn compared(&self, requests: u32) -> Vec<(&K, &Host)> {
        let enough = |(_, host): &&(K, Host)| {
            host.ejected_until.is_none() && host.requests() >= requests.max(1)
        };
        let compared: Vec<(&K, &Host)> = self
            .hosts
            .iter()
            .filter(enough)
            .map(|(id, host)| (id, host))
            .collect();
        if compared.len() < self.policy.least_backends {
            return Vec::new();
        }
        compared
    }

    fn by_success_rate(&self) -> Vec<(K, Ejection)> {
        let Some(deviations) = self.policy.success_rate_deviations else {
            return Vec::new();
        };
        let compared = self.compared(self.policy.success_rate_requests);
        let rates: Vec<f64> = compared.iter().map(|(_, h)| h.rate(h.successes)).collect();
        let count = rates.len().max(1) as f64;
        let mean = rates.iter().sum::<f64>() / count;
        let variance = rates.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / count;
        let least = mean - deviations * variance.sqrt();
        let outliers = compared
            .iter()
            .zip(&rates)
            .filter(|(_, rate)| **rate < least);
        outliers
            .map(|((id, _), rate)| ((*id).clone(), Ejection::SuccessRate(*rate, least)))
            .collect()
    }

    fn by_percentage(&self) -> Vec<(K, Ejection)> {
        let Some(limit) = self.policy.failure_percentage else {
            return Vec::new();
        };
        let compared = self.compared(self.policy.failure_percentage_requests);
        compared
            .into_iter()
            .map(|(id, host)| (id, host.rate(host.failures)))
            .filter(|(_, rate)| *rate >= f64::from(limit))
            .map(|(id, rate)| (id.clone(), Ejection::FailurePercentage(rate)))
            .collect()
    }
}

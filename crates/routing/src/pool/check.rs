//! What is wrong with a policy before anything has failed.

use super::policy::Policy;
use super::what_if::{Change, what_if};

/// Something a policy will be sorry for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Weakness {
    /// Nobody would get anything.
    #[error("no endpoint has a weight above 0: every request gets 503")]
    Nobody,
    /// A site that never gets anything.
    #[error(
        "site `{0}` has no endpoint with a weight above 0, or no weight: it never gets a request"
    )]
    IdleSite(String),
    /// One failure is an outage.
    #[error("without `{0}` nobody is left")]
    SinglePoint(String),
    /// A site gets more than it serves though nothing is down.
    #[error("`{site}` gets {load:.0} requests a second and serves {capacity:.0}")]
    Overloaded {
        /// The site.
        site: String,
        /// What it gets, in requests a second.
        load: f64,
        /// What it serves, in requests a second.
        capacity: f64,
    },
    /// Without one site the rest cannot carry the load.
    #[error(
        "without `{down}`, `{site}` gets {load:.0} requests a second and serves {capacity:.0} (no N+1)"
    )]
    NoSpare {
        /// The site that is down.
        down: String,
        /// The site that is overloaded then.
        site: String,
        /// What it would get, in requests a second.
        load: f64,
        /// What it serves, in requests a second.
        capacity: f64,
    },
    /// Nobody would notice an endpoint that is down.
    #[error(
        "nothing tells whether endpoints are well: give it probes, outlier detection or a breaker"
    )]
    Blind,
}

/// Looks for weaknesses under so many requests a second.
#[must_use]
pub fn check(policy: &Policy, requests_a_second: f64) -> Vec<Weakness> {
    let mut found = Vec::new();
    let takes = |site: &super::Site| {
        !site.weight.is_zero() && site.endpoints.iter().any(|e| !e.weight.is_zero())
    };
    let taking: Vec<_> = policy.sites.iter().filter(|site| takes(site)).collect();
    if taking.is_empty() {
        return vec![Weakness::Nobody];
    }
    let idle = policy.sites.iter().filter(|site| !takes(site));
    found.extend(idle.map(|site| Weakness::IdleSite(site.name.clone())));
    if let [only] = taking.as_slice() {
        found.push(Weakness::SinglePoint(only.name.clone()));
    }
    let several = taking
        .iter()
        .map(|site| site.endpoints.len())
        .sum::<usize>()
        > 1;
    if several && policy.probes.is_none() && policy.outliers.is_none() && policy.breaker.is_none() {
        found.push(Weakness::Blind);
    }
    let overloaded = |change: &Change| {
        let sites = what_if(policy, change, requests_a_second).sites;
        sites.into_iter().filter(|site| site.overload() > 0.0)
    };
    found.extend(
        overloaded(&Change::default()).map(|site| Weakness::Overloaded {
            load: site.load,
            capacity: site.capacity.unwrap_or_default(),
            site: site.name,
        }),
    );
    for down in taking.iter().filter(|_| taking.len() > 1) {
        let without = overloaded(&Change::default().with_down(&down.name));
        found.extend(without.map(|site| Weakness::NoSpare {
            down: down.name.clone(),
            load: site.load,
            capacity: site.capacity.unwrap_or_default(),
            site: site.name,
        }));
    }
    found
}

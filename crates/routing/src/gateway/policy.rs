//! What the Gateway API has no word for: where a service's requests go, and how its endpoints are kept.
//! `TrafficPolicy` of `narae.dev/v1alpha1`, data only; [`Objects::pool`](super::Objects::pool) reads it.

use serde::Deserialize;

use super::read::null_is_default;
use super::{ApiDuration, Object};
use crate::retry;

/// The API group of [`TrafficPolicy`].
pub const POLICY_GROUP: &str = "narae.dev";

/// A `TrafficPolicy`: of the services of its namespace that it names.
///
/// ```yaml
/// apiVersion: narae.dev/v1alpha1
/// kind: TrafficPolicy
/// metadata: { name: shop, namespace: shop }
/// spec:
///   targetRefs: [{ name: stable }]
///   sites:
///   - { name: idc, capacity: 900, endpoints: ["10.0.0.1:80", { address: "10.0.0.2:80", weight: 2 }] }
///   - { name: cloud, priority: 1, endpoints: ["10.1.0.1:80"] }
///   healthCheck: { path: /health, interval: 2s, timeout: 1s, fall: 3, rise: 5 }
///   breaker: { failureRate: 50, calls: 100, minimumCalls: 20, waitInOpen: 10s }
///   outlierDetection: { consecutiveFailures: 5 }
///   failover: { downDelay: 0s, holdDown: 30s, ramp: 60s }
///   retry: { attempts: 2, statuses: [502, 503, 504], budgetPercent: 20 }
/// ```
pub type TrafficPolicy = Object<TrafficPolicySpec>;

/// What a policy says. What is left out keeps its default, or is not done at all.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TrafficPolicySpec {
    /// The services it is for.
    #[serde(default, deserialize_with = "null_is_default")]
    pub target_refs: Vec<TargetReference>,
    /// Where their requests go; the ready endpoints of the service's slices, as one site, if empty.
    #[serde(default, deserialize_with = "null_is_default")]
    pub sites: Vec<SiteSpec>,
    /// Asking endpoints whether they are well; nobody asks if absent.
    #[serde(default)]
    pub health_check: Option<HealthCheckSpec>,
    /// A breaker for each endpoint; none if absent.
    #[serde(default)]
    pub breaker: Option<BreakerSpec>,
    /// Leaving alone who stands out; nobody is if absent.
    #[serde(default)]
    pub outlier_detection: Option<OutlierSpec>,
    /// How sites go and come back.
    #[serde(default, deserialize_with = "null_is_default")]
    pub failover: FailoverSpec,
    /// How long an endpoint that came back warms up; not at all if absent.
    #[serde(default)]
    pub slow_start: Option<ApiDuration>,
    /// When to try again where a route says nothing.
    #[serde(default)]
    pub retry: Option<RetrySpec>,
    /// Requests a second that are expected, for checks of capacity.
    #[serde(default)]
    pub expected_load: Option<f64>,
}

/// A service.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct TargetReference {
    /// Core if absent.
    #[serde(default)]
    pub group: Option<String>,
    /// `Service` if absent.
    #[serde(default)]
    pub kind: Option<String>,
    /// Its name.
    pub name: String,
    /// One of its ports; all if absent.
    #[serde(default)]
    pub port: Option<u16>,
}

/// A site.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct SiteSpec {
    /// Its name.
    pub name: String,
    /// 0 is used first.
    #[serde(default)]
    pub priority: u32,
    /// Its part among the sites of its priority; 1 if absent.
    #[serde(default)]
    pub weight: Option<u32>,
    /// Requests a second it can serve.
    #[serde(default)]
    pub capacity: Option<f64>,
    /// Who serves there …
    #[serde(default, deserialize_with = "null_is_default")]
    pub endpoints: Vec<EndpointSpec>,
    /// … and the ready endpoints of this service of the same namespace besides.
    #[serde(default)]
    pub service: Option<String>,
}

/// An endpoint, as `HOST:PORT` or with a weight.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "one text or its parts")]
pub enum EndpointSpec {
    /// `HOST:PORT`.
    Address(String),
    /// With a weight.
    Weighted {
        /// `HOST:PORT`.
        address: String,
        /// Its part of its site's requests.
        weight: u32,
    },
}

/// How endpoints are asked over HTTP whether they are well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HealthCheckSpec {
    /// What is asked for; `/` if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// The `Host` that is sent; the endpoint's address if absent.
    #[serde(default)]
    pub host: Option<String>,
    /// Statuses that mean well; 200 to 299 if empty.
    #[serde(default, deserialize_with = "null_is_default")]
    pub statuses: Vec<u16>,
    /// How long an answer may take; 1 s.
    #[serde(default)]
    pub timeout: Option<ApiDuration>,
    /// Between two of an endpoint that is up; 2 s.
    #[serde(default)]
    pub interval: Option<ApiDuration>,
    /// While results disagree with its state; 1 s, or the interval if that is shorter.
    #[serde(default)]
    pub fast_interval: Option<ApiDuration>,
    /// Of an endpoint that is down; the interval if absent.
    #[serde(default)]
    pub down_interval: Option<ApiDuration>,
    /// Failures in a row that take it down; 3.
    #[serde(default)]
    pub fall: Option<u32>,
    /// Successes in a row that bring it back; 5.
    #[serde(default)]
    pub rise: Option<u32>,
}

/// Settings of the breaker of each endpoint; see [`breaker`](crate::breaker).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BreakerSpec {
    /// Percentage of failures that opens it.
    #[serde(default)]
    pub failure_rate: Option<f32>,
    /// Percentage of slow requests that opens it.
    #[serde(default)]
    pub slow_rate: Option<f32>,
    /// Requests are slow that take longer.
    #[serde(default)]
    pub slow: Option<ApiDuration>,
    /// Counts the last so many requests …
    #[serde(default)]
    pub calls: Option<u32>,
    /// … or those of the last so many seconds.
    #[serde(default)]
    pub seconds: Option<u32>,
    /// How many it takes for a rate.
    #[serde(default)]
    pub minimum_calls: Option<u32>,
    /// How many half-open lets through.
    #[serde(default)]
    pub half_open_calls: Option<u32>,
    /// How long it stays open.
    #[serde(default)]
    pub wait_in_open: Option<ApiDuration>,
}

/// When an endpoint stands out; see [`OutlierPolicy`](crate::health::OutlierPolicy).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OutlierSpec {
    /// Failures in a row that eject.
    #[serde(default)]
    pub consecutive_failures: Option<u32>,
    /// Between two comparisons.
    #[serde(default)]
    pub interval: Option<ApiDuration>,
    /// How long the first ejection is.
    #[serde(default)]
    pub base_ejection: Option<ApiDuration>,
    /// The longest an ejection is.
    #[serde(default)]
    pub longest_ejection: Option<ApiDuration>,
    /// The most that may be out, in percent.
    #[serde(default)]
    pub most_ejected_percent: Option<u32>,
    /// The percentage of failures that ejects.
    #[serde(default)]
    pub failure_percentage: Option<u32>,
}

/// How sites go and come back; see [`FailbackPolicy`](crate::failover::FailbackPolicy).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FailoverSpec {
    /// How much more than its part a site can carry, in percent; 140.
    #[serde(default)]
    pub overprovisioning: Option<u32>,
    /// Whether a site gets no more than its `capacity`, and what is beyond goes to others that have room; not if absent.
    #[serde(default)]
    pub enforce_capacity: bool,
    /// A site goes when fewer percent of it are well; 50.
    #[serde(default)]
    pub down_below: Option<u32>,
    /// It comes back from so many percent on; 80.
    #[serde(default)]
    pub up_from: Option<u32>,
    /// How long it must be down before it goes; 6 s.
    #[serde(default)]
    pub down_delay: Option<ApiDuration>,
    /// How long it must be up before it comes back; 30 s.
    #[serde(default)]
    pub hold_down: Option<ApiDuration>,
    /// The longest that grows to with flaps; 10 min.
    #[serde(default)]
    pub longest_hold_down: Option<ApiDuration>,
    /// How long a flap is remembered; 15 min.
    #[serde(default)]
    pub flap_memory: Option<ApiDuration>,
    /// How long its part grows; 1 min.
    #[serde(default)]
    pub ramp: Option<ApiDuration>,
    /// From how many percent; 10.
    #[serde(default)]
    pub floor: Option<u32>,
}

/// When a request is tried again, at another endpoint if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RetrySpec {
    /// Beyond the first.
    #[serde(default)]
    pub attempts: Option<u32>,
    /// Statuses to try again after, if the request may be repeated.
    #[serde(default, deserialize_with = "null_is_default")]
    pub statuses: Vec<u16>,
    /// Retries in percent of requests; 20.
    #[serde(default)]
    pub budget_percent: Option<u32>,
    /// Retries a second besides; 10.
    #[serde(default)]
    pub budget_per_second: Option<u32>,
}

impl RetrySpec {
    /// When to try again. Without statuses only what was not answered at all is.
    #[must_use]
    pub fn policy(&self) -> retry::Policy {
        retry::Policy::new(self.attempts.unwrap_or(1)).with_statuses(self.statuses.iter().copied())
    }

    /// How many retries there may be for a thousand requests, and a second besides.
    #[must_use]
    pub fn budget(&self) -> (u32, u32) {
        let per_thousand = self.budget_percent.unwrap_or(20).saturating_mul(10);
        (per_thousand, self.budget_per_second.unwrap_or(10))
    }
}

//! From objects to the pool behind a port of a service: its traffic policy, and the ready endpoints of its slices.

use std::collections::HashSet;
use std::time::Duration;

use super::policy::{BreakerSpec, EndpointSpec, FailoverSpec, HealthCheckSpec, OutlierSpec};
use super::{ApiDuration, ObjectName, Objects, SiteSpec, TrafficPolicy};
use crate::Weight;
use crate::balance::SlowStart;
use crate::breaker::{Config, Window};
use crate::failover::{FailbackPolicy, Overprovisioning};
use crate::health::{OutlierPolicy, ProbePolicy};
use crate::pool::{Endpoint, Policy, Site};

/// The label that says whose endpoints a slice has.
pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";

impl Objects {
    /// The policy that names a service; of several, the first that was read.
    #[must_use]
    pub fn traffic_policy(&self, service: &ObjectName, port: u16) -> Option<&TrafficPolicy> {
        self.traffic_policies.iter().find(|policy| {
            policy.metadata.namespace() == service.namespace()
                && policy.spec.target_refs.iter().any(|target| {
                    target.group.as_deref().unwrap_or_default().is_empty()
                        && target.kind.as_deref().unwrap_or("Service") == "Service"
                        && target.name == service.name()
                        && target.port.is_none_or(|own| own == port)
                })
        })
    }

    /// What the pool behind a port of a service goes by. Whether a pool can be made of it, that says.
    #[must_use]
    pub fn pool(&self, service: &ObjectName, port: u16) -> Policy {
        let Some(policy) = self.traffic_policy(service, port) else {
            return Policy::of([Site::new("endpoints", self.endpoints(service, port))]);
        };
        let spec = &policy.spec;
        let mut pool = Policy::of(spec.sites.iter().map(|site| self.site(site, service, port)));
        if pool.sites.is_empty() {
            pool.sites = vec![Site::new("endpoints", self.endpoints(service, port))];
        }
        pool.probes = spec.health_check.as_ref().map(probes);
        pool.breaker = spec.breaker.as_ref().map(breaker);
        pool.outliers = spec.outlier_detection.as_ref().map(outliers);
        pool.failback = failback(&spec.failover);
        pool.enforce_capacity = spec.failover.enforce_capacity;
        if let Some(percent) = spec.failover.overprovisioning {
            pool.overprovisioning = Overprovisioning::percent(percent);
        }
        pool.slow_start = spec.slow_start.map(|window| SlowStart::new(window.into()));
        pool
    }

    /// Services whose policies name each other's as a site, one line for each: a request that fails at the one has
    /// nowhere to go at the other.
    #[must_use]
    pub fn loops(&self) -> Vec<String> {
        let named = |namespace: &str, service: &str| -> Vec<String> {
            let policies = self.traffic_policies.iter();
            let own = policies.filter(|policy| {
                let mut targets = policy.spec.target_refs.iter();
                policy.metadata.namespace() == namespace && targets.any(|t| t.name == service)
            });
            own.flat_map(|policy| &policy.spec.sites)
                .filter_map(|site| site.service.clone())
                // Its own slices beside others' are no detour.
                .filter(|other| other != service)
                .collect()
        };
        let mut loops = Vec::new();
        for policy in &self.traffic_policies {
            let namespace = policy.metadata.namespace();
            for target in &policy.spec.target_refs {
                // Whoever can be reached, each looked at once.
                let (mut reached, mut at) = (named(namespace, &target.name), 0);
                while let Some(next) = reached.get(at).cloned() {
                    for service in named(namespace, &next) {
                        if !reached.contains(&service) {
                            reached.push(service);
                        }
                    }
                    at += 1;
                }
                if let Some(last) = reached.iter().rev().find(|s| **s == target.name) {
                    let way = reached.join(", ");
                    loops.push(format!(
                        "service {namespace}/{last}: its sites lead back to it (by {way})"
                    ));
                }
            }
        }
        loops
    }

    fn site(&self, spec: &SiteSpec, service: &ObjectName, port: u16) -> Site {
        let listed = spec.endpoints.iter().map(|endpoint| match endpoint {
            EndpointSpec::Address(address) => Endpoint::new(address),
            EndpointSpec::Weighted { address, weight } => {
                Endpoint::new(address).with_weight(Weight::new(*weight))
            }
        });
        let of_service = spec
            .service
            .iter()
            .flat_map(|name| self.endpoints(&ObjectName::new(service.namespace(), name), port));
        let mut site = Site::new(&spec.name, listed.chain(of_service))
            .with_priority(spec.priority)
            .with_weight(Weight::new(spec.weight.unwrap_or(1)));
        site.capacity = spec.capacity;
        site
    }

    /// The ready endpoints of a service's slices, at the port that its own port stands for.
    fn endpoints(&self, service: &ObjectName, port: u16) -> Vec<Endpoint> {
        let object = self
            .services
            .iter()
            .find(|s| s.metadata.object_name() == *service);
        let listed = object.and_then(|s| s.spec.ports.iter().find(|p| p.port == port));
        let name = listed.and_then(|p| p.name.as_deref()).unwrap_or_default();
        let slices = self.endpoint_slices.iter().filter(|slice| {
            slice.metadata.namespace() == service.namespace()
                && slice
                    .metadata
                    .labels
                    .get(SERVICE_NAME)
                    .is_some_and(|n| n == service.name())
        });
        let mut seen = HashSet::new();
        slices
            .filter_map(|slice| {
                // Pods without that port are not behind it; without any list they are behind all.
                let mut ports = slice.ports.iter();
                let here = ports.find(|p| p.name.as_deref().unwrap_or_default() == name);
                let any = slice.ports.is_empty();
                let target = here.map_or(any.then_some(port), |p| Some(p.port.unwrap_or(port)))?;
                Some((slice, target))
            })
            .flat_map(|(slice, target)| {
                let ready = slice
                    .endpoints
                    .iter()
                    .filter(|e| e.conditions.ready != Some(false));
                ready
                    .filter_map(|e| e.addresses.first())
                    .map(move |address| {
                        let colons = address.contains(':');
                        Endpoint::new(if colons {
                            format!("[{address}]:{target}")
                        } else {
                            format!("{address}:{target}")
                        })
                    })
            })
            // While endpoints move between slices, they may stand in two.
            .filter(|endpoint| seen.insert(endpoint.address.clone()))
            .collect()
    }
}

fn or(written: Option<ApiDuration>, default: Duration) -> Duration {
    written.map_or(default, Duration::from)
}

fn probes(spec: &HealthCheckSpec) -> ProbePolicy {
    let interval = or(spec.interval, Duration::from_secs(2));
    let fast = or(spec.fast_interval, interval.min(Duration::from_secs(1)));
    ProbePolicy::default()
        .with_intervals(interval, fast, or(spec.down_interval, interval))
        .with_thresholds(spec.fall.unwrap_or(3), spec.rise.unwrap_or(5))
}

fn breaker(spec: &BreakerSpec) -> Config {
    let mut config = Config::default();
    if let Some(percent) = spec.failure_rate {
        config = config.with_failure_rate(percent);
    }
    if let Some(slow) = spec.slow {
        config = config.with_slow_calls(spec.slow_rate.unwrap_or(100.0), slow.into());
    }
    match (spec.calls, spec.seconds) {
        (_, Some(seconds)) => config = config.with_window(Window::Seconds(seconds)),
        (Some(calls), None) => config = config.with_window(Window::Calls(calls)),
        (None, None) => {}
    }
    if let Some(calls) = spec.minimum_calls {
        config = config.with_minimum_calls(calls);
    }
    if let Some(calls) = spec.half_open_calls {
        config = config.with_half_open_calls(calls);
    }
    if let Some(wait) = spec.wait_in_open {
        config = config.with_wait_in_open(wait.into());
    }
    config
}

fn outliers(spec: &OutlierSpec) -> OutlierPolicy {
    let default = OutlierPolicy::default();
    OutlierPolicy {
        consecutive_failures: spec.consecutive_failures.or(default.consecutive_failures),
        interval: or(spec.interval, default.interval),
        base_ejection: or(spec.base_ejection, default.base_ejection),
        longest_ejection: or(spec.longest_ejection, default.longest_ejection),
        most_ejected_percent: spec
            .most_ejected_percent
            .unwrap_or(default.most_ejected_percent),
        failure_percentage: spec.failure_percentage.or(default.failure_percentage),
        ..default
    }
}

fn failback(spec: &FailoverSpec) -> FailbackPolicy {
    let part = |percent: Option<u32>, default: u32| f64::from(percent.unwrap_or(default)) / 100.0;
    let seconds = Duration::from_secs;
    FailbackPolicy::default()
        .with_thresholds(part(spec.down_below, 50), part(spec.up_from, 80))
        .with_down_delay(or(spec.down_delay, seconds(6)))
        .with_hold_down(
            or(spec.hold_down, seconds(30)),
            or(spec.longest_hold_down, seconds(600)),
            or(spec.flap_memory, seconds(900)),
        )
        .with_ramp(or(spec.ramp, seconds(60)), part(spec.floor, 10))
}

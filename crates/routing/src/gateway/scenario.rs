//! What to try a policy against: `Simulation` of `narae.dev/v1alpha1`, data only; [`Objects::script`] reads it.

use std::time::Duration;

use serde::Deserialize;

use super::read::null_is_default;
use super::{ApiDuration, Object, ObjectName, Objects, TargetReference};
use crate::Weight;
use crate::failover::Latch;
use crate::simulate::{Script, What};

/// A `Simulation`: what happens to the pool of a service of its namespace.
///
/// ```yaml
/// apiVersion: narae.dev/v1alpha1
/// kind: Simulation
/// metadata: { name: outage, namespace: shop }
/// spec:
///   target: { name: stable, port: 80 }
///   duration: 24h
///   load: [{ at: 0s, requestsPerSecond: 20 }, { at: 12h, requestsPerSecond: 200 }, { at: 24h, requestsPerSecond: 20 }]
///   events:
///   - { at: 9h, to: idc, do: Down, for: 40m }
///   - { at: 15h, to: "10.0.0.1:80", do: Errors, value: 30, for: 10m }
///   - { at: 20h, to: cloud, do: Latch, value: out }
/// ```
pub type Simulation = Object<SimulationSpec>;

/// What is simulated.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SimulationSpec {
    /// The service.
    #[serde(default)]
    pub target: TargetReference,
    /// How long; a day if absent.
    #[serde(default)]
    pub duration: Option<ApiDuration>,
    /// Of the randomness.
    #[serde(default)]
    pub seed: u64,
    /// How much is asked, evenly between two; 100 requests a second if empty.
    #[serde(default, deserialize_with = "null_is_default")]
    pub load: Vec<LoadSpec>,
    /// What happens.
    #[serde(default, deserialize_with = "null_is_default")]
    pub events: Vec<EventSpec>,
}

/// So much load from some time on.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LoadSpec {
    /// When.
    #[serde(default)]
    pub at: ApiDuration,
    /// How much.
    pub requests_per_second: f64,
}

/// Something that happens.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct EventSpec {
    /// When.
    pub at: ApiDuration,
    /// To which site (by name) or endpoint (by address).
    pub to: String,
    /// What.
    #[serde(rename = "do")]
    pub what: Deed,
    /// Percent of `Errors`, duration of `Latency`, `out`, `in` or `released` of `Latch`, number of `Weight`.
    #[serde(default)]
    pub value: Option<Value>,
    /// Until it comes up again; for good if absent.
    #[serde(default, rename = "for")]
    pub lasting: Option<ApiDuration>,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "each is read here")]
pub enum Deed {
    /// It refuses everything.
    Down,
    /// It is well again.
    Up,
    /// It fails a part of its requests.
    Errors,
    /// Its answers take longer.
    Latency,
    /// People decide whether a site is in.
    Latch,
    /// People give a site another weight.
    Weight,
}

/// How much, how long, or which way.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "a number or a word")]
pub enum Value {
    /// A number.
    Number(f64),
    /// A word or duration.
    Word(String),
}

impl Objects {
    /// The script of a simulation, with the policy of the service it names.
    ///
    /// # Errors
    ///
    /// What of an event cannot be read, and which event.
    pub fn script(&self, simulation: &Simulation) -> Result<Script, ScenarioError> {
        let spec = &simulation.spec;
        let service = ObjectName::new(simulation.metadata.namespace(), &spec.target.name);
        let known = self
            .services
            .iter()
            .find(|s| s.metadata.object_name() == service);
        let first = known
            .and_then(|s| s.spec.ports.first())
            .map(|port| port.port);
        let port = spec.target.port.or(first).unwrap_or(80);
        let policy = self.traffic_policy(&service, port);
        let mut script = Script::new(self.pool(&service, port));
        script.seed = spec.seed;
        let retry = policy.and_then(|policy| policy.spec.retry.as_ref());
        let retry = retry.cloned().unwrap_or_default();
        script.retry = retry.policy();
        script.retry_budget = retry.budget();
        if let Some(duration) = spec.duration {
            script.duration = duration.into();
        }
        if !spec.load.is_empty() {
            script.load.clear();
        }
        for load in &spec.load {
            script = script.with_load(load.at.into(), load.requests_per_second);
        }
        for (at, event) in spec.events.iter().enumerate() {
            let wrong = || ScenarioError {
                at,
                what: event.what,
            };
            let what = event.what().ok_or_else(wrong)?;
            let begin = Duration::from(event.at);
            script = match event.lasting {
                None => script.with(begin, &event.to, what),
                Some(lasting) => script.with_lasting(begin, &event.to, what, lasting.into()),
            };
        }
        Ok(script)
    }
}

impl EventSpec {
    fn what(&self) -> Option<What> {
        let word = match &self.value {
            Some(Value::Word(word)) => Some(word.as_str()),
            _ => None,
        };
        let number = match &self.value {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        };
        Some(match self.what {
            Deed::Down => What::Down,
            Deed::Up => What::Up,
            Deed::Errors => What::Errors(number? / 100.0),
            Deed::Latency => What::Latency(word?.parse::<ApiDuration>().ok()?.into()),
            Deed::Latch => What::Latch(match word? {
                "out" => Latch::Out,
                "in" => Latch::In,
                "released" => Latch::Released,
                _ => return None,
            }),
            Deed::Weight => What::Shift(number?.to_string().parse::<Weight>().ok()?),
        })
    }
}

/// An event whose value does not fit what it does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "spec.events[{at}]: {what:?} needs a value: percent for Errors, a duration for Latency, out, in or released for \
     Latch, a whole number for Weight"
)]
pub struct ScenarioError {
    at: usize,
    what: Deed,
}

//! What a DNS server, or a load balancer of sites, should answer for a pool: a record for each site, by level and by
//! weight, with health. Data only; who serves them keeps their time to live short.
//!
//! The rules are those of Amazon Route 53's [weighted] and [failover] records, one inside the other: of the first level
//! that has a healthy record, each is answered by its weight; one of weight 0 only when those with a weight are all
//! ill; one whose health nobody checks is healthy; and when all are ill, all count as healthy.
//!
//! [weighted]: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-weighted.html
//! [failover]: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-problems.html

use std::sync::Arc;
use std::time::Duration;

use super::{Pool, SiteStanding};
use crate::failover::{Latch, Phase};
use crate::{Backends, BackendsError, Weight};

/// What one site is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The site: a set identifier.
    pub name: Arc<str>,
    /// Levels of lower numbers are answered first.
    pub priority: u32,
    /// Relative to the others of its level.
    pub weight: Weight,
    /// `None` if nobody checks it.
    pub healthy: Option<bool>,
    /// Addresses of the endpoints that can take traffic; of all, if none can.
    pub values: Vec<Arc<str>>,
}

impl Record {
    /// A record that nobody checks, of weight 1 and the first level.
    pub fn new(name: impl Into<Arc<str>>, values: impl IntoIterator<Item = Arc<str>>) -> Self {
        Self {
            name: name.into(),
            priority: 0,
            weight: Weight::ONE,
            healthy: None,
            values: values.into_iter().collect(),
        }
    }

    /// On this level.
    #[must_use]
    pub fn with_priority(mut self, priority: u32) -> Self {
        self.priority = priority;
        self
    }

    /// With this weight.
    #[must_use]
    pub fn with_weight(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// Checked, with this outcome.
    #[must_use]
    pub fn with_health(mut self, healthy: bool) -> Self {
        self.healthy = Some(healthy);
        self
    }
}

/// The records of one name.
///
/// ```
/// use narae_routing::Weight;
/// use narae_routing::pool::{Record, RecordSet};
///
/// let idc = Record::new("idc", ["192.0.2.1".into()]).with_health(false);
/// let cloud = Record::new("cloud", ["198.51.100.1".into()]).with_priority(1);
/// let set = RecordSet::new([idc, cloud]);
/// assert_eq!(set.weights(), [Weight::ZERO, Weight::ONE]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordSet {
    records: Vec<Record>,
}

impl RecordSet {
    /// These records, in this order.
    pub fn new(records: impl IntoIterator<Item = Record>) -> Self {
        Self {
            records: records.into_iter().collect(),
        }
    }

    /// Its records.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Of all answers, the part that each record is due now: its weight's part of their sum. All zero only if there is
    /// no record.
    #[must_use]
    pub fn weights(&self) -> Vec<Weight> {
        let nobody = !self.records.iter().any(is_healthy);
        let well = |record: &Record| nobody || is_healthy(record);
        let level = self.records.iter().filter(|record| well(record));
        let level = level.map(|record| record.priority).min();
        let due = |record: &Record| well(record) && Some(record.priority) == level;
        let weighted = self.records.iter().any(|r| due(r) && !r.weight.is_zero());
        let weight = |record: &Record| match (due(record), weighted) {
            (false, _) => Weight::ZERO,
            (true, true) => record.weight,
            (true, false) => Weight::ONE,
        };
        self.records.iter().map(weight).collect()
    }

    /// The same for a [`Split`](crate::Split), whose answers are exact where a draw's are not.
    ///
    /// # Errors
    ///
    /// When there is no record, there are too many, or two of one name.
    pub fn backends(&self) -> Result<Backends<Arc<str>>, BackendsError> {
        let names = self.records.iter().map(|record| Arc::clone(&record.name));
        Backends::new(names.zip(self.weights()))
    }
}

impl Pool {
    /// Its sites as records. A site is ill when it is out, by its health or by hand, or none of its endpoints can take
    /// traffic.
    #[must_use]
    pub fn records(&self, now: Duration) -> RecordSet {
        RecordSet::new(self.standing(now).iter().map(record))
    }
}

fn is_healthy(record: &Record) -> bool {
    record.healthy != Some(false)
}

fn record(site: &SiteStanding) -> Record {
    let addresses = |available: bool| {
        let listed = site.endpoints.iter().filter(|e| !e.weight.is_zero());
        let asked = listed.filter(move |e| e.available || !available);
        asked.map(|e| Arc::clone(&e.address)).collect::<Vec<_>>()
    };
    let able = addresses(true);
    let out = matches!(site.phase, Phase::Out | Phase::HeldDown(_));
    let healthy = match site.latch {
        Latch::In => true,
        Latch::Out => false,
        Latch::Released => !out && !able.is_empty(),
    };
    Record {
        name: Arc::clone(&site.name),
        priority: site.priority,
        weight: site.weight,
        healthy: Some(healthy),
        values: if able.is_empty() {
            addresses(false)
        } else {
            able
        },
    }
}

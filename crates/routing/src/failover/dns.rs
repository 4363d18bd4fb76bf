//! DNS answers as data: which records a name has now, with which weights, for an authoritative server, a GSLB or a
//! provider's API to say.
//!
//! The rules are Route 53's ("How Amazon Route 53 chooses records when health checking is configured"): a record
//! without a check counts as healthy; of a level, records with a weight come first, and those of weight 0 only once
//! none of them is healthy; a level without anybody healthy leaves its place to the next (failover); and if nobody at
//! all is healthy, everybody is taken for healthy, since no answer helps no one. What Route 53 draws at random per query is a
//! share here: for a random draw ([`RecordSet::draw`]) or for an exact [`Split`](crate::Split).
//!
//! Resolvers keep an answer for its TTL and ask for many clients at once, so clients follow shares late and roughly.

use std::time::Duration;

use super::Latch;
use crate::Weight;
use crate::pool::SiteStanding;

/// The records of one name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RecordSet {
    /// The name, like `shop.example.com.`.
    pub name: String,
    /// How long an answer may be kept.
    pub ttl: Duration,
    /// In any order; one level is a weighted set, levels of one record each are a failover set.
    pub records: Vec<Record>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Record {
    /// What identifies it in its set: usually a site's name.
    pub id: String,
    /// 0 is answered first (the primary); a higher level when no lower one is healthy.
    pub level: u32,
    /// Its part of its level.
    pub weight: Weight,
    /// What its check says; `None` without one.
    pub healthy: Option<bool>,
    /// Addresses or names, all of which are one answer.
    pub values: Vec<String>,
}

impl Record {
    /// A record of weight 1 and level 0 without a check.
    #[must_use]
    pub fn new(id: impl Into<String>, values: impl IntoIterator<Item = String>) -> Self {
        Self {
            id: id.into(),
            level: 0,
            weight: Weight::ONE,
            healthy: None,
            values: values.into_iter().collect(),
        }
    }

    /// The same record at another level.
    #[must_use]
    pub fn with_level(mut self, level: u32) -> Self {
        self.level = level;
        self
    }

    /// The same record with another part.
    #[must_use]
    pub fn with_weight(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// The same record with a check that says so.
    #[must_use]
    pub fn with_health(mut self, healthy: bool) -> Self {
        self.healthy = Some(healthy);
        self
    }

    fn is_healthy(&self) -> bool {
        self.healthy != Some(false)
    }
}

impl RecordSet {
    /// These records under a name.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        ttl: Duration,
        records: impl IntoIterator<Item = Record>,
    ) -> Self {
        Self {
            name: name.into(),
            ttl,
            records: records.into_iter().collect(),
        }
    }

    /// The sites of a pool, as they stand: priorities are levels, weights weights, and a site is healthy while it takes
    /// traffic and somebody there can. Its values are the hosts of those who can, or of all if nobody can. A site that people
    /// took out (latched, weight 0) has no record.
    #[must_use]
    pub fn of_sites(name: impl Into<String>, ttl: Duration, sites: &[SiteStanding]) -> Self {
        let used = |site: &&SiteStanding| site.latch != Latch::Out && !site.weight.is_zero();
        let records = sites.iter().filter(used).map(|site| {
            let listed = || site.endpoints.iter().filter(|e| !e.weight.is_zero());
            let mut able = listed().filter(|e| e.available).peekable();
            let is_able = able.peek().is_some();
            let hosts: Vec<String> = match is_able {
                true => able.map(|e| host(&e.address)).collect(),
                false => listed().map(|e| host(&e.address)).collect(),
            };
            Record::new(&*site.name, hosts)
                .with_level(site.priority)
                .with_weight(site.weight)
                .with_health(site.latch == Latch::In || is_able && site.phase.takes_traffic())
        });
        Self::new(name, ttl, records)
    }

    /// The weight with which each record is answered now, in their order: 0 for those that are not.
    ///
    /// ```
    /// use narae_routing::Weight;
    /// use narae_routing::failover::dns::{Record, RecordSet};
    /// use std::time::Duration;
    ///
    /// let site = |name: &str, address: &str| Record::new(name, [address.to_owned()]);
    /// let idc = site("idc", "192.0.2.1").with_weight(Weight::new(70));
    /// let cloud = site("cloud", "198.51.100.1").with_weight(Weight::new(30));
    /// let sorry = site("sorry", "203.0.113.1").with_level(1);
    /// let weights = |idc_is: bool, cloud_is: bool| {
    ///     let (idc, cloud) = (idc.clone().with_health(idc_is), cloud.clone().with_health(cloud_is));
    ///     let ttl = Duration::from_secs(30);
    ///     let set = RecordSet::new("shop.example.com.", ttl, [idc, cloud, sorry.clone()]);
    ///     set.weights().iter().map(|weight| weight.value()).collect::<Vec<_>>()
    /// };
    /// assert_eq!(weights(true, true), [70, 30, 0]);
    /// assert_eq!(weights(false, true), [0, 30, 0]);
    /// assert_eq!(weights(false, false), [0, 0, 1]);
    /// ```
    #[must_use]
    pub fn weights(&self) -> Vec<Weight> {
        let healthy = self.chosen(Record::is_healthy);
        // Nobody is healthy: then everybody is.
        healthy
            .or_else(|| self.chosen(|_| true))
            .unwrap_or_else(|| vec![Weight::ZERO; self.records.len()])
    }

    /// The records with their parts of all answers, in their order; together 1 unless there is no record.
    #[must_use]
    pub fn shares(&self) -> Vec<(&Record, f64)> {
        let weights = self.weights();
        let total: u64 = weights.iter().map(|weight| u64::from(weight.value())).sum();
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let share = |weight: Weight| f64::from(weight.value()) / total.max(1) as f64;
        let shares = weights.into_iter().map(share);
        self.records.iter().zip(shares).collect()
    }

    /// The answer to one query; `random` is uniform in 0..1. `None` without records.
    #[must_use]
    pub fn draw(&self, random: f64) -> Option<&Record> {
        let mut left = if random.is_nan() { 0.0 } else { random };
        let answered = self.shares().into_iter().filter(|(_, share)| *share > 0.0);
        let mut last = None;
        for (record, share) in answered {
            last = Some(record);
            if left < share {
                break;
            }
            left -= share;
        }
        last
    }

    /// The weights of the first level that has anybody of these.
    fn chosen(&self, counts: impl Fn(&Record) -> bool) -> Option<Vec<Weight>> {
        let level = self.records.iter().filter(|r| counts(r)).map(|r| r.level);
        let level = level.min()?;
        let here = |record: &&Record| record.level == level && counts(record);
        let weighted = self
            .records
            .iter()
            .filter(here)
            .any(|r| !r.weight.is_zero());
        let weight = |record: &Record| match here(&record) {
            false => Weight::ZERO,
            true if weighted => record.weight,
            true => Weight::ONE,
        };
        Some(self.records.iter().map(weight).collect())
    }
}

/// An address without its port.
fn host(address: &str) -> String {
    let host = match address.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => address,
    };
    let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    inner.unwrap_or(host).to_owned()
}

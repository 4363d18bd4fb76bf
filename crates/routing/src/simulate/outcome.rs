//! What became of the requests: data, and a table of it.

use std::fmt;
use std::time::Duration;

use super::script::{Happening, What};
use crate::failover::{Latch, Phase};
use crate::pool::{Event, EventKind};

/// What a script led to. Counts are of requests, whatever number of them were played.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// How long the script was.
    pub duration: Duration,
    /// How long a slice is.
    pub slice: Duration,
    /// In order of time.
    pub slices: Vec<Slice>,
    /// The sites, in the policy's order.
    pub sites: Vec<String>,
    /// How many requests each that was played stands for.
    pub each: f64,
    /// All requests.
    pub requests: u64,
    /// Those that failed in the end.
    pub failed: u64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// What happened, in order of time.
    pub moments: Vec<Moment>,
}

/// What became of the requests of some time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Slice {
    /// From when.
    pub begin: Duration,
    /// Served, by site.
    pub served: Vec<u64>,
    /// Failed in the end.
    pub failed: u64,
    /// Attempts beyond the first.
    pub retries: u64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moment {
    /// When.
    pub at: Duration,
    /// What, for people.
    pub what: String,
    /// Whether the script said so; else the policy decided it.
    pub scripted: bool,
}

impl Moment {
    pub(super) fn of(event: &Event) -> Self {
        let what = match &event.kind {
            EventKind::Endpoint {
                address,
                available: true,
            } => format!("{address} takes traffic"),
            EventKind::Endpoint { address, .. } => format!("{address} takes none"),
            EventKind::Ejected { address, .. } => format!("{address} is ejected"),
            EventKind::Site { name, phase } => match phase {
                Phase::In => format!("{name} is in"),
                Phase::Failing(_) => format!("{name} is failing"),
                Phase::Out => format!("{name} is out"),
                Phase::HeldDown(_) => format!("{name} is well, held down"),
                Phase::Ramping(_) => format!("{name} ramps up"),
            },
            EventKind::Panic(true) => "panic: nobody is known to be well".to_owned(),
            EventKind::Panic(false) => "panic is over".to_owned(),
        };
        Self {
            at: event.at,
            what,
            scripted: false,
        }
    }

    pub(super) fn said(happening: &Happening) -> Self {
        let to = &happening.to;
        let what = match happening.what {
            What::Down => format!("{to} goes down"),
            What::Up => format!("{to} comes up"),
            What::Errors(part) => format!("{to} fails {:.1} %", part * 100.0),
            What::Latency(time) => format!("{to} takes {time:?}"),
            What::Latch(Latch::Out) => format!("{to} is latched out"),
            What::Latch(Latch::In) => format!("{to} is latched in"),
            What::Latch(Latch::Released) => format!("{to} is released"),
            What::Shift(weight) => format!("{to} gets weight {weight}"),
        };
        Self {
            at: happening.at,
            what,
            scripted: true,
        }
    }

    /// That it is over, at this time.
    pub(super) fn over(happening: &Happening, at: Duration) -> Self {
        let to = &happening.to;
        let what = match happening.what {
            What::Down => format!("{to} comes up"),
            What::Up => format!("{to} is left to itself"),
            What::Errors(_) => format!("{to} fails no more"),
            What::Latency(_) => format!("{to} is as fast as before"),
            What::Latch(_) => format!("{to} is released"),
            What::Shift(_) => format!("{to} has its policy's weight"),
        };
        Self {
            at,
            what,
            scripted: true,
        }
    }
}

impl Slice {
    /// All requests of its time.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.served.iter().sum::<u64>() + self.failed
    }

    /// The part of its requests that a site served, by its place; 0 if there were none.
    #[must_use]
    pub fn share(&self, site: usize) -> f64 {
        part(self.served.get(site).copied().unwrap_or(0), self.requests())
    }
}

impl Outcome {
    /// The part of all requests that was served, from 0 to 1.
    #[must_use]
    pub fn availability(&self) -> f64 {
        1.0 - part(self.failed, self.requests)
    }

    /// The moments that change what a table or a timeline shows: the script's, and those of sites.
    pub(super) fn turns(&self) -> impl Iterator<Item = &Moment> {
        let of_site = |moment: &&Moment| {
            let named = |site: &String| moment.what.starts_with(&format!("{site} "));
            moment.scripted || moment.what.starts_with("panic") || self.sites.iter().any(named)
        };
        self.moments.iter().filter(of_site)
    }

    /// What happened between two times, as one slice.
    fn between(&self, from: Duration, to: Duration) -> Slice {
        let mut sum = Slice {
            begin: from,
            served: vec![0; self.sites.len()],
            failed: 0,
            retries: 0,
        };
        let within = |slice: &&Slice| slice.begin >= from && slice.begin < to;
        for slice in self.slices.iter().filter(within) {
            sum.failed += slice.failed;
            sum.retries += slice.retries;
            for (all, own) in sum.served.iter_mut().zip(&slice.served) {
                *all += own;
            }
        }
        sum
    }
}

impl fmt::Display for Outcome {
    /// One row for each time something turned, with what became of the requests until the next.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>9} {:>10} {:>8} {:>8}",
            "from", "requests", "failed", "retries"
        )?;
        for site in &self.sites {
            write!(f, " {site:>9.9}")?;
        }
        writeln!(f, "  what")?;
        let mut turns: Vec<(Duration, String)> = vec![(Duration::ZERO, "it begins".to_owned())];
        for moment in self.turns() {
            // What falls into one slice of time can only be counted together.
            let begin = floor(moment.at, self.slice);
            match turns.last_mut() {
                Some((at, what)) if *at == begin => {
                    what.push_str("; ");
                    what.push_str(&moment.what);
                }
                _ => turns.push((begin, moment.what.clone())),
            }
        }
        let ends = turns.iter().skip(1).map(|(at, _)| *at);
        let ends = ends.chain([self.duration]);
        for ((begin, what), end) in turns.iter().zip(ends) {
            let slice = self.between(*begin, end);
            write!(
                f,
                "{:>9} {:>10} {:>8} {:>8}",
                clock(*begin),
                slice.requests(),
                slice.failed,
                slice.retries
            )?;
            for site in 0..self.sites.len() {
                write!(f, " {:>7.1} %", slice.share(site) * 100.0)?;
            }
            writeln!(f, "  {what}")?;
        }
        let served = self.availability() * 100.0;
        writeln!(
            f,
            "{:>9}  {served:.4} % of {} requests served, {} failed, {} retries",
            clock(self.duration),
            self.requests,
            self.failed,
            self.retries
        )
    }
}

/// Hours, minutes, seconds.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn floor(time: Duration, to: Duration) -> Duration {
    let step = to.as_secs().max(1);
    Duration::from_secs(time.as_secs() / step * step)
}

#[expect(clippy::cast_precision_loss, reason = "shown to people")]
pub(super) fn part(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

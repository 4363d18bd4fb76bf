//! How fast is one weighted pick, alone and shared by two threads, against what people pick with?
//! And a match, and a call through a breaker?

mod breaker;
mod matching;

use std::hint::black_box;
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

use narae_routing::{Backends, Split, Weight};
use rand::SeedableRng;
use rand::distr::Distribution;
use rand::rngs::SmallRng;
use rand_distr::weighted::WeightedAliasIndex;

use crate::report::Report;

// Rounds are short, so that on a busy machine some of them run undisturbed.
const PICKS: u32 = 10_000;
const ROUNDS: usize = 200;

/// Weights 1 to 10 in turn, as in a fleet of machines of mixed size.
fn weights(n: u32) -> impl Iterator<Item = u32> {
    (0..n).map(|i| i % 10 + 1)
}

pub fn run(report: &mut Report) {
    for n in [10, 100, 1000] {
        let note = format!("{n} backends, weights 1 to 10, {PICKS} picks");
        let split = split(n);
        assert!(split.is_precomputed());
        let ours = || repeat(|| split.pick());

        let smooth = Mutex::new(Smooth::new(n));
        report.compare(
            &format!("routing.pick_vs_smooth_wrr_{n}"),
            "nginx's smooth WRR, plain Rust under a Mutex",
            &note,
            ROUNDS,
            ours,
            || repeat(|| smooth.lock().expect("nobody panics holding it").pick()),
        );
        let alias = WeightedAliasIndex::new(weights(n).collect()).expect("weights above zero");
        let mut random = SmallRng::seed_from_u64(1);
        report.compare(
            &format!("routing.pick_vs_random_alias_{n}"),
            "rand_distr WeightedAliasIndex, own SmallRng",
            &format!("{note}; the peer's shares are exact only on average"),
            ROUNDS,
            ours,
            || repeat(|| alias.sample(&mut random)),
        );
        report.record(
            &format!("routing.shared_pick_vs_smooth_wrr_{n}"),
            "nginx's smooth WRR, plain Rust under a Mutex",
            &format!("{note} by each of two threads sharing the state"),
            together(|| split.pick()),
            together(|| smooth.lock().expect("nobody panics holding it").pick()),
        );
        #[cfg(feature = "pingora")]
        pingora::compare(report, n, &note, &split);
    }
    long_period(report);
    matching::run(report);
    breaker::run(report);
    #[cfg(not(feature = "pingora"))]
    report.skip(
        "pingora-load-balancing 0.9",
        "needs `--features pingora` (cmake, 157 crates)",
    );
}

/// Huge coprime weights, whose order cannot be kept in memory.
fn long_period(report: &mut Report) {
    let weights: Vec<u32> = (0..100).map(|i| 1_000_003 + 7 * i).collect();
    let listed = weights
        .iter()
        .map(|&weight| Weight::new(weight))
        .enumerate();
    let split = Split::new(Backends::new(listed).expect("weights above zero"));
    assert!(!split.is_precomputed());
    let smooth = Mutex::new(Smooth(weights.iter().map(|&w| (i64::from(w), 0)).collect()));
    report.compare(
        "routing.long_period_pick_vs_smooth_wrr_100",
        "nginx's smooth WRR, plain Rust under a Mutex",
        &format!("100 backends, coprime weights around a million, {PICKS} picks"),
        ROUNDS,
        || repeat(|| split.pick()),
        || repeat(|| smooth.lock().expect("nobody panics holding it").pick()),
    );
}

fn split(n: u32) -> Split<u32> {
    let listed = weights(n)
        .map(Weight::new)
        .zip(0..)
        .map(|(weight, id)| (id, weight));
    Split::new(Backends::new(listed).expect("weights above zero"))
}

fn repeat<T>(mut pick: impl FnMut() -> T) {
    for _ in 0..PICKS {
        black_box(pick());
    }
}

/// The median round of two threads that begin their picks together. Not the fastest: that is the
/// round in which they took turns and never met.
fn together<T>(pick: impl Fn() -> T + Sync) -> Duration {
    let round = || {
        let begin = Barrier::new(2);
        let timed = || {
            begin.wait();
            let start = Instant::now();
            (0..20).for_each(|_| repeat(&pick));
            start.elapsed() / 20
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(timed);
            timed().max(other.join().expect("picks do not panic"))
        })
    };
    let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort();
    rounds[ROUNDS / 2]
}

/// nginx's algorithm as one writes it down: weight and current value per backend.
struct Smooth(Vec<(i64, i64)>);

impl Smooth {
    fn new(n: u32) -> Self {
        Self(weights(n).map(|weight| (i64::from(weight), 0)).collect())
    }

    fn pick(&mut self) -> usize {
        let (mut best, mut total) = (0, 0);
        for i in 0..self.0.len() {
            let (weight, current) = &mut self.0[i];
            *current += *weight;
            total += *weight;
            if self.0[i].1 > self.0[best].1 {
                best = i;
            }
        }
        self.0[best].1 -= total;
        best
    }
}

#[cfg(feature = "pingora")]
mod pingora {
    use std::collections::BTreeSet;

    use pingora_load_balancing::selection::RoundRobin;
    use pingora_load_balancing::{Backend, Backends, LoadBalancer, discovery};

    use super::*;

    pub(super) fn compare(report: &mut Report, n: u32, note: &str, split: &Split<u32>) {
        let mut listed = BTreeSet::new();
        for (i, weight) in weights(n).enumerate() {
            let address = format!("10.0.{}.{}:80", i / 250, i % 250 + 1);
            let weight = usize::try_from(weight).expect("at most 10");
            listed.insert(Backend::new_with_weight(&address, weight).expect("an address"));
        }
        let backends = Backends::new(discovery::Static::new(listed));
        let peer = LoadBalancer::<RoundRobin>::from_backends(backends);
        let updated = futures_executor::block_on(peer.update());
        updated.expect("a fixed list cannot fail");
        report.compare(
            &format!("routing.pick_vs_pingora_{n}"),
            "pingora-load-balancing LoadBalancer<RoundRobin>::select",
            &format!("{note}; the peer also looks up health"),
            ROUNDS,
            || repeat(|| split.pick()),
            || repeat(|| peer.select(b"", 16)),
        );
    }
}

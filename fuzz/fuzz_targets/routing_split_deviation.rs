//! From level, every prefix of an exact split keeps every lag within 1 − 1/(2n−2); whatever is pushed
//! afterwards, drained backends are never picked and nobody falls far behind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_routing::{Backends, Split, Weight};

fuzz_target!(|input: (Vec<u32>, u8, Vec<(Vec<u16>, u8)>)| {
    let (first, picks, changes) = input;
    let list = |weights: Vec<u32>| {
        Backends::new(weights.into_iter().map(Weight::new).enumerate().take(64))
    };
    let Ok(backends) = list(first) else { return };
    let active = backends
        .iter()
        .filter(|(_, weight)| !weight.is_zero())
        .count() as f64;
    let mut split = Split::new(backends);
    for _ in 0..picks {
        split.pick();
        let bound = if active > 1.0 {
            1.0 - 1.0 / (2.0 * active - 2.0)
        } else {
            0.0
        };
        assert!(
            split
                .standings()
                .iter()
                .all(|s| s.lag().abs() <= bound + 1e-9)
        );
    }
    for (weights, picks) in changes.into_iter().take(16) {
        let Ok(backends) = list(weights.into_iter().map(u32::from).collect()) else {
            continue;
        };
        split = split.reconfigured(backends);
        for _ in 0..picks {
            split.pick();
        }
        let standings = split.standings();
        assert!(
            standings
                .iter()
                .all(|s| !s.weight().is_zero() || s.picks() == 0)
        );
        assert!(
            standings
                .iter()
                .all(|s| s.weight().is_zero() || s.lag().abs() < 64.0)
        );
    }
});

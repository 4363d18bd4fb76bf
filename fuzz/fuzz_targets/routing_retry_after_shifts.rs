//! A `Retry-After` is seconds whatever the time, or a date that comes a second closer each second.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use narae_routing::retry::retry_after;

fuzz_target!(|input: (&str, u32)| {
    let (value, now) = input;
    let at = |second: u32| retry_after(value, Duration::from_secs(u64::from(second)));
    // A year of two digits may change its century between the two.
    if value.contains('-') {
        let _ = at(now);
        return;
    }
    let (first, second) = (at(now), at(now.saturating_add(1)));
    assert_eq!(first.is_some(), second.is_some());
    let (Some(first), Some(second)) = (first, second) else {
        return;
    };
    let closer = first.saturating_sub(Duration::from_secs(u64::from(now < u32::MAX)));
    assert!(second == first || second == closer);
});

//! Whether to try again, and when; and how many at once or in a time.

use std::time::Duration;

use narae_routing::limit::{Concurrency, Rate};
use narae_routing::retry::{
    Attempt, Backoff, Budget, Failure, GiveUp, Jitter, Policy, Repeatable, retry_after,
};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const NOW: Duration = Duration::from_secs(784_111_777);

#[test]
fn retry_after_is_seconds_or_one_of_three_dates() {
    for (value, seconds) in [
        ("0", 0),
        (" 120\t", 120),
        ("99999999999999999999999", u64::MAX),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
        ("Sunday, 06-Nov-94 08:49:47 GMT", 10),
        ("Sun Nov  6 08:49:47 1994", 10),
        ("Mon, 07 Nov 1994 08:49:37 GMT", 86_400),
        ("Sat, 05 Nov 1994 08:49:37 GMT", 0),
        ("Sun, 31 Dec 1995 23:59:60 GMT", 36_342_623),
        ("Thu, 29 Feb 1996 00:00:00 GMT", 41_440_223),
    ] {
        assert_eq!(
            retry_after(value, NOW),
            Some(Duration::from_secs(seconds)),
            "{value}"
        );
    }
    for value in [
        "",
        "-1",
        "+1",
        "1.5",
        "soon",
        "1 2",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Thu, 29 Feb 1900 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 1994 08:49:37:00 GMT",
    ] {
        assert_eq!(retry_after(value, NOW), None, "{value}");
    }
    // A year of two digits more than 50 years ahead is in the past.
    let y2026 = Duration::from_secs(1_795_000_000);
    assert_eq!(
        retry_after("Sunday, 06-Nov-94 08:49:47 GMT", y2026),
        Some(Duration::ZERO)
    );
    assert!(retry_after("Sunday, 06-Nov-30 08:49:47 GMT", y2026) > Some(SECOND));
}

#[test]
fn a_request_is_repeated_only_if_that_is_harmless() {
    let decide = |failure, number, method: &str, left| {
        let repeatable = Repeatable::of(method, false);
        let attempt = Attempt {
            number,
            failure,
            repeatable,
            left,
        };
        let policy =
            Policy::new(2).with_backoff(Backoff::new(SECOND, SECOND).with_jitter(Jitter::None));
        policy.decide(&attempt, &Budget::new(), NOW, 0.5)
    };
    let minute = Duration::from_secs(60);
    assert_eq!(decide(Failure::NotSent, 1, "POST", minute), Ok(SECOND));
    assert_eq!(
        decide(Failure::Unknown, 1, "POST", minute),
        Err(GiveUp::NotRepeatable)
    );
    assert_eq!(
        decide(Failure::Status(503, None), 1, "POST", minute),
        Err(GiveUp::NotRepeatable)
    );
    assert_eq!(decide(Failure::Unknown, 1, "PUT", minute), Ok(SECOND));
    assert_eq!(
        decide(Failure::Unknown, 3, "PUT", minute),
        Err(GiveUp::Attempts)
    );
    assert_eq!(
        decide(Failure::Status(500, None), 1, "GET", minute),
        Err(GiveUp::Status)
    );
    let after = |seconds| Failure::Status(503, Some(Duration::from_secs(seconds)));
    assert_eq!(
        decide(after(5), 1, "GET", minute),
        Ok(Duration::from_secs(5))
    );
    assert_eq!(decide(after(11), 1, "GET", minute), Err(GiveUp::RetryAfter));
    assert_eq!(
        decide(after(5), 1, "GET", Duration::from_secs(5)),
        Err(GiveUp::Deadline)
    );
    assert_eq!(Repeatable::of("POST", true), Repeatable::Yes);
    assert_eq!(
        Repeatable::of("get", false),
        Repeatable::No,
        "methods are case-sensitive"
    );
}

#[test]
fn a_budget_is_a_share_of_requests_and_a_reserve() {
    let budget = Budget::of(200, 1, Duration::from_secs(10));
    let at = Duration::from_secs;
    let drain = |now| (0..1000).filter(|_| budget.withdraw(now)).count();
    assert_eq!(drain(at(0)), 10, "the reserve of ten seconds");
    (0..100).for_each(|_| budget.deposit(at(1)));
    assert_eq!(drain(at(1)), 20, "one in five");
    assert_eq!(drain(at(10)), 0);
    assert_eq!(
        drain(at(11)),
        10,
        "what was taken a lifetime and a part ago is forgotten"
    );
    assert_eq!(drain(at(1000)), 10);
    let attempt = Attempt {
        number: 1,
        failure: Failure::NotSent,
        repeatable: Repeatable::Yes,
        left: at(60),
    };
    let out = Policy::new(5).decide(&attempt, &budget, at(1000), 0.0);
    assert_eq!(out, Err(GiveUp::Budget));
}

#[test]
fn places_are_limited_and_given_back() {
    let limit = Concurrency::new(2);
    let (a, b) = (limit.acquire(), limit.acquire());
    assert!(a.is_some() && b.is_some() && limit.acquire().is_none());
    drop(a);
    assert!(limit.acquire().is_some());
    assert_eq!(limit.taken(), 1);
    assert!(Concurrency::new(0).acquire().is_none());
}

#[test]
fn a_rate_says_when_the_next_is_due() {
    let rate = Rate::new(2, SECOND, 3);
    let passed = (0..10).filter(|_| rate.acquire(SECOND).is_ok()).count();
    assert_eq!(passed, 3, "the burst");
    assert_eq!(rate.acquire(SECOND), Err(Duration::from_millis(500)));
    assert_eq!(rate.acquire(Duration::from_millis(1500)), Ok(()));
    assert!(rate.acquire(Duration::from_millis(1999)).is_err());
}

proptest! {
    #[test]
    fn waits_stay_within_their_bounds(
        first in 0u64..10_000, most in 0u64..100_000, retry: u32, random: f64, kind in 0usize..3,
    ) {
        let jitter = [Jitter::Full, Jitter::Equal, Jitter::None][kind];
        let (first, most) = (Duration::from_millis(first), Duration::from_millis(most));
        let wait = Backoff::new(first, most).with_jitter(jitter).wait(retry, random);
        prop_assert!(wait <= most);
        if jitter == Jitter::None {
            prop_assert!(wait >= first.min(most));
        }
    }

    #[test]
    fn no_text_is_a_date_that_panics(text in "\\PC{0,40}|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT", now: u32) {
        let _ = retry_after(&text, Duration::from_secs(u64::from(now)));
    }

    /// Over any time no more than the burst and what the time brings.
    #[test]
    fn a_rate_is_never_exceeded(count in 1u32..50, burst in 1u32..10, steps in prop::collection::vec(0u64..200, 1..200)) {
        let rate = Rate::new(count, SECOND, burst);
        let (mut now, mut passed) = (0, Vec::new());
        for step in steps {
            now += step;
            if rate.acquire(Duration::from_millis(now)).is_ok() {
                passed.push(now);
            }
        }
        for (at, from) in passed.iter().enumerate() {
            for (until, to) in passed.iter().enumerate().skip(at) {
                let most = u64::from(burst) + (to - from) * u64::from(count) / 1000;
                prop_assert!((until - at + 1) as u64 <= most, "{:?}", passed);
            }
        }
    }

    /// Over any lifetime, retries are at most the reserve and the share of twice that time's requests.
    #[test]
    fn a_budget_is_never_exceeded(steps in prop::collection::vec((0u64..300, any::<bool>()), 1..300)) {
        let budget = Budget::of(200, 1, SECOND);
        let (mut now, mut requests, mut retries) = (0, Vec::new(), Vec::new());
        for (step, request) in steps {
            now += step;
            let at = Duration::from_millis(now);
            if request {
                budget.deposit(at);
                requests.push(now);
            } else if budget.withdraw(at) {
                retries.push(now);
            }
        }
        for to in &retries {
            let recent = retries.iter().filter(|at| *at + 1000 > *to && *at <= to).count() as u64;
            let counted = requests.iter().filter(|at| *at + 2100 > *to && *at <= to).count() as u64;
            prop_assert!(recent <= 1 + counted / 5, "{:?} {:?}", requests, retries);
        }
    }
}

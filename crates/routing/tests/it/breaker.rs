//! Resilience4j's rules, as scripts in `tests/data/breaker`; its README says how they read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use narae_routing::breaker::{AfterHalfOpen, Breaker, Config, EventKind, Permit, State, Window};
use proptest::prelude::*;

const STATES: [State; 6] = [
    State::Closed,
    State::Open,
    State::HalfOpen,
    State::Disabled,
    State::MetricsOnly,
    State::ForcedOpen,
];

#[test]
fn scenarios_run_as_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/breaker");
    let (mut ran, mut failures) = (0, Vec::new());
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            ran += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            if let Err(failure) = run(&text) {
                failures.push(format!("{}:{failure}", path.file_name().unwrap().display()));
            }
        }
    }
    assert!(ran >= 18, "only {ran} scenarios found");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn run(text: &str) -> Result<(), String> {
    let lines = || {
        text.lines()
            .map(|l| l.split_whitespace().collect::<Vec<_>>())
            .enumerate()
    };
    let config = lines()
        .find(|(_, words)| words.first() == Some(&"config"))
        .unwrap()
        .1;
    let breaker = Breaker::new(config_of(&config[1..])).unwrap();
    let mut now = Duration::ZERO;
    let mut running: BTreeMap<String, Permit<&Breaker>> = BTreeMap::new();
    for (number, words) in lines() {
        let fail = |is: String| Err(format!("{}: {}: {is}", number + 1, words.join(" ")));
        let seconds = words.last().and_then(|w| w.parse().ok());
        let took = Duration::from_secs_f64(seconds.unwrap_or(0.0));
        let times = words
            .iter()
            .find_map(|w| w.strip_prefix('x')?.parse().ok())
            .unwrap_or(1);
        match words[..] {
            [] | ["config", ..] => {}
            [comment, ..] if comment.starts_with('#') => {}
            ["at", _] => now = took,
            [how @ ("ok" | "fail" | "ignore"), ..] => {
                for _ in 0..times {
                    match breaker.acquire(now) {
                        Ok(permit) => end(permit, how, took, now),
                        Err(refused) => return fail(refused.to_string()),
                    }
                }
            }
            ["begin", name] => match breaker.acquire(now) {
                Ok(permit) => _ = running.insert(name.to_owned(), permit),
                Err(refused) => return fail(refused.to_string()),
            },
            ["end", name, how, ..] => end(running.remove(name).unwrap(), how, took, now),
            ["refused", ..] => {
                for _ in 0..times {
                    if breaker.acquire(now).is_ok() {
                        return fail("was let through".into());
                    }
                }
            }
            ["state", state] if breaker.state().to_string() == state => {}
            ["state", _] => return fail(breaker.state().to_string()),
            ["rates", failures, slow] => {
                let measures = breaker.measures(now);
                let rate = |rate: Option<f32>| rate.map_or("-".to_owned(), |r| r.to_string());
                let is = (rate(measures.failure_rate), rate(measures.slow_call_rate));
                if is != (failures.to_owned(), slow.to_owned()) {
                    return fail(format!("{is:?}"));
                }
            }
            ["measures", ..] => {
                let m = breaker.measures(now);
                let is = format!(
                    "measures {} {} {} {}",
                    m.calls, m.failures, m.slow, m.not_permitted
                );
                if is != words.join(" ") {
                    return fail(is);
                }
            }
            ["to", to] => {
                if let Err(illegal) = breaker.transition(state(to), now) {
                    return fail(illegal.to_string());
                }
            }
            ["cannot", to] => {
                if breaker.transition(state(to), now).is_ok() {
                    return fail("it can".into());
                }
            }
            ["reset"] => breaker.reset(now),
            ["events", ..] => {
                let events = breaker.take_events();
                let kinds: Vec<&str> = events.iter().map(|event| kind(&event.kind)).collect();
                if kinds != words[1..] {
                    return fail(kinds.join(" "));
                }
            }
            _ => return fail("not understood".into()),
        }
    }
    Ok(())
}

fn end(permit: Permit<&Breaker>, how: &str, took: Duration, now: Duration) {
    match how {
        "ok" => permit.success(took, now),
        "fail" => permit.failure(took, now),
        "ignore" => permit.ignore(took, now),
        _ => drop(permit),
    }
}

fn kind(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Success(_) => "success",
        EventKind::Failure(_) => "failure",
        EventKind::Ignored(_) => "ignored",
        EventKind::NotPermitted => "not-permitted",
        EventKind::Transition { .. } => "transition",
        EventKind::Reset => "reset",
        EventKind::FailureRateExceeded(_) => "failure-rate",
        EventKind::SlowCallRateExceeded(_) => "slow-rate",
        _ => "unknown",
    }
}

fn state(name: &str) -> State {
    STATES
        .into_iter()
        .find(|state| state.to_string() == name)
        .unwrap()
}

fn config_of(words: &[&str]) -> Config {
    let mut config = Config::default().with_events(1000);
    let (mut slow, mut longer_than) = (100.0, Duration::from_secs(60));
    let (mut factor, mut at_most) = (1.0, Duration::MAX);
    let (mut half_open_wait, mut then) = (config.max_wait_in_half_open(), AfterHalfOpen::Open);
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let number = || value.parse::<u32>().unwrap();
        let span = || {
            let hours = value
                .strip_suffix('h')
                .map(|h| h.parse::<f64>().unwrap() * 3600.0);
            let seconds = || value.strip_suffix('s').unwrap().parse().unwrap();
            Duration::from_secs_f64(hours.unwrap_or_else(seconds))
        };
        match key {
            "failures" => config = config.with_failure_rate(value.parse().unwrap()),
            "slow" => slow = value.parse().unwrap(),
            "longer-than" => longer_than = span(),
            "calls" => config = config.with_window(Window::Calls(number())),
            "seconds" => config = config.with_window(Window::Seconds(number())),
            "minimum" => config = config.with_minimum_calls(number()),
            "half-open" => config = config.with_half_open_calls(number()),
            "wait" => config = config.with_wait_in_open(span()),
            "factor" => factor = value.parse().unwrap(),
            "wait-at-most" => at_most = span(),
            "half-open-wait" => half_open_wait = (value != "none").then(span),
            "after-half-open" if value == "closed" => then = AfterHalfOpen::Closed,
            "automatic" => config = config.with_automatic_half_open(),
            "initial" => config = config.with_initial_state(state(value)),
            _ => unreachable!("{word}"),
        }
    }
    config
        .with_slow_calls(slow, longer_than)
        .with_growing_wait(factor, at_most)
        .with_max_wait_in_half_open(half_open_wait, then)
}

#[test]
fn thirty_three_transitions_are_legal() {
    let mut legal = BTreeSet::new();
    for from in STATES {
        for to in STATES {
            let breaker = Breaker::new(Config::default().with_initial_state(from)).unwrap();
            if breaker.transition(to, Duration::ZERO).is_ok() {
                assert_eq!(breaker.state(), to);
                legal.insert((from.to_string(), to.to_string()));
            } else {
                assert_eq!(breaker.state(), from);
            }
        }
    }
    assert_eq!(legal.len(), 33, "{legal:?}");
}

#[test]
fn half_open_lets_no_more_through_however_many_ask_at_once() {
    let config = Config::default().with_half_open_calls(10);
    let breaker = Breaker::new(config.with_initial_state(State::HalfOpen)).unwrap();
    let permitted: usize = std::thread::scope(|scope| {
        let ask = || {
            (0..500)
                .filter_map(|_| breaker.acquire(Duration::ZERO).ok())
                .collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        let permits: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        permits.iter().map(Vec::len).sum()
    });
    assert_eq!(permitted, 10);
}

#[test]
fn no_failure_is_lost_among_successes_of_many_threads() {
    let config = Config::default().with_failure_rate(100.0);
    let breaker =
        Breaker::new(config.with_window(Window::Calls(10)).with_minimum_calls(10)).unwrap();
    let call = |how: &str| {
        let permit = breaker.acquire(Duration::ZERO).unwrap();
        end(permit, how, Duration::ZERO, Duration::ZERO);
    };
    for _ in 0..50 {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                // One in nine of each: never ten in a row.
                scope.spawn(move || {
                    for round in 0..100 {
                        call(if (round + thread) % 9 == 0 {
                            "fail"
                        } else {
                            "ok"
                        });
                    }
                });
            }
        });
        (0..20).for_each(|_| call("ok"));
        (0..9).for_each(|_| call("fail"));
        assert_eq!(breaker.state(), State::Closed);
        assert_eq!(breaker.measures(Duration::ZERO).failures, 9);
        call("fail");
        assert_eq!(breaker.state(), State::Open);
        breaker.reset(Duration::ZERO);
    }
}

#[test]
fn settings_that_make_no_breaker_are_refused() {
    let default = Config::default;
    for config in [
        default().with_failure_rate(0.0),
        default().with_failure_rate(100.1),
        default().with_failure_rate(f32::NAN),
        default().with_slow_calls(-1.0, Duration::ZERO),
        default().with_window(Window::Calls(0)),
        default().with_window(Window::Seconds(u32::MAX)),
        default().with_minimum_calls(0),
        default().with_half_open_calls(0),
        default().with_growing_wait(0.5, Duration::MAX),
    ] {
        assert!(Breaker::new(config).is_err());
    }
}

proptest! {
    /// A success that would change nothing is not recorded, but with events everything is: nobody can tell the two
    /// apart, whatever happens, and whenever calls that were let through end.
    #[test]
    fn what_is_not_recorded_would_have_changed_nothing(
        size in 1u32..6,
        steps in prop::collection::vec((0usize..26, 0u64..400), 0..150),
    ) {
        let config = Config::default()
            .with_window(Window::Calls(size))
            .with_minimum_calls(size)
            .with_slow_calls(60.0, Duration::from_millis(300))
            .with_half_open_calls(2);
        let (quiet, told) = (Breaker::new(config.clone()).unwrap(), Breaker::new(config.with_events(1)).unwrap());
        let (mut now, mut held) = (Duration::ZERO, Vec::new());
        for (what, millis) in steps {
            let took = Duration::from_millis(millis);
            now += took * 100;
            match what {
                20 => held.push((quiet.acquire(now), told.acquire(now))),
                21 => for breaker in [&quiet, &told] { breaker.reset(now) },
                what @ 22..24 => {
                    let to = STATES[(what + size as usize + held.len()) % STATES.len()];
                    prop_assert_eq!(quiet.transition(to, now), told.transition(to, now));
                }
                24.. if !held.is_empty() => {
                    if let (Ok(one), Ok(other)) = held.swap_remove(0) {
                        end(one, "ok", took, now);
                        end(other, "ok", took, now);
                    }
                }
                _ => {
                    let how = ["fail", "ignore", "ok"][what.min(2)];
                    match (quiet.acquire(now), told.acquire(now)) {
                        (Ok(one), Ok(other)) => {
                            end(one, how, took, now);
                            end(other, how, took, now);
                        }
                        (one, other) => prop_assert_eq!(one.err(), other.err()),
                    }
                }
            }
            prop_assert_eq!(quiet.state(), told.state());
            prop_assert_eq!(quiet.measures(now), told.measures(now));
        }
    }

    /// The rates are those of the last calls, counted anew each time.
    #[test]
    fn a_window_of_calls_counts_the_last_calls(
        size in 1u32..12,
        calls in prop::collection::vec((any::<bool>(), any::<bool>()), 0..60),
    ) {
        let config = Config::default()
            .with_window(Window::Calls(size))
            .with_minimum_calls(1)
            .with_slow_calls(100.0, Duration::from_secs(1));
        let breaker = Breaker::new(config.with_initial_state(State::MetricsOnly)).unwrap();
        for &(failed, slow) in &calls {
            let took = Duration::from_secs(if slow { 2 } else { 0 });
            let permit = breaker.acquire(Duration::ZERO).unwrap();
            end(permit, if failed { "fail" } else { "ok" }, took, Duration::ZERO);
        }
        let last = &calls[calls.len().saturating_sub(size as usize)..];
        let measures = breaker.measures(Duration::ZERO);
        prop_assert_eq!(measures.calls as usize, last.len());
        prop_assert_eq!(measures.failures as usize, last.iter().filter(|c| c.0).count());
        prop_assert_eq!(measures.slow as usize, last.iter().filter(|c| c.1).count());
    }

    /// The same over seconds, with time standing still, running and jumping.
    #[test]
    fn a_window_of_seconds_counts_the_last_seconds(
        size in 1u32..12,
        calls in prop::collection::vec((0u64..2500, any::<bool>()), 0..60),
    ) {
        let config = Config::default().with_window(Window::Seconds(size)).with_minimum_calls(1);
        let breaker = Breaker::new(config.with_initial_state(State::MetricsOnly)).unwrap();
        let (mut millis, mut seen) = (0, Vec::new());
        for &(step, failed) in &calls {
            millis += if step > 2400 { 100_000 } else { step };
            let now = Duration::from_millis(millis);
            end(breaker.acquire(now).unwrap(), if failed { "fail" } else { "ok" }, Duration::ZERO, now);
            seen.push((now.as_secs(), failed));
            let last = seen.iter().filter(|(second, _)| second + u64::from(size) > now.as_secs());
            let measures = breaker.measures(now);
            prop_assert_eq!(measures.calls as usize, last.clone().count());
            prop_assert_eq!(measures.failures as usize, last.filter(|(_, failed)| *failed).count());
        }
    }
}

//! What a pool knows again after a restart, by way of JSON.

use std::time::Duration;

use narae_routing::Weight;
use narae_routing::breaker::{Config, State};
use narae_routing::failover::{Latch, Phase};
use narae_routing::health::ProbePolicy;
use narae_routing::pool::{Endpoint, Memory, NoEndpoint, Policy, Pool, Site};

const SECOND: Duration = Duration::from_secs(1);

fn pool() -> Pool {
    let site = |name: &str| Site::new(name, [0, 1].map(|at| Endpoint::new(format!("{name}-{at}"))));
    let mut policy = Policy::of([site("idc"), site("east"), site("west").with_priority(1)]);
    policy.probes = Some(ProbePolicy::default());
    policy.breaker = Some(
        Config::default()
            .with_minimum_calls(1)
            .with_wait_in_open(60 * SECOND),
    );
    Pool::new(policy).unwrap()
}

/// The pool of the next process, whose clock begins anew.
fn restarted(pool: &Pool, now: Duration, begins: Duration) -> Pool {
    let written = serde_json::to_string(&pool.remember(now)).unwrap();
    let read: Memory = serde_json::from_str(&written).unwrap();
    assert_eq!(read, pool.remember(now));
    let mut next = self::pool();
    next.recall(&read, begins);
    next
}

#[test]
fn what_people_decided_is_known_again() {
    let mut pool = pool();
    let now = 1000 * SECOND;
    pool.latch("idc", Latch::Out, now);
    pool.shift("east", Some(Weight::new(7)), now);
    pool.drain("east-1", true, now);
    let next = restarted(&pool, now, Duration::ZERO);
    let sites = next.standing(Duration::ZERO);
    assert_eq!((sites[0].latch, sites[0].share), (Latch::Out, 0.0));
    assert_eq!(sites[1].weight, Weight::new(7));
    assert!(!sites[1].endpoints[0].drained && sites[1].endpoints[1].drained);
    assert_eq!(sites[2].latch, Latch::Released);
    assert_eq!(next.remember(Duration::ZERO), pool.remember(now));
}

#[test]
fn nobody_is_sent_to_who_was_down_when_it_was_written() {
    let mut pool = pool();
    let now = 1000 * SECOND;
    pool.probed("idc-0", false, now);
    for address in ["east-0", "east-1", "west-0", "west-1", "idc-1"] {
        pool.probed(address, true, now);
    }
    let mut next = restarted(&pool, now, Duration::ZERO);
    for _ in 0..100 {
        let pick = next.pick(Duration::ZERO, &[]).unwrap();
        assert_ne!(pick.address(), "idc-0");
        next.ended(pick, true, SECOND, Duration::ZERO);
    }
    let idc = &next.standing(Duration::ZERO)[0];
    assert_eq!(idc.endpoints[0].up, Some(false));
    assert_eq!(idc.endpoints[1].up, Some(true));
}

#[test]
fn a_hold_down_is_never_cut_short() {
    let mut pool = pool();
    for address in ["idc-0", "idc-1"] {
        pool.probed(address, false, SECOND);
    }
    pool.look(20 * SECOND);
    assert_eq!(pool.standing(20 * SECOND)[0].phase, Phase::Out);
    for _ in 0..10 {
        pool.probed("idc-0", true, 21 * SECOND);
        pool.probed("idc-1", true, 21 * SECOND);
    }
    assert_eq!(
        pool.standing(21 * SECOND)[0].phase,
        Phase::HeldDown(21 * SECOND)
    );
    // The clock goes on, or begins anew: then all of the wait does.
    let next = restarted(&pool, 31 * SECOND, 1000 * SECOND);
    let held = next.standing(1000 * SECOND)[0].phase;
    assert_eq!(held, Phase::HeldDown(990 * SECOND));
    let mut next = restarted(&pool, 31 * SECOND, 2 * SECOND);
    assert_eq!(
        next.standing(2 * SECOND)[0].phase,
        Phase::HeldDown(Duration::ZERO)
    );
    next.look(29 * SECOND);
    assert!(matches!(
        next.standing(29 * SECOND)[0].phase,
        Phase::HeldDown(_)
    ));
    next.look(30 * SECOND);
    assert!(matches!(
        next.standing(30 * SECOND)[0].phase,
        Phase::Ramping(_)
    ));
}

#[test]
fn an_open_breaker_stays_open_for_its_wait() {
    let mut pool = pool();
    let now = 1000 * SECOND;
    for _ in 0..6 {
        match pool.pick(now, &[]) {
            Ok(pick) => pool.ended(pick, false, SECOND, now),
            Err(none) => assert_eq!(none, NoEndpoint::Broken),
        }
    }
    let states = |pool: &Pool, now| -> Vec<Option<State>> {
        let sites = pool.standing(now).into_iter();
        sites
            .flat_map(|site| site.endpoints)
            .map(|e| e.breaker)
            .collect()
    };
    assert_eq!(states(&pool, now), [Some(State::Open); 6]);
    let mut next = restarted(&pool, now, Duration::ZERO);
    assert_eq!(states(&next, Duration::ZERO), [Some(State::Open); 6]);
    assert_eq!(next.pick(59 * SECOND, &[]).unwrap_err(), NoEndpoint::Broken);
    assert!(next.pick(61 * SECOND, &[]).is_ok());
}

#[test]
fn what_is_written_of_others_is_passed_over() {
    let memory = r#"{ "sites": [{ "name": "gone", "failback": { "latch": "Out" } }], "endpoints": [{ "address": "gone" }] }"#;
    let memory: Memory = serde_json::from_str(memory).unwrap();
    let mut next = pool();
    next.recall(&memory, Duration::ZERO);
    assert_eq!(
        next.remember(Duration::ZERO),
        pool().remember(Duration::ZERO)
    );
}

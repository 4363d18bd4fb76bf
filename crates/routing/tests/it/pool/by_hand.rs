//! What people decide wins over health, shares and retries.

use std::sync::Arc;
use std::time::Duration;

use narae_routing::Weight;
use narae_routing::failover::Latch;
use narae_routing::pool::{NoEndpoint, Policy, Pool};

use super::{SECOND, counts, probe_all, site, two_sites};

#[test]
fn a_latch_and_a_drain_win_over_health() {
    let mut pool = Pool::new(two_sites()).unwrap();
    assert!(pool.latch("idc", Latch::Out, SECOND));
    assert_eq!(counts(&mut pool, 10, SECOND)["cloud"], 10);
    assert!(pool.latch("idc", Latch::In, SECOND));
    assert_eq!(counts(&mut pool, 10, SECOND)["idc"], 10);
    assert!(pool.drain("idc-0:80", true, SECOND));
    for _ in 0..10 {
        assert_eq!(pool.pick(SECOND, &[]).unwrap().address(), "idc-1:80");
    }
    assert!(!pool.latch("nowhere", Latch::In, SECOND));
}

#[test]
fn a_shifted_weight_holds_until_it_is_given_back() {
    let mut pool = Pool::new(Policy::of([site("a", 1), site("b", 1)])).unwrap();
    assert!(pool.shift("a", Some(Weight::new(3)), SECOND));
    assert_eq!(counts(&mut pool, 40, SECOND)["a"], 30);
    assert!(pool.shift("a", None, SECOND));
    assert_eq!(counts(&mut pool, 40, SECOND)["a"], 20);
}

#[test]
fn a_site_that_is_latched_out_gets_no_retry_and_nothing_when_all_others_are_ill() {
    let mut pool = Pool::new(two_sites()).unwrap();
    assert!(pool.latch("cloud", Latch::Out, SECOND));
    let tried = [Arc::from("idc-0:80"), Arc::from("idc-1:80")];
    assert_eq!(pool.pick(SECOND, &tried).unwrap_err(), NoEndpoint::Tried);
    // Everybody at the other site is ill: panic there, and nothing here.
    probe_all(&mut pool, "idc", false, 3, SECOND);
    for second in 1..20 {
        let all = counts(&mut pool, 10, second * SECOND);
        assert_eq!((all.get("idc"), all.get("cloud")), (Some(&10), None));
    }
    assert!(pool.latch("idc", Latch::Out, 20 * SECOND));
    let nobody = pool.pick(20 * SECOND, &[]).unwrap_err();
    assert_eq!((nobody, pool.is_in_panic()), (NoEndpoint::Empty, false));
}

#[test]
fn a_site_without_weight_gets_no_retry() {
    let mut pool = Pool::new(two_sites()).unwrap();
    assert!(pool.shift("cloud", Some(Weight::ZERO), SECOND));
    let tried = [Arc::from("idc-0:80"), Arc::from("idc-1:80")];
    assert_eq!(pool.pick(SECOND, &tried).unwrap_err(), NoEndpoint::Tried);
    assert!(pool.shift("cloud", None, SECOND));
    assert_eq!(pool.pick(SECOND, &tried).unwrap().site(), "cloud");
}

#[test]
fn a_site_that_is_latched_in_is_used_however_ill_it_is() {
    let mut pool = Pool::new(two_sites()).unwrap();
    for site in ["idc", "cloud"] {
        probe_all(&mut pool, site, site == "cloud", 1, Duration::ZERO);
    }
    assert!(pool.latch("idc", Latch::In, SECOND));
    assert_eq!(counts(&mut pool, 10, 10 * SECOND)["idc"], 10);
    assert!(!pool.is_in_panic());
    // Half of it is well: all of its requests, to that half.
    for _ in 0..5 {
        pool.probed("idc-0:80", true, 11 * SECOND);
    }
    for _ in 0..10 {
        assert_eq!(pool.pick(12 * SECOND, &[]).unwrap().address(), "idc-0:80");
    }
}

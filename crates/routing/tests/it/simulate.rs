//! Policies in virtual time.

use std::time::Duration;

use narae_routing::Weight;
use narae_routing::failover::{FailbackPolicy, Latch};
use narae_routing::health::ProbePolicy;
use narae_routing::pool::{Endpoint, Policy, Site};
use narae_routing::retry;
use narae_routing::simulate::{Outcome, Script, ScriptError, What, run};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn policy() -> Policy {
    let site = |name: &str| {
        Site::new(
            name,
            (0..2).map(|at| Endpoint::new(format!("{name}-{at}:80"))),
        )
    };
    let mut policy = Policy::of([
        site("idc").with_capacity(15.0),
        site("cloud").with_capacity(6.0).with_priority(1),
    ]);
    policy.probes = Some(ProbePolicy::default());
    policy.failback = FailbackPolicy::default().with_down_delay(Duration::ZERO);
    policy
}

/// The parts of a minute's requests that the sites served.
fn shares(outcome: &Outcome, at: Duration) -> Vec<f64> {
    let slice = outcome
        .slices
        .iter()
        .rev()
        .find(|slice| slice.begin <= at)
        .unwrap();
    (0..outcome.sites.len())
        .map(|site| slice.share(site))
        .collect()
}

fn outage() -> Script {
    let mut script = Script::new(policy()).with_load(Duration::ZERO, 5.0);
    // The site's other endpoint first, then the other site.
    script.retry = retry::Policy::new(2);
    script
        .with(9 * HOUR, "idc", What::Down)
        .with(10 * HOUR, "idc", What::Up)
}

#[test]
fn an_outage_moves_everything_and_it_comes_back() {
    let outcome = run(&outage()).unwrap();
    assert_eq!(shares(&outcome, 8 * HOUR), [1.0, 0.0]);
    assert_eq!(shares(&outcome, 9 * HOUR + 30 * MINUTE), [0.0, 1.0]);
    assert_eq!(shares(&outcome, 11 * HOUR), [1.0, 0.0]);
    // Every attempt at the dead site was tried again at the other.
    assert_eq!(outcome.failed, 0);
    assert!(outcome.retries > 0);
    assert_eq!(outcome.requests, 24 * 3600 * 5);
    let said: Vec<&str> = outcome
        .moments
        .iter()
        .map(|moment| moment.what.as_str())
        .collect();
    let order = [
        "idc goes down",
        "idc is out",
        "idc comes up",
        "idc is well, held down",
        "idc ramps up",
        "idc is in",
    ];
    let mut rest = said.iter();
    assert!(
        order.iter().all(|what| rest.any(|said| said == what)),
        "{said:#?}"
    );
}

#[test]
fn equal_scripts_have_equal_outcomes_and_other_seeds_others() {
    let script = |seed| {
        let mut script = outage().with(HOUR, "idc-0:80", What::Errors(0.3));
        script.retry = retry::Policy::new(0);
        script.seed = seed;
        script
    };
    assert_eq!(run(&script(7)).unwrap(), run(&script(7)).unwrap());
    assert_ne!(run(&script(7)).unwrap(), run(&script(8)).unwrap());
}

#[test]
fn errors_are_the_part_that_was_scripted() {
    let mut script = Script::new(policy()).with_load(Duration::ZERO, 5.0).with(
        Duration::ZERO,
        "idc-0:80",
        What::Errors(0.4),
    );
    script.retry = retry::Policy::new(0);
    let outcome = run(&script).unwrap();
    // Half of the requests go there.
    assert!(
        (outcome.availability() - 0.8).abs() < 0.005,
        "{}",
        outcome.availability()
    );
}

#[test]
fn a_standby_that_is_too_small_fails_what_is_beyond_its_capacity() {
    let script = outage().with_load(Duration::ZERO, 10.0);
    let outcome = run(&script).unwrap();
    let slice = outcome
        .slices
        .iter()
        .find(|slice| slice.begin == 9 * HOUR + 30 * MINUTE)
        .unwrap();
    let failed = slice.failed as f64 / slice.requests() as f64;
    assert!((failed - 0.4).abs() < 0.01, "{failed}");
}

#[test]
fn people_decide_and_load_grows() {
    let script = Script::new(policy())
        .with_load(Duration::ZERO, 0.0)
        .with_load(24 * HOUR, 6.0)
        .with(HOUR, "idc", What::Latch(Latch::Out))
        .with(2 * HOUR, "idc", What::Latch(Latch::Released));
    let outcome = run(&script).unwrap();
    assert_eq!(shares(&outcome, HOUR + 30 * MINUTE), [0.0, 1.0]);
    assert_eq!(script.rate(12 * HOUR), 3.0);
    let expected = 24 * 3600 * 3;
    assert!(
        outcome.requests.abs_diff(expected) < expected / 100,
        "{}",
        outcome.requests
    );
}

#[test]
fn table_and_timeline_say_what_happened() {
    let outcome = run(&outage()).unwrap();
    let table = outcome.to_string();
    for part in [
        "idc     cloud  what\n",
        "100.0000 % of 432000 requests served",
        "  idc goes down; idc is out\n",
    ] {
        assert!(table.contains(part), "{part}:\n{table}");
    }
    let svg = outcome.svg();
    for part in ["<title>", "idc goes down", "</svg>", "5/s", ">12:00:00<"] {
        assert!(svg.contains(part), "{part}");
    }
    // Half a second apart is one place: one text stands for both.
    for part in [">1–2<", "% of 432,000 requests served"] {
        assert!(svg.contains(part), "{part}");
    }
    assert!(!svg.contains(">1<"), "a number of its own");
    let hostile = Script::new(Policy::of([Site::new("<script>", [Endpoint::new("a:1")])])).with(
        HOUR,
        "<script>",
        What::Down,
    );
    assert!(!run(&hostile).unwrap().svg().contains("<script>"));
}

#[test]
fn a_script_that_cannot_be_played_is_refused() {
    let refused = |script: Script| run(&script).unwrap_err();
    let nobody = Script::new(policy()).with(HOUR, "nowhere", What::Down);
    assert_eq!(refused(nobody), ScriptError::Nobody("nowhere".into()));
    let endpoint = Script::new(policy()).with(HOUR, "idc-0:80", What::Shift(Weight::ONE));
    assert_eq!(refused(endpoint), ScriptError::Nobody("idc-0:80".into()));
    let mut long = Script::new(policy());
    long.duration = 32 * 24 * HOUR;
    assert!(matches!(refused(long), ScriptError::Duration(_)));
    let negative = Script::new(policy()).with_load(HOUR, -1.0);
    assert_eq!(refused(negative), ScriptError::Load(-1.0));
    assert_eq!(
        refused(Script::new(policy()).with(HOUR, "idc", What::Errors(2.0))),
        ScriptError::Part(2.0)
    );
}

fn two(a: f64) -> Policy {
    let site = |name: &str| Site::new(name, [Endpoint::new(format!("{name}:80"))]);
    Policy::of([site("a").with_capacity(a), site("b")])
}

#[test]
fn a_status_is_tried_again_only_if_the_policy_says_so() {
    let failing = |statuses: &[u16]| {
        let mut script = Script::new(two(1e9)).with_load(Duration::ZERO, 10.0);
        script.duration = 2 * HOUR;
        script.retry = retry::Policy::new(1).with_statuses(statuses.iter().copied());
        run(&script.with(Duration::ZERO, "b", What::Errors(0.3))).unwrap()
    };
    let handed_on = failing(&[]);
    assert_eq!(handed_on.retries, 0);
    assert!((handed_on.availability() - 0.85).abs() < 0.005);
    assert_eq!(failing(&[503]).failed, 0);
    // What was never sent is tried again in any case.
    let mut script = Script::new(two(1e9)).with_load(Duration::ZERO, 10.0);
    script.duration = 2 * HOUR;
    script.retry = retry::Policy::new(1).with_statuses([]);
    assert_eq!(run(&script.with(HOUR, "b", What::Down)).unwrap().failed, 0);
}

#[test]
fn retries_are_within_the_budget() {
    let mut script = Script::new(two(1e9)).with_load(Duration::ZERO, 1000.0);
    script.duration = 2 * MINUTE;
    let outcome = run(&script.with(Duration::ZERO, "b", What::Down)).unwrap();
    // A fifth of 1,000 a second, and ten besides.
    let a_second = outcome.retries as f64 / 120.0;
    assert!((205.0..=225.0).contains(&a_second), "{a_second}");
    assert!(outcome.availability() < 0.75, "{}", outcome.availability());
}

#[test]
fn what_lasts_ends_by_itself_and_nothing_else_with_it() {
    let mut script = Script::new(two(1e9)).with_load(Duration::ZERO, 2.0);
    script.retry = retry::Policy::new(0);
    script.duration = 8 * HOUR;
    let script = script
        .with_lasting(HOUR, "a", What::Down, HOUR)
        .with_lasting(HOUR + 10 * MINUTE, "a", What::Errors(0.3), 10 * MINUTE)
        .with_lasting(3 * HOUR, "a", What::Shift(Weight::ZERO), HOUR)
        .with_lasting(5 * HOUR, "a", What::Errors(0.5), 2 * HOUR)
        .with_lasting(6 * HOUR, "a", What::Errors(1.0), 30 * MINUTE);
    let outcome = run(&script).unwrap();
    let share = |hours: f64| shares(&outcome, HOUR.mul_f64(hours))[0];
    assert_eq!(share(0.5), 0.5);
    assert_eq!(share(1.5), 0.0, "still down");
    assert_eq!(share(2.5), 0.5);
    assert_eq!(share(3.5), 0.0);
    assert_eq!(share(4.5), 0.5, "the policy's weight again");
    assert!((0.2..0.3).contains(&share(5.5)));
    assert_eq!(share(6.25), 0.0);
    assert!((0.2..0.3).contains(&share(6.75)), "the other error goes on");
    assert_eq!(share(7.5), 0.5);
}

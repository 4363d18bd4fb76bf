//! Policies in virtual time.

use std::time::Duration;

use narae_routing::Weight;
use narae_routing::failover::{FailbackPolicy, Latch};
use narae_routing::health::ProbePolicy;
use narae_routing::pool::{Endpoint, Policy, Site};
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
    script.retries = 2;
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
        script.retries = 0;
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
    script.retries = 0;
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

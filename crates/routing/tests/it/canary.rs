//! Canaries: who is promoted, who is aborted and why.

use std::time::Duration;

use narae_routing::Weight;
use narae_routing::canary::{Arm, Canary, Gate, Plan, PlanError, Reason, State, Step, arm};
use narae_routing::objective::Objective;
use proptest::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);

fn gate() -> Gate {
    Gate::new(Objective::new(0.99, 30 * 86_400 * Duration::from_secs(1)).unwrap())
}

fn plan() -> Plan {
    let steps = [
        Step::Header("x-env".into(), "canary".into()),
        Step::Weight(5),
        Step::Wait(10 * MINUTE),
        Step::Weight(50),
        Step::Pause,
        Step::Weight(100),
        Step::Wait(10 * MINUTE),
    ];
    Plan::new(steps).unwrap()
}

/// A minute at a time, in which the arms fail so many of a hundred requests.
fn play(canary: &mut Canary, minutes: std::ops::Range<u32>, failing: (u64, u64)) -> State {
    for minute in minutes {
        for second in 0..60 {
            let now = minute * MINUTE + Duration::from_secs(second);
            let (stable, new) = failing;
            canary.count(Arm::Stable, 100 - stable, stable, now);
            canary.count(Arm::Canary, 100 - new, new, now);
            canary.look(now);
        }
    }
    canary.state().clone()
}

fn percent(canary: &Canary) -> u32 {
    let (stable, new) = canary.weights();
    assert_eq!(stable.value() + new.value(), 100);
    new.value()
}

#[test]
fn a_good_canary_goes_step_by_step_and_is_promoted() {
    let mut canary = Canary::begin(plan(), gate(), Duration::ZERO);
    assert_eq!(
        (percent(&canary), canary.header()),
        (5, Some(("x-env", "canary")))
    );
    assert_eq!(
        play(&mut canary, 0..10, (1, 1)),
        State::Step(2, Duration::ZERO)
    );
    assert_eq!(play(&mut canary, 10..60, (1, 1)), State::Paused(4));
    assert_eq!(percent(&canary), 50);
    assert!(canary.proceed(60 * MINUTE));
    assert_eq!(percent(&canary), 100);
    assert_eq!(play(&mut canary, 60..71, (0, 1)), State::Promoted);
    assert_eq!(
        (canary.weights(), canary.header()),
        ((Weight::ZERO, Weight::new(100)), None)
    );
    assert!(!canary.proceed(80 * MINUTE));
}

#[test]
fn a_bad_canary_is_aborted_with_the_reason_even_while_it_pauses() {
    let mut canary = Canary::begin(plan(), gate(), Duration::ZERO);
    play(&mut canary, 0..20, (1, 1));
    let State::Aborted(reason) = play(&mut canary, 20..30, (1, 40)) else {
        panic!("{:?}", canary.state());
    };
    assert!(
        matches!(reason, Reason::Burns { step: 4, .. }),
        "{reason:?}"
    );
    let said = reason.to_string();
    assert!(
        said.starts_with("at step 4 the canary burned the error budget at 1"),
        "{said}"
    );
    assert!(said.ends_with("the stable version at 1.0"), "{said}");
    assert_eq!(percent(&canary), 0);
}

#[test]
fn what_fails_for_both_is_not_the_canarys_fault() {
    let mut canary = Canary::begin(plan(), gate(), Duration::ZERO);
    // It stays where it is until there is something to tell.
    assert_eq!(
        play(&mut canary, 0..30, (40, 50)),
        State::Step(2, Duration::ZERO)
    );
    assert_eq!(play(&mut canary, 30..60, (1, 1)), State::Paused(4));
    canary.abort("the database is down anyway");
    let by_hand = "aborted by hand: the database is down anyway";
    assert!(matches!(canary.state(), State::Aborted(reason) if reason.to_string() == by_hand));
}

#[test]
fn nobody_is_promoted_for_being_asked_nothing() {
    let mut canary = Canary::begin(plan(), gate(), Duration::ZERO);
    canary.count(Arm::Canary, 10, 0, MINUTE);
    let reason = Reason::TooFew {
        step: 2,
        requests: 10,
        least: 50,
    };
    assert_eq!(canary.look(10 * MINUTE), &State::Aborted(reason));
}

#[test]
fn blue_green_is_previewed_by_header_and_then_gets_everything() {
    let plan = Plan::blue_green("x-preview", "green", 5 * MINUTE);
    let mut canary = Canary::begin(plan, gate(), Duration::ZERO);
    assert_eq!(
        (percent(&canary), canary.header()),
        (0, Some(("x-preview", "green")))
    );
    assert_eq!(canary.look(600 * MINUTE), &State::Paused(1));
    assert!(canary.proceed(600 * MINUTE));
    assert_eq!(percent(&canary), 100);
    assert_eq!(play(&mut canary, 600..606, (0, 0)), State::Promoted);
}

#[test]
fn plans_that_judge_nothing_or_give_too_much_are_refused() {
    assert_eq!(Plan::new([Step::Weight(5)]), Err(PlanError::Unjudged));
    let too_much = Plan::new([Step::Pause, Step::Weight(101)]);
    assert_eq!(
        too_much,
        Err(PlanError::Percent {
            step: 1,
            percent: 101
        })
    );
}

#[test]
fn users_keep_their_arm_and_the_canary_only_grows() {
    let arms = |percent| (0..10_000_u32).map(move |user| arm(&user.to_le_bytes(), percent));
    let tenth = arms(10).filter(|arm| *arm == Arm::Canary).count();
    assert!((900..1100).contains(&tenth), "{tenth}");
    assert!(
        arms(10)
            .zip(arms(30))
            .all(|(few, more)| few == Arm::Stable || more == Arm::Canary)
    );
    assert_eq!(arms(0).filter(|arm| *arm == Arm::Canary).count(), 0);
    assert_eq!(arms(100).filter(|arm| *arm == Arm::Stable).count(), 0);
}

fn thin(seconds: u64, steps: u64) -> Plan {
    let step = |percent| {
        [
            Step::Weight(percent),
            Step::Wait(Duration::from_secs(seconds)),
        ]
    };
    let steps = (1..=steps).flat_map(|n| step(u32::try_from(n).unwrap()));
    Plan::new(steps).unwrap()
}

#[test]
fn a_canary_with_little_traffic_is_judged_over_the_step() {
    let mut canary = Canary::begin(thin(1800, 2), gate(), Duration::ZERO);
    for second in (0..3600).step_by(10).map(Duration::from_secs) {
        canary.count(Arm::Stable, 100, 0, second);
        canary.count(Arm::Canary, 0, 1, second);
        canary.look(second);
    }
    let state = canary.state();
    assert!(
        matches!(state, State::Aborted(Reason::Burns { step: 1, .. })),
        "{state:?}"
    );
}

#[test]
fn a_step_of_a_day_is_judged_by_the_day() {
    let mut canary = Canary::begin(thin(86_400, 1), gate(), Duration::ZERO);
    for minute in (0..=1440).step_by(10) {
        canary.count(Arm::Canary, 1, 0, minute * MINUTE);
        canary.look(minute * MINUTE);
    }
    assert_eq!(canary.state(), &State::Promoted);
}

proptest! {
    /// Whatever the objective, the gate and the plan: a canary that fails everything beside a stable version that
    /// fails nothing is not promoted.
    #[test]
    fn what_fails_everything_is_never_promoted(
        target in 0.001..0.9999f64,
        window in 1..1000u64,
        burn_rate in 0.1..1000f64,
        length in 10..2000u64,
        steps in 1..5u64,
        every in 1..20u64,
        least in 1..100u64,
    ) {
        let objective = Objective::new(target, 86_400 * Duration::from_secs(30)).unwrap();
        let gate = Gate::new(objective)
            .with_burn_rate(Duration::from_secs(window), burn_rate)
            .with_least(least);
        let mut canary = Canary::begin(thin(length, steps), gate, Duration::ZERO);
        for second in (0..=length * steps + 1).step_by(usize::try_from(every).unwrap()) {
            let now = Duration::from_secs(second);
            canary.count(Arm::Stable, 50, 0, now);
            canary.count(Arm::Canary, 0, 1, now);
            canary.look(now);
        }
        canary.look(Duration::from_secs(2 * length * steps));
        prop_assert!(canary.state() != &State::Promoted, "{:?}", canary.state());
    }
}

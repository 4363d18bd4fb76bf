//! A plan that is read is written and read again as the same plan, and applying it to any text never
//! makes half of it. The first line is the plan, the rest is every file.
#![no_main]

use std::convert::Infallible;

use libfuzzer_sys::fuzz_target;
use narae_gitops::plan::Plan;

fuzz_target!(|input: &str| {
    let (plan, file) = input.split_once('\n').unwrap_or((input, ""));
    let Ok(plan) = Plan::read("plan.json", plan) else {
        return;
    };
    let json = serde_json::to_string(&plan).expect("a plan has a JSON");
    assert_eq!(Plan::read("again", &json).as_ref(), Ok(&plan), "{json}");
    let read = |_: &_| Ok::<_, Infallible>(Some(file.as_bytes().to_vec()));
    if let Ok(applied) = plan.apply(read) {
        assert_eq!(applied.edits.len(), plan.edits.len());
        let is_refused = applied.refused().next().is_some();
        assert!(!is_refused || applied.change_set().is_empty());
    }
});

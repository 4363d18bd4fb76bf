//! Whatever is mined within whatever limits, the counts are the lines, also after merging and restoring.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_logparse::template::{Limits, Miner};

fuzz_target!(|input: (u8, u8, Vec<Vec<u8>>)| {
    let (templates, words, lines) = input;
    let limits = Limits::default()
        .with_max_templates(usize::from(templates))
        .with_max_words(usize::from(words));
    let mut miner = Miner::with_limits(limits);
    for line in &lines {
        miner.add(line);
    }
    let counted = |miner: &Miner| {
        let templates = miner.templates();
        templates.iter().map(|found| found.count).sum::<u64>() + miner.forgotten()
    };
    assert_eq!(counted(&miner), lines.len() as u64);
    let mut both = miner.clone();
    both.merge(&miner);
    assert_eq!(counted(&both), 2 * lines.len() as u64);
    let mut again = Miner::with_limits(limits);
    let forms = miner.forms();
    again.restore(forms.iter().map(|(id, text)| (*id, &text[..])));
    assert_eq!(counted(&again), 0);
});

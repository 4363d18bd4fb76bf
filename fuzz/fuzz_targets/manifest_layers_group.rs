//! Layers that merge give the same values whether or not the first of them are merged and written
//! as one file before.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_manifest::{Layer, Values};

fuzz_target!(|layers: Vec<&str>| {
    let read = |texts: &[&str]| -> Option<Vec<Layer>> {
        texts
            .iter()
            .map(|text| Layer::read("v.yaml", text).ok())
            .collect()
    };
    let Some(all) = read(&layers).and_then(|layers| Values::merge(layers).ok()) else {
        return;
    };
    for middle in 0..layers.len() {
        let (first, rest) = layers.split_at(middle);
        let first = Values::merge(read(first).expect("they were read")).expect("they merged");
        let written = narae_yaml::write(first.as_value());
        let first = Layer::read("first.yaml", &written).expect("what is written is read");
        let rest = read(rest).expect("they were read");
        let grouped = Values::merge([first].into_iter().chain(rest)).expect("they merged");
        assert_eq!(grouped.as_value(), all.as_value());
    }
});

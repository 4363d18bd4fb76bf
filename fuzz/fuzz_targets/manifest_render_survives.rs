//! A string arrives unchanged wherever it is inserted, and nothing else of the document changes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_manifest::{Layer, TemplateSet, Values};
use narae_yaml::{Mapping, Path, Value};

const TEMPLATE: &str =
    "k: {{x}}\nq: \"a{{x}}\"\n'z{{x}}': 1\nb: |\n  {{x}}\n  e\nf: [{{x}}] # {{x}}\n";

fuzz_target!(|text: &str| {
    let x = || Value::from(text);
    let layer = Layer::assignment(
        "fuzz",
        &Path::root(),
        Value::Mapping(Mapping::from([("x", x())])),
    );
    let values = Values::merge([layer]).expect("one layer merges");
    let mut set = TemplateSet::new();
    set.add("t", TEMPLATE).expect("the template is fixed");
    let rendering = set.render(&values).expect("any string can be inserted");
    let expected = Mapping::from([
        ("k", x()),
        ("q", Value::from(format!("a{text}"))),
        (&*format!("z{text}"), Value::from(1_u64)),
        ("b", Value::from(format!("{text}\ne\n"))),
        ("f", Value::from(vec![x()])),
    ]);
    assert_eq!(rendering.objects[0].value, Value::Mapping(expected));
});

//! Any template renders or is an error with a place, twice the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_manifest::{Error, Layer, TemplateSet, Values};
use narae_yaml::Value;

const VALUES: &str = "a: 1\nb: text\nl: [x, {n: y}]\nm: {k: v, e: {}}\nt: true\n";

fuzz_target!(|template: &str| {
    let render = || -> Result<Vec<Value>, Error> {
        let values = Values::merge([Layer::read("v", VALUES)?])?;
        let mut set = TemplateSet::new();
        set.add_partial(
            "p",
            "p",
            "k: {{b}}\n{{#> @partial-block}}{{/@partial-block}}",
        )?;
        set.add("t", template)?;
        Ok(set
            .render(&values)?
            .objects
            .into_iter()
            .map(|object| object.value)
            .collect())
    };
    match (render(), render()) {
        (Ok(first), Ok(second)) => assert_eq!(first, second),
        (Err(first), Err(second)) => {
            assert_eq!(first.to_string(), second.to_string());
            assert!(
                first.origin().is_some(),
                "an error without a place: {first}"
            );
        }
        (first, second) => panic!("{first:?} and then {second:?}"),
    }
});

//! Errors as people see them. Each file of `tests/data/errors` has sections: the values, the
//! template, optionally more values and a partial `p`, and the whole message.

use narae_manifest::{Layer, TemplateSet, Values};

use crate::cases;

#[test]
fn errors_say_what_where_and_what_to_try() {
    cases::check(
        "errors",
        "error",
        |_| true,
        |case| {
            let section = |name| case.section(name).unwrap_or_default();
            let mut layers = vec![Layer::read("values.yaml", section("values"))?];
            if let Some(more) = case.section("more values") {
                layers.push(Layer::read("more.yaml", more)?);
            }
            let values = Values::merge(layers)?;
            let mut set = TemplateSet::new();
            set.add("t.yaml", section("template"))?;
            if let Some(partial) = case.section("partial") {
                set.add_partial("p", "p.yaml", partial)?;
            }
            set.render(&values).map(|_| "no error".to_owned())
        },
    );
}

//! Errors as people see them. Each file of `tests/data/errors` has sections: the values, the
//! template, optionally a partial `p`, and the whole message.

use std::fs;
use std::path::Path;

use narae_manifest::{Layer, TemplateSet, Values};

#[test]
fn errors_say_what_where_and_what_to_try() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/errors");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(cases.len() >= 20, "the cases were not found");
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases:\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
}

fn check(case: &Path) -> Result<(), String> {
    let text = fs::read_to_string(case).unwrap();
    let section = |name: &str| {
        let (_, rest) = text.split_once(&format!("== {name}\n"))?;
        Some(
            rest.split_once("\n== ")
                .map_or(rest, |(section, _)| section),
        )
    };
    let values = section("values").unwrap_or_default();
    let template = section("template").unwrap_or_default();
    let expected = section("error").unwrap_or_default().trim_end();
    let run = || {
        let mut layers = vec![Layer::read("values.yaml", values)?];
        if let Some(more) = section("more values") {
            layers.push(Layer::read("more.yaml", more)?);
        }
        let values = Values::merge(layers)?;
        let mut set = TemplateSet::new();
        set.add("t.yaml", template)?;
        if let Some(partial) = section("partial") {
            set.add_partial("p", "p.yaml", partial)?;
        }
        set.render(&values)
    };
    let found = match run() {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string(),
    };
    if found == expected {
        return Ok(());
    }
    Err(format!(
        "{}\nexpected:\n{expected}\nfound:\n{found}",
        case.display()
    ))
}

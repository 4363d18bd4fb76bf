//! The findings of `tests/data/findings`.

use std::fs;
use std::path::Path;

use narae_manifest::{Finding, Layer, Schemas, TemplateSet, Values, ValuesSchema, lint};

#[test]
fn findings_say_what_where_and_what_to_try() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/findings");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| cfg!(feature = "cel") || !path.to_string_lossy().contains("rule"))
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
    let run = || {
        let values = Values::merge([Layer::read(
            "values.yaml",
            section("values").unwrap_or_default(),
        )?])?;
        let mut findings = Vec::new();
        if let Some(schema) = section("schema") {
            findings = ValuesSchema::read("values.schema.yaml", schema)?.check(&values);
        }
        let version = section("kubernetes").map_or("1.36", str::trim);
        let mut schemas = Schemas::kubernetes(version)?;
        if let Some(definitions) = section("crd") {
            schemas.add_definitions("crd.yaml", definitions)?;
        }
        let mut set = TemplateSet::new();
        set.add("t.yaml", section("template").unwrap_or_default())?;
        let objects = set.render(&values)?.objects;
        let plain: Vec<_> = objects.iter().map(|object| &object.value).collect();
        let mut about = schemas.check(&plain);
        about.extend(lint::check(&plain, &schemas));
        Finding::trace(&mut about, &objects);
        findings.extend(about);
        let mut lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        lines.extend(
            schemas
                .skipped()
                .iter()
                .map(|skipped| format!("skipped {}: {}", skipped.origin, skipped.reason)),
        );
        Ok::<_, narae_manifest::Error>(lines.join("\n"))
    };
    let found = run().unwrap_or_else(|error| error.to_string());
    let expected = section("findings").unwrap_or_default().trim_end();
    if found == expected {
        return Ok(());
    }
    Err(format!(
        "{}\nexpected:\n{expected}\nfound:\n{found}",
        case.display()
    ))
}

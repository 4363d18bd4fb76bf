//! The findings of `tests/data/findings`.

use narae_manifest::{Finding, Layer, Schemas, TemplateSet, Values, ValuesSchema, lint};

use crate::cases;

#[test]
fn findings_say_what_where_and_what_to_try() {
    let is_for_us =
        |case: &std::path::Path| cfg!(feature = "cel") || !case.to_string_lossy().contains("rule");
    cases::check("findings", "findings", is_for_us, |case| {
        let section = |name| case.section(name).unwrap_or_default();
        let values = Values::merge([Layer::read("values.yaml", section("values"))?])?;
        let mut findings = Vec::new();
        if let Some(schema) = case.section("schema") {
            findings = ValuesSchema::read("values.schema.yaml", schema)?.check(&values);
        }
        let version = case.section("kubernetes").map_or("1.36", str::trim);
        let mut schemas = Schemas::kubernetes(version)?;
        if let Some(definitions) = case.section("crd") {
            schemas.add_definitions("crd.yaml", definitions)?;
        }
        let mut set = TemplateSet::new();
        set.add("t.yaml", section("template"))?;
        let objects = set.render(&values)?.objects;
        let plain: Vec<_> = objects.iter().map(|object| &object.value).collect();
        let mut about = schemas.check(&plain);
        about.extend(lint::check(&plain, &schemas));
        Finding::trace(&mut about, &objects);
        findings.extend(about);
        let mut lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let skipped = schemas.skipped().iter();
        lines.extend(skipped.map(|one| format!("skipped {}: {}", one.origin, one.reason)));
        Ok(lines.join("\n"))
    });
}

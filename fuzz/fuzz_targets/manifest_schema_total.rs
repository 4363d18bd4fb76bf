//! Any schema is refused or checks any values, and any object is checked, each time the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_manifest::{Layer, Schemas, Values, ValuesSchema, lint};
use std::sync::LazyLock;

static SCHEMAS: LazyLock<Schemas> =
    LazyLock::new(|| Schemas::kubernetes("1.36").expect("there is a table for it"));

fuzz_target!(|texts: (&str, &str)| {
    let (schema, text) = texts;
    let Ok(object) = narae_yaml::read_one(text) else {
        return;
    };
    let check = || {
        let objects = [&object, &object];
        (SCHEMAS.check(&objects), lint::check(&objects, &SCHEMAS))
    };
    assert_eq!(check(), check());
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {schema}"
    );
    let _ = Schemas::new().add_definitions("crd.yaml", &definition);
    if let (Ok(schema), Ok(layer)) = (
        ValuesSchema::read("s.yaml", schema),
        Layer::read("v.yaml", text),
    ) && let Ok(values) = Values::merge([layer])
    {
        assert_eq!(schema.check(&values), schema.check(&values));
    }
});

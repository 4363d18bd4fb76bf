//! Schemas that cannot be read, and what they say.

use narae_manifest::{ErrorKind, Layer, Schemas, Values, ValuesSchema};

#[test]
fn a_schema_that_would_be_half_enforced_is_refused() {
    for (schema, message) in [
        (
            "{requierd: [a]}",
            "s.yaml:1:2: the keyword `requierd` is not understood here\n  = did you mean `required`",
        ),
        (
            "{type: strng}",
            "s.yaml:1:8: there is no type `strng`\n  = did you mean `string`",
        ),
        (
            "{properties: {a: {type: 3}}}",
            "s.yaml:1:25: expected a string, found a number",
        ),
        (
            "{properties: [a]}",
            "s.yaml:1:14: expected a mapping, found a sequence",
        ),
        (
            "{required: a}",
            "s.yaml:1:12: expected a sequence, found a string",
        ),
        (
            "{$ref: 'other.json#/a'}",
            "s.yaml:1:8: a reference must be into this file: `#/$defs/name`",
        ),
        (
            "{$ref: '#/$defs/prot', $defs: {port: true}}",
            "s.yaml:1:8: there is no schema at `#/$defs/prot`\n  = did you mean `#/$defs/port`",
        ),
        (
            "{pattern: '(?=a)b'}",
            "s.yaml:1:11: this pattern cannot be used: look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            "{pattern: '((a{1,100}){1,100}){1,100}'}",
            "s.yaml:1:11: this pattern cannot be used: Compiled regex exceeds size limit of 1048576 bytes.",
        ),
        (
            "{minLength: -1}",
            "s.yaml:1:13: expected a whole number that is not negative, found a number",
        ),
        (
            "{contains: {type: string}}",
            "s.yaml:1:2: the keyword `contains` is not understood here",
        ),
        ("3", "s.yaml:1:1: expected a schema, found a number"),
        ("{a: 1", "s.yaml:1:1: unclosed bracket"),
    ] {
        let error = ValuesSchema::read("s.yaml", schema).unwrap_err();
        assert!(error.to_string().starts_with(message), "{schema}: {error}");
    }
}

#[test]
fn a_definition_that_is_none_is_refused_and_leaves_nothing_behind() {
    let head = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n  group: x.io\n  names: {kind: X}\n  scope: Cluster\n";
    for (rest, message) in [
        (
            "  versions: [{name: v1, schema: {openAPIV3Schema: {type: object, propreties: {}}}}]\n",
            "the keyword `propreties` is not understood here",
        ),
        (
            "  versions: [{name: v1}]\n",
            "this part of a definition has no `schema`",
        ),
        (
            "  versions: [{name: 1}]\n",
            "`name` must be a string, found a number",
        ),
    ] {
        let mut schemas = Schemas::new();
        let good = "  versions: [{name: v1, schema: {openAPIV3Schema: {type: object}}}]\n";
        let text = format!("{head}{good}---\n{head}{rest}");
        let error = schemas.add_definitions("crd.yaml", &text).unwrap_err();
        assert!(error.message().starts_with(message), "{error}");
        assert!(error.position().is_some_and(|position| position.line > 7));
        assert_eq!(schemas.scope("x.io/v1", "X"), None);
    }
    let error = Schemas::new()
        .add_definitions("crd.yaml", "kind: Deployment\n")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[cfg(feature = "kubernetes")]
#[test]
fn a_version_of_kubernetes_without_a_table_names_those_there_are() {
    for version in ["1.36", "v1.36", "1.36.3", "v1.33.0-gke.1"] {
        assert!(version.contains(Schemas::kubernetes(version).unwrap().version()));
    }
    for version in ["", "1", "1.3", "1.360", "2.0", "latest", "\u{1b}[2J"] {
        let error = Schemas::kubernetes(version).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownName);
        assert_eq!(error.notes(), ["there are those of 1.33, 1.34, 1.35, 1.36"]);
        assert!(!error.to_string().contains('\u{1b}'));
    }
    assert_eq!(Schemas::kubernetes_versions().next_back(), Some("1.36"));
}

/// Keywords of JSON Schema, each with a value it allows and one it does not.
#[test]
fn every_keyword_allows_and_refuses() {
    for (schema, good, bad) in [
        ("{type: integer}", "1.0", "1.5"),
        ("{type: [string, 'null']}", "a", "1"),
        ("{enum: [a, 1, null]}", "1", "b"),
        ("{const: {a: 1}}", "{a: 1}", "{a: 2}"),
        // Two keywords about one thing both count, in either order.
        ("{const: a, enum: [a, b]}", "a", "b"),
        ("{enum: [a, b], const: a}", "a", "b"),
        ("{const: a, enum: [b]}", "", "a"),
        ("{minimum: 5, exclusiveMinimum: 0}", "5", "3"),
        ("{exclusiveMinimum: 0, minimum: 5}", "5", "3"),
        ("{minimum: 5, exclusiveMinimum: 5}", "6", "5"),
        ("{exclusiveMinimum: 5, minimum: 5}", "6", "5"),
        ("{maximum: 5, exclusiveMaximum: 9}", "5", "7"),
        ("{exclusiveMaximum: 5, maximum: 5}", "4", "5"),
        ("{minimum: 1}", "1", "0.5"),
        ("{exclusiveMinimum: 1}", "2", "1"),
        (
            "{maximum: 9223372036854775806}",
            "9223372036854775806",
            "9223372036854775807",
        ),
        ("{exclusiveMaximum: 1}", "0", "1"),
        ("{multipleOf: 0.1}", "0.3", "0.35"),
        ("{multipleOf: 0.01}", "1234567.89", "1234567.891"),
        ("{multipleOf: 0.01}", "987654321.01", "987654321.011"),
        ("{multipleOf: 0.01}", "0", "0.0000000001"),
        ("{multipleOf: 0}", "'x'", "1"),
        ("{minLength: 2, maxLength: 3}", "나래", "나"),
        ("{pattern: '^[a-z]+$'}", "abc", "aBc"),
        ("{minItems: 1}", "[1]", "[]"),
        ("{maxItems: 1}", "[1]", "[1, 2]"),
        ("{uniqueItems: true}", "[1, 2]", "[1, 1.0]"),
        (
            "{uniqueItems: true}",
            "[{a: 1, b: 2}, {a: 1, b: '2'}]",
            "[{a: 1, b: 2}, {b: 2, a: 1}]",
        ),
        ("{items: {type: string}}", "[a]", "[a, 1]"),
        (
            "{prefixItems: [{type: string}], items: {type: integer}}",
            "[a, 1]",
            "[a, b]",
        ),
        ("{minProperties: 1}", "{a: 1}", "{}"),
        ("{maxProperties: 1}", "{a: 1}", "{a: 1, b: 1}"),
        ("{propertyNames: {pattern: '^x'}}", "{xa: 1}", "{a: 1}"),
        (
            "{patternProperties: {'^x': {type: string}}, additionalProperties: false}",
            "{xa: b}",
            "{xa: 1}",
        ),
        (
            "{patternProperties: {'^x': true}, additionalProperties: false}",
            "{xa: b}",
            "{y: 1}",
        ),
        (
            "{properties: {xa: true}, patternProperties: {'^x': {type: string}}}",
            "{xa: b}",
            "{xa: 1}",
        ),
        (
            "{additionalProperties: {type: integer}}",
            "{a: 1}",
            "{a: b}",
        ),
        ("{required: [a]}", "{a: 1}", "{b: 1}"),
        ("{dependentRequired: {a: [b]}}", "{b: 1}", "{a: 1}"),
        ("{properties: {a: false}}", "{b: 1}", "{a: 1}"),
        ("{allOf: [{type: string}, {minLength: 2}]}", "ab", "a"),
        ("{anyOf: [{type: string}, {type: integer}]}", "1", "true"),
        ("{oneOf: [{minimum: 5}, {maximum: 7}]}", "3", "6"),
        ("{not: {type: string}}", "1", "a"),
        (
            "{if: {required: [a]}, then: {required: [b]}, else: {required: [c]}}",
            "{a: 1, b: 1}",
            "{b: 1}",
        ),
        ("{then: {required: [b]}}", "{}", ""),
        (
            "{$ref: '#/$defs/t', $defs: {t: {properties: {next: {$ref: '#/$defs/t'}, v: {type: integer}}}}}",
            "{next: {next: {v: 1}}}",
            "{next: {next: {v: a}}}",
        ),
        (
            "{$ref: '#/$defs/a~1b', $defs: {a/b: {type: object, required: [x]}}}",
            "{x: 1}",
            "{}",
        ),
        (
            "{format: date-time}",
            "'2026-11-21T08:00:00.5+09:00'",
            "'2026-11-21 08:00'",
        ),
        ("{format: date}", "'2026-02-28'", "'2026-13-01'"),
        ("{format: duration}", "P3D", "90s"),
        ("{format: duration}", "P1Y2M3DT4H5M6.5S", "P1H"),
        ("{format: duration}", "PT36H", "PT"),
        ("{format: duration}", "P2W", "P2W1D"),
        ("{format: duration}", "PT1M", "P1D1Y"),
        ("{format: duration}", "P1M", "P"),
        ("{format: ipv4}", "10.0.0.1", "10.0.0.256"),
        ("{format: ipv6}", "'fe80::1'", "fe80"),
        (
            "{format: uuid}",
            "c0ffee00-0000-4000-8000-000000000000",
            "c0ffee",
        ),
        ("{format: byte}", "aGk=", "'aGk*'"),
        ("{format: int32}", "2147483647", "2147483648"),
        ("{format: whatever, description: x, x-note: y}", "a", ""),
    ] {
        let schema_text =
            format!("{{properties: {{v: {schema}}}}}").replace("'#/$defs", "'#/properties/v/$defs");
        let schema_read = ValuesSchema::read("s.yaml", &schema_text)
            .unwrap_or_else(|error| panic!("{schema}: {error}"));
        let findings = |value: &str| {
            let values =
                Values::merge([Layer::read("values.yaml", &format!("v: {value}\n")).unwrap()]);
            schema_read.check(&values.unwrap())
        };
        if !good.is_empty() {
            assert_eq!(findings(good), [], "{schema} allows {good}");
        }
        if !bad.is_empty() {
            assert_ne!(findings(bad), [], "{schema} refuses {bad}");
        }
    }
}

#[test]
fn a_schema_without_an_end_stops_at_its_limit() {
    for schema in [
        "{$ref: '#'}",
        "{$ref: '#/$defs/a', $defs: {a: {$ref: '#/$defs/b'}, b: {$ref: '#/$defs/a'}}}",
        "{not: {$ref: '#/$defs/a'}, $defs: {a: {not: {$ref: '#/$defs/a'}}}}",
        "{anyOf: [{$ref: '#'}, true]}",
    ] {
        let schema = ValuesSchema::read("s.yaml", schema).unwrap();
        let values = Values::merge([Layer::read("values.yaml", "a: 1\n").unwrap()]).unwrap();
        let findings = schema.check(&values);
        // The last word, whatever was made of the part that was not looked at.
        assert_eq!(
            findings.last().unwrap().rule.id(),
            "not-checked",
            "{findings:?}"
        );
    }
}

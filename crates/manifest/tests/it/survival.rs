//! Any string arrives unchanged, wherever a tag can stand.

use std::process::Command;

use narae_manifest::{Layer, TemplateSet, Values};
use narae_testservers::{is_missing, program};
use narae_yaml::{Mapping, Value};
use proptest::prelude::*;
use serde::Deserialize as _;

/// Strings that some writer or reader of YAML takes for something else.
fn strings() -> Vec<String> {
    const OURS: &[&str] = &[
        "web\nadmin: true",
        "{{x}}",
        "{{#if x}}",
        "\\{{x}}",
        "Nrax0z",
        "Nrax",
        "0z",
        "%(x)s",
        "\u{202e}a",
        "👩‍🚀",
    ];
    let text = include_str!("../data/strings-that-must-survive.json");
    let named: std::collections::BTreeMap<String, String> = serde_json::from_str(text).unwrap();
    assert_eq!(named.len(), 145, "the file is whole");
    let ours = OURS.iter().map(|text| (*text).to_owned());
    named.into_values().chain(ours).collect()
}

/// Every position in which a string can be inserted, and what the document must be.
fn positions(text: &str) -> Vec<(&'static str, Value)> {
    let string = |text: String| Value::String(text);
    let map = |key: &str, value: Value| Value::Mapping(Mapping::from([(key, value)]));
    let x = || string(text.to_owned());
    let list = |items: Vec<Value>| Value::Sequence(items);
    vec![
        ("k: {{x}}", map("k", x())),
        ("k: {{{x}}}", map("k", x())),
        ("k:\n  {{x}}", map("k", x())),
        ("k: '{{x}}'", map("k", x())),
        ("k: \"{{x}}\"", map("k", x())),
        ("k: a-{{x}}-b", map("k", string(format!("a-{text}-b")))),
        (
            "k: 'a {{x}}{{x}}'",
            map("k", string(format!("a {text}{text}"))),
        ),
        ("k: \"\\t{{x}}\"", map("k", string(format!("\t{text}")))),
        ("- {{x}}", list(vec![x()])),
        (
            "- name: {{x}}\n  b: 1",
            list(vec![Value::Mapping(Mapping::from([
                ("name", x()),
                ("b", Value::from(1_u64)),
            ]))]),
        ),
        (
            "k: [a, {{x}}, {k: {{x}}}]",
            map("k", list(vec![string("a".to_owned()), x(), map("k", x())])),
        ),
        ("{{x}}: v", map(text, string("v".to_owned()))),
        (
            "'p{{x}}': v",
            map(&format!("p{text}"), string("v".to_owned())),
        ),
        ("{ {{x}}: v }", map(text, string("v".to_owned()))),
        ("? {{x}}\n: v", map(text, string("v".to_owned()))),
        (
            "k: |\n  a {{x}}\n  b\n",
            map("k", string(format!("a {text}\nb\n"))),
        ),
        ("k: |-\n  {{x}}", map("k", x())),
        (
            "k: >-\n  a {{x}}\n  b",
            map("k", string(format!("a {text} b"))),
        ),
        (
            "k: |2-\n    {{x}}\n   b",
            map("k", string(format!("  {text}\n b"))),
        ),
        (
            "k: >2+\n    {{x}}\n\n",
            map("k", string(format!("  {text}\n\n"))),
        ),
        (
            "k: |+\n  {{x}}{{x}}\n\n",
            map("k", string(format!("{text}{text}\n\n"))),
        ),
        (
            "k:\n- |\n {{x}}\n",
            map("k", list(vec![string(format!("{text}\n"))])),
        ),
        (
            "k:\n  - {{x}}\n  - a: {{x}}\n    'b': \"{{x}}\"",
            map(
                "k",
                list(vec![
                    x(),
                    Value::Mapping(Mapping::from([("a", x()), ("b", x())])),
                ]),
            ),
        ),
        (
            "k: [\"{{x}}\", '{{x}}', a{{x}}b, {a: \"{{x}}\"}]",
            map(
                "k",
                list(vec![x(), x(), string(format!("a{text}b")), map("a", x())]),
            ),
        ),
        (
            "{k: {{x}}, 'l': [{{x}}]}",
            Value::Mapping(Mapping::from([("k", x()), ("l", list(vec![x()]))])),
        ),
        ("\"{{x}}\": v", map(text, string("v".to_owned()))),
        (
            "a{{x}}b: v",
            map(&format!("a{text}b"), string("v".to_owned())),
        ),
        ("{ \"{{x}}\": {{x}} }", map(text, x())),
        ("k: [ # {{x}}\n  {{x}} ]", map("k", list(vec![x()]))),
        (
            "k: &a {{x}}\nl: *a",
            Value::Mapping(Mapping::from([("k", x()), ("l", x())])),
        ),
        ("k: {{echo x}}", map("k", x())),
        (
            "k: '{{echo x}}{{toString x}}'",
            map("k", string(format!("{text}{text}"))),
        ),
        ("k: {{lookup (dict \"a\" x) \"a\"}}", map("k", x())),
        (
            "{{#each (dict x 1)}}{{@key}}: {{@key}}{{/each}}",
            map(text, x()),
        ),
        (
            "{{#with x as |y|}}{{/with}}k: {{#> r y=x}}{{x}}{{/r}}",
            map("k", x()),
        ),
        (
            "{{#*inline \"i\"}}\nk: {{y}}\nl: |-\n  {{y}}\n{{/inline}}\n{{> i y=x}}",
            Value::Mapping(Mapping::from([("k", x()), ("l", x())])),
        ),
        (
            "k:\n  l:\n    {{> q y=x}}",
            map(
                "k",
                map("l", Value::Mapping(Mapping::from([("a", x()), ("b", x())]))),
            ),
        ),
        ("k: {{m}}", map("k", map("a", list(vec![x()])))),
        (
            "k:\n  - {{m}}\n  - [{{m}}]",
            map(
                "k",
                list(vec![
                    map("a", list(vec![x()])),
                    list(vec![map("a", list(vec![x()]))]),
                ]),
            ),
        ),
        ("# {{x}}\nk: v # {{x}}\n", map("k", string("v".to_owned()))),
        ("k: | # {{x}}\n  a\n", map("k", string("a\n".to_owned()))),
        ("k: !!str {{x}}", map("k", x())),
        ("k: {{concat x}}", map("k", x())),
        ("k: {{#if (defined x)}}{{x}}{{/if}}", map("k", x())),
        (
            "{{#each (lookup @root \"l\")}}k: {{this}}{{/each}}",
            map("k", x()),
        ),
        ("k: {{> p y=x}}", map("k", x())),
        (
            "k:\n  {{> q y=x}}",
            map("k", Value::Mapping(Mapping::from([("a", x()), ("b", x())]))),
        ),
    ]
}

/// A string as `x`, and in collections.
fn values_of(text: &str) -> Value {
    let x = || Value::String(text.to_owned());
    let m = Mapping::from([("a", Value::Sequence(vec![x()]))]);
    Value::Mapping(Mapping::from([
        ("x", x()),
        ("l", Value::Sequence(vec![x()])),
        ("m", Value::Mapping(m)),
    ]))
}

/// The objects that a template makes of values.
fn objects(template: &str, values: Value) -> Result<Vec<Value>, narae_manifest::Error> {
    let layer = Layer::assignment("test", &narae_yaml::Path::root(), values);
    let values = Values::merge([layer]).unwrap();
    let mut set = TemplateSet::new();
    set.add_helper("echo", 1..=1, |arguments| {
        Ok(arguments
            .iter()
            .copied()
            .next()
            .cloned()
            .unwrap_or_default())
    })
    .unwrap();
    set.add("t.yaml", template).unwrap();
    set.add_partial("p", "p.yaml", "{{y}}").unwrap();
    set.add_partial("q", "q.yaml", "a: {{y}}\nb: \"{{y}}\"\n")
        .unwrap();
    set.add_partial("r", "r.yaml", "{{> @partial-block}}")
        .unwrap();
    let rendered = set.render(&values)?.objects.into_iter();
    Ok(rendered.map(|object| object.value).collect())
}

/// The objects that all positions give, as they were rendered, all of them as expected.
fn check(text: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for (template, expected) in positions(text) {
        match objects(template, values_of(text)) {
            Ok(found) => assert_eq!(
                found,
                std::slice::from_ref(&expected),
                "{text:?} in {template:?}"
            ),
            Err(error) => panic!("{text:?} in {template:?}: {error}"),
        }
        all.push(expected);
    }
    all
}

/// Documents that come from the same tags are the same text, which is parsed once.
#[test]
fn strings_survive_where_documents_share_their_text() {
    let strings = strings();
    let expected: Vec<_> = strings.iter().map(|text| positions(text)).collect();
    let all = Value::Sequence(strings.iter().map(|text| values_of(text)).collect());
    let values = Value::Mapping(Mapping::from([("all", all)]));
    for (place, (template, _)) in positions("").iter().enumerate() {
        // What names the root does not vary from turn to turn.
        if template.contains("@root") {
            continue;
        }
        let end = if template.ends_with('\n') { "" } else { "\n" };
        let looped = format!("{{{{#each all}}}}\n---\n{template}{end}{{{{/each}}}}\n");
        let found = match objects(&looped, values.clone()) {
            Ok(found) => found,
            Err(error) => panic!("{looped:?}: {error}"),
        };
        assert_eq!(found.len(), strings.len(), "{looped:?}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(*found, expected[place].1, "{looped:?}");
        }
    }
}

/// What we write is read by us, and by `serde_yaml`, as what was rendered.
fn check_readers(objects: &[Value]) {
    let text = narae_yaml::write_all(objects);
    assert_eq!(narae_yaml::read(&text).unwrap(), objects);
    for (document, expected) in yaml_serde::Deserializer::from_str(&text).zip(objects) {
        let found = yaml_serde::Value::deserialize(document).unwrap();
        assert_eq!(
            serde_json::to_value(&found).unwrap(),
            serde_json::to_value(expected).unwrap()
        );
    }
}

#[test]
fn strings_that_look_like_something_else_survive_every_position() {
    for text in strings() {
        check_readers(&check(&text));
    }
}

/// Helm reads with `sigs.k8s.io/yaml`, as kubectl and the API server do.
#[test]
fn helm_reads_every_string_in_every_position_as_it_was_rendered() {
    if is_missing(&["helm"], "what Helm reads of rendered strings") {
        return;
    }
    let objects: Vec<Value> = strings().iter().flat_map(|text| check(text)).collect();
    let chart = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(chart.path().join(name), text).unwrap();
    write(
        "Chart.yaml",
        "apiVersion: v2\nname: readers\nversion: 0.1.0\n",
    );
    write(
        "objects.yaml",
        &narae_yaml::write(&Value::Sequence(objects.clone())),
    );
    std::fs::create_dir(chart.path().join("templates")).unwrap();
    write(
        "templates/json.yaml",
        "json: {{ .Files.Get \"objects.yaml\" | fromYamlArray | toJson | b64enc }}\n",
    );
    let output = Command::new(program("helm").unwrap())
        .args(["template", "readers"])
        .arg(chart.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let encoded = text.rsplit_once("json: ").unwrap().1.trim();
    let json = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).unwrap();
    let found: Vec<serde_json::Value> = serde_json::from_slice(&json).unwrap();
    assert_eq!(found.len(), objects.len(), "helm reads all of them");
    for (found, expected) in found.iter().zip(&objects) {
        assert_eq!(*found, serde_json::to_value(expected).unwrap());
    }
}

/// One place for a string, and what surrounds it.
#[derive(Clone, Copy, Debug)]
enum Spot {
    Plain,
    Word,
    Single,
    Double,
    Literal,
    Folded,
    Helper,
    Partial,
}

/// A document that is made up, with strings by number.
#[derive(Clone, Debug)]
enum Shape {
    Leaf(Spot, usize),
    List(Vec<Shape>),
    Map(Vec<(Spot, usize, Shape)>),
    FlowList(Vec<(Spot, usize)>),
}

fn shape() -> impl Strategy<Value = Shape> {
    use Spot::{Double, Folded, Helper, Literal, Partial, Plain, Single, Word};
    let spots = [
        Plain, Word, Single, Double, Literal, Folded, Helper, Partial,
    ];
    let spot = prop::sample::select(spots.to_vec());
    let inline = || prop::sample::select(vec![Plain, Word, Single, Double, Helper]);
    let string = 0..3_usize;
    let leaf = prop_oneof![
        3 => (spot, string.clone()).prop_map(|(spot, n)| Shape::Leaf(spot, n)),
        1 => prop::collection::vec((inline(), string.clone()), 0..3).prop_map(Shape::FlowList),
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        let key = (inline(), string.clone(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 1..4).prop_map(Shape::List),
            prop::collection::vec(key, 1..4).prop_map(Shape::Map),
        ]
    })
}

fn named(strings: &[String], n: usize) -> &str {
    strings.get(n).unwrap()
}

impl Spot {
    /// A scalar on one line, and what it must be read as.
    fn inline(self, n: usize, text: &str) -> (String, String) {
        match self {
            Self::Word => (format!("w{{{{s{n}}}}}w"), format!("w{text}w")),
            Self::Single => (format!("' ''{{{{s{n}}}}}: '"), format!(" '{text}: ")),
            Self::Double => (format!("\"\\t{{{{s{n}}}}}#\""), format!("\t{text}#")),
            Self::Helper => (format!("{{{{concat s{n} \"\"}}}}"), text.to_owned()),
            _ => (format!("{{{{s{n}}}}}"), text.to_owned()),
        }
    }
}

impl Shape {
    /// Writes what stands behind `key:` or `-`, whose column is `indent`.
    fn write(&self, indent: usize, strings: &[String], out: &mut String) -> Value {
        let pad = " ".repeat(indent + 2);
        match self {
            Self::Leaf(Spot::Literal, n) => {
                out.push_str(&format!(
                    " |2- # {{{{s{n}}}}}\n{pad}  {{{{s{n}}}}}\n{pad}b\n"
                ));
                Value::from(format!("  {}\nb", named(strings, *n)))
            }
            Self::Leaf(Spot::Folded, n) => {
                out.push_str(&format!(" >-\n{pad}a {{{{s{n}}}}}\n{pad}b\n"));
                Value::from(format!("a {} b", named(strings, *n)))
            }
            Self::Leaf(Spot::Partial, n) => {
                out.push_str(&format!("\n{pad}{{{{> pair y=s{n}}}}}\n"));
                let text = || Value::from(named(strings, *n));
                Value::Mapping(Mapping::from([("a", text()), ("b", text())]))
            }
            Self::Leaf(spot, n) => {
                let (text, value) = spot.inline(*n, named(strings, *n));
                out.push_str(&format!(" {text} # {{{{s{n}}}}}\n"));
                Value::from(value)
            }
            Self::FlowList(items) => {
                let items = items
                    .iter()
                    .map(|(spot, n)| spot.inline(*n, named(strings, *n)));
                let (texts, values): (Vec<String>, Vec<String>) = items.unzip();
                out.push_str(&format!(" [{}]\n", texts.join(" , ")));
                Value::from(values)
            }
            Self::List(items) => {
                out.push('\n');
                let item = |item: &Self| {
                    out.push_str(&format!("{pad}-"));
                    item.write(indent + 2, strings, out)
                };
                Value::Sequence(items.iter().map(item).collect())
            }
            Self::Map(entries) => {
                out.push('\n');
                let mut map = Mapping::new();
                for (number, (spot, n, value)) in entries.iter().enumerate() {
                    let (key, name) = spot.inline(*n, named(strings, *n));
                    // A number in front keeps the keys apart.
                    let (key, name) = match key.strip_prefix(['\'', '"']) {
                        Some(rest) => {
                            let quote = key.chars().next().unwrap();
                            (format!("{quote}{number}{rest}"), format!("{number}{name}"))
                        }
                        None => (format!("{number}{key}"), format!("{number}{name}")),
                    };
                    out.push_str(&format!("{pad}{key}:"));
                    map.insert(name, value.write(indent + 2, strings, out));
                }
                Value::Mapping(map)
            }
        }
    }
}

/// A template may be full of what tokens could begin with: finding one that is free takes one pass
/// over the text, not one for each that is taken.
#[test]
fn a_template_full_of_token_beginnings_is_rendered() {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxy";
    let beginning = |number: usize| {
        let mut word = "Nr".to_owned();
        let mut rest = number;
        loop {
            word.push(char::from(LETTERS[rest % LETTERS.len()]));
            rest /= LETTERS.len();
            if rest == 0 {
                word.push('x');
                return word;
            }
        }
    };
    let mut words: Vec<String> = (0..30_000).map(beginning).collect();
    assert_eq!(words[..2], ["Nrax", "Nrbx"]);
    // One word that holds many, and the words in another order.
    words.push(format!("Nr{}", "x".repeat(10_000)));
    words.rotate_left(7);
    let words = words.join(" ");
    let template = format!("k: 'a{{{{x}}}}{words}'\nl: {{{{x}}}}\n");
    let found = super::render(&template, "x: <v>\n")
        .map_err(|error| error.message().to_owned())
        .unwrap();
    let text = |key: &str| found.first()?.get(key)?.as_str();
    let expected = format!("a<v>{words}");
    assert!(text("k") == Some(expected.as_str()), "the text has changed");
    assert_eq!(text("l"), Some("<v>"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_string_survives_every_position(text in any::<String>()) {
        check_readers(&check(&text));
    }

    #[test]
    fn any_strings_survive_a_document_of_any_shape(
        shape in shape(),
        strings in prop::collection::vec(prop_oneof![any::<String>(), r#"[-:#{}\[\],&*!|>'"%@` \n\tyn0Nrx]{0,12}"#], 3),
    ) {
        let mut template = "k:".to_owned();
        let expected = shape.write(0, &strings, &mut template);
        let named = strings.iter().enumerate().map(|(n, text)| (format!("s{n}"), Value::from(text.as_str())));
        let mut values = Mapping::new();
        values.extend(named);
        let root = narae_yaml::Path::root();
        let values = Values::merge([Layer::assignment("test", &root, Value::Mapping(values))]).unwrap();
        let mut set = TemplateSet::new();
        set.add("t.yaml", &template).unwrap();
        set.add_partial("pair", "pair.yaml", "a: {{y}}\nb: |-\n  {{y}}\n").unwrap();
        let rendering = set.render(&values).map_err(|error| TestCaseError::fail(format!("{error}\n{template}")))?;
        prop_assert_eq!(rendering.objects[0].value.get("k"), Some(&expected), "{}", template);
        check_readers(&[expected]);
    }

    #[test]
    fn any_string_of_signs_survives_every_position(text in r#"[-:#{}\[\],&*!|>'"%@` \n\tyn0Nrx]{0,12}"#) {
        check(&text);
    }

    /// Text of the template that looks like a token is text.
    #[test]
    fn no_text_of_a_template_is_taken_for_a_token(before in "(N|r|a|b|x|0|1|z|Nrax|Nrax0z){0,6}", after in "(N|r|a|b|x|0|1|z|Nrax|Nrax0z){0,6}") {
        let template = format!("k: 'p{before}{{{{x}}}}{after}'\nl: 'q{before}{{{{#if t}}}}{{{{/if}}}}{after}'\n");
        let found = super::rendered(&template, "x: <v>\nt: true\n");
        let expected = format!("p{before}<v>{after}");
        prop_assert_eq!(found.get("k").and_then(Value::as_str), Some(expected.as_str()));
        let expected = format!("q{before}{after}");
        prop_assert_eq!(found.get("l").and_then(Value::as_str), Some(expected.as_str()));
    }

    /// No template and no values make it panic, and what cannot be rendered is an error.
    #[test]
    fn no_template_panics(template in r#"(\{\{|\}\}|#if|/if|#each|/each|else| |x|l|\.|\(|\)|"|'|\n|: |- |>|=|@index|~|\||[\[\]{}&*!%#]){0,24}"#) {
        let _ = super::render(&template, "x: 1\nl: [a, b]\n");
    }
}

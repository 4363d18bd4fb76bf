//! Any string arrives unchanged, wherever a tag can stand.

use narae_manifest::{Layer, TemplateSet, Values};
use narae_yaml::{Mapping, Value};
use proptest::prelude::*;

/// Strings that some writer or reader of YAML takes for something else.
const STRINGS: &[&str] = &[
    "",
    " ",
    "yes",
    "no",
    "on",
    "off",
    "y",
    "N",
    "true",
    "False",
    "null",
    "~",
    "Null",
    "1_000",
    "0x1F",
    "0o17",
    "0b11",
    "0444",
    "08",
    "1e3",
    ".5",
    "-.inf",
    ".NaN",
    "1:20",
    "2026-11-21",
    "+1",
    "-",
    "--",
    "---",
    "...",
    "- a",
    "? a",
    ": a",
    "a: b",
    "a:",
    ": #{{",
    "#",
    "a #b",
    "a# b",
    "&a",
    "*a",
    "!a",
    "!!str",
    "|",
    ">",
    "|-\n a",
    "%TAG",
    "@a",
    "`a`",
    "'",
    "''",
    "\"",
    "\\",
    "\\n",
    "\\N",
    "{",
    "}",
    "{}",
    "[",
    "]",
    ",",
    "{a: 1}",
    "[1]",
    "{{x}}",
    "{{{x}}}",
    "{{> x}}",
    "{{#if x}}",
    "\\{{x}}",
    "\n",
    "\n\n",
    "a\n",
    "a\nb",
    "a\n\nb\n",
    " a",
    "a ",
    "  a\n b",
    "\ta",
    "a\tb",
    "a\n\tb",
    "\r\n",
    "a\r\nb",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}a",
    "\u{1}",
    "\u{7f}",
    "é",
    "한글",
    "👩‍🚀",
    "\u{202e}a",
    "Nrax0z",
    "Nrax",
    "0z",
    "<<",
    "=",
    "web\nadmin: true",
    "${x}",
    "%(x)s",
    "a very long line that a writer might want to fold because it has many words and goes on for more than a hundred and twenty characters",
];

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

fn check(text: &str) {
    let values = Value::Mapping(Mapping::from([
        ("x", Value::String(text.to_owned())),
        ("l", Value::Sequence(vec![Value::String(text.to_owned())])),
    ]));
    let values =
        Values::merge([Layer::assignment("test", &narae_yaml::Path::root(), values)]).unwrap();
    for (template, expected) in positions(text) {
        let mut set = TemplateSet::new();
        set.add("t.yaml", template).unwrap();
        set.add_partial("p", "p.yaml", "{{y}}").unwrap();
        set.add_partial("q", "q.yaml", "a: {{y}}\nb: \"{{y}}\"\n")
            .unwrap();
        match set.render(&values) {
            Ok(rendering) => {
                let found: Vec<&Value> = rendering
                    .objects
                    .iter()
                    .map(|object| &object.value)
                    .collect();
                assert_eq!(found, [&expected], "{text:?} in {template:?}");
            }
            Err(error) => panic!("{text:?} in {template:?}: {error}"),
        }
    }
}

#[test]
fn strings_that_look_like_something_else_survive_every_position() {
    STRINGS.iter().for_each(|text| check(text));
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
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_string_survives_every_position(text in any::<String>()) {
        check(&text);
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

//! What is small in a template stays small when it is rendered: time and memory follow the limits.

use narae_manifest::{ErrorKind, Layer, Rendering, TemplateSet, Values};
use proptest::prelude::*;

use super::{rendered, yaml};

fn render_with(partial: &str, template: &str, values: &str) -> (Rendering, Values) {
    let values = Values::merge([Layer::read("v.yaml", values).unwrap()]).unwrap();
    let mut set = TemplateSet::new();
    set.add("t.yaml", template).unwrap();
    set.add_partial("p", "p.yaml", partial).unwrap();
    (set.render(&values).unwrap(), values)
}

/// Each level is made of the one around it twice; what it is made of in the end is two values.
#[test]
fn a_value_made_of_itself_again_and_again_is_made_of_each_value_once() {
    let levels = 60;
    let opened = "{{#with (dict \"x\" (and v.x v.x)) as |v|}}".repeat(levels);
    let template = format!(
        "{{{{#with (dict \"x\" (and a b)) as |v|}}}}{opened}k: {{{{v.x}}}}{}",
        "{{/with}}".repeat(levels + 1)
    );
    let partial =
        "{{#if (lt n most)}}{{> p n=(add n 1) most=most v=(concat v v)}}{{else}}k: x{{v}}{{/if}}";
    let by_partial = "{{> p n=0 most=48 v=(concat a b)}}";
    for (template, values) in [
        (template.as_str(), "a: true\nb: true\n"),
        (by_partial, "a: ''\nb: ''\n"),
    ] {
        let (rendering, values) = render_with(partial, template, values);
        let provenance = rendering.objects[0].provenance(&"k".parse().unwrap());
        let from: Vec<String> = (provenance.unwrap().values.iter())
            .map(|(path, _)| path.to_string())
            .collect();
        assert_eq!(from, ["a", "b"], "for {template}");
        assert_eq!(rendering.unused(&values), []);
    }
}

/// What a value was made of is kept with it, and counts.
#[test]
fn what_values_are_made_of_is_charged() {
    let names = |count: usize| (0..count).map(|i| format!("v{i}"));
    let values: String = names(400).map(|name| format!("{name}: true\n")).collect();
    let all = names(400).collect::<Vec<_>>().join(" ");
    let template = format!(
        "{{{{#with (and {all}) as |a|}}}}{{{{#each (until 10000)}}}}{{{{#if a}}}}{{{{/if}}}}{{{{#if a}}}}{{{{/if}}}}{{{{#if a}}}}{{{{/if}}}}{{{{/each}}}}{{{{/with}}}}"
    );
    let values = Values::merge([Layer::read("v.yaml", &values).unwrap()]).unwrap();
    let mut set = TemplateSet::new();
    set.add("t.yaml", &template).unwrap();
    let error = set.render(&values).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn parts_of_computed_values_are_found_as_those_of_values_are() {
    let made = "(dict \"m\" (dict \"a\" (list 1 (dict \"b\" t))) \"l\" (list \"x\" \"y\"))";
    for (inner, expected) in [
        ("k: {{m.a.[1].b}}", "k: text"),
        ("k: {{lookup m.a 0}}", "k: 1"),
        ("k: {{m}}", "k: {a: [1, {b: text}]}"),
        (
            "k: [{{#each l as |item at|}}{{item}}{{at}}, {{../m.a.[0]}}, {{/each}}]",
            "k: [x0, 1, y1, 1]",
        ),
        (
            "k: {{#each m as |list|}}{{#with (lookup list 1)}}{{b}}{{/with}}{{/each}}",
            "k: text",
        ),
        ("k: {{defined m.c}}{{defined m.a.[9]}}", "k: falsefalse"),
    ] {
        let template = format!("{{{{#with {made}}}}}{inner}{{{{/with}}}}");
        assert_eq!(rendered(&template, "t: text\n"), yaml(expected), "{inner}");
    }
}

/// Comments with values, and scalars with the sign that opens one.
#[test]
fn a_value_in_a_comment_is_told_from_one_in_a_scalar() {
    let template = "a: &x 'one # two {{v}}' # {{v}}\nb: *x\n{{#each (until 500)}}\nk{{this}}: '# {{@root.v}}' # {{@root.v}} # {{@root.v}}\n{{/each}}\n";
    let found = rendered(template, "v: x\n");
    assert_eq!(found.get("a"), Some(&"one # two x".into()));
    assert_eq!(found.get("b"), Some(&"one # two x".into()));
    assert_eq!(found.get("k499"), Some(&"# x".into()));
}

#[test]
fn a_mapping_is_one_value_whatever_the_order_of_its_keys() {
    let values = "l: [{a: 1, b: {c: 2, d: 3}}, {b: {d: 3, c: 2}, a: 1}, {a: 1, b: 2}, '1', 1]\n";
    assert_eq!(
        rendered("{{uniq l}}", values),
        yaml("[{a: 1, b: {c: 2, d: 3}}, {a: 1, b: 2}, '1', 1]")
    );
}

proptest! {
    /// A value, and the same value computed, look alike to a template.
    #[test]
    fn a_copy_of_a_value_looks_like_the_value(
        list in prop::collection::vec("[a-z]{1,3}", 0..4),
        number in 0..9_u8,
    ) {
        let values = format!("v: {{l: [{}], m: {{num: {number}, l: [[{number}]]}}}}\n", list.join(", "));
        let inner = "n: {{m.num}}\nl: {{l}}\nd: {{m.l.[0].[0]}}\ne: [{{#each l}}{{this}}{{@index}}, {{/each}}]\nf: [{{#each m as |x k|}}{{k}}, {{/each}}]\n";
        let plain = rendered(&format!("{{{{#with v}}}}\n{inner}{{{{/with}}}}\n"), &values);
        let copied = format!("{{{{#with (dict \"l\" v.l \"m\" v.m)}}}}\n{inner}{{{{/with}}}}\n");
        prop_assert_eq!(rendered(&copied, &values), plain);
    }
}

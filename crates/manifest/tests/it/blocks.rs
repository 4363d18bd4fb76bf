//! Block helpers that a program adds.

use narae_manifest::template::{BlockCall, Turn};
use narae_manifest::{Error, ErrorKind, Layer, Rendering, TemplateSet, Values};
use narae_yaml::Value;
use proptest::prelude::*;

/// `{{#sorted list by="key" as |element number|}}`: in the order of a text of the elements.
fn sorted<'v>(call: &BlockCall<'v>) -> Result<Vec<Turn<'v>>, String> {
    let [Value::Sequence(list)] = call.arguments() else {
        return Err("takes a list".to_owned());
    };
    let key = call.option("by").and_then(Value::as_str).unwrap_or("name");
    let mut elements: Vec<&Value> = list.iter().collect();
    elements.sort_by_key(|one| one.get(key).and_then(Value::as_str));
    let turn = |(number, one): (usize, &'v Value)| {
        let turn = Turn::new().with_context(one);
        turn.with_name(one).with_name(Value::from(number))
    };
    Ok(elements.into_iter().enumerate().map(turn).collect())
}

/// `{{#named value as |name|}}`: the place around, with one more name.
fn named<'v>(call: &BlockCall<'v>) -> Result<Vec<Turn<'v>>, String> {
    Ok(vec![
        call.arguments()
            .iter()
            .fold(Turn::new(), |turn, value| turn.with_name(*value)),
    ])
}

fn set() -> TemplateSet {
    let mut set = TemplateSet::new();
    set.add_block_helper("sorted", 1..=1, &["by", "order"], sorted)
        .unwrap();
    set.add_block_helper("named", 0..=2, &[], named).unwrap();
    set
}

fn render(template: &str, values: &str) -> Result<(Rendering, Values), Error> {
    let values = Values::merge([Layer::read("v.yaml", values)?])?;
    let mut set = set();
    set.add("t.yaml", template)?;
    Ok((set.render(&values)?, values))
}

const VALUES: &str = "app: shop
hosts:
- {name: b, zone: x}
- {name: a, zone: z}
none: []
";

#[test]
fn a_helper_decides_how_often_and_with_what_its_block_is_rendered() {
    for (template, expected) in [
        (
            "hosts:\n{{#sorted hosts as |host n|}}\n- {name: {{name}}, zone: {{host.zone}}, n: {{n}}, app: {{../app}}}\n{{/sorted}}\n",
            "hosts: [{name: a, zone: z, n: 0, app: shop}, {name: b, zone: x, n: 1, app: shop}]",
        ),
        (
            "k: [{{#sorted hosts by='zone'}}{{this}},{{/sorted}}]",
            "k: [{name: b, zone: x}, {name: a, zone: z}]",
        ),
        ("k: {{#sorted none}}x{{else}}{{app}}{{/sorted}}", "k: shop"),
        (
            "k: {{#sorted none}}x{{else sorted hosts}}{{name}}{{else}}y{{/sorted}}",
            "k: ab",
        ),
        (
            "k: {{#if none}}x{{else sorted hosts}}{{name}}{{/if}}",
            "k: ab",
        ),
        // No further out than the place around, whose names and loop it sees.
        (
            "k: {{#each hosts}}{{#named ../app as |a|}}{{a}}{{@index}}{{name}}{{../app}}{{/named}}{{/each}}",
            "k: shop0bshopshop1ashop",
        ),
        (
            "k: {{#named 1 as |x|}}{{#named 2 as |x|}}{{x}}{{/named}}{{x}}{{/named}}",
            "k: '21'",
        ),
        (
            "k: {{#named app hosts.[0] as |x y|}}{{x}}{{y.name}}{{/named}}",
            "k: shopb",
        ),
        (
            "k: {{#each (list 1 2)}}{{#sorted @root.hosts}}{{@index}}{{/sorted}}{{/each}}",
            "k: '0011'",
        ),
    ] {
        let found =
            render(template, VALUES).map(|(rendering, _)| rendering.objects[0].value.clone());
        assert_eq!(found.unwrap(), super::yaml(expected), "for {template}");
    }
}

/// Those around a computed value are as near as can be known.
#[test]
fn what_a_block_inserts_knows_where_it_was_set() {
    let template = "{{#sorted hosts as |host|}}\n{{name}}: {{host.zone}}\n{{/sorted}}\n";
    let (rendering, values) = render(template, VALUES).unwrap();
    let provenance = rendering.objects[0]
        .provenance(&"a".parse().unwrap())
        .unwrap();
    assert_eq!(provenance.template.to_string(), "t.yaml:2:11");
    let (path, origin) = &provenance.values[0];
    assert_eq!(
        (path.to_string(), origin.to_string()),
        ("hosts[1].zone".into(), "v.yaml:4:19".into())
    );
    let explained = rendering
        .explain(&values, &"hosts".parse().unwrap())
        .to_string();
    assert!(explained.contains("decides at t.yaml:1:11"), "{explained}");
    let unused: Vec<String> = rendering
        .unused(&values)
        .iter()
        .map(|(path, _)| path.to_string())
        .collect();
    assert_eq!(unused, ["app", "none"]);
}

#[test]
fn mistakes_in_a_block_of_a_program_are_named() {
    for (template, expected) in [
        (
            "{{#sorted app}}x{{/sorted}}",
            "t.yaml:1:1: `#sorted` takes a list\n  |\n1 | {{#sorted app}}x{{/sorted}}\n  | ^\n  = `app` is set by v.yaml:1:6\n  = it is used as `{{#sorted … by=… order=…}}` with 1 argument",
        ),
        (
            "{{#sorted hosts b='zone'}}x{{/sorted}}",
            "t.yaml:1:1: `#sorted` has no option `b`\n  |\n1 | {{#sorted hosts b='zone'}}x{{/sorted}}\n  | ^\n  = did you mean `by`",
        ),
        (
            "{{#sorted hosts none}}x{{/sorted}}",
            "t.yaml:1:1: `#sorted` is used as `{{#sorted … by=… order=…}}` with 1 argument, here with 2",
        ),
        (
            "{{#sorted hots}}x{{/sorted}}",
            "t.yaml:1:11: value `hots` is not set",
        ),
        (
            "{{#named as |x|}}x{{/named}}",
            "t.yaml:1:1: `#named` has 0 values to name, not 1",
        ),
        (
            "{{#sroted hosts}}x{{/sroted}}",
            "t.yaml:1:1: there is no block `#sroted`\n  |\n1 | {{#sroted hosts}}x{{/sroted}}\n  | ^\n  = did you mean `#sorted`",
        ),
        (
            "{{#hosts}}x{{/hosts}}",
            "t.yaml:1:1: there is no block `#hosts`\n  |\n1 | {{#hosts}}x{{/hosts}}\n  | ^\n  = for a value write `{{#each hosts}}`, `{{#with hosts}}` or `{{#if hosts}}`",
        ),
        (
            "{{#list 1}}x{{/list}}",
            "t.yaml:1:1: there is no block `#list`\n  |\n1 | {{#list 1}}x{{/list}}\n  | ^\n  = `list` is a helper: `{{#with (list …)}}`, `{{#if (list …)}}`",
        ),
        (
            "k: {{sorted hosts}}",
            "t.yaml:1:6: there is no helper `sorted`\n  |\n1 | k: {{sorted hosts}}\n  |      ^\n  = it is a block: `{{#sorted … by=… order=…}}` with 1 argument",
        ),
    ] {
        let error = render(template, VALUES).unwrap_err().to_string();
        assert!(error.starts_with(expected), "for {template}: {error}");
    }
    for taken in ["sorted", "each", "inline", "a b", ""] {
        let error = set()
            .add_block_helper(taken, 0..=0, &[], named)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{taken}");
    }
}

/// A helper of a program may ask for as much as it likes; the limits hold.
#[test]
fn the_turns_of_a_block_are_bounded() {
    let mut set = TemplateSet::new();
    set.add_block_helper("many", 0..=0, &[], |_| Ok(vec![Turn::new(); 1_000_001]))
        .unwrap();
    set.add("t.yaml", "{{#many}}{{/many}}").unwrap();
    let error = set.render(&Values::merge([]).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

proptest! {
    #[test]
    fn any_string_survives_a_block(text in any::<String>(), place in 0..3_usize) {
        let json = serde_json::to_string(&text).unwrap();
        let values = format!("app: {json}\nhosts: [{{name: {json}}}]\n");
        let template = ["k: {{#named app as |x|}}{{x}}{{/named}}", "k: \"{{#sorted hosts}}{{name}}{{/sorted}}\"", "{{#sorted hosts as |h|}}\nk: |-\n  {{h.name}}\n{{/sorted}}"];
        let (rendering, _) = render(template[place], &values).unwrap();
        prop_assert_eq!(rendering.objects[0].value.get("k").and_then(Value::as_str), Some(text.as_str()));
    }
}

//! What templates mean is what the `handlebars` crate makes of them: the same text, wherever the
//! differences named in the README play no part.

use handlebars::Renderable as _;
use narae_manifest::template::Turn;
use narae_yaml::Value;
use proptest::prelude::*;

const VALUES: &str = r#"{"a": "A", "n": 3, "t": true, "f": false, "e": [], "l": ["x", "y", "z"], "m": {"p": "P", "q": {"r": "R"}}, "o": [{"i": "1", "j": ["u", "v"]}, {"i": "2", "j": ["w"]}]}"#;

/// Includes the block it is given twice, and a partial that it may define.
const LAYOUT: &str = "({{> @partial-block}}:{{a}}:{{> @partial-block}}{{#> nav}}none{{/nav}})";

/// Renders its block so often, and the other part for 0.
struct Times;

impl handlebars::HelperDef for Times {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &handlebars::Helper<'rc>,
        registry: &'reg handlebars::Handlebars<'reg>,
        context: &'rc handlebars::Context,
        state: &mut handlebars::RenderContext<'reg, 'rc>,
        out: &mut dyn handlebars::Output,
    ) -> handlebars::HelperResult {
        let times = helper.param(0).and_then(|times| times.value().as_u64());
        let part = match times {
            Some(0) | None => helper.inverse(),
            Some(_) => helper.template(),
        };
        for _ in 0..times.unwrap_or_default().max(1) {
            if let Some(part) = part {
                part.render(registry, context, state, out)?;
            }
        }
        Ok(())
    }
}

/// The text of a template as the crate renders it, unescaped.
fn reference(template: &str) -> Option<String> {
    let mut registry = handlebars::Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(handlebars::no_escape);
    registry.register_partial("p", "<{{a}}|{{b}}>").ok()?;
    registry.register_partial("lines", "1 {{a}}\n2\n").ok()?;
    registry.register_partial("layout", LAYOUT).ok()?;
    registry.register_helper("times", Box::new(Times));
    let values: serde_json::Value = serde_json::from_str(VALUES).ok()?;
    registry.render_template(template, &values).ok()
}

/// The text that ours gives in a place where text is kept as it is: a literal block. Lines of the
/// template are indented by the block itself, so a template is one line or ends its lines itself.
fn ours(template: &str) -> Option<String> {
    let values = narae_manifest::Layer::read("values.yaml", VALUES).ok()?;
    let values = narae_manifest::Values::merge([values]).ok()?;
    let mut set = narae_manifest::TemplateSet::new();
    set.add_block_helper("times", 1..=1, &[], |call| {
        let times = call.arguments().first().and_then(|times| times.as_u64());
        let times = times.and_then(|times| usize::try_from(times).ok());
        Ok(vec![Turn::new(); times.ok_or("takes a number")?])
    })
    .ok()?;
    set.add("t.yaml", &format!("k: \"{template}\"")).ok()?;
    set.add_partial("p", "p.yaml", "<{{a}}|{{b}}>").ok()?;
    set.add_partial("lines", "lines.yaml", "1 {{a}}\n2\n")
        .ok()?;
    set.add_partial("layout", "layout.yaml", LAYOUT).ok()?;
    let rendering = set.render(&values).ok()?;
    rendering
        .objects
        .first()?
        .value
        .get("k")?
        .as_str()
        .map(str::to_owned)
}

#[test]
fn the_same_text_comes_out() {
    for template in [
        "x{{a}}y{{n}}z",
        "{{#if t}}1{{else}}2{{/if}}{{#if f}}1{{else}}2{{/if}}",
        "{{#if f}}1{{else if e}}2{{else if n}}3{{else}}4{{/if}}",
        "{{#unless f}}1{{/unless}}",
        "{{#each l}}{{@index}}{{this}}{{@first}}{{@last}};{{/each}}",
        "{{#each m.q}}{{@key}}={{this}};{{/each}}",
        "{{#each o}}{{i}}:{{#each j}}{{../i}}{{this}}{{@../index}},{{/each}};{{/each}}",
        "{{#each o as |x k|}}{{k}}{{x.i}}{{/each}}",
        "{{#each e}}1{{else}}none{{/each}}",
        "{{#with m}}{{p}}{{q.r}}{{../a}}{{@root.n}}{{/with}}",
        "{{#with m as |w|}}{{w.p}}{{/with}}",
        "{{lookup l 1}}{{lookup m 'p'}}",
        "{{l.[2]}}{{l.0}}{{m/q/r}}{{this.a}}{{./a}}",
        "a {{~a~}} b",
        "{{! c }}x{{!-- {{a}} --}}y",
        "{{{a}}}{{&a}}",
        "{{> p b='B'}}",
        "{{#each o}}{{> p this a=i b=@index}}{{/each}}",
        "{{#*inline \"x\"}}<{{a}}>{{/inline}}{{> x}}{{> x a=n}}",
        "{{#if t}}{{#*inline \"x\"}}<{{this}}>{{/inline}}{{#each l}}{{> x}}{{/each}}{{/if}}",
        "{{#*inline \"x\"}}1{{/inline}}{{#each l}}{{#*inline \"x\"}}2{{/inline}}{{> x}}{{/each}}{{> x}}",
        "{{#> layout}}block {{n}}{{/layout}}",
        "{{#> layout}}b{{#*inline \"nav\"}}nav {{a}}{{/inline}}{{/layout}}",
        "{{#> layout a='B'}}b{{/layout}}",
        "{{#> nothing}}instead {{a}}{{/nothing}}",
        "{{{{raw}}}}{ {a}} <b>{{{{/raw}}}}",
        "a{{{{raw}}}}x{{{{/raw}}}}b",
        "{{#times 2}}{{a}}{{#each l}}{{../n}}{{#times 2}}{{@index}}{{this}}{{../a}}{{/times}}{{/each}}{{/times}}",
        "{{#times 0}}1{{else times 0}}2{{else if f}}3{{else times n}}4 {{~a~}} 5{{/times}}",
        "{{#times 0}}1{{/times}}{{#if f}}2{{else times 1}}{{a}}{{/if}}",
        "{{#if (eq a 'A')}}1{{/if}}{{#if (not f)}}2{{/if}}{{#if (and t n)}}3{{/if}}{{#if (or f e)}}4{{/if}}",
    ] {
        let expected = reference(template);
        assert!(expected.is_some(), "the reference renders {template:?}");
        assert_eq!(ours(template), expected, "for {template:?}");
    }
}

#[test]
fn lines_that_a_tag_has_to_itself_vanish() {
    for (template, expected) in [
        (
            "k: |\n  {{#if t}}\n  a\n  {{else}}\n  b\n  {{/if}}\n  c\n",
            "a\nc\n",
        ),
        ("k: |\n  {{! nothing }}\n  a\n", "a\n"),
        (
            "k: |\n  {{#each l}}\n  {{this}}\n  {{/each}}\n",
            "x\ny\nz\n",
        ),
        ("k: |\n  a\n  {{> lines}}\n  b\n", "a\n1 A\n2\nb\n"),
    ] {
        let mut registry = handlebars::Handlebars::new();
        registry.register_partial("lines", "1 {{a}}\n2\n").unwrap();
        let values: serde_json::Value = serde_json::from_str(VALUES).unwrap();
        let text = registry.render_template(template, &values).unwrap();
        let reference = super::yaml(&text);
        assert_eq!(reference.get("k").and_then(Value::as_str), Some(expected));

        let values =
            narae_manifest::Values::merge([narae_manifest::Layer::read("v.yaml", VALUES).unwrap()])
                .unwrap();
        let mut set = narae_manifest::TemplateSet::new();
        set.add("t.yaml", template).unwrap();
        set.add_partial("lines", "lines.yaml", "1 {{a}}\n2\n")
            .unwrap();
        assert_eq!(
            set.render(&values).unwrap().objects[0].value,
            reference,
            "for {template:?}"
        );
    }
}

/// As in the JavaScript implementation; `handlebars` drops the white space a raw text begins with.
#[test]
fn raw_text_is_kept_as_it_is() {
    for (template, expected) in [
        (
            "k: |\n  a\n  {{{{raw}}}}\n    {{ $labels.a }} \\{{b}}\n  {{{{/raw}}}}\n  c\n",
            "a\n  {{ $labels.a }} \\{{b}}\nc\n",
        ),
        (
            "k: |\n  a {{{{raw}}}} {{x}} {{{{/raw}}}} b\n",
            "a  {{x}}  b\n",
        ),
        (
            "k: |\n  a {{{{raw~}}}} {{x}} {{{{~/raw}}}} b\n",
            "a {{x}} b\n",
        ),
        (
            "k: |\n  a{{{{raw}}}}{{{{/raw}}}}b{{{{ raw }}}}c{{{{/ raw }}}}\n",
            "abc\n",
        ),
        (
            "k: |\n  {{{{raw}}}}\n  {{#if t}}\n  {{{{/raw}}}}\n  {{#if t}}\n  b\n  {{/if}}\n",
            "{{#if t}}\nb\n",
        ),
    ] {
        let found = super::rendered(template, VALUES);
        let found = found.get("k").and_then(Value::as_str);
        assert_eq!(found, Some(expected), "for {template:?}");
    }
}

/// Names bound outside a block are known in it; `@partial-block` in it is that of outside.
#[test]
fn a_block_given_to_a_partial_sees_where_it_was_written() {
    let values = narae_manifest::Layer::read("v.yaml", VALUES).unwrap();
    let values = narae_manifest::Values::merge([values]).unwrap();
    let mut set = narae_manifest::TemplateSet::new();
    set.add(
        "t.yaml",
        "{{#each o as |item n|}}\n{{#> outer of=item.i}}\nk{{n}}: {{item.i}}{{of}}\n{{/outer}}\n{{/each}}\n",
    )
    .unwrap();
    let outer = "{{#> inner}}\n{{> @partial-block}}\n{{/inner}}\n";
    set.add_partial("outer", "outer.yaml", outer).unwrap();
    set.add_partial("inner", "inner.yaml", "{{> @partial-block}}\n")
        .unwrap();
    let rendering = set.render(&values).unwrap();
    assert_eq!(
        rendering.objects[0].value,
        super::yaml("{k0: '11', k1: '22'}")
    );
}

/// Pieces of templates that both engines take to mean the same.
fn piece() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("{{@root.a}}"),
        Just("{{@root.n}}"),
        Just(" x "),
        Just("{{@root.m.q.r}}"),
        Just("{{! c }}"),
        Just("{{~@root.a}}"),
        Just(" {{@root.a~}} "),
        Just("{{@root.l.[1]}}"),
        Just("é"),
    ]
    .prop_map(String::from);
    leaf.prop_recursive(3, 24, 4, |inner| {
        let body = prop::collection::vec(inner, 0..4).prop_map(|parts| parts.concat());
        prop_oneof![
            (body.clone(), body.clone())
                .prop_map(|(a, b)| format!("{{{{#if @root.f}}}}{a}{{{{else}}}}{b}{{{{/if}}}}")),
            body.clone()
                .prop_map(|a| format!("{{{{#unless @root.e}}}}{a}{{{{/unless}}}}")),
            body.clone().prop_map(|a| format!(
                "{{{{#each @root.l}}}}{a}{{{{@index}}}}{{{{this}}}}{{{{/each}}}}"
            )),
            body.clone()
                .prop_map(|a| format!("{{{{#with @root.m}}}}{{{{p}}}}{a}{{{{~/with~}}}}")),
            (body.clone(), body.clone(), 0..3_u8).prop_map(|(a, b, n)| format!(
                "{{{{#times {n}}}}}{a}{{{{else}}}}{b}{{{{/times}}}}"
            )),
            body.prop_map(|a| format!(
                "{{{{#if @root.f}}}}-{{{{else if @root.t}}}}{a}{{{{else}}}}-{{{{/if}}}}"
            )),
        ]
    })
}

proptest! {
    #[test]
    fn any_template_of_common_parts_gives_the_same_text(parts in prop::collection::vec(piece(), 1..5)) {
        let template = format!("<{}>", parts.concat());
        if let Some(expected) = reference(&template) {
            prop_assert_eq!(ours(&template), Some(expected), "for {:?}", template);
        }
    }
}

//! What templates can say, and what a rendering knows.

use narae_manifest::template::Limits;
use narae_manifest::{ErrorKind, Layer, Rendering, TemplateSet, Values};
use narae_yaml::{Path, Value};

use super::{render, rendered, yaml};

const VALUES: &str = "
app: shop
image: {name: web, tag: '1.20'}
replicas: 3
zero: 0
enabled: true
nothing: [null]
empty: []
ports: [{name: http, port: 80}, {name: admin, port: 8081}]
labels: {team: checkout, beta: 'yes'}
";

#[test]
fn a_tag_that_stands_alone_inserts_the_value_as_it_is() {
    for (template, expected) in [
        ("k: {{replicas}}", "k: 3"),
        ("k: {{enabled}}", "k: true"),
        ("k: {{image.tag}}", "k: '1.20'"),
        ("k: {{nothing.[0]}}", "k: null"),
        ("k: {{labels}}", "k: {team: checkout, beta: 'yes'}"),
        (
            "k: {{ports}}",
            "k: [{name: http, port: 80}, {name: admin, port: 8081}]",
        ),
        ("{{labels}}", "{team: checkout, beta: 'yes'}"),
        ("k: '{{replicas}}'", "k: '3'"),
        ("k: v{{replicas}}", "k: v3"),
        ("k: {{enabled}}{{replicas}}", "k: true3"),
        ("{{replicas}}: v", "'3': v"),
        ("k: {{!-- a comment --}}{{replicas}}", "k: 3"),
        ("k: \\{{app}}", "k: '{{app}}'"),
    ] {
        let expected = if template.starts_with("k: \\") {
            Err(())
        } else {
            Ok(yaml(expected))
        };
        let found = render(template, VALUES)
            .map(|mut documents| documents.remove(0))
            .map_err(drop);
        assert_eq!(found, expected, "for {template:?}");
    }
}

#[test]
fn blocks_helpers_and_references_mean_what_they_mean_in_handlebars() {
    for (template, expected) in [
        ("k: {{#if enabled}}a{{else}}b{{/if}}", "k: a"),
        (
            "k: {{#if zero}}a{{else if replicas}}b{{else}}c{{/if}}",
            "k: b",
        ),
        ("k: {{#if zero}}a{{else if empty}}b{{else}}c{{/if}}", "k: c"),
        ("k: {{#if zero includeZero=true}}a{{/if}}", "k: a"),
        ("k: {{#unless empty}}a{{/unless}}", "k: a"),
        (
            "k: [{{#each ports}}{{port}}{{#unless @last}}, {{/unless}}{{/each}}]",
            "k: [80, 8081]",
        ),
        (
            "{{#each ports}}\n{{name}}: {{@index}}\n{{/each}}\n",
            "{http: 0, admin: 1}",
        ),
        (
            "{{#each labels}}\n{{@key}}: {{this}}\n{{/each}}\n",
            "{team: checkout, beta: 'yes'}",
        ),
        (
            "{{#each labels as |value key|}}\n{{key}}: {{value}}\n{{/each}}\n",
            "{team: checkout, beta: 'yes'}",
        ),
        ("k: {{#each empty}}a{{else}}none{{/each}}", "k: none"),
        (
            "k: {{#with image}}{{name}}-{{../app}}-{{@root.replicas}}{{/with}}",
            "k: web-shop-3",
        ),
        ("k: {{#with image as |i|}}{{i.name}}{{/with}}", "k: web"),
        (
            "{{#each ports}}{{#each @root.labels}}\n{{@../index}}{{@key}}: {{../name}}{{/each}}{{/each}}",
            "{0team: http, 0beta: http, 1team: admin, 1beta: admin}",
        ),
        ("k: {{lookup ports 1}}", "k: {name: admin, port: 8081}"),
        ("k: {{lookup (lookup ports 0) 'name'}}", "k: http"),
        ("k: {{ports.[1].name}}", "k: admin"),
        ("k: {{default missing 'x'}}", "k: x"),
        ("k: {{default image.tga image.tag}}", "k: '1.20'"),
        ("k: {{default replicas 1}}", "k: 3"),
        ("k: {{#if (defined missing)}}a{{else}}b{{/if}}", "k: b"),
        (
            "k: {{#if (and (defined image) (eq image.name 'web'))}}a{{/if}}",
            "k: a",
        ),
        ("k: {{#if (or enabled missing)}}a{{/if}}", "k: a"),
        ("k: {{not enabled}}", "k: false"),
        ("k: {{eq replicas 3}}", "k: true"),
        ("k: {{ne image.tag 1.20}}", "k: true"),
        ("k: {{required app 'needed'}}", "k: shop"),
        (
            "k: {{concat app ':' image.tag '-' replicas}}",
            "k: 'shop:1.20-3'",
        ),
        ("k: {{join (lookup @root 'ports2') ','}}", "k: a,b"),
        ("k: {{upper (concat app 'ß')}}", "k: SHOPSS"),
        ("k: {{lower 'ABC'}}", "k: abc"),
        (
            "k: {{toJson labels}}",
            "k: '{\"team\":\"checkout\",\"beta\":\"yes\"}'",
        ),
        ("k: {{b64enc app}}", "k: c2hvcA=="),
        ("k: {{{app}}}", "k: shop"),
        ("k:  \n  {{~app~}}  \n", "'k:shop'"),
        ("k: {{> p app name=image.name}}", "k: web-shop"),
        (
            "k:\n    {{> block}}\nl: 1\n",
            "{k: {a: shop, b: |\"x\n\ny\n\"}, l: 1}",
        ),
        ("k: {{> (concat 'p' '') app name='n'}}", "k: n-shop"),
    ] {
        let expected = expected.replace("|\"x\n\ny\n\"", "\"x\\n\\ny\\n\"");
        let mut set = TemplateSet::new();
        set.add("t.yaml", template).unwrap();
        set.add_partial("p", "p.yaml", "{{name}}-{{this}}").unwrap();
        set.add_partial("block", "block.yaml", "a: {{app}}\nb: |\n  x\n\n  y\n")
            .unwrap();
        let values = format!("{VALUES}ports2: [a, b]\n");
        let values = Values::merge([Layer::read("values.yaml", &values).unwrap()]).unwrap();
        match set.render(&values) {
            Ok(rendering) => {
                let found: Vec<&Value> = rendering
                    .objects
                    .iter()
                    .map(|object| &object.value)
                    .collect();
                assert_eq!(found, [&yaml(&expected)], "for {template:?}");
            }
            Err(error) => panic!("{template:?}: {error}"),
        }
    }
}

#[test]
fn documents_come_in_order_and_empty_ones_do_not() {
    let found = render(
        "---\n# nothing\n---\na: {{replicas}}\n---\n{{#if zero}}b: 1{{/if}}\n---\nc: 2\n",
        VALUES,
    )
    .unwrap();
    assert_eq!(found, [yaml("a: 3"), yaml("c: 2")]);
}

#[test]
fn loops_follow_the_order_of_the_values() {
    let found = rendered(
        "{{#each m}}\n{{@key}}: {{this}}\n{{/each}}\n",
        "m: {z: 1, a: 2, m: 3}",
    );
    let keys: Vec<&str> = found.as_mapping().unwrap().keys().collect();
    assert_eq!(keys, ["z", "a", "m"]);
}

fn shop() -> (Rendering, Values) {
    let values = Values::merge([
        Layer::read("base.yaml", VALUES).unwrap(),
        Layer::read("prod.yaml", "replicas: 5\nreplcas: 1\n").unwrap(),
    ])
    .unwrap();
    let mut set = TemplateSet::new();
    set.add_partial(
        "labels",
        "_labels.yaml",
        "app: {{name}}\n{{#each labels}}\n{{@key}}: {{this}}\n{{/each}}\n",
    )
    .unwrap();
    set.add(
        "deployment.yaml",
        "kind: Deployment\nmetadata:\n  labels:\n    {{> labels name=image.name}}\nspec:\n  replicas: {{replicas}}\n  strategy: fixed\n  image: \"{{image.name}}:{{image.tag}}\"\n  all: {{labels}}\n  {{app}}x: 1\n  limit: {{default replicasMax 7}}\n  ports:\n    {{#each ports}}\n    - {{this}}\n    {{/each}}\n",
    )
    .unwrap();
    (set.render(&values).unwrap(), values)
}

#[test]
fn every_field_knows_its_template_and_its_values() {
    let (rendering, _) = shop();
    for (path, template, values) in [
        (
            "spec.replicas",
            "deployment.yaml:6:13",
            "replicas prod.yaml:1:11",
        ),
        ("spec.strategy", "deployment.yaml:7:13", ""),
        (
            "spec.image",
            "deployment.yaml:8:10",
            "image.name base.yaml:3:15, image.tag base.yaml:3:25",
        ),
        (
            "spec.all.beta",
            "deployment.yaml:9:8",
            "labels.beta base.yaml:10:32",
        ),
        ("spec.shopx", "deployment.yaml:10:13", ""),
        ("spec.limit", "deployment.yaml:11:10", ""),
        (
            "spec.ports[1].port",
            "deployment.yaml:14:7",
            "ports[1].port base.yaml:9:53",
        ),
        (
            "metadata.labels.app",
            "_labels.yaml:1:6",
            "image.name base.yaml:3:15",
        ),
        (
            "metadata.labels.team",
            "_labels.yaml:3:11",
            "labels.team base.yaml:10:16",
        ),
        // What is not there belongs to the nearest thing around it.
        ("spec.template.spec", "deployment.yaml:6:3", ""),
    ] {
        let path: Path = path.parse().unwrap();
        let found = rendering.objects[0].provenance(&path).unwrap();
        let described: Vec<String> = found
            .values
            .iter()
            .map(|(path, origin)| format!("{path} {origin}"))
            .collect();
        assert_eq!(
            (
                found.template.to_string().as_str(),
                described.join(", ").as_str()
            ),
            (template, values),
            "for {path}"
        );
    }
}

#[test]
fn values_that_nothing_uses_are_named_once_and_with_what_was_meant() {
    let (rendering, values) = shop();
    let unused: Vec<String> = rendering
        .unused(&values)
        .iter()
        .map(|(path, origin)| format!("{path} {origin}"))
        .collect();
    assert_eq!(
        unused,
        [
            "zero base.yaml:5:1",
            "enabled base.yaml:6:1",
            "nothing base.yaml:7:1",
            "empty base.yaml:8:1",
            "replcas prod.yaml:2:1"
        ]
    );
    let suggestion = rendering.suggestion(&"replicaMax".parse().unwrap());
    assert_eq!(suggestion, Some("replicasMax".parse().unwrap()));
    let used: Vec<String> = rendering.used().map(|path| path.to_string()).collect();
    assert!(
        used.contains(&"image.tag".to_owned()) && !used.contains(&"zero".to_owned()),
        "{used:?}"
    );
}

#[test]
fn the_values_as_a_whole_use_every_value() {
    let values = Values::merge([Layer::read("v.yaml", VALUES).unwrap()]).unwrap();
    for template in ["{{this}}", "k: {{toJson @root}}"] {
        let mut set = TemplateSet::new();
        set.add("t", template).unwrap();
        let rendering = set.render(&values).unwrap();
        assert_eq!(rendering.unused(&values), [], "for {template}");
    }
}

#[test]
fn a_rendering_is_bounded() {
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    let nested = "{{#each l}}{{#each @root.l}}{{#each @root.l}}{{#each @root.l}}{{/each}}{{/each}}{{/each}}{{/each}}";
    let long = "a".repeat(1000);
    for (template, limits, expected) in [
        (
            "{{> p}}",
            Limits::default(),
            "p.yaml:1:3: blocks and partials nest deeper than max_depth = 100 allows",
        ),
        (
            nested,
            limits(|l| l.max_steps = 100),
            "t.yaml:1:46: the rendering is larger than max_steps = 100 allows",
        ),
        (
            "{{#each l}}- {{@root.long}}\n{{/each}}",
            limits(|l| l.max_bytes = 2000),
            "t.yaml:1:14: the rendering is larger than max_bytes = 2000 allows",
        ),
    ] {
        let values = format!("l: [1, 2, 3, 4, 5, 6, 7, 8, 9]\nlong: {long}\n");
        let values = Values::merge([Layer::read("v.yaml", &values).unwrap()]).unwrap();
        let mut set = TemplateSet::new().with_limits(limits);
        set.add("t.yaml", template).unwrap();
        set.add_partial("p", "p.yaml", "- {{> p}}").unwrap();
        let error = set.render(&values).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    for template in [
        "{{#if a}}".repeat(10_000),
        format!("{{{{x {}", "(".repeat(100_000)),
        "a".repeat(1 << 19),
    ] {
        let error = TemplateSet::new().add("t.yaml", &template).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    }
}

/// Nothing that is hashed, and no order in which something is made, shows in what comes out.
#[test]
fn the_same_input_gives_the_same_bytes() {
    let made = || {
        let (rendering, values) = shop();
        let mut text = String::new();
        for object in &rendering.objects {
            text.push_str(&narae_yaml::write(&object.value));
        }
        for (path, _) in rendering.unused(&values) {
            text.push_str(&format!("{path}\n"));
        }
        for path in rendering.used() {
            text.push_str(&rendering.explain(&values, &path).to_string());
        }
        text
    };
    let first = made();
    // Each time with other seeds for every hash.
    for _ in 0..8 {
        assert_eq!(made(), first);
    }
}

#[test]
fn names_are_taken_once() {
    let mut set = TemplateSet::new();
    set.add("t.yaml", "a: 1").unwrap();
    assert_eq!(
        set.add("t.yaml", "a: 1").unwrap_err().kind(),
        ErrorKind::Conflict
    );
    set.add_partial("p", "p.yaml", "a").unwrap();
    assert_eq!(
        set.add_partial("p", "q.yaml", "a").unwrap_err().kind(),
        ErrorKind::Conflict
    );
}

#[test]
fn what_is_public_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<TemplateSet>();
    shared::<Values>();
    shared::<Rendering>();
    shared::<narae_manifest::Error>();
    #[cfg(feature = "cel")]
    shared::<narae_manifest::PolicySet>();
}

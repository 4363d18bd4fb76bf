use narae_manifest::{Layer, TemplateSet, Values};

#[test]
fn smoke() {
    let base = Layer::read("values/base.yaml", "image:\n  name: shop\n  tag: '1.0'\nreplicas: 2\nlabels: {a: 'yes', b: ': #{{'}\nenv: [x, y]\nold: 1\nmulti: |\n  a\n  b\n").unwrap();
    let prod = Layer::read("values/prod.yaml", "replicas: 5\nold: null\n").unwrap();
    let values = Values::merge([base, prod]).unwrap();
    let mut set = TemplateSet::new();
    set.add_partial(
        "labels",
        "templates/_labels.yaml",
        "app: {{app}}\n{{#each labels}}\n{{@key}}: {{this}}\n{{/each}}\n",
    )
    .unwrap();
    set.add("templates/d.yaml", "# {{replicas}}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: x-{{image.name}}\n  labels:\n    {{> labels app=image.name}}\nspec:\n  replicas: {{replicas}}\n  text: |\n    q {{multi}} r\n  {{#each env}}\n  k{{@index}}: '{{this}}'\n  {{/each}}\n  all: {{labels}}\n").unwrap();
    let rendering = set.render(&values).unwrap();
    let object = rendering.objects.first().unwrap();
    println!("{}", narae_yaml::write(&object.value));
    for path in [
        "spec.replicas",
        "metadata.labels.a",
        "spec.all.b",
        "spec.k1",
        "metadata.name",
    ] {
        println!("{path} {:?}", object.provenance(&path.parse().unwrap()));
    }
    println!("{:?}", rendering.unused(&values));
    for bad in [
        "a: {{image.tga}}\n",
        "a: {{#if image.x}}{{/if}}\n",
        "a: 'x {{labels}}'\n",
        "a: &{{image.name}} 1\n",
        "a: 1\na: {{replicas}}\n",
        "a:\n  b: [1\nc: {{replicas}}\n",
        "{{> lables}}",
        "{{lowr replicas}}",
        "{{#if}}",
        "x: {{#each replicas}}{{/each}}",
        "{{#each env}}x: {{replicas}}{{/each}}",
        "{{#if a}}",
    ] {
        let mut set = set.clone();
        let e = set
            .add("t.yaml", bad)
            .and_then(|()| set.render(&values).map(|_| ()))
            .unwrap_err();
        println!("{e}\n");
    }
}

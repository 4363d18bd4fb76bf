//! Where a value comes from and where it goes.

use narae_manifest::{Layer, Rendering, TemplateSet, Values};
use narae_yaml::Path;

fn shop() -> (Rendering, Values) {
    let values = Values::merge([
        Layer::read(
            "base.yaml",
            "image: {name: web, tag: v1}\nreplicas: 2\nlabels: {team: shop, tier: x}\ndebug: true\nlist: [{p: 1}]\nempty: {}\n",
        )
        .unwrap(),
        Layer::read("prod.yaml", "replicas: 5\nlabels: {tier: null}\nlogLevl: info\ndebug: null\n").unwrap(),
        Layer::set("--set", "image.tag=v2").unwrap(),
    ])
    .unwrap();
    let mut set = TemplateSet::new();
    set.add(
        "deployment.yaml",
        "kind: Deployment
apiVersion: apps/v1
metadata: {name: web, labels: {{labels}}, {{image.name}}-x: y}
spec:
  replicas: {{replicas}}
  image: \"{{image.name}}:{{image.tag}}\" # {{image.tag}}
  {{#if (eq replicas 5)}}
  level: {{default logLevel 'warn'}}
  {{/if}}
  json: {{toJson labels}}
",
    )
    .unwrap();
    (set.render(&values).unwrap(), values)
}

#[test]
fn a_value_is_explained_in_words() {
    let (rendering, values) = shop();
    for (path, expected) in [
        (
            "image.tag",
            "image.tag: \"v2\"
  set by --set image.tag
  overrides base.yaml:1:25
  used in Deployment web
    deployment.yaml:6:26  /spec/image
",
        ),
        (
            "replicas",
            "replicas: 5
  set by prod.yaml:1:11
  overrides base.yaml:2:11
  used in Deployment web
    deployment.yaml:5:13  /spec/replicas
  decides at deployment.yaml:7:10
",
        ),
        (
            "image",
            "image.name: \"web\"
  set by base.yaml:1:15
  used in Deployment web
    deployment.yaml:3:43  /metadata/web-x
    deployment.yaml:6:11  /spec/image
image.tag: \"v2\"
  set by --set image.tag
  overrides base.yaml:1:25
  used in Deployment web
    deployment.yaml:6:26  /spec/image
",
        ),
        (
            "labels",
            "labels
  used in Deployment web
    deployment.yaml:3:31  /metadata/labels
    deployment.yaml:10:9  /spec/json
labels.team: \"shop\"
  set by base.yaml:3:16
",
        ),
        (
            "labels.team",
            "labels.team: \"shop\"
  set by base.yaml:3:16
  used in Deployment web
    deployment.yaml:3:31  /metadata/labels/team  (part of labels)
    deployment.yaml:10:9  /spec/json  (part of labels)
",
        ),
        (
            "",
            "image.name: \"web\"
  set by base.yaml:1:15
  used in Deployment web
    deployment.yaml:3:43  /metadata/web-x
    deployment.yaml:6:11  /spec/image
image.tag: \"v2\"
  set by --set image.tag
  overrides base.yaml:1:25
  used in Deployment web
    deployment.yaml:6:26  /spec/image
replicas: 5
  set by prod.yaml:1:11
  overrides base.yaml:2:11
  used in Deployment web
    deployment.yaml:5:13  /spec/replicas
  decides at deployment.yaml:7:10
labels
  used in Deployment web
    deployment.yaml:3:31  /metadata/labels
    deployment.yaml:10:9  /spec/json
labels.team: \"shop\"
  set by base.yaml:3:16
list[0].p: 1
  set by base.yaml:5:12
  used nowhere
empty: {}
  set by base.yaml:6:8
  used nowhere
logLevl: \"info\"
  set by prod.yaml:3:10
  used nowhere
logLevel is not set
  asked for at deployment.yaml:8:20
",
        ),
        (
            "debug",
            "debug is deleted by prod.yaml:4:8\n  overrides base.yaml:4:8\n",
        ),
        (
            "labels.tier",
            "labels.tier is deleted by prod.yaml:2:16\n  overrides base.yaml:3:28\n",
        ),
        (
            "imgae.tag",
            "imgae.tag is not set\n  did you mean image.tag\n",
        ),
        (
            "image.tga",
            "image.tga is not set\n  did you mean image.tag\n",
        ),
        (
            "image.digest",
            "image.digest is not set\n  there are image.name, image.tag\n",
        ),
        ("list[3].p", "list[3].p is not set\n  there are list[0]\n"),
        (
            "empty",
            "empty: {}\n  set by base.yaml:6:8\n  used nowhere\n",
        ),
        (
            "logLevel",
            "logLevel is not set\n  did you mean logLevl\n  asked for at deployment.yaml:8:20\n",
        ),
    ] {
        let path = match path {
            "" => Path::root(),
            path => path.parse().unwrap(),
        };
        let found = rendering.explain(&values, &path);
        assert_eq!(found.to_string(), expected, "for {path}");
    }
}

#[test]
fn an_explanation_is_data() {
    let (rendering, values) = shop();
    let explanation = rendering.explain(&values, &"replicas".parse().unwrap());
    assert_eq!(
        serde_json::to_value(&explanation).unwrap(),
        serde_json::json!({
            "path": "replicas",
            "settings": [{
                "path": "replicas",
                "value": 5,
                "origin": {"source": "prod.yaml", "line": 1, "column": 11},
                "overridden": [{"source": "base.yaml", "line": 2, "column": 11}],
                "isUnused": false,
            }],
            "uses": [
                {
                    "value": "replicas",
                    "template": {"source": "deployment.yaml", "line": 5, "column": 13},
                    "use": "field",
                    "object": "Deployment web",
                    "pointer": "/spec/replicas",
                },
                {
                    "value": "replicas",
                    "template": {"source": "deployment.yaml", "line": 7, "column": 10},
                    "use": "decision",
                },
            ],
        })
    );
    let explanation = values.explain(&"image.tag".parse().unwrap());
    let found = serde_json::to_value(&explanation).unwrap();
    assert_eq!(
        found["settings"][0]["origin"],
        serde_json::json!({"source": "--set image.tag"})
    );
    assert_eq!(explanation.uses, []);
}

#[test]
fn a_reference_that_leads_nowhere_is_reported_with_what_was_meant() {
    let (rendering, values) = shop();
    let unresolved = rendering.unresolved(&values);
    let [one] = unresolved.as_slice() else {
        panic!("one was expected: {unresolved:?}");
    };
    assert_eq!(one.path.to_string(), "logLevel");
    assert_eq!(one.template.to_string(), "deployment.yaml:8:20");
    assert_eq!(one.suggestion.as_ref().unwrap().to_string(), "logLevl");
    let unused: Vec<String> = (rendering.unused(&values).iter())
        .map(|(path, origin)| format!("{path} {origin}"))
        .collect();
    assert_eq!(
        unused,
        [
            "list base.yaml:5:1",
            "empty base.yaml:6:1",
            "logLevl prod.yaml:3:1"
        ]
    );
    let meant = rendering.suggestion(&"logLevl".parse().unwrap());
    assert_eq!(meant.unwrap().to_string(), "logLevel");
    // Also what is set and used.
    let meant = rendering.suggestion(&"replcas".parse().unwrap());
    assert_eq!(meant.unwrap().to_string(), "replicas");
}

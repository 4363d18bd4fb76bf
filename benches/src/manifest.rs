//! Is rendering with typed values and provenance as fast as rendering text and parsing it?

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use narae_manifest::template::Rendered;
use narae_manifest::{Layer, Schemas, TemplateSet, Values};
use serde::Deserialize as _;

use crate::process;
use crate::report::Report;

const ROUNDS: usize = 15;

/// Applications; each becomes five objects.
const APPLICATIONS: usize = 100;

/// Runs the suite.
pub fn run(report: &mut Report) {
    let text = values_file();
    let note = format!("{APPLICATIONS} applications × 5 kinds, from values already read");
    let values = Values::merge([Layer::read("values.yaml", &text).expect("our own values")]);
    let values = values.expect("one layer merges");
    let set = templates();
    let ours = || set.render(&values).expect("our own templates").objects;

    let registry = registry();
    let data: serde_json::Value = yaml_serde::from_str(&text).expect("our own values");
    let theirs = || text_then_parse(&registry, &data);
    let (ours_made, theirs_made) = (ours(), theirs());
    assert_eq!(ours_made.len(), theirs_made.len(), "both make every object");
    for (ours, theirs) in ours_made.iter().zip(&theirs_made) {
        assert_eq!(
            serde_json::to_value(&ours.value).expect("plain"),
            serde_json::to_value(theirs).expect("plain"),
            "both make the same objects"
        );
    }
    report.compare(
        "manifest.render",
        "handlebars + yaml_serde",
        &note,
        ROUNDS,
        ours,
        theirs,
    );

    let note = format!(
        "the same, with values and templates read anew ({} kB)",
        text.len() / 1000
    );
    report.compare(
        "manifest.read_and_render",
        "handlebars + yaml_serde",
        &note,
        ROUNDS,
        || {
            let values =
                Values::merge([Layer::read("values.yaml", &text).expect("our own values")]);
            templates()
                .render(&values.expect("one layer merges"))
                .expect("our own templates")
                .objects
        },
        || {
            let data: serde_json::Value = yaml_serde::from_str(&text).expect("our own values");
            text_then_parse(&self::registry(), &data)
        },
    );
    schema(report, &ours_made);
    process::run(report);
}

/// Objects against the schemas of their kinds, once those are read.
fn schema(report: &mut Report, objects: &[Rendered]) {
    let schemas = Schemas::kubernetes("1.36").expect("there is a table for it");
    let objects: Vec<_> = objects.iter().map(|object| &object.value).collect();
    assert_eq!(schemas.check(&objects), [], "our own objects are right");
    let mut ours = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        std::hint::black_box(schemas.check(&objects));
        ours = ours.min(start.elapsed());
    }
    let note = format!(
        "{} objects against Kubernetes 1.36, tables read",
        objects.len()
    );
    let budget = Duration::from_millis(5);
    report.record(
        "manifest.schema_check",
        "a budget of 5 ms",
        &note,
        ours,
        budget,
    );
}

fn templates() -> TemplateSet {
    let mut set = TemplateSet::new();
    set.add_partial("labels", "_labels.yaml", LABELS)
        .expect("our own partial");
    for (name, template) in KINDS {
        set.add(name, &looped(template)).expect("our own template");
    }
    set
}

/// The same templates as text: whole values are written as JSON, which YAML reads.
fn registry() -> handlebars::Handlebars<'static> {
    let mut registry = handlebars::Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(handlebars::no_escape);
    handlebars::handlebars_helper!(json: |value: Json| value.to_string());
    registry.register_helper("json", Box::new(json));
    registry
        .register_partial("labels", LABELS)
        .expect("our own partial");
    for (name, template) in KINDS {
        let template = looped(template).replace("{{resources}}", "{{json resources}}");
        let template = template.replace("{{config}}", "{{json config}}");
        registry
            .register_template_string(name, template)
            .expect("our own template");
    }
    registry
}

fn text_then_parse(
    registry: &handlebars::Handlebars<'_>,
    data: &serde_json::Value,
) -> Vec<yaml_serde::Value> {
    let parse = |name: &str| {
        let text = registry.render(name, data).expect("our own template");
        let documents = yaml_serde::Deserializer::from_str(&text)
            .map(|document| yaml_serde::Value::deserialize(document).expect("what we rendered"));
        documents
            .filter(|document| !document.is_null())
            .collect::<Vec<_>>()
    };
    KINDS.iter().flat_map(|(name, _)| parse(name)).collect()
}

fn looped(template: &str) -> String {
    format!("{{{{#each apps}}}}\n---\n{template}{{{{/each}}}}\n")
}

const LABELS: &str = "app.kubernetes.io/name: {{name}}
app.kubernetes.io/managed-by: narae
site: {{@root.site}}
";

const KINDS: &[(&str, &str)] = &[
    (
        "deployment",
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{name}}
  namespace: {{@root.namespace}}
  labels:
    {{> labels}}
spec:
  replicas: {{replicas}}
  selector:
    matchLabels:
      app.kubernetes.io/name: {{name}}
  template:
    metadata:
      labels:
        {{> labels}}
    spec:
      serviceAccountName: {{name}}
      containers:
        - name: {{name}}
          image: \"{{image}}:{{tag}}\"
          ports:
            - name: http
              containerPort: {{port}}
          resources: {{resources}}
          env:
            - name: SITE
              value: {{@root.site}}
            - name: JAVA_TOOL_OPTIONS
              value: \"-Xmx{{heap}} -Dsite={{@root.site}}\"
          readinessProbe:
            httpGet:
              path: /healthz
              port: http
            periodSeconds: 5
",
    ),
    (
        "service",
        "apiVersion: v1
kind: Service
metadata:
  name: {{name}}
  namespace: {{@root.namespace}}
  labels:
    {{> labels}}
spec:
  selector:
    app.kubernetes.io/name: {{name}}
  ports:
    - name: http
      port: 80
      targetPort: {{port}}
",
    ),
    (
        "configmap",
        "apiVersion: v1
kind: ConfigMap
metadata:
  name: {{name}}
  namespace: {{@root.namespace}}
  labels:
    {{> labels}}
data: {{config}}
",
    ),
    (
        "autoscaler",
        "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{name}}
  namespace: {{@root.namespace}}
  labels:
    {{> labels}}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{name}}
  minReplicas: {{replicas}}
  maxReplicas: 20
",
    ),
    (
        "account",
        "apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{name}}
  namespace: {{@root.namespace}}
  labels:
    {{> labels}}
",
    ),
];

fn values_file() -> String {
    let mut text = String::from("site: seoul\nnamespace: shop-prod\napps:\n");
    for n in 0..APPLICATIONS {
        let _ = write!(
            text,
            "  - name: service-{n}\n    image: harbor.example/shop/service-{n}\n    tag: c{n:039x}\n    \
             replicas: {}\n    port: {}\n    heap: {}m\n    resources:\n      requests: {{cpu: 250m, memory: 512Mi}}\n      \
             limits: {{memory: 1Gi}}\n    config:\n      LOG_LEVEL: info\n      GREETING: \"hello: #{n}\"\n      LIMIT: \"{n}\"\n",
            2 + n % 5,
            8000 + n,
            256 + n
        );
    }
    text
}

//! Is rendering with typed values and provenance as fast as rendering text and parsing it?

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use narae_manifest::{Layer, TemplateSet, Values};
use serde::Deserialize as _;

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
    helm(report, &text);
}

/// The whole process of `helm template`, against ours in process: reading, rendering, writing.
fn helm(report: &mut Report, text: &str) {
    if Command::new("helm").arg("version").output().is_err() {
        report.skip("helm template", "`helm` is not on PATH");
        return;
    }
    let chart = std::env::temp_dir().join(format!("narae-bench-chart-{}", std::process::id()));
    let write = |name: &str, text: &str| {
        let path = chart.join(name);
        std::fs::create_dir_all(path.parent().expect("inside the chart")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write(
        "Chart.yaml",
        "apiVersion: v2\nname: shops\nversion: 0.1.0\n",
    );
    write("values.yaml", text);
    for (name, template) in KINDS {
        write(&format!("templates/{name}.yaml"), &helm_template(template));
    }
    let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        let start = Instant::now();
        let status = Command::new("helm")
            .args(["template", "rel"])
            .arg(&chart)
            .output();
        assert!(
            status.expect("helm runs").status.success(),
            "helm renders the chart"
        );
        theirs = theirs.min(start.elapsed());
        let start = Instant::now();
        let values = Values::merge([Layer::read("values.yaml", text).expect("our own values")]);
        let objects = templates()
            .render(&values.expect("one layer merges"))
            .expect("ours")
            .objects;
        let values: Vec<narae_yaml::Value> =
            objects.into_iter().map(|object| object.value).collect();
        std::hint::black_box(narae_yaml::write_all(&values));
        ours = ours.min(start.elapsed());
    }
    let _ = std::fs::remove_dir_all(&chart);
    report.record(
        "manifest.helm_template",
        "helm template",
        "process start included for helm alone",
        ours,
        theirs,
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

/// The template in Helm's language.
fn helm_template(template: &str) -> String {
    let labels = LABELS
        .replace("{{name}}", "{{ .name | quote }}")
        .replace("{{@root.site}}", "{{ $.Values.site | quote }}");
    let mut text = String::from("{{- range .Values.apps }}\n---\n");
    for line in template.lines() {
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        if line.trim() == "{{> labels}}" {
            for label in labels.lines() {
                let _ = writeln!(text, "{indent}{label}");
            }
            continue;
        }
        let line = line
            .replace("{{resources}}", "{{ .resources | toJson }}")
            .replace("{{config}}", "{{ .config | toJson }}");
        let line = line
            .replace("{{@root.", "{{ $.Values.")
            .replace("{{", "{{ .")
            .replace("{{ . $", "{{ $")
            .replace("{{ . .", "{{ .");
        let _ = writeln!(text, "{line}");
    }
    text.push_str("{{- end }}\n");
    text
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

//! Is reading and writing a cluster's worth of manifests as fast as with the reader Rust users have?

use std::fmt::Write as _;
use std::hint::black_box;

use serde::Deserialize as _;

use crate::report::Report;

const ROUNDS: usize = 11;

/// Runs the suite.
pub fn run(report: &mut Report) {
    let stream = manifests(655);
    let note = format!("{:.1} MB, {} documents", stream.len() as f64 / 1e6, 655 * 3);
    let ours = narae_yaml::read(&stream).expect("our own manifests");
    let theirs = theirs(&stream);
    assert_eq!(ours.len(), theirs.len(), "both read every document");

    let read = || narae_yaml::read(&stream).expect("our own manifests");
    report.compare("yaml.read", "yaml_serde", &note, ROUNDS, read, || {
        self::theirs(&stream)
    });
    let spanned = || {
        narae_yaml::Reader::new()
            .read(&stream)
            .expect("our own manifests")
    };
    report.compare(
        "yaml.read_with_places",
        "yaml_serde",
        &note,
        ROUNDS,
        spanned,
        || self::theirs(&stream),
    );
    let write = || narae_yaml::write_all(&ours);
    report.compare("yaml.write", "yaml_serde", &note, ROUNDS, write, || {
        let mut out = String::new();
        for document in &theirs {
            out.push_str("---\n");
            out.push_str(&yaml_serde::to_string(document).expect("a plain value"));
        }
        out
    });

    let laughs = billion_laughs();
    report.compare(
        "yaml.billion_laughs",
        "yaml_serde",
        "nine lines that stand for a billion nodes; both refuse",
        ROUNDS,
        || narae_yaml::read(&laughs).expect_err("too much"),
        || yaml_serde::from_str::<yaml_serde::Value>(&laughs).expect_err("too much"),
    );

    let values = values_file();
    let path = "apps[700].image.tag".parse().expect("a path");
    let note = format!(
        "one tag in {} lines; theirs reads, sets and writes anew",
        values.lines().count()
    );
    report.compare(
        "yaml.edit",
        "yaml_serde",
        &note,
        ROUNDS,
        || narae_yaml::edit::replace(&values, 0, &path, &"v2".into()).expect("a scalar"),
        || {
            let mut value: yaml_serde::Value = yaml_serde::from_str(&values).expect("our own file");
            value["apps"][700]["image"]["tag"] = "v2".into();
            black_box(yaml_serde::to_string(&value).expect("a plain value"))
        },
    );
}

/// Each list is nine times the one before.
fn billion_laughs() -> String {
    let mut out = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        let _ = writeln!(out, "a{level}: &a{level} [{aliases}]");
    }
    out
}

fn theirs(stream: &str) -> Vec<yaml_serde::Value> {
    yaml_serde::Deserializer::from_str(stream)
        .map(|document| yaml_serde::Value::deserialize(document).expect("our own manifests"))
        .collect()
}

/// A Deployment, a Service and a ConfigMap for each application.
fn manifests(applications: usize) -> String {
    let mut out = String::new();
    for n in 0..applications {
        let _ = write!(
            out,
            "---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop-{n}
  namespace: team-{team}
  labels: &labels-{n}
    app.kubernetes.io/name: shop-{n}
    app.kubernetes.io/part-of: shop
    app.kubernetes.io/version: \"1.{n}.0\"
  annotations:
    prometheus.io/scrape: \"true\"
    deploy.example.com/commit: 8f4e2c{n:04}
spec:
  replicas: {replicas}
  strategy: {{type: RollingUpdate, rollingUpdate: {{maxSurge: 25%, maxUnavailable: 0}}}}
  selector:
    matchLabels:
      app.kubernetes.io/name: shop-{n}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: shop-{n}
    spec:
      securityContext:
        runAsNonRoot: true
        fsGroup: 1000
      containers:
      - name: app
        image: registry.example.com/team-{team}/shop-{n}:8f4e2c{n:04}   # set by CI
        args: [\"--listen=:8080\", --level=info]
        env:
        - name: JAVA_TOOL_OPTIONS
          value: -Xmx512m -XX:+UseG1GC -Dspring.profiles.active=prod
        - name: DATABASE_URL
          valueFrom:
            secretKeyRef:
              name: shop-{n}
              key: database-url
{env}        ports:
        - name: http
          containerPort: 8080
          protocol: TCP
        resources:
          requests:
            cpu: 250m
            memory: 512Mi
          limits:
            memory: 1Gi
        readinessProbe:
          httpGet:
            path: /health/ready
            port: http
          periodSeconds: 5
        volumeMounts:
        - name: config
          mountPath: /etc/shop
      volumes:
      - name: config
        configMap:
          name: shop-{n}
          defaultMode: 420
---
apiVersion: v1
kind: Service
metadata:
  name: shop-{n}
  namespace: team-{team}
  labels:
    app.kubernetes.io/name: shop-{n}
spec:
  type: ClusterIP
  selector:
    app.kubernetes.io/name: shop-{n}
  ports:
  - name: http
    port: 80
    targetPort: http
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop-{n}
  namespace: team-{team}
data:
  application.yaml: |
    server:
      port: 8080
    spring:
      datasource:
        url: jdbc:postgresql://db-{team}.example.com:5432/shop
    logging:
      level:
        root: INFO
",
            team = n % 12,
            replicas = n % 7 + 1,
            env = (0..14).fold(String::new(), |mut env, key| {
                let _ = writeln!(env, "        - name: SETTING_{key}\n          value: \"http://shop-{key}.svc:8080/{n}\"");
                env
            }),
        );
        for key in 0..24 {
            let _ = writeln!(
                out,
                "  FEATURE_{key}_OF_SHOP: \"setting {key} of application {n}, team {}\"",
                n % 12
            );
        }
    }
    out
}

/// A values file such as CI edits: some 5,000 lines.
fn values_file() -> String {
    let mut out = String::from("# every application of the platform\napps:\n");
    for n in 0..714 {
        let _ = write!(
            out,
            "  - name: shop-{n}   # number {n}
    image:
      repository: registry.example.com/team/shop-{n}
      tag: \"v1.{n}.0\"  # set by CI
    env: [A, B, {{c: d}}]
    replicas: 3

"
        );
    }
    out
}

//! The real API server decides what we decide: each object is applied to it without being stored
//! (`--dry-run=server --validate=strict`), and refused by both or by none.

use narae_manifest::{Finding, Schemas, Severity};
use narae_testservers::ControlPlane;
use narae_yaml::{Path, Value};

use crate::yaml;

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: a, namespace: default, labels: {app: a}}
spec:
  replicas: 1
  selector: {matchLabels: {app: a}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}
  template:
    metadata: {labels: {app: a}}
    spec:
      terminationGracePeriodSeconds: 30
      nodeSelector: {}
      volumes: [{name: v, emptyDir: {sizeLimit: 1Gi}}]
      containers:
        - name: a
          image: b:1
          imagePullPolicy: Always
          command: []
          stdin: false
          env: [{name: A, value: x}]
          ports: [{containerPort: 80}]
          resources: {limits: {memory: 512Mi}}
          livenessProbe: {httpGet: {path: /, port: http}}
";

/// Where in the Deployment, and what instead of what stands there.
const CHANGES: &[(&str, &str)] = &[
    ("spec.replicas", "3"),
    ("spec.replicas", "'3'"),
    ("spec.replicas", "1.5"),
    ("spec.replicas", "true"),
    ("spec.replicas", "null"),
    ("spec.selector", "null"),
    ("spec.strategy", "{typ: Recreate}"),
    ("spec.strategy.rollingUpdate.maxSurge", "25%"),
    ("spec.strategy.rollingUpdate.maxSurge", "1.5"),
    ("spec.strategy.rollingUpdate.maxSurge", "[1]"),
    ("metadata.labels", "{app: a, b: '1'}"),
    ("metadata.labels", "{app: a, b: 1}"),
    ("metadata.labels", "{app: a, b: true}"),
    ("metadata.labels", "[a]"),
    ("metadata.labels", "null"),
    ("spec.template.spec.terminationGracePeriodSeconds", "1.5"),
    ("spec.template.spec.terminationGracePeriodSeconds", "'30'"),
    ("spec.template.spec.nodeSelector", "{a: 1}"),
    ("spec.template.spec.nodeSelector", "a"),
    ("spec.template.spec.volumes[0].emptyDir.sizeLimit", "512M"),
    ("spec.template.spec.volumes[0].emptyDir.sizeLimit", "1.5e9"),
    ("spec.template.spec.volumes[0].emptyDir.sizeLimit", "5"),
    ("spec.template.spec.volumes[0].emptyDir.sizeLimit", "512MB"),
    ("spec.template.spec.volumes[0].emptyDir.sizeLimit", "big"),
    ("spec.template.spec.volumes[0].emptyDir.sizeLimit", "{a: 1}"),
    (
        "spec.template.spec.volumes",
        "[{name: v, emptyDir: {}}, {name: v, emptyDir: {}}]",
    ),
    ("spec.template.spec.volumes", "[{name: v, emptyDirs: {}}]"),
    ("spec.template.spec.containers[0].name", "null"),
    (
        "spec.template.spec.containers[0].imagePullPolicy",
        "IfNotPresent",
    ),
    ("spec.template.spec.containers[0].imagePullPolicy", "always"),
    ("spec.template.spec.containers[0].command", "[a, 'b']"),
    ("spec.template.spec.containers[0].command", "[a, 1]"),
    ("spec.template.spec.containers[0].command", "a b"),
    ("spec.template.spec.containers[0].stdin", "true"),
    ("spec.template.spec.containers[0].stdin", "'true'"),
    ("spec.template.spec.containers[0].stdin", "1"),
    (
        "spec.template.spec.containers[0].env",
        "[{name: A, value: '1'}, {name: B}]",
    ),
    (
        "spec.template.spec.containers[0].env",
        "[{name: A, value: 1}]",
    ),
    (
        "spec.template.spec.containers[0].env",
        "[{name: A, value: x}, {name: A, value: y}]",
    ),
    (
        "spec.template.spec.containers[0].env",
        "[{name: A, valeu: x}]",
    ),
    ("spec.template.spec.containers[0].env", "[{value: x}]"),
    ("spec.template.spec.containers[0].env", "{name: A}"),
    (
        "spec.template.spec.containers[0].ports",
        "[{containerPort: 53, protocol: TCP}, {containerPort: 53, protocol: UDP}]",
    ),
    (
        "spec.template.spec.containers[0].ports",
        "[{containerPort: http}]",
    ),
    (
        "spec.template.spec.containers[0].ports",
        "[{containerPort: 99999999999}]",
    ),
    (
        "spec.template.spec.containers[0].ports",
        "[{containerPort: 80, protocol: tcp}]",
    ),
    ("spec.template.spec.containers[0].ports", "[{hostPort: 80}]"),
    (
        "spec.template.spec.containers[0].resources",
        "{limits: {memory: 1.5Gi, cpu: 1.5}}",
    ),
    (
        "spec.template.spec.containers[0].resources",
        "{limits: {memory: 1GB}}",
    ),
    (
        "spec.template.spec.containers[0].resources",
        "{limits: {memory: 1 Gi}}",
    ),
    (
        "spec.template.spec.containers[0].resources",
        "{limit: {memory: 1Gi}}",
    ),
    (
        "spec.template.spec.containers[0].resources",
        "{limits: [1Gi]}",
    ),
    (
        "spec.template.spec.containers[0].livenessProbe",
        "{httpGet: {path: /, port: 8080}}",
    ),
    (
        "spec.template.spec.containers[0].livenessProbe",
        "{httpGet: {path: /, port: true}}",
    ),
    (
        "spec.template.spec.containers[0].livenessProbe",
        "{httpGet: {path: /}}",
    ),
    ("spec.template.spec.containers", "null"),
];

const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.org}
spec:
  group: example.org
  names: {kind: Gadget, plural: gadgets}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            spec:
              type: object
              required: [size]
              x-kubernetes-validations:
                - {rule: 'self.size < 10 || has(self.mode)', message: a large one needs a mode}
                - {rule: \"!has(self.zones) || self.zones.all(z, z.startsWith('z'))\"}
              properties:
                size: {type: integer, format: int32, minimum: 1, maximum: 100}
                half: {type: number, minimum: 0, exclusiveMinimum: true, multipleOf: 0.5}
                mode: {type: string, enum: [fast, slow]}
                none: {type: string, nullable: true}
                name: {type: string, pattern: '^[a-z]+$', minLength: 2, maxLength: 5}
                when: {type: string, format: date-time}
                port: {x-kubernetes-int-or-string: true}
                memory:
                  anyOf: [{type: integer}, {type: string}]
                  pattern: '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$'
                  x-kubernetes-int-or-string: true
                free: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {known: {type: boolean}}}
                labels: {type: object, maxProperties: 2, additionalProperties: {type: string, maxLength: 5}}
                zones: {type: array, maxItems: 5, items: {type: string, maxLength: 9}, x-kubernetes-list-type: set}
                parts:
                  type: array
                  minItems: 1
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [name]
                  items: {type: object, required: [name], properties: {name: {type: string}, count: {type: integer}}}
                either:
                  type: object
                  properties: {a: {type: string}, b: {type: string}}
                  oneOf: [{required: [a]}, {required: [b]}]
                inner: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
";

/// Fields of the `spec` of a Gadget, beside its size unless they have one.
const SPECS: &[&str] = &[
    "{}",
    "{size: 0}",
    "{size: '3'}",
    "{size: 3.0}",
    "{size: 3.5}",
    "{size: 101}",
    "{size: 50}",
    "{size: 50, mode: fast}",
    "{size: null}",
    "{size: 1, half: 0}",
    "{size: 1, half: 1.5}",
    "{size: 1, half: 1.3}",
    "{size: 1, mode: fats}",
    "{size: 1, mode: null}",
    "{size: 1, none: null}",
    "{size: 1, name: ab}",
    "{size: 1, name: aB}",
    "{size: 1, name: 나래}",
    "{size: 1, name: a}",
    "{size: 1, name: abcdef}",
    "{size: 1, when: '2026-11-21T08:00:00Z'}",
    "{size: 1, when: yesterday}",
    "{size: 1, port: http}",
    "{size: 1, port: 80}",
    "{size: 1, port: 1.5}",
    "{size: 1, port: [80]}",
    "{size: 1, memory: 1Gi}",
    "{size: 1, memory: 1024}",
    "{size: 1, memory: 1GB}",
    "{size: 1, free: {known: true, other: [1]}}",
    "{size: 1, free: {known: 1}}",
    "{size: 1, labels: {a: b}}",
    "{size: 1, labels: {a: 1}}",
    "{size: 1, labels: {a: b, c: d, e: f}}",
    "{size: 1, zones: [z1, z2]}",
    "{size: 1, zones: [z1, z1]}",
    "{size: 1, zones: [a]}",
    "{size: 1, parts: [{name: a}, {name: b, count: 2}]}",
    "{size: 1, parts: [{name: a}, {name: a}]}",
    "{size: 1, parts: [{count: 1}]}",
    "{size: 1, parts: []}",
    "{size: 1, parts: [{name: a, cuont: 1}]}",
    "{size: 1, either: {a: x}}",
    "{size: 1, either: {a: x, b: z}}",
    "{size: 1, either: {}}",
    "{size: 1, inner: {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {a: 1}}}",
    "{size: 1, inner: {kind: Pod}}",
    "{size: 1, unknown: 1}",
    "[1]",
];

#[test]
fn the_api_server_decides_what_we_decide() {
    let Some(server) = ControlPlane::start("schema checks against the real API server") else {
        return;
    };
    let mut schemas = Schemas::kubernetes("1.36").unwrap();
    schemas.add_definitions("crd.yaml", DEFINITION).unwrap();
    assert_eq!(schemas.skipped(), []);
    server.kubectl_with(&["apply", "-f", "-"], DEFINITION);
    server.kubectl(&[
        "wait",
        "--for=condition=Established",
        "crd/gadgets.example.org",
    ]);
    let changed = CHANGES.iter().map(|(path, value)| {
        let mut object = yaml(DEPLOYMENT);
        *object.at_mut(&path.parse::<Path>().unwrap()).unwrap() = yaml(value);
        (format!("{path}: {value}"), object)
    });
    let gadgets = SPECS.iter().map(|spec| {
        let head =
            "apiVersion: example.org/v1\nkind: Gadget\nmetadata: {name: a, namespace: default}\n";
        ((*spec).to_owned(), yaml(&format!("{head}spec: {spec}\n")))
    });
    let (mut accepted, mut refused, mut different) = (0, 0, Vec::new());
    for (name, object) in changed.chain(gadgets) {
        let wrong = |finding: &Finding| finding.severity() == Severity::Error;
        let ours: Vec<Finding> = schemas
            .check(&[&object])
            .into_iter()
            .filter(wrong)
            .collect();
        let theirs = apply(&server, &object);
        match (&theirs, ours.is_empty()) {
            (Ok(()), true) => accepted += 1,
            (Err(_), false) => refused += 1,
            _ => different.push(format!("{name}\n  server: {theirs:?}\n  ours: {ours:?}")),
        }
    }
    assert!(
        accepted > 20 && refused > 40,
        "{accepted} accepted and {refused} refused"
    );
    assert!(
        different.is_empty(),
        "{}:\n{}",
        different.len(),
        different.join("\n")
    );
}

fn apply(server: &ControlPlane, object: &Value) -> Result<(), String> {
    let flags = [
        "apply",
        "--server-side",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        "-",
    ];
    let output = server.try_kubectl(&flags, &narae_yaml::write(object));
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

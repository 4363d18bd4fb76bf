//! CEL policies: what they match, refuse and say.

mod bounds;
mod nulls;

use narae_manifest::policy::{Action, MAX_EXPRESSION_BYTES};
use narae_manifest::{ErrorKind, PolicySet, Violation};
use narae_yaml::Value;

const FILES: &[(&str, &str)] = &[
    (
        "policies/replicas-prod.yaml",
        include_str!("../../data/policies/replicas-prod.yaml"),
    ),
    (
        "policies/labels.yaml",
        include_str!("../../data/policies/labels.yaml"),
    ),
    (
        "policies/images.yaml",
        include_str!("../../data/policies/images.yaml"),
    ),
];

const GOOD: &str = "
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  namespace: shop-prod
  labels: {app.kubernetes.io/name: shop, team: checkout, stage: prod}
spec:
  replicas: 3
  template:
    metadata:
      annotations: {agent.example/inject: 'true'}
    spec:
      initContainers:
        - {name: wait, image: 'harbor.example/wait:0123abc'}
      containers:
        - {name: proxy, image: 'harbor.example/proxy:89abcde', env: [{name: AGENT_SERVICE, value: p}]}
        - {name: shop, image: 'harbor.example/shop:4f2c91e', env: [{name: A, value: b}, {name: AGENT_SERVICE, value: s}]}
";

fn set() -> PolicySet {
    let mut set = PolicySet::new();
    for (name, text) in FILES {
        set.add(name, text).unwrap();
    }
    set
}

fn object(edits: &[(&str, &str)]) -> Value {
    let text = edits.iter().fold(GOOD.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "the object has no {old:?} to change");
        text.replacen(old, new, 1)
    });
    narae_yaml::read_one(&text).unwrap()
}

fn check(object: &Value) -> Vec<Violation> {
    set().check(&[object]).unwrap()
}

/// `policy field found` of each violation.
fn lines(violations: &[Violation]) -> Vec<String> {
    let line = |violation: &Violation| {
        let found = violation
            .found
            .as_ref()
            .map_or("nothing", |value| value.as_str().unwrap_or(value.kind()));
        format!("{} {} {found}", violation.policy, violation.field)
    };
    violations.iter().map(line).collect()
}

#[test]
fn an_object_that_keeps_every_rule_passes() {
    assert_eq!(check(&object(&[])), []);
}

#[test]
fn a_violation_names_policy_field_and_value() {
    let containers = "spec.template.spec.containers";
    for (edits, expected) in [
        (
            vec![("replicas: 3", "replicas: 1")],
            vec!["replicas-prod spec.replicas a number".to_owned()],
        ),
        (
            vec![("replicas: 3", "replicas: 30")],
            vec!["replicas-prod spec.replicas a number".to_owned()],
        ),
        // Another stage has no such rule.
        (
            vec![
                ("replicas: 3", "replicas: 1"),
                ("stage: prod", "stage: dev"),
            ],
            vec![],
        ),
        (
            vec![("shop:4f2c91e", "shop:v1.2")],
            vec![format!(
                "immutable-images {containers}[1].image harbor.example/shop:v1.2"
            )],
        ),
        (
            vec![("shop:4f2c91e", "shop:latest")],
            vec![
                format!("immutable-images {containers}[1].image harbor.example/shop:latest"),
                format!("immutable-images {containers}[1].image harbor.example/shop:latest"),
            ],
        ),
        // Through a variable that joins two lists, the field is still where it is written.
        (
            vec![("wait:0123abc", "wait:1")],
            vec![
                "immutable-images spec.template.spec.initContainers[0].image harbor.example/wait:1"
                    .to_owned(),
            ],
        ),
        (
            vec![("team: checkout", "team: ''")],
            vec!["required-labels metadata.labels.team ".to_owned()],
        ),
        (
            vec![("team: checkout, ", "")],
            vec!["required-labels metadata.labels nothing".to_owned()],
        ),
        (
            vec![("inject: 'true'", "inject: 'false'")],
            vec![
                "agent spec.template.metadata.annotations[\"agent.example/inject\"] false"
                    .to_owned(),
            ],
        ),
        // What cannot be evaluated is a violation, and the field is the one that is missing.
        (
            vec![(
                "      annotations: {agent.example/inject: 'true'}\n",
                "      labels: {}\n",
            )],
            vec![
                "agent spec.template.metadata.annotations[\"agent.example/inject\"] nothing"
                    .to_owned(),
            ],
        ),
        (
            vec![(
                "name: A, value: b}, {name: AGENT_SERVICE",
                "name: A, value: b}, {name: AGENT",
            )],
            vec![format!("agent {containers}[1].env a sequence")],
        ),
        (
            vec![
                ("stage: prod}", "stage: prod, exempt: 'yes'}"),
                ("shop:4f2c91e", "shop:v1"),
            ],
            vec![],
        ),
    ] {
        let found = lines(&check(&object(&edits)));
        let expected: Vec<String> = expected
            .into_iter()
            .map(|line| {
                if line.ends_with("labels nothing") {
                    line.replace("nothing", "a mapping")
                } else {
                    line
                }
            })
            .collect();
        assert_eq!(found, expected, "for {edits:?}");
    }
}

#[test]
fn a_violation_carries_message_action_and_place() {
    let found = check(&object(&[
        ("replicas: 3", "replicas: 1"),
        ("team: checkout", "team: ''"),
    ]));
    let [replicas, labels] = found.as_slice() else {
        panic!("two rules are broken: {found:?}")
    };
    assert_eq!(replicas.message, "prod runs 2 to 20 replicas, not 1");
    assert_eq!(replicas.reason.as_deref(), Some("Invalid"));
    assert_eq!(replicas.action, Action::Deny);
    assert_eq!(replicas.object.to_string(), "Deployment shop-prod/shop");
    assert_eq!(
        replicas.validation.to_string(),
        "policies/replicas-prod.yaml:16:19"
    );
    assert_eq!(labels.action, Action::Warn);
    assert_eq!(
        labels.message,
        "every object names its application and its team"
    );
}

fn policy(spec: &str) -> String {
    format!(
        "apiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata: {{name: p}}\nspec:\n{spec}"
    )
}

const MATCH: &str = "  matchConstraints:\n    resourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*']}]\n";

fn refusal(text: &str) -> (ErrorKind, String) {
    let error = PolicySet::new().add("p.yaml", text).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    let rule = |expression: &str| {
        policy(&format!(
            "{MATCH}  validations: [{{expression: \"{expression}\"}}]\n"
        ))
    };
    for (text, kind, expected) in [
        (
            policy("  validation: []\n"),
            ErrorKind::Unsupported,
            "p.yaml:5:3: `validation` is not understood here\n  = did you mean `validations`",
        ),
        (
            policy(&format!("{MATCH}  validations: []\n")),
            ErrorKind::Unsupported,
            "p.yaml:5:3: a policy without `validations` checks nothing",
        ),
        (
            "kind: ClusterPolicy\napiVersion: kyverno.io/v1\n".to_owned(),
            ErrorKind::Unsupported,
            "p.yaml:1:1: this is not a policy that is understood: ClusterPolicy of kyverno.io/v1",
        ),
        (
            rule("object.spec."),
            ErrorKind::Syntax,
            "p.yaml:7:30: this expression cannot be read",
        ),
        (
            rule("namespaceObject.metadata.name == 'a'"),
            ErrorKind::Unsupported,
            "p.yaml:7:30: `namespaceObject` is not known here\n  = it is something only a cluster knows",
        ),
        (
            rule("variables.x"),
            ErrorKind::UnknownName,
            "p.yaml:7:30: there is no variable `x` before this",
        ),
        (
            rule("object.a.startWith('b')"),
            ErrorKind::Unsupported,
            "p.yaml:7:30: there is no function `startWith`\n  = did you mean `startsWith`",
        ),
        (
            rule(&format!("{}1{} == 1", "(".repeat(40), ")".repeat(40))),
            ErrorKind::Limit,
            "p.yaml:7:30: this expression is larger than 16 levels of parentheses",
        ),
        (
            rule(&"1+".repeat(100)),
            ErrorKind::Syntax,
            "p.yaml:7:30: this expression cannot be read",
        ),
        (
            rule(&format!("{}1 == 1", "1+".repeat(100))),
            ErrorKind::Limit,
            "p.yaml:7:30: this expression is deeper than 64 levels",
        ),
        (
            rule(&" ".repeat(MAX_EXPRESSION_BYTES + 1)),
            ErrorKind::Limit,
            "p.yaml:7:30: this expression is larger than 8192 bytes",
        ),
    ] {
        let (found, message) = refusal(&text);
        assert!(message.starts_with(expected), "{message}\nfor {text}");
        assert_eq!(found, kind, "{message}");
    }
}

#[test]
fn failure_policy_ignore_lets_pass_what_cannot_be_evaluated() {
    let text = policy(&format!(
        "  failurePolicy: Ignore\n{MATCH}  validations: [{{expression: object.spec.missing == 1}}]\n"
    ));
    let mut set = PolicySet::new();
    set.add("p.yaml", &text).unwrap();
    assert_eq!(set.check(&[&object(&[])]).unwrap(), []);
}

#[test]
fn an_expression_that_would_run_for_ever_is_refused_before_it_runs() {
    let nested =
        "object.l.all(a, object.l.all(b, object.l.all(c, object.l.all(d, a + b + c + d >= 0))))";
    let text = policy(&format!(
        "{MATCH}  validations: [{{expression: '{nested}'}}]\n"
    ));
    let mut set = PolicySet::new();
    set.add("p.yaml", &text).unwrap();
    let list = |count: usize| {
        let items: Vec<String> = (0..count).map(|i| i.to_string()).collect();
        let text = format!(
            "apiVersion: v1\nkind: X\nmetadata: {{name: x}}\nl: [{}]",
            items.join(",")
        );
        narae_yaml::read_one(&text).unwrap()
    };
    assert_eq!(set.check(&[&list(5)]).unwrap(), []);
    let error = set.check(&[&list(1000)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(
        error
            .to_string()
            .starts_with("p.yaml:7:30: policy `p` could take more than"),
        "{error}"
    );
}

#[test]
fn what_is_not_an_object_is_an_error() {
    let error = set().check(&[&Value::Null]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Object);
}

fn rule(rule: &str) -> String {
    policy(&format!(
        "  matchConstraints:\n    resourceRules:\n      - {{{rule}}}\n  validations: [{{expression: 'false'}}]\n"
    ))
}

#[test]
fn a_rule_that_could_match_nothing_is_refused_with_its_place() {
    const WHOLE: &str =
        "apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]";
    assert!(PolicySet::new().add("p.yaml", &rule(WHOLE)).is_ok());
    for (old, new, expected) in [
        (
            "apiGroups: [apps], ",
            "",
            "7:9: a rule without `apiGroups` matches nothing",
        ),
        (
            "[apps]",
            "[]",
            "7:21: a rule without `apiGroups` matches nothing",
        ),
        (
            "[v1]",
            "null",
            "7:42: a rule without `apiVersions` matches nothing",
        ),
        (
            ", resources: [deployments]",
            "",
            "7:9: a rule without `resources` matches nothing",
        ),
        (
            "[CREATE]",
            "[]",
            "7:60: a rule without `operations` matches nothing",
        ),
        (
            "[apps]",
            "['', apps/v1]",
            "7:26: `apps/v1` is not an API group\n  = `apiGroups` takes the group alone, here `apps`",
        ),
        ("[apps]", "[core]", "7:22: there is no API group `core`"),
        ("[apps]", "[Apps]", "7:22: `Apps` is not an API group"),
        ("[v1]", "[apps/v1]", "7:43: `apps/v1` is not an API version"),
        ("[v1]", "['']", "7:43: `` is not an API version"),
        (
            "[CREATE]",
            "[Create]",
            "7:61: there is no operation `Create`\n  = did you mean `CREATE`",
        ),
        (
            "[CREATE]",
            "[CREATE, PATCH]",
            "7:69: there is no operation `PATCH`",
        ),
        (
            "[deployments]",
            "[deployment]",
            "7:82: there is no resource `deployment`\n  = did you mean `deployments`",
        ),
        (
            "[deployments]",
            "[pods, NetworkPolicy]",
            "7:88: there is no resource `NetworkPolicy`\n  = did you mean `networkpolicies`",
        ),
        (
            "[deployments]",
            "[Widgets]",
            "7:82: there is no resource `Widgets`\n  = did you mean `widgets`",
        ),
        ("[deployments]", "['']", "7:82: there is no resource ``"),
        (
            "[deployments]",
            "[deployments.apps]",
            "7:82: there is no resource `deployments.apps`",
        ),
        (
            "[deployments]",
            "[deployment/*]",
            "7:82: there is no resource `deployment/*`",
        ),
    ] {
        assert!(WHOLE.contains(old), "the rule has no {old:?} to change");
        let (kind, message) = refusal(&rule(&WHOLE.replacen(old, new, 1)));
        assert_eq!(kind, ErrorKind::Unsupported, "{message}");
        let expected = format!("p.yaml:{expected}");
        assert!(message.starts_with(&expected), "{message}\nnot {expected}");
    }
}

#[test]
fn a_selector_that_could_match_nothing_is_refused() {
    for (selector, expected) in [
        (
            "{key: a, operator: In}",
            "p.yaml:8:26: `values` takes at least one value with `In` and `NotIn`",
        ),
        (
            "{key: a, operator: Exists, values: [b]}",
            "p.yaml:8:61: `values` takes nothing with `Exists` and `DoesNotExist`",
        ),
    ] {
        let text = policy(&format!(
            "{MATCH}    objectSelector:\n      matchExpressions: [{selector}]\n  validations: [{{expression: 'true'}}]\n"
        ));
        assert_eq!(
            refusal(&text),
            (ErrorKind::Unsupported, expected.to_owned())
        );
    }
}

#[test]
fn a_file_without_a_policy_is_refused_and_adds_nothing() {
    for text in ["", "# all of it is a comment\n", "---\n---\n"] {
        assert_eq!(
            refusal(text),
            (
                ErrorKind::Unsupported,
                "p.yaml:1:1: there is no policy in this file".to_owned()
            )
        );
    }
    let mut set = PolicySet::new();
    let good = rule("apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*']");
    set.add("p.yaml", &format!("{good}---\nkind: X\n"))
        .unwrap_err();
    assert!(set.is_empty());
    set.add("p.yaml", &format!("---\n---\n{good}")).unwrap();
    assert_eq!(set.len(), 1);
}

#[test]
fn a_rule_is_for_what_is_written_by_operation_and_resource() {
    for (operations, resources, matches) in [
        ("CREATE", "deployments", true),
        ("UPDATE", "deployments", true),
        ("'*'", "deployments", true),
        ("DELETE", "deployments", false),
        ("CONNECT", "'*'", false),
        ("'*'", "'*/*'", true),
        ("'*'", "deployments/*", true),
        ("'*'", "deployments/scale", false),
        ("'*'", "pods", false),
    ] {
        let text = rule(&format!(
            "apiGroups: [apps], apiVersions: [v1], operations: [{operations}], resources: [{resources}]"
        ));
        let mut set = PolicySet::new();
        set.add("p.yaml", &text).unwrap();
        let found = set.check(&[&object(&[])]).unwrap();
        assert_eq!(!found.is_empty(), matches, "{operations} of {resources}");
    }
}

#[test]
fn a_policy_that_is_for_no_object_is_named_with_its_place() {
    let idle = |objects: &[&Value]| -> Vec<String> {
        let idle = set().idle(objects).unwrap();
        idle.iter()
            .map(|(policy, origin)| format!("{policy} {origin}"))
            .collect()
    };
    let (good, dev) = (object(&[]), object(&[("stage: prod", "stage: dev")]));
    let exempt = object(&[("stage: prod}", "stage: prod, exempt: 'yes'}")]);
    assert_eq!(idle(&[&good]), [""; 0]);
    assert_eq!(idle(&[&dev, &good]), [""; 0]);
    // A selector that does not match, and a condition that does not hold.
    let replicas = "replicas-prod policies/replicas-prod.yaml:1:1";
    let images = "immutable-images policies/images.yaml:1:1";
    assert_eq!(idle(&[&dev]), [replicas]);
    assert_eq!(idle(&[&exempt]), [images]);
    assert_eq!(idle(&[&exempt, &dev]), [""; 0]);
    let labels = "required-labels policies/labels.yaml:1:1";
    let agent = "agent policies/images.yaml:27:1";
    assert_eq!(idle(&[]), [replicas, labels, images, agent]);
    assert_eq!(
        set().idle(&[&Value::Null]).unwrap_err().kind(),
        ErrorKind::Object
    );
}

#[test]
fn another_version_of_a_group_escapes_only_an_exact_rule() {
    for (policy_line, group, version, matches) in [
        ("", "apps", "v1", true),
        ("", "apps", "v1beta2", true),
        ("    matchPolicy: Equivalent\n", "apps", "v1beta2", true),
        ("    matchPolicy: Exact\n", "apps", "v1beta2", false),
        ("    matchPolicy: Exact\n", "apps", "v1", true),
        ("    matchPolicy: Exact\n", "'*'", "'*'", true),
        ("", "extensions", "v1", false),
        ("", "''", "v1", false),
    ] {
        let text = rule(&format!(
            "apiGroups: [{group}], apiVersions: [{version}], operations: ['*'], resources: ['*']"
        ));
        let text = text.replacen(
            "    resourceRules",
            &format!("{policy_line}    resourceRules"),
            1,
        );
        let mut set = PolicySet::new();
        set.add("p.yaml", &text).unwrap();
        let found = set.check(&[&object(&[])]).unwrap();
        assert_eq!(!found.is_empty(), matches, "for {text}");
    }
}

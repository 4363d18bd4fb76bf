//! Any expression is refused, or answers for an object the same each time; it never panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_manifest::PolicySet;

const POLICY: &str = "apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata: {name: p}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*']}]
  validations: [{expression: 'true'}]
";
const OBJECT: &str = "{apiVersion: v1, kind: X, metadata: {name: x, labels: {a: b}}, spec: {n: 1, l: [{k: v}, {k: w}]}}";

fuzz_target!(|expression: &str| {
    let mut policy = narae_yaml::read_one(POLICY).expect("the policy is fixed");
    let path = "spec.validations[0].expression".parse().expect("a path");
    *policy.at_mut(&path).expect("it has one") = expression.into();
    let mut set = PolicySet::new();
    if set.add("p.yaml", &narae_yaml::write(&policy)).is_err() {
        return;
    }
    let object = narae_yaml::read_one(OBJECT).expect("the object is fixed");
    if let Ok(first) = set.check(&[&object]) {
        assert!(first.len() <= 1, "one rule says one thing");
        assert_eq!(set.check(&[&object]).expect("the cost is the same"), first);
    }
});

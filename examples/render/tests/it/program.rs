//! Flags, exit codes and streams.

use std::process::Stdio;

use crate::sandbox::Sandbox;

const TEMPLATE: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: {{name}}, namespace: {{namespace}}}
data: {text: {{text}}, tag: {{image.tag}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: {{namespace}}}
";
const VALUES: &str = "name: shop\nnamespace: shop-dev\ntext: 'yes'\nimage:\n  tag: abc1234\n";

fn sandbox() -> Sandbox {
    Sandbox::with(&[("t/config.yaml", TEMPLATE), ("values.yaml", VALUES)])
}

/// The bundled application of `deliver`.
const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deliver/shop");

#[test]
fn objects_go_to_standard_output_in_the_order_of_their_application() {
    let run = sandbox().render(&["--templates", "t", "-f", "values.yaml"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        run.stdout,
        "apiVersion: v1
kind: Namespace
metadata:
  name: shop-dev
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop
  namespace: shop-dev
data:
  text: \"yes\"
  tag: abc1234
"
    );
    let run = sandbox().render(&["--templates", "t", "-f", "values.yaml", "-o", "json"]);
    let list: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&list["kind"], &list["apiVersion"]),
        (&"List".into(), &"v1".into())
    );
    assert_eq!(list["items"][1]["data"]["text"], "yes");
}

#[test]
fn the_command_line_wins_over_files_and_later_files_over_earlier() {
    let sandbox = sandbox();
    sandbox.write("more.yaml", "text: more\nimage:\n  tag: '1'\n");
    let arguments = [
        "--templates",
        "t",
        "-f",
        "values.yaml",
        "-f",
        "more.yaml",
        "--set-string",
        "image.tag=007",
        "--set",
        "image.tag=8,text=set",
    ];
    let run = sandbox.render(&arguments);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.stdout.ends_with("text: set\n  tag: \"007\"\n"),
        "{}",
        run.stdout
    );
    let run = sandbox.render(&[&arguments[..], &["--explain", "image.tag"]].concat());
    assert_eq!(
        run.stdout,
        "image.tag: \"007\"
  set by --set-string image.tag
  overrides --set image.tag, more.yaml:3:8, values.yaml:5:8
  used in ConfigMap shop-dev/shop
    t/config.yaml:4:29  /data/tag
"
    );
    let run = sandbox.render(&[&arguments[..], &["--explain", "image.tag", "-o", "json"]].concat());
    let explanation: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(explanation["uses"][0]["pointer"], "/data/tag");
}

/// Nothing to explain is an error; templates that do not render are one as well, but who set a
/// value is said all the same.
#[test]
fn an_explanation_of_what_is_not_set_is_an_error() {
    let sandbox = sandbox();
    let arguments = ["--templates", "t", "-f", "values.yaml", "--explain"];
    for (path, said) in [
        (
            "image.tga",
            "image.tga is not set\n  did you mean image.tag\n",
        ),
        (
            "none.at.all",
            "none.at.all is not set\n  there are name, namespace, text, image\n",
        ),
    ] {
        let run = sandbox.render(&[&arguments[..], &[path]].concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{path}");
        assert_eq!(run.stderr, format!("error: {said}"));
    }
    let deleted = [&arguments[..], &["image.tag", "--set", "image.tag=null"]].concat();
    let run = sandbox.render(&deleted);
    assert_eq!(run.code, Some(1));
    assert_eq!(
        run.stdout,
        "image.tag is deleted by --set image.tag\n  overrides values.yaml:5:8\n"
    );
    assert!(
        run.stderr.contains("value `image.tag` is not set"),
        "{}",
        run.stderr
    );
    let coloured = sandbox.render(&[&arguments[..], &["name", "--color", "always"]].concat());
    assert!(
        coloured
            .stdout
            .starts_with("\u{1b}[1mname: \"shop\"\u{1b}[0m\n  set by"),
        "{coloured:?}"
    );
}

#[test]
fn an_application_is_the_one_that_deliver_has() {
    let sandbox = Sandbox::new();
    let run = sandbox.render(&[SHOP, "--site", "aws", "--stage", "prod"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.stdout.contains("kind: Deployment") && run.stdout.contains("narae.dev/stage: prod")
    );
    let run = sandbox.render(&[SHOP, "--site", "awz", "--stage", "prod"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr
            .contains("unknown site `awz` (did you mean `aws`?)"),
        "{}",
        run.stderr
    );
}

#[test]
fn every_site_and_stage_of_the_shop_passes_the_check_of_every_version() {
    let sandbox = Sandbox::new();
    for (site, stage, version) in [
        ("idc", "dev", "1.33"),
        ("idc", "prod", "1.34"),
        ("aws", "rc", "1.35"),
        ("aws", "prod", "1.36"),
    ] {
        let run = sandbox.render(&[
            SHOP,
            "--site",
            site,
            "--stage",
            stage,
            "--check",
            "--kubernetes",
            version,
            "--allow",
            "missing-schema",
        ]);
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (Some(0), ""),
            "{site} {stage} {version}"
        );
    }
    let run = sandbox.render(&[SHOP, "--site", "idc", "--stage", "dev", "--check"]);
    assert_eq!(run.code, Some(4));
    assert!(
        run.stderr
            .starts_with("warning[missing-schema] HTTPRoute shop-dev/shop: no schema"),
        "{}",
        run.stderr
    );
}

#[test]
fn findings_go_to_standard_error_and_the_objects_come_as_well() {
    let sandbox = sandbox();
    sandbox.write(
        "t/pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\nspec:\n  containers:\n    - name: a\n      imag: b\n      resources: {limits: {memory: {{memory}}}}\n",
    );
    sandbox.write(
        "values.yaml",
        &format!("{VALUES}memory: 1GB\nmemroy: 2Gi\n"),
    );
    let arguments = ["--templates", "t", "-f", "values.yaml"];
    let run = sandbox.render(&arguments);
    assert_eq!(run.code, Some(0));
    let unused = "warning[unused-value]: no template used the value `memroy`
  = value `memroy` at values.yaml:7:1
  = did you mean `memory`
";
    assert_eq!(run.stderr, format!("{unused}1 warning\n"));
    let run = sandbox.render(&[&arguments[..], &["--check"]].concat());
    assert_eq!(run.code, Some(4));
    assert!(run.stdout.contains("imag: b"));
    assert_eq!(
        run.stderr,
        format!(
            "{unused}error[unknown-field] Pod b/a: `spec.containers[0].imag` is not a field of Container
  = template t/pod.yaml:7:7
  = did you mean `image`
error[bad-quantity] Pod b/a: `spec.containers[0].resources.limits.memory` is not a quantity: unknown suffix `GB`: expected one of n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent such as e6
  = template t/pod.yaml:8:36
  = value `memory` at values.yaml:6:9
  = did you mean `G` (1000³) or `Gi` (1024³)
2 errors, 1 warning
"
        )
    );
    let coloured = sandbox.render(&[&arguments[..], &["--check", "--color", "always"]].concat());
    assert!(
        coloured
            .stderr
            .contains("\u{1b}[1m\u{1b}[31merror[unknown-field]\u{1b}[0m Pod"),
        "{:?}",
        coloured.stderr
    );
    assert!(!coloured.stdout.contains('\u{1b}'));
    let allowed = [
        "--check",
        "--allow",
        "unknown-field",
        "--allow",
        "bad-quantity",
        "--allow",
        "unused-value",
    ];
    let run = sandbox.render(&[&arguments[..], &allowed].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
}

#[test]
fn values_that_break_their_schema_are_an_error_and_for_check_findings() {
    let sandbox = sandbox();
    sandbox.write(
        "values.schema.json",
        r#"{"properties": {"image": {"properties": {"tag": {"maxLength": 3}}}}}"#,
    );
    let arguments = ["--templates", "t", "-f", "values.yaml"];
    let said = "error[bad-value]: `image.tag` must have at most 3 characters\n  = value `image.tag` at values.yaml:5:8\n";
    let run = sandbox.render(&arguments);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert_eq!(
        run.stderr,
        format!("error: the values do not satisfy their schema\n{said}")
    );
    let run = sandbox.render(&[&arguments[..], &["--check"]].concat());
    assert_eq!(run.code, Some(4));
    assert_eq!(run.stderr, format!("{said}1 error\n"));
}

#[test]
fn custom_resources_are_checked_by_their_definitions() {
    let sandbox = sandbox();
    sandbox.write(
        "t/gadget.yaml",
        "apiVersion: x.io/v1\nkind: Gadget\nmetadata: {name: a, namespace: b}\nspec: {size: 3}\n",
    );
    let arguments = ["--templates", "t", "-f", "values.yaml", "--check"];
    assert_eq!(sandbox.render(&arguments).code, Some(4));
    sandbox.write(
        "crd.yaml",
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  group: x.io
  names: {kind: Gadget}
  scope: Namespaced
  versions:
    - name: v1
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties: {size: {type: integer}}
              x-kubernetes-validations: [{rule: self.size < 3, message: too large}]
",
    );
    let run = sandbox.render(&[&arguments[..], &["--crd", "crd.yaml"]].concat());
    assert_eq!(run.code, Some(4));
    assert!(
        run.stderr
            .starts_with("error[failed-rule] Gadget b/a: `spec`: too large\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn mistakes_on_the_command_line_end_with_2_and_others_with_1() {
    let sandbox = sandbox();
    for arguments in [
        &[][..],
        &["--templates"],
        &["--templates", "t", "--what"],
        &["--templates", "t", "--site", "idc"],
        &["t", "--templates", "t", "--site", "idc", "--stage", "dev"],
        &["t", "--site", "idc"],
        &["--templates", "t", "--kubernetes", "1.2"],
        &["--templates", "t", "--allow", "nothing"],
        &["--templates", "t", "--explain", "a["],
        &["--templates", "t", "--set", "a[x=b"],
    ] {
        let run = sandbox.render(arguments);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}: {run:?}"
        );
        assert!(run.stderr.starts_with("error: "), "{arguments:?}");
    }
    for (arguments, said) in [
        (&["--templates", "nowhere"][..], "cannot list nowhere"),
        (
            &["--templates", "t"],
            "t/config.yaml:3:20: value `name` is not set",
        ),
        (
            &["--templates", "t", "-f", "nowhere.yaml"],
            "cannot read nowhere.yaml",
        ),
        (
            &["nowhere", "--site", "a", "--stage", "b"],
            "no application at nowhere",
        ),
        (
            &[
                "--templates",
                "t",
                "-f",
                "values.yaml",
                "--check",
                "--crd",
                "values.yaml",
            ],
            "values.yaml:1:1: there is no CustomResourceDefinition",
        ),
    ] {
        let run = sandbox.render(arguments);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(1), ""),
            "{arguments:?}"
        );
        assert!(
            run.stderr.starts_with("error: ") && run.stderr.contains(said),
            "{arguments:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn what_comes_from_files_cannot_act_on_the_terminal() {
    let sandbox = Sandbox::with(&[(
        "t/a.yaml",
        "\"apiVersion\": v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n\"x\\e[2Jy\": 1\n",
    )]);
    let run = sandbox.render(&["--templates", "t", "--check"]);
    assert_eq!(run.code, Some(4));
    assert!(
        run.stderr.contains("x\\u001b[2Jy") && !run.stderr.contains('\u{1b}'),
        "{:?}",
        run.stderr
    );
}

#[test]
fn help_names_every_exit_code_and_rules_every_finding() {
    let sandbox = Sandbox::new();
    let run = sandbox.render(&["--help"]);
    assert!(
        run.code == Some(0)
            && run.stdout.contains("\nUsage: render ")
            && run.stdout.contains("\n  4  --check found something")
    );
    let run = sandbox.render(&["--rules"]);
    assert!(run.code == Some(0) && run.stdout.contains("unknown-field"));
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let sandbox = Sandbox::with(&[(
        "t/a.yaml",
        "{{#each list}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n{{/each}}\n",
    )]);
    let list: String = (0..5_000).map(|n| format!("- {n}\n")).collect();
    sandbox.write("values.yaml", &format!("list:\n{list}"));
    let mut child = sandbox
        .command(&["--templates", "t", "-f", "values.yaml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap().as_str()
        ),
        (Some(0), "")
    );
}

/// `render --check | head` must not open a gate.
#[test]
fn findings_are_told_though_nobody_reads_the_objects() {
    let sandbox = Sandbox::with(&[(
        "t/a.yaml",
        "{{#each list}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'a{{this}}', namespace: shop}\nbad: 1\n{{/each}}\n",
    )]);
    let list: String = (0..5_000).map(|n| format!("- {n}\n")).collect();
    sandbox.write("values.yaml", &format!("list:\n{list}"));
    let stderr = sandbox.path("stderr");
    let mut child = sandbox
        .command(&["--templates", "t", "-f", "values.yaml", "--check"])
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&stderr).unwrap())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(4));
    let stderr = std::fs::read_to_string(stderr).unwrap();
    assert!(stderr.starts_with("error[unknown-field]"), "{stderr}");
    assert!(stderr.ends_with("5000 errors\n"), "{stderr}");
}

#[test]
fn a_rule_that_was_not_checked_is_a_finding() {
    let sandbox = Sandbox::with(&[(
        "t/a.yaml",
        "apiVersion: example.org/v1\nkind: Gate\nmetadata: {name: a}\nspec: {size: 1Gi}\n",
    )]);
    sandbox.write(
        "crd.yaml",
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gates.example.org}
spec:
  group: example.org
  names: {kind: Gate, plural: gates}
  scope: Cluster
  versions:
    - name: v1
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              x-kubernetes-validations:
                - rule: isQuantity(self.size)
                - rule: self.size == oldSelf.size
                - {rule: \"!oldSelf.hasValue() || self.size == oldSelf.value().size\", optionalOldSelf: true}
              properties: {size: {type: string}}
",
    );
    let arguments = ["--templates", "t", "--check", "--crd", "crd.yaml"];
    let run = sandbox.render(&arguments);
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (
            Some(4),
            "warning[skipped-rule]: a rule of `Gate` of `example.org/v1` was not checked: there is no function `isQuantity`
  = rule at crd.yaml:17:25
warning[skipped-rule]: a rule of `Gate` of `example.org/v1` was not checked: it is about the object as it was (`oldSelf`)
  = rule at crd.yaml:19:26
2 warnings
"
        )
    );
    let allowed = sandbox.render(&[&arguments[..], &["--allow", "skipped-rule"]].concat());
    assert_eq!((allowed.code, allowed.stderr.as_str()), (Some(0), ""));
    // A kind that is not among the objects does not matter.
    sandbox.write(
        "t/a.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
    );
    let run = sandbox.render(&arguments);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
}

#[cfg(unix)]
#[test]
fn a_schema_of_values_that_leads_nowhere_is_an_error() {
    let sandbox = sandbox();
    std::os::unix::fs::symlink("nowhere.yaml", sandbox.path("values.schema.yaml")).unwrap();
    let run = sandbox.render(&["--templates", "t", "-f", "values.yaml"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("values.schema.yaml"), "{}", run.stderr);
}

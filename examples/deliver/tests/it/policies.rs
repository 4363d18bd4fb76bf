//! A refusal names policy, object, field and the value's place, exits 3 and writes nothing.

use crate::sandbox::Sandbox;

#[test]
fn a_moving_tag_is_refused_by_name() {
    let sandbox = Sandbox::new();
    let run = sandbox.deliver(&["--image", "shop:latest"]);
    assert_eq!(run.code, Some(3), "{run:#?}");
    for word in [
        "immutable-image",
        "Deployment shop-dev/shop",
        "spec.template.spec.containers[0].image",
        "shop:latest",
        "--image",
    ] {
        assert!(
            run.stdout.contains(word),
            "{word} is not in:\n{}",
            run.stdout
        );
    }
    assert_eq!(sandbox.commits(), 0);
    let (code, json) = sandbox.json(&["--image", "shop:latest"]);
    assert_eq!(code, Some(3));
    assert_eq!(json["result"]["outcome"], "refused");
    assert_eq!(json["result"]["violations"][0]["policy"], "immutable-image");
}

#[test]
fn replicas_out_of_range_point_at_the_values_file() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    sandbox.edit("values/pairs/aws-prod.yaml", "replicas: 2", "replicas: 1");
    let run = sandbox.deliver(&["--app", "shop", "--site", "aws", "--stage", "prod"]);
    assert_eq!(run.code, Some(3), "{run:#?}");
    for word in [
        "replicas-prod",
        "HorizontalPodAutoscaler shop-prod/shop",
        "spec.minReplicas",
        "shop/values/pairs/aws-prod.yaml:2:11",
    ] {
        assert!(
            run.stdout.contains(word),
            "{word} is not in:\n{}",
            run.stdout
        );
    }
}

#[test]
fn a_missing_label_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    sandbox.edit("templates/_labels.yaml", "team: {{app.team}}\n", "");
    let run = sandbox.deliver(&["--app", "shop"]);
    assert_eq!(run.code, Some(3), "{run:#?}");
    assert!(
        run.stdout.contains("required-labels") && run.stdout.contains("metadata.labels.team"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_missing_agent_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    sandbox.edit("templates/deployment.yaml", "-javaagent:{{apm.agent}} ", "");
    let run = sandbox.deliver(&["--app", "shop"]);
    assert_eq!(run.code, Some(3), "{run:#?}");
    assert!(
        run.stdout.contains("apm-agent")
            && run.stdout.contains("spec.template.spec.containers[0].env"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_literal_secret_is_refused_and_not_shown() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    sandbox.edit(
        "templates/secret.yaml",
        "PAYMENT_API_KEY: ref+vault://{{secrets.store}}/kv/shop/{{stage}}/payment#/api-key",
        "PAYMENT_API_KEY: hunter2-in-git",
    );
    let run = sandbox.deliver(&["--app", "shop"]);
    assert_eq!(run.code, Some(3), "{run:#?}");
    assert!(
        run.stdout.contains("no-plaintext-secrets")
            && run.stdout.contains("stringData.PAYMENT_API_KEY"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("shop/templates/secret.yaml:"),
        "{}",
        run.stdout
    );
    assert!(!format!("{run:?}").contains("hunter2"), "{run:#?}");
}

#[test]
fn an_init_container_is_held_to_the_same_tags() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    sandbox.edit(
        "templates/deployment.yaml",
        "      containers:\n",
        "      initContainers:\n        - {name: wait, image: \"busybox:latest\"}\n      containers:\n",
    );
    let run = sandbox.deliver(&["--app", "shop"]);
    assert_eq!(run.code, Some(3), "{run:#?}");
    assert!(
        run.stdout
            .contains("spec.template.spec.initContainers[0].image"),
        "{}",
        run.stdout
    );
}

const LABELS: &str =
    "{app.kubernetes.io/name: shop, team: commerce, narae.dev/site: idc, narae.dev/stage: dev}";

/// Adds a template with `object` and delivers.
fn with_template(object: &str) -> (Sandbox, crate::sandbox::Run) {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    std::fs::write(shop.join("templates/added.yaml"), object).unwrap();
    let run = sandbox.deliver(&["--app", "shop"]);
    (sandbox, run)
}

#[test]
fn no_object_hides_in_another() {
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, stringData: {P: hunter2}}";
    let metadata = format!("metadata: {{name: added, namespace: shop, labels: {LABELS}}}");
    for (object, rule, field) in [
        (
            format!("apiVersion: v1\nkind: List\n{metadata}\nitems:\n- {secret}\n"),
            "one-object-a-document",
            "items",
        ),
        (
            format!(
                "apiVersion: example.com/v1\nkind: Wrapper\n{metadata}\nspec:\n  manifest: {secret}\n"
            ),
            "no-plaintext-secrets",
            "spec.manifest",
        ),
        (
            format!(
                "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n{metadata}\nspec:\n  encryptedData: {{}}\n  template: {{data: {{P: hunter2}}}}\n"
            ),
            "no-plaintext-secrets",
            "spec.template.data",
        ),
        (
            format!("apiVersion: v1\nkind: Secret\n{metadata}\ndata: hunter2\n"),
            "no-plaintext-secrets",
            "data",
        ),
        (
            format!("apiVersion: v1\nkind: Secret\n{metadata}\nbinaryData: {{P: hunter2}}\n"),
            "no-plaintext-secrets",
            "binaryData",
        ),
    ] {
        let (sandbox, run) = with_template(&object);
        assert_eq!(run.code, Some(3), "{object}{run:#?}");
        let field = format!("field     {field}\n");
        assert!(
            run.stdout.contains(rule) && run.stdout.contains(&field),
            "{}",
            run.stdout
        );
        assert!(!format!("{run:?}").contains("hunter2"), "{run:#?}");
        assert_eq!(sandbox.commits(), 0);
    }
}

#[test]
fn policies_that_would_not_be_read_are_an_error() {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    let policies = shop.join("policies");
    let refuses = |word: &str| {
        let run = sandbox.deliver(&["--app", "shop", "--image", "shop:latest"]);
        assert_eq!(run.code, Some(1), "{run:#?}");
        assert!(run.stderr.contains(word), "{run:#?}");
    };
    let rename =
        |from: &str, to: &str| std::fs::rename(policies.join(from), policies.join(to)).unwrap();
    rename("immutable-image.yaml", "immutable-image.YAML");
    refuses("immutable-image.YAML");
    std::fs::create_dir(policies.join("sub")).unwrap();
    rename("immutable-image.YAML", "sub/immutable-image.yaml");
    refuses("sub");
    std::fs::rename(&policies, shop.join("rules")).unwrap();
    refuses("policies");
    sandbox.edit("application.yaml", "stores:", "policies: none\nstores:");
    assert_eq!(
        sandbox
            .deliver(&["--app", "shop", "--image", "shop:latest"])
            .code,
        Some(0)
    );
}

#[test]
fn an_object_that_an_api_server_would_refuse_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    sandbox.edit(
        "templates/deployment.yaml",
        "imagePullPolicy:",
        "imagePulPolicy:",
    );
    let run = sandbox.deliver(&["--app", "shop"]);
    assert_eq!(run.code, Some(3), "{run:#?}");
    for word in [
        "Kubernetes 1.36 schema: `spec.template.spec.containers[0].imagePulPolicy`",
        "did you mean `imagePullPolicy`",
        "unknown-field",
        "shop/templates/deployment.yaml:",
    ] {
        assert!(
            run.stdout.contains(word),
            "{word} is not in:\n{}",
            run.stdout
        );
    }
    assert_eq!(sandbox.commits(), 0);
}

#[test]
fn values_that_break_their_schema_are_an_error() {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    std::fs::write(shop.join("values.schema.yaml"), "{required: [nothing]}\n").unwrap();
    let run = sandbox.deliver(&["--app", "shop"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        run.stderr.contains("`nothing` is missing, and required"),
        "{}",
        run.stderr
    );
}

/// Of another stage, as here, or misspelt: a person sees which.
#[test]
fn a_policy_that_is_for_none_of_the_objects_is_a_note() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    let report = sandbox.delivered(&["--app", "shop"]);
    let note = "  note     policy replicas-prod is for none of these objects (shop/policies/replicas.yaml:2:1)\n";
    assert!(report.contains(note), "{report}");
    sandbox.edit(
        "policies/immutable-image.yaml",
        "resources: [deployments",
        "resources: [jobs",
    );
    let (_, json) = sandbox.json(&["--app", "shop", "--stage", "rc"]);
    assert_eq!(json["notes"].as_array().unwrap().len(), 2, "{json:#}");
}

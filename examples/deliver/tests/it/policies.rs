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

//! Objects of one kind and name in several namespaces.

use std::fs;

use crate::sandbox::Sandbox;

const PLACE: &str = "environments/dev/idc/shop";

fn item(sandbox: &Sandbox, file: &str) -> String {
    let sealed = narae_yaml::read_one(&sandbox.file(&format!("{PLACE}/{file}"))).unwrap();
    let item = sealed.at(&"spec.encryptedData.PAYMENT_API_KEY".parse().unwrap());
    item.unwrap().as_str().unwrap().to_owned()
}

#[test]
fn each_has_its_own_file_and_sealed_items_keep_their_ciphertext() {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    sandbox.delivered(&["--app", "shop"]);
    let alone = item(&sandbox, "sealedsecret-shop-credentials.yaml");

    let secret = fs::read_to_string(shop.join("templates/secret.yaml")).unwrap();
    let second = secret.replace("namespace: {{namespace}}", "namespace: shop-batch");
    fs::write(shop.join("templates/batch.yaml"), second).unwrap();
    let (code, json) = sandbox.json(&["--app", "shop"]);
    assert_eq!(code, Some(0), "{json:#}");
    let files: Vec<(String, String)> = (json["plan"]["files"].as_array().unwrap().iter())
        .map(|file| {
            let word = |name: &str| file[name].as_str().unwrap().to_owned();
            (word("action"), word("path").replace(PLACE, ""))
        })
        .collect();
    let expected = [
        ("create", "/sealedsecret-shop-credentials_shop-batch.yaml"),
        ("create", "/sealedsecret-shop-credentials_shop-dev.yaml"),
        ("remove", "/sealedsecret-shop-credentials.yaml"),
    ];
    assert_eq!(
        files,
        expected.map(|(action, path)| (action.to_owned(), path.to_owned()))
    );
    let own = item(&sandbox, "sealedsecret-shop-credentials_shop-dev.yaml");
    assert_eq!(
        own, alone,
        "its file has another name, the secret is the same"
    );
    let other = item(&sandbox, "sealedsecret-shop-credentials_shop-batch.yaml");
    assert_ne!(other, alone, "sealed for another namespace");
    assert!(
        sandbox
            .delivered(&["--app", "shop"])
            .contains("Nothing to do")
    );

    fs::remove_file(shop.join("templates/batch.yaml")).unwrap();
    sandbox.delivered(&["--app", "shop"]);
    assert_eq!(item(&sandbox, "sealedsecret-shop-credentials.yaml"), alone);
    let names = sandbox.repository(&["ls-tree", "--name-only", "main", &format!("{PLACE}/")]);
    assert!(!names.contains("_shop"), "{names}");
}

#[test]
fn two_of_one_namespace_are_refused() {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    fs::copy(
        shop.join("templates/service.yaml"),
        shop.join("templates/second.yaml"),
    )
    .unwrap();
    let run = sandbox.deliver(&["--app", "shop"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    for word in [
        "shop/templates/service.yaml:1:1",
        "shop/templates/second.yaml:1:1",
        "would both be",
    ] {
        assert!(
            run.stderr.contains(word),
            "{word} is not in:\n{}",
            run.stderr
        );
    }
}

//! The same delivery with the store swapped for a real OpenBao.

use std::process::Command;

use narae_testservers::OpenBao;

use crate::sandbox::{Run, Sandbox};

/// A server with a KV engine at `kv`.
pub(crate) struct Server(pub(crate) OpenBao);

impl Server {
    pub(crate) fn start(what: &str) -> Option<Self> {
        let server = OpenBao::start(what)?;
        server.mount_kv("kv", 2);
        Some(Self(server))
    }

    pub(crate) fn bao(&self, arguments: &[&str]) {
        let output = Command::new("bao")
            .args(arguments)
            .env("BAO_ADDR", self.0.address())
            .env("BAO_TOKEN", self.0.token())
            .output()
            .unwrap();
        assert!(output.status.success(), "bao {arguments:?}: {output:?}");
    }

    pub(crate) fn deliver(&self, sandbox: &Sandbox, arguments: &[&str]) -> Run {
        let mut command = sandbox.command(&[&["--store", "openbao"], arguments].concat());
        command
            .env("BAO_ADDR", self.0.address())
            .env("BAO_TOKEN", self.0.token());
        Run::of(&command.output().unwrap())
    }
}

#[test]
fn the_same_delivery_from_a_real_openbao() {
    let Some(server) = Server::start("a delivery from OpenBao") else {
        return;
    };
    let sandbox = Sandbox::new();
    let run = server.deliver(&sandbox, &[]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        run.stderr.contains("kv/shop/dev/"),
        "the missing path is named: {run:#?}"
    );
    assert_eq!(sandbox.commits(), 0);

    server.bao(&[
        "kv",
        "put",
        "-mount=kv",
        "shop/dev/database",
        "username=shop",
        "password=canary-in-bao-1",
    ]);
    server.bao(&[
        "kv",
        "put",
        "-mount=kv",
        "shop/dev/payment",
        "api-key=canary-in-bao-2",
    ]);
    let run = server.deliver(&sandbox, &[]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(sandbox.commits(), 1);
    assert!(
        !sandbox.path("secrets.store").exists(),
        "the embedded store is not touched"
    );

    let again = server.deliver(&sandbox, &[]);
    assert!(again.stdout.contains("Nothing to do"), "{again:#?}");

    server.bao(&[
        "kv",
        "put",
        "-mount=kv",
        "shop/dev/payment",
        "api-key=canary-in-bao-3",
    ]);
    let rotated = server.deliver(&sandbox, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&rotated.stdout).unwrap();
    assert_eq!(
        json["plan"]["files"].as_array().unwrap().len(),
        1,
        "{json:#}"
    );
    assert_eq!(
        json["plan"]["files"][0]["fields"][0]["path"],
        "spec.encryptedData.PAYMENT_API_KEY"
    );
    for run in [&run, &again, &rotated] {
        assert!(!format!("{run:?}").contains("canary-in-bao"), "{run:#?}");
    }
    let objects = sandbox.repository(&["cat-file", "--batch", "--batch-all-objects"]);
    assert!(!objects.contains("canary-in-bao"));
}

#[test]
fn a_wrong_token_is_an_error_that_does_not_show_it() {
    let Some(server) = Server::start("a delivery with a wrong token") else {
        return;
    };
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["--store", "openbao"]);
    command
        .env("BAO_ADDR", server.0.address())
        .env("BAO_TOKEN", "s.wrong-canary-token\n");
    let run = Run::of(&command.output().unwrap());
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        !format!("{run:?}").contains("wrong-canary-token"),
        "{run:#?}"
    );
    assert_eq!(sandbox.commits(), 0);
}

#[test]
fn another_store_behind_the_same_name_is_another_source() {
    let Some(server) = Server::start("a delivery from another store") else {
        return;
    };
    let sandbox = Sandbox::new();
    sandbox.delivered(&[]);
    // The same paths, at the same version 1, with other values.
    server.bao(&[
        "kv",
        "put",
        "-mount=kv",
        "shop/dev/database",
        "username=other",
        "password=other",
    ]);
    server.bao(&[
        "kv",
        "put",
        "-mount=kv",
        "shop/dev/payment",
        "api-key=other",
    ]);
    let run = server.deliver(&sandbox, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        json["plan"]["files"][0]["fields"].as_array().unwrap().len(),
        3,
        "{json:#}"
    );
    for secret in json["secrets"].as_array().unwrap() {
        assert_eq!(
            secret["outcome"], "sealed again: its source changed",
            "{json:#}"
        );
    }
    assert!(
        server
            .deliver(&sandbox, &[])
            .stdout
            .contains("Nothing to do")
    );
}

#[test]
fn a_server_that_is_down_or_sealed_commits_nothing() {
    let Some(mut server) = Server::start("a delivery while OpenBao is down") else {
        return;
    };
    let sandbox = Sandbox::new();
    let secrets = [
        ("shop/dev/database", "username=shop"),
        ("shop/dev/payment", "api-key=k"),
    ];
    for (path, pair) in secrets {
        server.bao(&["kv", "put", "-mount=kv", path, pair, "password=p"]);
    }
    server.0.must("POST", "sys/seal", "");
    let sealed = server.deliver(&sandbox, &[]);
    assert_eq!(sealed.code, Some(1), "{sealed:#?}");
    assert!(sealed.stderr.contains("sealed"), "{sealed:#?}");
    server.0.kill();
    let down = server.deliver(&sandbox, &[]);
    assert_eq!(down.code, Some(1), "{down:#?}");
    let named = down.stderr.contains(&server.0.address());
    assert!(
        named && down.stderr.contains("check the address"),
        "{down:#?}"
    );
    assert_eq!(sandbox.commits(), 0);
}

/// A KV engine of version 1 has no versions: what is unchanged is known by its digest.
#[test]
fn from_a_store_without_versions_an_unchanged_value_stays() {
    let Some(server) = Server::start("a delivery from KV 1") else {
        return;
    };
    server.0.mount_kv("old", 1);
    let put = |password: &str| {
        let password = format!("password={password}");
        let put = ["kv", "put", "-mount=old", "shop/dev/database"];
        server.bao(&[&put[..], &["username=shop", &password]].concat());
    };
    put("canary-in-bao-1");
    server.bao(&[
        "kv",
        "put",
        "-mount=old",
        "shop/dev/payment",
        "api-key=canary-in-bao-2",
    ]);
    let sandbox = Sandbox::new();
    sandbox.shop();
    let file = sandbox.path("shop/templates/secret.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("/kv/", "/old/")).unwrap();
    let deliver = |more: &[&str]| {
        let run = server.deliver(&sandbox, &[&["--app", "shop"], more].concat());
        assert!(!format!("{run:?}").contains("canary-in-bao"), "{run:#?}");
        run
    };
    let first = deliver(&[]);
    assert_eq!(first.code, Some(0), "{first:#?}");
    assert!(first.stdout.contains("made     digest key"), "{first:#?}");
    let second = deliver(&[]);
    assert!(second.stdout.contains("Nothing to do"), "{second:#?}");
    put("canary-in-bao-3");
    let third = deliver(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&third.stdout).unwrap();
    let items = json["secrets"].as_array().unwrap();
    let kept = items.iter().filter(|item| item["outcome"] == "kept");
    assert_eq!(
        (kept.count(), items.len(), sandbox.commits()),
        (2, 3, 2),
        "{json:#}"
    );
    // Another key knows nothing of it, and one that is named must exist.
    let typo = deliver(&["--digest-key", "typo.key"]);
    assert_eq!((typo.code, sandbox.commits()), (Some(1), 2), "{typo:#?}");
    let objects = sandbox.repository(&["cat-file", "--batch", "--batch-all-objects"]);
    assert!(!objects.contains("canary-in-bao"));
}

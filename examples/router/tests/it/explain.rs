//! `router explain`: lines in, lines out. What the decisions are is tested in narae-routing.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

pub(crate) fn explain(config: &str, json: bool, requests: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_router"));
    command.args(["explain", "--config", config]);
    if json {
        command.arg("--json");
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A run that refuses its files never reads its input.
    let _ = child.stdin.take().unwrap().write_all(requests.as_bytes());
    child.wait_with_output().unwrap()
}

fn data(name: &str) -> String {
    format!("{}/tests/data/explain/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_request_is_answered_with_all_that_happens_to_it() {
    let request = json!({
        "method": "GET", "host": "shop.example.com", "path": "/cart/7?q=1",
        "headers": { "x-seen": "client", "X-Debug": "1", "Accept": ["a", "b"] },
    });
    let output = explain(&data("shop.yaml"), true, &format!("{request}\n"));
    assert!(output.status.success());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = json!({
        "status": 200, "backend": "cart", "namespace": "shop", "port": 8080,
        "path": "/7?q=1", "host": "cart.internal",
        "headers": { "X-Part": "cart", "x-seen": "client,gateway", "Accept": "a,b" },
        "response_headers": { "X-Served": "cart", "Server": null },
        "location": null,
        "mirrors": [{ "backend": "audit", "namespace": "shop", "port": 80 }],
        "gateway": "infra/public", "listener": "http", "rule": "HTTPRoute shop/shop rule 0", "reason": null,
    });
    assert_eq!(answer, expected);
}

#[test]
fn every_line_is_answered_and_shares_are_exact() {
    let one = "{\"host\":\"shop.example.com\",\"path\":\"/\"}\n";
    let requests = format!(
        "{}\n{{\"path\":\"/old\",\"host\":\"shop.example.com\",\"gateway\":\"infra/public\",\"listener\":\"https\"}}\n{{\"path\":\"/\",\"gateway\":\"infra/none\"}}\n",
        one.repeat(100)
    );
    let output = explain(&data("shop.yaml"), true, &requests);
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(answers.len(), 102);
    let canary = answers.iter().filter(|a| a["backend"] == "canary").count();
    assert_eq!(canary, 10);
    assert_eq!(answers[100]["status"], 301);
    assert_eq!(answers[100]["location"], "https://shop.example.com/new");
    assert_eq!(answers[101]["status"], 404);
}

#[test]
fn what_has_no_effect_is_said_with_its_place() {
    let output = explain(
        &data("shop.yaml"),
        false,
        "{\"path\":\"/typo\",\"host\":\"shop.example.com\"}\n",
    );
    let said = String::from_utf8(output.stderr).unwrap();
    for part in [
        "shop.yaml:48:41: spec.rules[2].matches[0].cookies is not a field of the API",
        "passed over: 1 ConfigMap",
        "HTTPRoute shop/shop: spec.rules[2].backendRefs[0]: backend shop/gone: no such service",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "GET shop.example.com/typo: 500, no such service (HTTPRoute shop/shop rule 2)\n"
    );
}

#[test]
fn what_cannot_be_read_exits_1_and_says_where() {
    let output = explain(&data("shop.yaml"), true, "nonsense\n{\"path\":\"/\"}\n");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("{\"error\":\"line 1: "), "{text}");
    assert_eq!(text.lines().count(), 2);
    for (file, says) in [
        ("wrong.yaml", "wrong.yaml:8:11: invalid type: string"),
        ("none.yaml", "cannot read "),
    ] {
        let output = explain(&data(file), true, "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn who_the_client_is_decides_and_what_it_lacks_is_named() {
    let asked = |path: &str, who: Value| {
        let mut request = json!({ "host": "a", "path": path, "headers": { "X-Roles": "auditor" } });
        for (name, value) in who.as_object().unwrap() {
            request[name] = value.clone();
        }
        let output = explain(&data("access.yaml"), true, &format!("{request}\n"));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let auditor = asked(
        "/reports",
        json!({ "claims": { "sub": "u1", "groups": ["auditor", "dev"] } }),
    );
    assert_eq!(
        (&auditor["status"], &auditor["backend"]),
        (&json!(200), &json!("reports"))
    );
    assert_eq!(
        auditor["headers"],
        json!({ "x-user": "u1", "x-roles": "auditor,dev" })
    );
    let alice = asked(
        "/reports",
        json!({ "identity": { "user": "alice", "policy": "shop/staff" } }),
    );
    assert_eq!(alice["headers"]["x-user"], "alice");
    let bob = asked("/reports", json!({ "identity": { "user": "bob" } }));
    assert_eq!(bob["status"], 403);
    assert_eq!(
        bob["reason"],
        "its client may not do this: AccessPolicy shop/auditors wants role auditor"
    );
    let nobody = asked("/reports", json!({}));
    assert_eq!(nobody["status"], 401);
    assert_eq!(
        nobody["response_headers"]["www-authenticate"],
        "Bearer realm=\"staff\",Basic realm=\"staff\", charset=\"UTF-8\""
    );
    assert_eq!(asked("/", json!({}))["headers"], json!({}));
}

#[test]
fn a_request_can_be_somebodys() {
    let claims = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    };
    let auditor = claims(r#"{ "sub": "u1", "groups": ["auditor"] }"#);
    let visitor = claims(r#"{ "sub": "u2", "groups": ["visitor"] }"#);
    let slip = claims("[1]");
    let path = |file: &tempfile::NamedTempFile| file.path().to_str().unwrap().to_owned();
    let ask = |more: &[&str]| {
        let config = data("access.yaml");
        let arguments = ["explain", "GET http://h/reports", "--config", &config];
        let output = crate::process::run(&[&arguments, more].concat());
        let (out, said) = (output.stdout, output.stderr);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            text(out).lines().next().unwrap_or_default().to_owned(),
            text(said),
        )
    };
    assert_eq!(ask(&[]).0, "401, it says not who its client is");
    for known in [path(&auditor).as_str(), "user:alice"] {
        assert_eq!(
            ask(&["--as", known]).0,
            "goes to shop/reports:80 as h/reports"
        );
    }
    for other in [path(&visitor).as_str(), "user:bob"] {
        assert_eq!(ask(&["--as", other]).0, "403, its client may not do this");
    }
    let (_, said) = ask(&["--as", &path(&slip)]);
    assert!(
        said.contains("--as takes a JSON object of claims"),
        "{said}"
    );
    let (_, said) = ask(&["--as", "user:bob", "-H", "Authorization: Basic eDp5"]);
    assert!(said.contains("leave one out"), "{said}");
    // Credentials are verified as when serving, so their files must be there.
    let (_, said) = ask(&["-H", "Authorization: Basic eDp5"]);
    assert!(
        said.contains("AccessPolicy shop/staff: cannot read"),
        "{said}"
    );
}

#[test]
fn credentials_of_a_request_are_verified() {
    let access = std::fs::read_to_string(data("access.yaml")).unwrap();
    let at = access.find("  jwt:").unwrap();
    let end = access.find("  basic:").unwrap();
    // SHA-crypt of `secret`, by `openssl passwd -5 -salt saltsalt secret`.
    let users = "alice:$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("users"), users).unwrap();
    let config = folder.path().join("access.yaml");
    std::fs::write(&config, access[..at].to_owned() + &access[end..]).unwrap();
    let ask = |credentials: &str| {
        let header = format!("Authorization: Basic {credentials}");
        let config = config.to_str().unwrap();
        let arguments = [
            "explain",
            "GET http://h/reports",
            "--config",
            config,
            "-H",
            &header,
        ];
        let output = crate::process::run(&arguments);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            text(output.stdout)
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
            text(output.stderr),
        )
    };
    // alice:secret, and alice:wrong
    let (decided, said) = ask("YWxpY2U6c2VjcmV0");
    assert_eq!(decided, "goes to shop/reports:80 as h/reports", "{said}");
    assert!(
        said.contains("its credentials are valid, by AccessPolicy shop/staff"),
        "{said}"
    );
    let (decided, said) = ask("YWxpY2U6d3Jvbmc=");
    assert_eq!(decided, "401, its credentials are not valid");
    assert!(said.contains("its credentials are not valid"), "{said}");
}

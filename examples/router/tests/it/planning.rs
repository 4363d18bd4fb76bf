//! `router simulate`, `router check` and `router explain REQUEST`: before anything is served.

use serde_json::Value;

use crate::process::run;
use crate::serving::file;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_simulation_is_a_table_json_and_a_timeline() {
    let script = format!("{DATA}/simulation.yaml");
    let directory = tempfile::tempdir().unwrap();
    let svg = directory.path().join("outage.svg");
    let output = run(&["simulate", &script, "--svg", svg.to_str().unwrap()]);
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(table.starts_with("Simulation shop/outage\n"), "{table}");
    assert!(table.contains("idc goes down; idc is out"), "{table}");
    assert!(
        std::fs::read_to_string(&svg)
            .unwrap()
            .contains("idc goes down")
    );
    let output = run(&["simulate", &script, "--json"]);
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    // A cloud that serves 120 a second is too small for the peak.
    assert!(outcome["failed"].as_u64() > Some(10_000), "{outcome}");
    assert_eq!(outcome["sites"], serde_json::json!(["idc", "cloud"]));
    let nothing = run(&["simulate", &format!("{DATA}/explain/shop.yaml")]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(text(&nothing.stderr).contains("no file has a Simulation"));
    let (_directory, bad) = file(
        &std::fs::read_to_string(&script)
            .unwrap()
            .replace("do: Down", "do: Latch"),
    );
    let bad = run(&["simulate", bad.to_str().unwrap()]);
    assert!(
        text(&bad.stderr).contains("spec.events[0]: Latch needs a value"),
        "{}",
        text(&bad.stderr)
    );
}

#[test]
fn a_check_says_what_will_be_regretted() {
    let output = run(&["check", &format!("{DATA}/simulation.yaml")]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "service shop/stable: without `idc`, `cloud` gets 200 requests a second and serves 120 (no N+1)\n";
    assert_eq!(text(&output.stdout), expected);
    let policy = |name: &str, other: &str| {
        format!(
            "---\napiVersion: narae.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{ name: {name} }}\nspec:\n  \
             targetRefs: [{{ name: {name} }}]\n  healthCheck: {{}}\n  sites:\n  \
             - {{ name: own, endpoints: [\"10.0.0.1:80\"] }}\n  - {{ name: other, service: {other}, endpoints: [\"10.0.0.2:80\"] }}\n"
        )
    };
    let (_directory, path) = file(&(policy("a", "b") + &policy("b", "a")));
    let output = run(&["check", path.to_str().unwrap()]);
    let said = text(&output.stdout);
    assert!(
        said.contains("service default/a: its sites lead back to it (by b, a)"),
        "{said}"
    );
    let (_directory, path) = file(&policy("a", "b"));
    let output = run(&["check", path.to_str().unwrap()]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), ""));
}

#[test]
fn an_explanation_names_the_losers_and_the_sites() {
    let config = format!("{DATA}/explain/shop.yaml");
    let output = run(&[
        "explain",
        "GET http://shop.example.com/cart/7",
        "-H",
        "x-debug: 1",
        "--config",
        &config,
    ]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for line in [
        "goes to shop/cart:8080 as cart.internal/7\n",
        "  X-Part: cart\n",
        "  copied to shop/audit:80\n",
        "  HTTPRoute shop/shop rule 0, match 0: decides\n",
        "  HTTPRoute shop/shop rule 3, match 0: holds, but loses by less of the path\n",
        "  HTTPRoute shop/shop rule 1, match 0: another path\n",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let policies = format!("{DATA}/simulation.yaml");
    let output = run(&[
        "explain",
        "GET http://shop.example.com/",
        "--config",
        &config,
        "--config",
        &policies,
    ]);
    let said = text(&output.stdout);
    assert!(said.contains("shop/stable:8080"), "{said}");
    assert!(
        said.contains("  idc: priority 0, weight 1, 1/1 of requests, lag +0.00, In\n"),
        "{said}"
    );
    assert!(
        said.contains(
            "    10.0.0.1:80: weight 1, 1/2 of requests, lag +0.00, not asked yet, no breaker\n"
        ),
        "{said}"
    );
    let wrong = run(&["explain", "shop.example.com", "--config", &config]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("write a request as 'GET http://host/path'"));
}

#[test]
fn a_check_says_that_nobody_can_be_known() {
    let access = std::fs::read_to_string(format!("{DATA}/explain/access.yaml")).unwrap();
    let jwt = access.find("  jwt:").unwrap();
    let headers = access.find("  headers:").unwrap();
    let closed = access[..jwt].to_owned() + &access[headers..];
    let (_directory, path) = file(&closed);
    let output = run(&["check", path.to_str().unwrap()]);
    let expected = "AccessPolicy shop/auditors: nobody can pass at listener shop/edge/http, where no AccessPolicy says by \
                    `jwt` or `basic` who clients are; HTTPRoute shop/shop rule 1 (reports) answers 403\n";
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(1));
    let output = run(&["check", &format!("{DATA}/explain/access.yaml")]);
    assert_eq!((text(&output.stdout), output.status.code()), ("", Some(0)));
}

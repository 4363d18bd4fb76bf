//! The admin port's page in a real browser: it shows what is so, and its buttons do what they say.

use serde_json::{Value, json};

use crate::backend::Backend;
use crate::browser::Browser;
use crate::process::Router;
use crate::serving::{file, objects, service};

/// The button of a row, by texts of both.
fn button(row: &str, text: &str) -> String {
    format!(
        "[...document.querySelectorAll('tr')].find(row => row.cells[0].textContent === '{row}')\
         .querySelectorAll('button').values().find(button => button.textContent === '{text}')"
    )
}

fn text(row: &str) -> String {
    format!(
        "[...document.querySelectorAll('tr')].find(row => row.cells[0].textContent === '{row}')?.innerText ?? ''"
    )
}

fn shares(state: &Value) -> Value {
    state["sites"]
        .as_array()
        .unwrap()
        .iter()
        .map(|site| site["share"].clone())
        .collect()
}

#[test]
fn operators_see_and_decide_on_the_page() {
    let (a, b, c) = (
        Backend::named("a"),
        Backend::named("b"),
        Backend::named("c"),
    );
    let (one, other) = (a.address.to_string(), b.address.to_string());
    let policy = format!(
        "  sites:\n  - {{ name: idc, endpoints: [\"{one}\", \"{other}\"] }}\n  - {{ name: cloud, endpoints: [\"{}\"] }}\n\
         \x20 breaker: {{ calls: 10 }}\n",
        c.address
    );
    let route = "  rules: [{ backendRefs: [{ name: shop, port: 80 }] }]\n";
    let (_folder, path) = file(&(objects(route, &[]) + &service("shop", &policy, "")));
    let mut router = Router::serving(&[&path], &[80], &[]);
    router.ignore_log();
    for _ in 0..4 {
        assert_eq!(router.client().get("/").status(), 200);
    }
    let Some(mut browser) = Browser::open(
        &format!("http://{}/", router.admin_address()),
        "the admin page in a browser",
    ) else {
        return;
    };

    browser.until(&format!("({}).includes('50.0 %')", text("idc")));
    assert_eq!(
        browser.evaluate("document.querySelector('h2').textContent"),
        "shop"
    );
    let shown = browser.evaluate(&text("cloud"));
    assert!(
        shown.as_str().unwrap().contains("50.0 %") && shown.as_str().unwrap().contains("In"),
        "{shown}"
    );
    let shown = browser.evaluate(&text(&one));
    for part in [
        "takes traffic (breaker closed)",
        "1 served, 0 failed",
        "weight 1",
    ] {
        assert!(shown.as_str().unwrap().contains(part), "{part}: {shown}");
    }

    browser.click(&button(&one, "drain"));
    browser.until(&format!("({}).includes('drained')", text(&one)));
    assert_eq!(router.state()["sites"][0]["endpoints"][0]["drained"], true);
    browser.click(&button(&one, "undrain"));
    browser.until(&format!("({}).includes('takes traffic')", text(&one)));
    assert_eq!(router.state()["sites"][0]["endpoints"][0]["drained"], false);

    browser.answer = "3".to_owned();
    browser.click(&button("idc", "weight …"));
    browser.until(&format!("({}).includes('75.0 %')", text("idc")));
    assert_eq!(shares(&router.state()), json!([0.75, 0.25]));

    browser.click(&button("idc", "latch out"));
    browser.until(&format!("({}).includes('latched out')", text("idc")));
    assert_eq!(shares(&router.state()), json!([0.0, 1.0]));
    assert_eq!(router.client().get("/").text(), "c");
    browser.click(&button("idc", "release"));
    browser.until(&format!("!({}).includes('latched')", text("idc")));
    assert_eq!(router.state()["sites"][0]["latch"], "Released");
}

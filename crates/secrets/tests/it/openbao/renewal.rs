//! Tokens that are kept alive in the background, and replaced when they cannot be.

use narae_secrets::store::openbao::{Auth, OpenBao, Options};
use narae_secrets::store::{Store as _, StoreErrorKind as K};
use narae_testservers::OpenBao as Server;

use super::{field, kind, path, policy, token_of};
use crate::material::secret;

/// A server with a role whose tokens live that long, and one secret.
fn prepare(server: &Server, lives: &str) -> OpenBao {
    server.must("POST", "secret/data/shop", r#"{"data":{"k":"v"}}"#);
    let rules = r#"path "secret/data/shop" { capabilities = ["read"] }"#;
    policy(server, "shop", rules);
    server.must("POST", "sys/auth/approle", r#"{"type":"approle"}"#);
    server.must("POST", "auth/approle/role/shop", lives);
    let role_id = field(
        &server.must("GET", "auth/approle/role/shop/role-id", ""),
        "role_id",
    );
    let made = server.must("POST", "auth/approle/role/shop/secret-id", "{}");
    let auth = Auth::app_role(role_id, secret(&field(&made, "secret_id")));
    OpenBao::connect("main", Options::new(server.address(), auth)).unwrap()
}

fn reads(store: &OpenBao) {
    let found = store.read(&path("secret/shop"), None).unwrap();
    assert_eq!(found.data["k"], secret("v"));
}

/// What the server knows of AppRole tokens, by accessor.
fn tokens(server: &Server) -> Vec<serde_json::Value> {
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let all = json(&server.must("GET", "auth/token/accessors?list=true", ""));
    let accessors = all["data"]["keys"].as_array().unwrap();
    let look = |accessor: &serde_json::Value| {
        let body = serde_json::json!({ "accessor": accessor }).to_string();
        let answer = server.ask("POST", "auth/token/lookup-accessor", &body);
        // It may have ended since.
        (answer.status == 200).then(|| json(&answer.body)["data"].clone())
    };
    let found = accessors.iter().filter_map(look);
    found
        .filter(|token| token["path"] == "auth/approle/login")
        .collect()
}

#[test]
fn one_login_serves_all_clones_and_is_renewed() {
    let Some(server) = Server::start("renewal") else {
        return;
    };
    let store = prepare(
        &server,
        r#"{"token_policies":"shop","token_ttl":"2s","token_max_ttl":"1h"}"#,
    );
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let clone = store.clone();
            scope.spawn(move || reads(&clone));
        }
    });
    assert_eq!(tokens(&server).len(), 1, "one login");
    server.until("the token to be renewed", || {
        tokens(&server)
            .iter()
            .any(|token| token["last_renewal_time"].is_u64())
    });
    reads(&store);
    store.shutdown().unwrap();
    assert_eq!(tokens(&server).len(), 0, "revoked");
}

#[test]
fn a_token_that_cannot_live_longer_is_replaced() {
    let Some(server) = Server::start("logging in again") else {
        return;
    };
    let store = prepare(
        &server,
        r#"{"token_policies":"shop","token_ttl":"2s","token_max_ttl":"3s"}"#,
    );
    reads(&store);
    let first = tokens(&server)[0]["accessor"].clone();
    server.until("another token", || {
        tokens(&server)
            .iter()
            .any(|token| token["accessor"] != first)
    });
    reads(&store);
    // Revoked behind its back: the next request logs in again.
    for token in tokens(&server) {
        let body = serde_json::json!({ "accessor": token["accessor"] }).to_string();
        server.must("POST", "auth/token/revoke-accessor", &body);
    }
    reads(&store);
}

#[test]
fn batch_tokens_are_replaced_too() {
    let Some(server) = Server::start("batch tokens") else {
        return;
    };
    let role = r#"{"token_policies":"shop","token_ttl":"2s","token_type":"batch"}"#;
    let store = prepare(&server, role);
    reads(&store);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(3);
    server.until("a batch token's end", || std::time::Instant::now() > end);
    reads(&store);
}

#[test]
fn a_given_token_is_renewed_when_asked() {
    let Some(server) = Server::start("renewal of a given token") else {
        return;
    };
    server.must("POST", "secret/data/shop", r#"{"data":{"k":"v"}}"#);
    let token = token_of(
        &server,
        r#"{"policies":["root"],"ttl":"2s","renewable":true,"period":"2s"}"#,
    );
    let options = Options::new(server.address(), secret(&token)).with_renewal_of_given_token();
    let store = OpenBao::connect("main", options).unwrap();
    reads(&store);
    let body = serde_json::json!({ "token": token }).to_string();
    server.until("the renewal", || {
        let looked = server.must("POST", "auth/token/lookup", &body);
        looked.contains("\"last_renewal_time\"")
    });
}

#[test]
fn a_server_that_is_killed_and_comes_back_is_found_again() {
    let Some(mut server) = Server::start_durable("a restart while a token is renewed") else {
        return;
    };
    let store = prepare(
        &server,
        r#"{"token_policies":"shop","token_ttl":"3s","token_max_ttl":"1h"}"#,
    );
    reads(&store);
    server.until("the first renewal", || {
        tokens(&server)
            .iter()
            .any(|token| token["last_renewal_time"].is_u64())
    });
    server.kill();
    let address = server.address();
    assert_eq!(
        kind(&store, "secret/shop", None),
        K::Unreachable { address }
    );
    server.restart();
    reads(&store);
    // It goes on as before: with the same token, or with another if that ended meanwhile.
    let renewals = |server: &Server| {
        let times = tokens(server).into_iter();
        times
            .filter_map(|token| token["last_renewal_time"].as_u64())
            .max()
            .unwrap_or(0)
    };
    let before = renewals(&server);
    server.until("the next renewal", || renewals(&server) > before);
    store.shutdown().unwrap();
}

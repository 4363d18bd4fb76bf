//! Tokens of keys that the test makes: what is believed, and every way not to be.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as URL;
use serde_json::{Value, json};

use super::{config, get, with_token};
use crate::backend::{Backend, ok};
use crate::process::{Router, run};
use crate::serving::file;

const POLICY: &str = "  jwt: { issuer: \"https://login.test\", audiences: [shop], rolesClaims: [realm_access.roles], jwks: ";

/// A key for ES256 signatures.
struct Key {
    pair: EcdsaKeyPair,
    id: &'static str,
}

impl Key {
    fn named(id: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { pair, id }
    }

    fn public(&self) -> Value {
        let point = &self.pair.public_key().as_ref()[1..];
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.id,
                "x": URL.encode(&point[..32]), "y": URL.encode(&point[32..]) })
    }

    fn sign(&self, header: Value, claims: &Value) -> String {
        let signed = signed(&header, claims);
        let signature = self
            .pair
            .sign(&SystemRandom::new(), signed.as_bytes())
            .unwrap();
        format!("{signed}.{}", URL.encode(signature))
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(
            json!({ "alg": "ES256", "kid": self.id, "typ": "JWT" }),
            claims,
        )
    }
}

fn signed(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        URL.encode(header.to_string()),
        URL.encode(claims.to_string())
    )
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn claims() -> Value {
    json!({ "iss": "https://login.test", "aud": ["other", "shop"], "sub": "u1", "exp": now() + 600,
            "realm_access": { "roles": ["admin", "dev"] } })
}

/// Claims with some of them changed; null takes one out.
fn but(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn inline(backend: &Backend, keys: &[Value], more: &str) -> String {
    config(
        backend,
        &format!("{POLICY}{{ inline: '{}' }}{more} }}\n", set(keys)),
    )
}

#[test]
fn claims_of_a_verified_token_reach_the_backend_and_open_its_routes() {
    let (backend, key) = (Backend::named("a"), Key::named("k1"));
    let (_folder, path) = file(&inline(&backend, &[key.public()], ""));
    let mut router = Router::serving(&[&path], &[80], &[]);
    router.ignore_log();
    let authorization = format!(
        "authorization: bearer {}\r\nx-user: eve\r\nX_Roles: root\r\n",
        key.token(&claims())
    );
    assert_eq!(get(&router, "/admin", &authorization).status(), 200);
    let sent = backend.received().pop().unwrap();
    assert_eq!(
        (sent.field("x-user"), sent.field("x-roles")),
        (Some("u1"), Some("admin,dev"))
    );
    assert_eq!(
        (sent.field("x_roles"), sent.field("authorization")),
        (None, None)
    );

    // Nobody in particular, whatever they say: also where no text can say it.
    assert_eq!(
        get(
            &router,
            "/",
            "x-user: eve\r\nX-ROLES: \u{fc}\r\nx_roles: \u{fc}\r\n"
        )
        .status(),
        200
    );
    let sent = backend.received().pop().unwrap();
    for name in ["x-user", "x-roles", "x_roles"] {
        assert_eq!(sent.field(name), None, "{name}");
    }
    let refused = get(&router, "/admin", "x-roles: admin\r\n");
    assert_eq!(
        (refused.status(), refused.field("www-authenticate")),
        (401, Some("Bearer realm=\"staff\""))
    );
    let dev = key.token(&but(json!({ "realm_access": { "roles": ["dev"] } })));
    assert_eq!(
        get(
            &router,
            "/admin",
            &format!("authorization: Bearer {dev}\r\n")
        )
        .status(),
        403
    );
    let metrics = router.admin("GET", "/metrics");
    assert!(
        metrics
            .text()
            .contains("router_credentials_refused_total 0"),
        "{}",
        metrics.text()
    );
}

#[test]
fn no_other_token_is_believed() {
    let (backend, key, stranger) = (Backend::named("a"), Key::named("k1"), Key::named("k1"));
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    // RFC 8017, A.1.1: a sequence of the modulus of 2048 bits, one byte of sign before it, and the exponent.
    let der = rsa.public_key().as_ref();
    let rsa_jwk = json!({ "kty": "RSA", "kid": "r1", "alg": "PS256",
        "n": URL.encode(&der[9..265]),
        "e": URL.encode(&der[267..]) });
    let secret = json!({ "kty": "oct", "kid": "s1", "alg": "HS256", "k": URL.encode("secret") });
    let sealing = Key::named("e1");
    let mut cipher_key = sealing.public();
    cipher_key["use"] = "enc".into();
    let keys = [key.public(), rsa_jwk, secret, cipher_key];
    let (_folder, path) = file(&inline(
        &backend,
        &keys,
        ", algorithms: [RS256, PS256, ES256, EdDSA]",
    ));
    let mut router = Router::serving(&[&path], &[80], &[]);
    router.ignore_log();
    assert_eq!(with_token(&router, &key.token(&claims())), 200);
    // Nothing that has to do with time but what is within 30 s is late, or early.
    for changes in [
        json!({ "exp": now() - 20 }),
        json!({ "nbf": now() + 20, "iat": now() + 20 }),
        json!({ "exp": (now() + 600) as f64 + 0.5, "aud": "shop" }),
    ] {
        assert_eq!(
            with_token(&router, &key.token(&but(changes.clone()))),
            200,
            "{changes}"
        );
    }

    let hmac_with = |secret: &[u8], id: &str| {
        let signed = signed(&json!({ "alg": "HS256", "kid": id }), &claims());
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret),
            signed.as_bytes(),
        );
        format!("{signed}.{}", URL.encode(tag.as_ref()))
    };
    let rs256 = |id: &str| {
        let signed = signed(&json!({ "alg": "RS256", "kid": id }), &claims());
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .unwrap();
        format!("{signed}.{}", URL.encode(signature))
    };
    let good = key.token(&claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    let es256 = |header: Value| key.sign(header, &claims());
    let refused = [
        (
            "a stranger's key of the same name",
            stranger.token(&claims()),
        ),
        (
            "no signature",
            format!("{}.", signed(&json!({ "alg": "none" }), &claims())),
        ),
        ("none, signed", es256(json!({ "alg": "none", "kid": "k1" }))),
        ("no signature at all", head.to_owned()),
        (
            "claims of another token",
            format!(
                "{}.{signature}",
                signed(
                    &json!({ "alg": "ES256", "kid": "k1" }),
                    &but(json!({ "sub": "root" }))
                )
            ),
        ),
        ("a public key as a secret", hmac_with(der, "r1")),
        (
            "a secret that the set gives away",
            hmac_with(b"secret", "s1"),
        ),
        ("a signature that the key is not for", rs256("r1")),
        (
            "another kind of key's name",
            es256(json!({ "alg": "ES256", "kid": "r1" })),
        ),
        ("a key for encryption", sealing.token(&claims())),
        (
            "an unknown key",
            es256(json!({ "alg": "ES256", "kid": "k2" })),
        ),
        (
            "something that must be understood",
            es256(json!({ "alg": "ES256", "kid": "k1", "crit": ["exp"], "exp": 1 })),
        ),
        (
            "a token for something else",
            es256(json!({ "alg": "ES256", "kid": "k1", "typ": "logout+jwt" })),
        ),
        ("too late", key.token(&but(json!({ "exp": now() - 40 })))),
        ("for ever", key.token(&but(json!({ "exp": null })))),
        ("too early", key.token(&but(json!({ "nbf": now() + 60 })))),
        (
            "made in the future",
            key.token(&but(json!({ "iat": now() + 60 }))),
        ),
        (
            "for somebody else",
            key.token(&but(json!({ "aud": ["other"] }))),
        ),
        ("for nobody", key.token(&but(json!({ "aud": null })))),
        (
            "from somebody else",
            key.token(&but(json!({ "iss": "https://login.test/" }))),
        ),
        ("from nobody", key.token(&but(json!({ "iss": null })))),
        (
            "an expiry that is no number",
            key.token(&but(json!({ "exp": "soon" }))),
        ),
        ("not a token", "x".to_owned()),
        ("encrypted", "a.b.c.d.e".to_owned()),
        ("nothing", String::new()),
        ("very long", "a".repeat(20_000)),
    ];
    for (what, token) in &refused {
        let answer = get(&router, "/", &format!("authorization: Bearer {token}\r\n"));
        assert_eq!(answer.status(), 401, "{what}");
        assert_eq!(
            answer.field("www-authenticate"),
            Some("Bearer realm=\"staff\", error=\"invalid_token\""),
            "{what}"
        );
    }
    let twice = format!("authorization: Bearer {good}\r\nauthorization: Bearer {good}\r\n");
    assert_eq!(get(&router, "/", &twice).status(), 401);
    // What nobody here asks for is the backend's business.
    assert_eq!(
        get(&router, "/", "authorization: Basic eA==\r\n").status(),
        200
    );
    assert_eq!(
        backend.received().pop().unwrap().field("authorization"),
        Some("Basic eA==")
    );
    let counted = format!("router_credentials_refused_total {}", refused.len() + 1);
    assert!(router.admin("GET", "/metrics").text().contains(&counted));
}

#[test]
fn keys_are_fetched_once_and_again_for_an_unknown_one() {
    let (backend, first, second) = (Backend::named("a"), Key::named("k1"), Key::named("k2"));
    let served = Arc::new(Mutex::new(set(&[first.public()])));
    let shown = Arc::clone(&served);
    let issuer = Backend::answering(move |_| ok(&shown.lock().unwrap()));
    let policy = format!("{POLICY}{{ url: \"http://{}/keys\" }} }}\n", issuer.address);
    let (_folder, path) = file(&config(&backend, &policy));
    let mut router = Router::serving(&[&path], &[80], &[]);
    router.ignore_log();
    for _ in 0..20 {
        assert_eq!(with_token(&router, &first.token(&claims())), 200);
    }
    assert_eq!(issuer.received().len(), 1);
    *served.lock().unwrap() = set(&[second.public()]);
    for _ in 0..20 {
        assert_eq!(with_token(&router, &second.token(&claims())), 200);
    }
    assert_eq!(issuer.received().len(), 2);
    // Nobody can have keys fetched at will, and what is gone is not believed.
    for _ in 0..20 {
        assert_eq!(with_token(&router, &first.token(&claims())), 401);
    }
    assert_eq!(issuer.received().len(), 3);
    // A new configuration keeps the keys of the same address.
    assert_eq!(router.admin("POST", "/reload").status(), 200);
    assert_eq!(with_token(&router, &second.token(&claims())), 200);
    assert_eq!(issuer.received().len(), 3);
}

#[test]
fn without_keys_nobody_is_refused_but_nobody_passes() {
    let (backend, key) = (Backend::named("a"), Key::named("k1"));
    let elsewhere = Backend::answering({
        let keys = set(&[key.public()]);
        move |_| ok(&keys)
    });
    let keys = set(&[key.public()]);
    let answers = [
        format!(
            "HTTP/1.1 302 Found\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n",
            elsewhere.address
        ),
        format!(
            "HTTP/1.1 404 Not Found\r\ncontent-length: {}\r\n\r\n{keys}",
            keys.len()
        ),
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n{keys}{}",
            " ".repeat(300_000 - keys.len())
        ),
    ];
    for answer in answers {
        let issuer = Backend::answering(move |_| answer.clone().into());
        let policy = format!("{POLICY}{{ url: \"http://{}/keys\" }} }}\n", issuer.address);
        let (_folder, path) = file(&config(&backend, &policy));
        let mut router = Router::serving(&[&path], &[80], &[]);
        router.ignore_log();
        assert_eq!(with_token(&router, &key.token(&claims())), 503);
        assert_eq!(get(&router, "/", "").status(), 200);
        assert_eq!(issuer.received().len(), 1);
    }
    assert!(elsewhere.received().is_empty());
}

#[test]
fn a_file_of_keys_is_read_again_when_it_changes() {
    let (backend, first, second) = (Backend::named("a"), Key::named("k1"), Key::named("k2"));
    let (folder, path) = file(&config(
        &backend,
        &format!("{POLICY}{{ file: keys.json }} }}\n"),
    ));
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, set(&[first.public()])).unwrap();
    let mut router = Router::serving(&[&path], &[80], &["--watch", "0.02"]);
    router.ignore_log();
    assert_eq!(with_token(&router, &first.token(&claims())), 200);
    std::fs::write(&keys, set(&[second.public(), Key::named("k3").public()])).unwrap();
    let token = second.token(&claims());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while with_token(&router, &token) != 200 {
        assert!(
            std::time::Instant::now() < deadline,
            "the new keys are not read"
        );
    }
    assert_eq!(with_token(&router, &first.token(&claims())), 401);
}

#[test]
fn a_policy_that_cannot_be_followed_is_not_taken() {
    let backend = Backend::named("a");
    for (jwks, said) in [
        (
            "{ url: \"http://login.test/keys\" }",
            "keys come over https",
        ),
        ("{ file: nowhere.json }", "cannot read"),
        ("{ inline: '[]' }", "jwks: not a JSON object"),
        ("{ urls: x }", "unknown field `urls`"),
    ] {
        let (_folder, path) = file(&config(&backend, &format!("{POLICY}{jwks} }}\n")));
        let output = run(&[
            "--config",
            path.to_str().unwrap(),
            "--listen",
            "80=127.0.0.1:0",
        ]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(said), "{said}: {error}");
    }
}

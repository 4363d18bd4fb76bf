//! Whatever bytes come as a token or a key set, reading ends; a token that is signed is believed exactly when it is from
//! and for whom it should be and in time; and one with any byte changed is not, even while the first is remembered.
#![no_main]
#![expect(dead_code, reason = "the router has more use for its readers")]

#[path = "../../examples/router/src/identity/keys.rs"]
mod keys;
#[path = "../../examples/router/src/identity/recent.rs"]
mod recent;
#[path = "../../examples/router/src/identity/token.rs"]
mod token;

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keys::Keys;
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use token::{Expected, Token};

static PAIR: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key"));

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let x = URL_SAFE_NO_PAD.encode(PAIR.public_key().as_ref());
    let set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x }] });
    Keys::read(set.to_string().as_bytes()).expect("a key set")
});

static EXPECTED: LazyLock<Expected> = LazyLock::new(|| {
    let spec = json!({ "issuer": "i", "audiences": ["a"], "algorithms": ["EdDSA"], "leeway": "0s",
                       "jwks": { "inline": "" } });
    Expected::of(&serde_json::from_value(spec).expect("a specification"))
});

fuzz_target!(|input: (&[u8], &str, &str, u32, u32, (u16, u8))| {
    let (set, text, subject, expires, now, (at, change)) = input;
    let foreign = Keys::read(set);
    if let (Ok(keys), Some(token)) = (&foreign, Token::read(text)) {
        let _ = keys.signed(&token);
    }

    let header = json!({ "alg": "EdDSA", "kid": "k", "typ": "JWT" }).to_string();
    let claims = json!({ "iss": "i", "aud": ["a"], "sub": subject, "exp": expires }).to_string();
    let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let signed = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    );
    let signature = encode(PAIR.sign(signed.as_bytes()).as_ref());
    let whole = format!("{signed}.{signature}");
    let token = Token::read(&whole).expect("a token");
    assert_eq!(KEYS.signed(&token), Some(true));
    assert_eq!(KEYS.signed(&token), Some(true));
    let wall = Duration::from_secs(now.into());
    assert_eq!(token.is_as(&EXPECTED, wall), now < expires);

    let mut bytes = whole.clone().into_bytes();
    let at = usize::from(at) % bytes.len();
    bytes[at] ^= change;
    let Ok(changed) = String::from_utf8(bytes) else {
        return;
    };
    if changed != whole
        && let Some(token) = Token::read(&changed)
    {
        assert_ne!(KEYS.signed(&token), Some(true), "{changed}");
    }
});

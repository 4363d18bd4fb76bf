//! Envelopes, from outside: messages and streams, the keys that wrap, and other implementations.

mod keys;
mod messages;
mod streams;
mod tink;
#[cfg(feature = "vault")]
mod transit;

use narae_secrets::envelope::{Context, LocalKey};

fn key(number: u8) -> LocalKey {
    LocalKey::new(&[number; 32])
}

fn context() -> Context {
    Context::new("backup", "shop/db", "password")
}

//! The public API against the real `git`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails there"
)]

mod check;
mod commit;
mod conflict;
mod difference;
mod edit;
mod edit_any;
mod fixture;
#[cfg(all(feature = "argocd", feature = "forge", feature = "notify"))]
mod handover;
mod history;
mod image;
mod killed;
mod measures;
mod message;
mod open;
mod path;
mod plan;
mod promote;
mod push;
mod race;
#[cfg(feature = "remote")]
mod remote;
mod scalar;
mod signature;
mod signing;
#[cfg(all(feature = "http", feature = "handover"))]
mod trace;
mod verify;
mod words;

//! What the crate promises, through its public API.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod cases;
mod combined;
mod cri;
mod deliver;
mod encode;
mod formats;
mod grok;
mod grok_reader;
mod json;
mod kubernetes;
mod ledger;
mod line;
mod measure;
mod misbehaviours;
mod multiline;
mod template;
mod time;
mod values;

#[test]
fn everything_may_move_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<narae_logparse::Reader>();
    check::<narae_logparse::Event<'static>>();
    check::<narae_logparse::ParseError>();
}

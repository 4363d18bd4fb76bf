//! The program as people run it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod helm;
mod logship;
#[expect(unreachable_pub, reason = "benches/ includes this file as well")]
mod platform;
mod program;
mod sandbox;

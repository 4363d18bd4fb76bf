//! `promote` and what runs afterwards, on a real cluster. A binary of its own, since its dozen servers need the processor
//! that other tests would take.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing test should say where"
)]

#[path = "../it/receiver.rs"]
#[expect(dead_code, reason = "the other tests have more use for it")]
mod receiver;
mod running;
#[path = "../it/sandbox.rs"]
#[expect(dead_code, reason = "the other tests have more use for it")]
mod sandbox;

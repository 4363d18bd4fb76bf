//! The program, run as people run it, on repositories made by git.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing test should say where"
)]

mod argocd;
mod branches;
mod changes;
mod colour;
mod config;
mod depth;
mod elsewhere;
mod flags;
mod gates;
mod guard;
mod history;
mod merge;
mod plans;
mod race;
mod reading;
mod readme;
#[expect(dead_code, reason = "the tests on a cluster have more use for it")]
mod receiver;
mod sandbox;
mod servers;
mod several;
mod signing;
mod strange;

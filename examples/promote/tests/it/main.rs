//! The program, run as people run it, on repositories made by git.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing test should say where"
)]

mod argocd;
mod changes;
mod cluster;
mod elsewhere;
mod guard;
mod merge;
mod plans;
mod reading;
mod receiver;
mod sandbox;
mod servers;

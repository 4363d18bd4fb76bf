//! `seal` as a program, next to the real kubeseal wherever both do the same.
//!
//! kubeseal and servers that are missing are said by name; with `NARAE_REQUIRE_SERVERS=1` that is a failure.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failing test should say where"
)]

mod environment;
mod guard;
mod kubeconfig;
mod live;
mod merging;
#[cfg(unix)]
mod odd_files;
mod program;
mod put;
mod raw;
mod recovery;
mod rotate;
mod sealing;
mod status;

//! The main job, run as a customer runs it: the real program, real git, a real OpenBao.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking, and names what it skips"
)]

mod errors;
mod first_run;
mod guard;
mod interrupted;
mod locking;
mod namespaces;
mod openbao;
mod ownership;
mod plan;
mod policies;
mod sandbox;
mod sealing;
mod values;

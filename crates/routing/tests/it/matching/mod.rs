//! Gateway API routing: case files, and the compiled table against a plain one.
#![expect(clippy::panic, reason = "a failing helper fails its test")]

mod access;
mod cases;
mod contest;
mod normal;
mod reference;
mod sessions;
mod status;

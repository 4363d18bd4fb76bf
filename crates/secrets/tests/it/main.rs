//! The public API of narae-secrets, from outside.
//!
//! Tests that need a tool or a server say by name what they skipped; with `NARAE_REQUIRE_SERVERS=1` its
//! absence is a failure.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test should say where"
)]

#[cfg(feature = "kube")]
mod controller;
mod digests;
#[cfg(feature = "envelope")]
mod envelope;
#[cfg(feature = "file")]
mod file_store;
mod files;
#[cfg(feature = "folder")]
mod folders;
mod guard;
mod interop;
mod interpolation;
mod items;
mod keys;
#[cfg(feature = "kube")]
mod kubernetes;
mod kubeseal;
mod leaks;
mod lock;
mod material;
#[cfg(feature = "vault")]
mod openbao;
mod provision;
mod records;
mod references;
mod resolving;
mod secrets;
#[cfg(any(feature = "kube", feature = "vault"))]
mod server;
mod validation;
#[cfg(target_os = "linux")]
mod wiping;

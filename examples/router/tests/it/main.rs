//! The router as its users meet it: the real binary, real sockets, backends on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failing helper fails its test"
)]

mod backend;
mod browser;
mod client;
#[cfg(feature = "kube")]
mod cluster;
mod command_line;
mod conformance;
mod cut;
mod deadlines;
mod explain;
mod floods;
mod forwarding;
mod frames;
mod framing;
mod http2;
mod identity;
mod page;
mod planning;
mod process;
mod reloading;
mod secure;
mod serving;
mod sites;
mod splitting;
mod standstill;
mod stopping;
mod trouble;
mod workers;

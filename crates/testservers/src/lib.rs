#![doc = include_str!("../README.md")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    reason = "test support: what fails here fails the test, and what is skipped is said"
)]

mod argocd;
mod cluster;
mod collector;
mod connection;
mod control_plane;
mod git_daemon;
mod git_http;
mod gitea;
mod http;
mod kafka;
mod network;
mod object_store;
mod openbao;
mod opensearch;
mod oracle;
mod postgres;
mod process;
mod program;
mod relay;
mod sealed_secrets;
mod sshd;
mod trace;
mod watchdog;

pub use argocd::ArgoCd;
pub use cluster::Cluster;
pub use collector::Collector;
pub use connection::{Answer, Connection};
pub use control_plane::ControlPlane;
pub use git_daemon::GitDaemon;
pub use git_http::{Fault, GitHttp, GitHttpOptions, Seen};
pub use gitea::Gitea;
pub use http::ask as request;
pub use kafka::Kafka;
pub use object_store::ObjectStore;
pub use openbao::OpenBao;
pub use opensearch::OpenSearch;
pub use oracle::{ask, go_program};
pub use postgres::Postgres;
pub use process::Process;
pub use program::{is_missing, program, skip};
pub use relay::{Cut, Lost, Relay};
pub use sealed_secrets::SealedSecrets;
pub use sshd::Sshd;
pub use trace::Trace;
pub use watchdog::Watchdog;

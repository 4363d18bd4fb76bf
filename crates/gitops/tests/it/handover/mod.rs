//! Telling others, by recorded answers on loopback and by real servers.

mod agit;
mod argocd;
mod client;
#[cfg(feature = "http")]
mod cluster;
mod delivered;
mod fake;
mod forge;
#[cfg(feature = "http")]
mod gitea;
mod notify;

//! Remotes: the wire as bytes, and the real servers of git on this machine.

mod address;
mod atomic;
mod cache;
#[cfg(feature = "http")]
mod credentials;
mod daemon;
mod damaged;
mod faults;
mod faults_and_races;
mod fixture;
#[cfg(feature = "http")]
mod helper;
#[cfg(feature = "http")]
mod http;
mod local;
#[cfg(feature = "http")]
mod lost;
mod pack;
mod plans;
mod queue;
mod racing;
mod site;
mod ssh;
mod stopping;
mod wire;

//! Remotes: the wire as bytes, and the real servers of git on this machine.

mod daemon;
mod fixture;
mod local;
mod pack;
mod racing;
mod wire;

#![doc = include_str!("../README.md")]

#[cfg(feature = "kube")]
mod api_server;
mod bytes;
#[cfg(any(feature = "kube", feature = "vault"))]
mod network;
pub mod store;

pub mod lock;
pub mod reference;
pub mod resolve;

pub mod guard;

#[cfg(feature = "envelope")]
pub mod envelope;
#[cfg(any(feature = "envelope", feature = "file"))]
mod hkdf;

mod pem;
pub mod sealed;
#[cfg(any(feature = "file", feature = "folder"))]
mod whole_file;

pub use bytes::SecretBytes;

#![doc = include_str!("../README.md")]

mod bytes;
pub mod store;

pub mod lock;
pub mod reference;
pub mod resolve;

pub mod guard;

mod pem;
pub mod sealed;
#[cfg(any(feature = "file", feature = "folder"))]
mod whole_file;

pub use bytes::SecretBytes;

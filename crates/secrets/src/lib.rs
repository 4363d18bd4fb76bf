#![doc = include_str!("../README.md")]

mod bytes;
pub mod store;

pub mod reference;
pub mod resolve;

mod pem;
pub mod sealed;

pub use bytes::SecretBytes;

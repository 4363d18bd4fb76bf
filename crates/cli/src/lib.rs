#![doc = include_str!("../README.md")]

pub mod application;
pub mod file;
mod given;
pub mod terminal;
mod usage;

pub use given::Given;
pub use usage::UsageError;

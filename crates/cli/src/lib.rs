#![doc = include_str!("../README.md")]

pub mod application;
pub mod file;
pub mod terminal;
mod usage;

pub use usage::UsageError;

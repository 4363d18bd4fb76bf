#![doc = include_str!("../README.md")]

pub mod change;
pub mod edit;
pub mod image;
pub mod message;
pub mod plan;
#[cfg(feature = "remote")]
pub mod remote;
pub mod repository;
mod text;

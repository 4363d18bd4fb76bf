#![doc = include_str!("../README.md")]

pub mod change;
pub mod edit;
#[cfg(feature = "handover")]
pub mod handover;
pub mod history;
pub mod image;
pub mod message;
pub mod plan;
pub mod promote;
#[cfg(feature = "remote")]
pub mod remote;
pub mod repository;
mod text;
#[cfg(any(feature = "http", feature = "handover"))]
mod web;

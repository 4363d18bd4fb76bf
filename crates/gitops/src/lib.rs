#![doc = include_str!("../README.md")]

pub mod change;
pub mod edit;
pub mod image;
pub mod message;
pub mod plan;
pub mod repository;
mod text;

#![doc = include_str!("../README.md")]

mod document;
pub mod edit;
mod error;
mod limits;
mod mapping;
mod number;
mod path;
mod places;
mod position;
mod read;
mod schema;
mod serde;
#[cfg(feature = "serde_yaml")]
mod serde_yaml;
mod value;
mod write;

pub use document::{Document, Entry, Node, NodeData, Scalar, ScalarStyle};
pub use error::{Error, ErrorKind};
pub use limits::Limits;
pub use mapping::{IntoIter, Iter, IterMut, Mapping};
pub use number::Number;
pub use path::{Path, PathError, Segment};
pub use position::{Position, Span};
pub use read::{Reader, read, read_one};
pub use schema::Schema;
pub use serde::{from_node, from_str, from_value, to_string, to_value};
pub use value::Value;
pub use write::{write, write_all};

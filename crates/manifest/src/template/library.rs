#![doc = include_str!("library.md")]

use super::helper;

/// The names of all helpers, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    helper::names()
}

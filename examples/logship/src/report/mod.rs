//! One page about log files: self-contained, without scripts, light or dark as the reader's system is.
//!
//! Everything that came from a log is text: escaped, and the page's policy forbids scripts and anything from elsewhere.

mod chart;
mod page;

pub(crate) use page::page;

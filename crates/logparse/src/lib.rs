#![doc = include_str!("../README.md")]

mod cursor;
mod error;

pub mod deliver;
pub mod detect;
pub mod encode;
pub mod format;
pub mod grok;
pub mod hash;
pub mod kubernetes;
pub mod ledger;
pub mod line;
pub mod measure;
pub mod multiline;
pub mod reader;
pub mod record;
pub mod template;
pub mod time;

pub use error::{ParseError, Reason};
pub use format::Format;
pub use reader::{Event, Reader};
pub use record::{Record, Value};
pub use time::Timestamp;

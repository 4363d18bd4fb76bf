//! What happens after a commit is pushed: others are told, and it is waited for.
//!
//! **Pure core.** Requests are made and answers are read as data ([`Request`], [`Answer`]); what happened is
//! decided from them. [`Client`] is the only thing here that opens a socket, [`SystemClock`] the only one
//! that reads a clock; both can be replaced ([`Transport`], [`Clock`]).
//!
//! **Secrets.** A [`Token`] and the address of a webhook are not printed. They go to the scheme, host and port
//! they were given for and nowhere else: no redirect is followed. Over `http://` they go to this machine
//! only, unless that is asked for by name ([`Address::unencrypted`]).
//!
//! **Limits.** [`MAX_ANSWER_BYTES`], [`DEFAULT_TIMEOUT`]; what a server says is shown up to [`MAX_WORDS`] characters.
//!
//! Calls block, within an asynchronous runtime, too.

mod address;
#[cfg(feature = "argocd")]
pub mod argocd;
mod client;
mod clock;
mod delivered;
mod error;
#[cfg(feature = "forge")]
pub mod forge;
#[cfg(feature = "notify")]
pub mod notify;
mod request;
mod token;

pub use address::Address;
pub use client::{Client, DEFAULT_TIMEOUT};
pub use clock::{Clock, SystemClock};
pub use delivered::{Delivered, NoticeOutcome};
pub use error::{Error, ErrorKind, MAX_WORDS};
pub use request::{Answer, MAX_ANSWER_BYTES, Method, Request, Transport};
pub use token::Token;

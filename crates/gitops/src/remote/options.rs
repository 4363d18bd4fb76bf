//! What all operations on one remote have in common.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::pack::Limits;
use super::transport::SshOptions;
#[cfg(feature = "http")]
use super::transport::{Client, HttpOptions};
use super::watch::{Cancel, Event, Listener, Watch};

/// How long one operation may take, unless it is told otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(60);
/// Most objects one answer may have.
pub const MAX_FETCHED_OBJECTS: u32 = 2_000_000;
/// Most bytes one answer may have, uncompressed: what a whole snapshot takes in memory.
pub const MAX_FETCHED_BYTES: usize = 512 * 1024 * 1024;
/// Most bytes one object may have: that of [`MAX_FILE_BYTES`](crate::repository::MAX_FILE_BYTES).
const MAX_OBJECT_BYTES: usize = crate::repository::MAX_FILE_BYTES;

pub(super) struct Options {
    pub(super) deadline: Duration,
    pub(super) cancel: Cancel,
    pub(super) listener: Option<Listener>,
    pub(super) push_options: Vec<String>,
    pub(super) ssh: SshOptions,
    /// Whether the far end of ssh was found to need a shell to be told the protocol's version.
    pub(super) has_shell: AtomicBool,
    #[cfg(feature = "http")]
    pub(super) http: HttpOptions,
    /// Made at the first question: its connections stay open between operations.
    #[cfg(feature = "http")]
    pub(super) http_client: std::sync::OnceLock<Client>,
}

impl Options {
    pub(super) fn new() -> Self {
        Self {
            deadline: DEFAULT_DEADLINE,
            cancel: Cancel::new(),
            listener: None,
            push_options: Vec::new(),
            ssh: SshOptions::new(),
            has_shell: AtomicBool::new(false),
            #[cfg(feature = "http")]
            http: HttpOptions::new(),
            #[cfg(feature = "http")]
            http_client: std::sync::OnceLock::new(),
        }
    }

    pub(super) fn listen(&mut self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        self.listener = Some(Arc::new(listener));
    }

    /// Starts the clock of an operation.
    pub(super) fn watch(&self) -> Watch {
        Watch::start(self.deadline, self.cancel.clone(), self.listener.clone())
    }

    pub(super) fn limits(&self) -> Limits {
        Limits::new(MAX_FETCHED_OBJECTS, MAX_OBJECT_BYTES, MAX_FETCHED_BYTES)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("deadline", &self.deadline)
            .field("push_options", &self.push_options)
            .field("ssh", &self.ssh)
            .finish_non_exhaustive()
    }
}

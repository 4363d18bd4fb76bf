//! A branch of a repository elsewhere: only the objects a change needs come here, and only those it
//! makes go there.
//!
//! **How a change lands** ([`Remote::land`]). The conversation that will push says where the branch stands and
//! stays open; the tip's commit and root directory are fetched over another (`filter=tree:1`, one commit deep), then the directories on the paths that are read,
//! a level at a time for all paths together, and then the files. The commit is made on these objects
//! and pushed as a thin pack: trees and files go as their differences from those the server has.
//! The push names the tip the change was decided on; where another writer was faster it is refused,
//! and the change is decided again on the new tip. Nothing is merged or rebased as text.
//!
//! A server without `uploadpack.allowFilter` sends the whole snapshot of the tip, one commit deep; the next time, what
//! differs from that.
//!
//! **What a refusal is.** A push that the server does not say it took is an error with the server's words,
//! never a success. Whether it was a lost race is decided by looking at the tip again.
//!
//! **Calls block**, within an asynchronous runtime, too: there, on a thread that may.
//!
//! **Layers.** [`wire`] and [`pack`] are pure; `transport` moves bytes; the rest is the order of things.
//! The protocol is version 2 for fetching (`gitprotocol-v2`), which servers have had since 2018.
//!
//! **Limits.** [`DEFAULT_DEADLINE`], [`MAX_FETCHED_OBJECTS`], [`MAX_FETCHED_BYTES`], those of [`wire`] and [`pack`].

mod address;
mod back_off;
mod cache;
mod error;
mod fetch;
mod land;
mod options;
pub mod pack;
mod plans;
mod propose;
mod push;
mod queue;
mod snapshot;
mod transport;
mod watch;
pub mod wire;

use std::fmt;
use std::time::Duration;

pub use back_off::{LONGEST_BACK_OFF, back_off};
pub(crate) use cache::lost;
pub use cache::{Cache, MAX_CACHED_OBJECTS, MAX_CACHED_PACKS};
pub use error::{Error, ErrorKind, Refusal};
pub use land::{Decision, JointDecision, Landed, LandedAll, LandedTogether, Outcome};
pub use options::{DEFAULT_DEADLINE, MAX_FETCHED_BYTES, MAX_FETCHED_OBJECTS};
pub use plans::{LandedPlan, LandedPlans};
pub use propose::Proposal;
pub use push::{JointPushOutcome, Move, PushOutcome};
pub use queue::{MAX_BATCH, Queue};
pub use snapshot::Snapshot;
pub use transport::SshOptions;
#[cfg(feature = "http")]
pub use transport::{Asked, Credential, CredentialHelper, Credentials, HttpOptions};
pub use watch::{Cancel, Event};

use address::Address;
use options::Options;

/// A repository elsewhere: its address, and how to talk to it. Nothing is connected until something is asked.
///
/// Shared by reference between threads; every operation has a connection of its own.
pub struct Remote {
    address: Address,
    options: Options,
}

impl Remote {
    /// The repository at `address`: `https://host/path`, `ssh://user@host/path`, `user@host:path`,
    /// `git://host/path`, `file:///path` or a path on this machine.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Address`].
    pub fn new(address: &str) -> Result<Self, Error> {
        let address = Address::parse(address)
            .map_err(|error| Error::new(ErrorKind::Address, error.to_string()))?;
        Ok(Self {
            address,
            options: Options::new(),
        })
    }

    /// How long one operation may take from its first byte to its last, all attempts of
    /// [`Remote::land`] together.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.options.deadline = deadline;
        self
    }

    /// What stops its operations.
    #[must_use]
    pub fn with_cancel(mut self, cancel: Cancel) -> Self {
        self.options.cancel = cancel;
        self
    }

    /// Who hears how its operations go. Called on the thread that does the work.
    #[must_use]
    pub fn with_listener(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.options.listen(listener);
        self
    }

    /// What is said to the server's hooks, or to its forge, with each push: `merge_request.create`.
    ///
    /// A server that does not take push options refuses.
    #[must_use]
    pub fn with_push_options<T: Into<String>>(
        mut self,
        options: impl IntoIterator<Item = T>,
    ) -> Self {
        self.options.push_options = options.into_iter().map(Into::into).collect();
        self
    }

    /// How `ssh` is called.
    #[must_use]
    pub fn with_ssh(mut self, ssh: SshOptions) -> Self {
        self.options.ssh = ssh;
        self
    }

    /// Credentials, certificates and proxy for `https://` and `http://`.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn with_http(mut self, http: HttpOptions) -> Self {
        self.options.http = http;
        self
    }

    /// The address, without anything secret: of `https://` without the user, who may be a token.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

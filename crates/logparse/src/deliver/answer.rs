//! What a server says of a batch.

use std::time::Duration;

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "there is nothing else to do with it"
)]
pub enum Outcome {
    /// The server has it, now or from before.
    Done,
    /// Not now; why, for people, or nothing.
    Later(String),
    /// Never, for this reason.
    Refused(String),
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the queue knows what to do with each"
)]
pub enum Answer {
    /// One outcome for each record, in the order they were sent.
    Each(Vec<Outcome>),
    /// Nothing is known of any, or none was taken: try again, after so long if the server says.
    Later {
        /// What the server asked for.
        after: Option<Duration>,
        /// For people.
        reason: String,
    },
    /// Too much at once, or one of them spoils the others.
    Split(String),
    /// None was taken, and none will be.
    Refused(String),
}

impl Answer {
    /// The connection broke, nothing came back, or nothing that makes sense.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Self::Later {
            after: None,
            reason: reason.into(),
        }
    }
}

/// What came back over HTTP.
#[derive(Debug, Clone, Copy)]
pub struct Response<'r> {
    status: u16,
    retry_after: Option<Duration>,
    body: &'r [u8],
}

impl<'r> Response<'r> {
    /// The most bytes of a body that are looked at; a caller need not read more.
    pub const MAX_BODY_BYTES: usize = 8 << 20;

    /// A status and a body.
    pub const fn new(status: u16, body: &'r [u8]) -> Self {
        Self {
            status,
            retry_after: None,
            body,
        }
    }

    /// Adds the header `Retry-After` if it is a number of seconds; dates are not read, as there is no clock.
    #[must_use]
    pub fn with_retry_after(mut self, header: &str) -> Self {
        let seconds = header.trim().parse().ok();
        self.retry_after = seconds.map(Duration::from_secs);
        self
    }

    /// The status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    pub(super) const fn body(&self) -> &'r [u8] {
        self.body
    }

    pub(super) fn later(&self) -> Answer {
        Answer::Later {
            after: self.retry_after,
            reason: self.reason(),
        }
    }

    /// The status and the beginning of the body, for people.
    pub(super) fn reason(&self) -> String {
        const SHOWN: usize = 300;
        let body = self.body.get(..SHOWN).unwrap_or(self.body);
        let body = String::from_utf8_lossy(body);
        let body: String = body.chars().filter(|c| !c.is_control()).collect();
        match body.trim() {
            "" => format!("answered {}", self.status),
            text => format!("answered {}: {text}", self.status),
        }
    }
}

//! Telling others that a branch moved: Argo CD, Flux, and people in a messenger.
//!
//! Everything here makes a [`Request`]; [`send`] sends it. Each is made to be repeated: it says which commit it
//! is about, or has an id of its own, so that whoever gets it twice can tell.
//!
//! | who | what | how they know it is us |
//! |---|---|---|
//! | Argo CD, and whatever reads a forge's push events | [`PushEvent`] | GitHub's and Gitea's HMAC-SHA256, GitLab's token |
//! | Flux | [`FluxReceiver`] | HMAC-SHA256, or the receiver's secret path |
//! | Slack and others with a secret address | [`Messenger`] with a [`Template`] | the address |
//! | anybody's own service | [`SignedWebhook`] | HMAC-SHA256 over id, time and body |

mod flux;
mod mac;
mod messenger;
mod push_event;
mod signed;
mod template;

use std::time::Duration;

pub use flux::FluxReceiver;
pub use messenger::Messenger;
pub use push_event::{PushEvent, Style};
pub use signed::SignedWebhook;
pub use template::{MAX_FACT_CHARS, MAX_TEMPLATE_BYTES, Template};

use super::clock::Clock;
use super::error::Error;
use super::request::{Request, Transport};

/// How often a notice is sent before it is given up.
pub const MAX_ATTEMPTS: u32 = 3;
/// Longest wait between two attempts, whatever the server asks for.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Sends a notice; again after a wait when the server cannot be reached or is busy, as long as it asks for
/// (`Retry-After`) or one second, then two.
///
/// # Errors
///
/// Those of the last attempt. They are what a [`NoticeOutcome`](super::NoticeOutcome) is for.
pub fn send(transport: &dyn Transport, clock: &dyn Clock, request: &Request) -> Result<(), Error> {
    let mut attempt = 1;
    loop {
        let result = transport.send(request).and_then(|answer| {
            answer
                .accepted()
                .map_err(|error| error.during(request.origin()))
        });
        match result {
            Err(error) if error.is_temporary() && attempt < MAX_ATTEMPTS => {
                let usual = Duration::from_secs(1 << (attempt - 1));
                clock.sleep(error.retry_after().unwrap_or(usual).min(LONGEST_WAIT));
            }
            result => return result.map(drop),
        }
        attempt += 1;
    }
}

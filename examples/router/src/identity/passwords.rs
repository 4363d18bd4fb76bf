//! Passwords verified beside the event loop, few at a time, and remembered for a while: as a keyed hash, never as text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::htpasswd::Htpasswd;
use super::{Cause, Fault};

/// How long a verified password is believed without hashing it again.
const REMEMBERED: Duration = Duration::from_secs(300);
/// How many are remembered.
const MAX_REMEMBERED: usize = 4096;
/// How many are hashed at once.
const AT_ONCE: usize = 2;
/// How long one waits for its turn; whoever guesses passwords in masses gets 503 and leaves the processors alone.
const PATIENCE: Duration = Duration::from_secs(2);

/// See the [module](self).
pub(crate) struct Passwords {
    file: Arc<Htpasswd>,
    key: hmac::Key,
    verified: Mutex<HashMap<[u8; 32], Duration>>,
    places: Arc<Semaphore>,
}

impl Passwords {
    pub(super) fn new(file: Htpasswd) -> Result<Self, Cause> {
        Ok(Self {
            file: Arc::new(file),
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
                .map_err(|_| Cause::Random)?,
            verified: Mutex::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    pub(super) async fn verify(
        &self,
        user: &str,
        password: &str,
        now: Duration,
    ) -> Result<bool, Fault> {
        let tag = self.tag(user, password);
        if self.is_remembered(&tag, now) {
            return Ok(true);
        }
        let turn = Arc::clone(&self.places).acquire_owned();
        let turn = tokio::time::timeout(PATIENCE, turn).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(Fault::Unverifiable)?;
        let file = Arc::clone(&self.file);
        let (user, password) = (user.to_owned(), Zeroizing::new(password.to_owned()));
        let verified = tokio::task::spawn_blocking(move || {
            // A client that leaves does not make room before its hashing has ended.
            let _turn = turn;
            file.verify(&user, &password)
        });
        let verified = verified.await.map_err(|_| Fault::Unverifiable)?;
        if verified {
            self.remember(tag, now);
        }
        Ok(verified)
    }

    /// A user's name has no colon, so the two cannot be taken for others.
    fn tag(&self, user: &str, password: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [user, ":", password] {
            context.update(part.as_bytes());
        }
        let mut tag = [0; 32];
        tag.iter_mut()
            .zip(context.sign().as_ref())
            .for_each(|(to, from)| *to = *from);
        tag
    }

    fn is_remembered(&self, tag: &[u8; 32], now: Duration) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        let at = verified.get(tag);
        at.is_some_and(|at| now.saturating_sub(*at) < REMEMBERED)
    }

    fn remember(&self, tag: [u8; 32], now: Duration) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= MAX_REMEMBERED {
            verified.retain(|_, at| now.saturating_sub(*at) < REMEMBERED);
        }
        if verified.len() < MAX_REMEMBERED {
            verified.insert(tag, now);
        }
    }
}

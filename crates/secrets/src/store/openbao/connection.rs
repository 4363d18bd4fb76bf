//! Requests of one client: sent with its token, again where that is safe, and by a new login when the token has ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer::{Answer, Asked};
use super::request::Request;
use super::retry::{Budget, Retries, is_worth_it};
use super::session::Session;
use super::transport::Transport;
use crate::SecretBytes;
use crate::store::StoreErrorKind;

/// What all clones of a store share.
pub(super) struct Connection {
    pub(super) transport: Transport,
    pub(super) session: Session,
    pub(super) retries: Retries,
    pub(super) budget: Budget,
    /// Where to log in.
    pub(super) namespace: Option<String>,
}

impl Connection {
    pub(super) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    pub(super) fn asked<'a>(&self, namespace: Option<&'a str>, request: &'a Request) -> Asked<'a> {
        Asked {
            mount: request.path.split('/').next().unwrap_or_default(),
            namespace,
            api_path: &request.path,
            capability: request.capability,
        }
    }

    /// Sends it with the client's token. What comes back is no 403.
    pub(super) fn send(
        self: &Arc<Self>,
        namespace: Option<&str>,
        request: &Request,
    ) -> Result<Answer, StoreErrorKind> {
        let token = self.session.token(self)?;
        if let Some(answer) = self.send_known(namespace, &token.secret, request)? {
            return Ok(answer);
        }
        // Another token once: a server that refuses a fresh one would refuse the next as well.
        let next = self.session.token_after(self, &token)?;
        let next = next.ok_or(StoreErrorKind::TokenRefused)?;
        self.send_known(namespace, &next.secret, request)?
            .ok_or(StoreErrorKind::TokenRefused)
    }

    /// The answer, which is no 403; `None` when the server does not know the token.
    fn send_known(
        &self,
        namespace: Option<&str>,
        token: &SecretBytes,
        request: &Request,
    ) -> Result<Option<Answer>, StoreErrorKind> {
        let answer = self.send_as(namespace, Some(token), request)?;
        // The server says 403 alike for a token it does not know and for a policy that does not allow the path.
        if answer.status == 403 {
            if !self.knows(namespace, token)? {
                return Ok(None);
            }
            answer.check(&self.asked(namespace, request))?;
        }
        Ok(Some(answer))
    }

    /// Whether the server knows the token: it may look at itself, or is told that it may not.
    fn knows(&self, namespace: Option<&str>, token: &SecretBytes) -> Result<bool, StoreErrorKind> {
        let request = Request::get(&["auth/token/lookup-self"]);
        let answer = self.send_as(namespace, Some(token), &request)?;
        Ok(!answer.is_unknown_token())
    }

    /// Sends it with `token`, and again where that may help and cannot hurt.
    pub(super) fn send_as(
        &self,
        namespace: Option<&str>,
        token: Option<&SecretBytes>,
        request: &Request,
    ) -> Result<Answer, StoreErrorKind> {
        let start = Instant::now();
        let mut done = 0;
        loop {
            let left = self.retries.deadline.saturating_sub(start.elapsed());
            let outcome = self
                .transport
                .send(namespace, token, request, left.max(MOMENT));
            done += 1;
            if !is_worth_it(&outcome, request.repeat) {
                self.budget.give();
                return outcome.map_err(|failure| self.transport.kind(failure));
            }
            let asked = outcome.as_ref().ok().and_then(|answer| answer.retry_after);
            let wait = self.retries.wait(done, start.elapsed(), asked, random());
            match wait.filter(|_| self.budget.take()) {
                Some(wait) => std::thread::sleep(wait),
                None => return outcome.map_err(|failure| self.transport.kind(failure)),
            }
        }
    }
}

/// What is left for the last attempt of a deadline that has passed.
const MOMENT: Duration = Duration::from_millis(1);

/// A fraction of 2³². Jitter only: without randomness, the middle.
pub(super) fn random() -> u32 {
    getrandom::u32().unwrap_or(1 << 31)
}

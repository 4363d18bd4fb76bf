//! The token of a connection, shared by all clones of a store: got when first needed, made to live longer in the
//! background, got anew when it ends, and given back at shutdown.
//!
//! A thread starts with the first token that has an end. It renews at two thirds of the token's life, give or take a tenth;
//! a server that does not answer is asked again, ever less often; a token that cannot live longer is replaced by a login.
//! Whoever needs a token while one is being got waits for it, and for its failure: many threads, one login. Credentials
//! that the server refused are not sent again until their file changes: servers lock out who goes on trying.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::answer::Login;
use super::auth::{self, Auth, Method, Seen};
use super::connection::{Connection, random};
use super::request::Request;
use crate::SecretBytes;
use crate::store::StoreErrorKind;

/// The shortest time between two attempts of the background thread.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The longest time until the next look at a token.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Who the client is, and the token it has now.
pub(super) struct Session {
    auth: Auth,
    /// A given token is renewed, too.
    renews_given: bool,
    state: Mutex<State>,
    /// How many attempts to get a token have failed; counted under the lock of `state`.
    failures: AtomicU64,
    signal: Arc<Signal>,
}

#[derive(Default)]
struct State {
    token: Option<Held>,
    /// Counts tokens, to tell whether another thread has replaced one.
    generation: u64,
    /// What a wrapping token held: it opens only once.
    secret_id: Option<SecretBytes>,
    file: Seen,
    /// The last failure, and the file then.
    failure: Option<(StoreErrorKind, Seen)>,
    has_thread: bool,
    is_shut: bool,
}

/// A token in use.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) secret: Arc<SecretBytes>,
    pub(super) generation: u64,
    /// The life it had when it was got; zero: no end.
    ttl: Duration,
    renewable: bool,
}

/// Wakes the thread, to end it.
#[derive(Default)]
struct Signal {
    stopped: Mutex<bool>,
    changed: Condvar,
    /// Ends a login by browser that is waited for.
    cancelled: Arc<Notify>,
}

impl Session {
    pub(super) fn new(auth: Auth, renews_given: bool) -> Self {
        Self {
            auth,
            renews_given,
            state: Mutex::default(),
            failures: AtomicU64::new(0),
            signal: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Changed in single steps: a panicking holder leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token, got if there is none yet.
    pub(super) fn token(&self, connection: &Arc<Connection>) -> Result<Held, StoreErrorKind> {
        let failures = self.failures.load(Ordering::Relaxed);
        let mut state = self.state();
        if let Method::TokenFile(_) = &self.auth.method {
            let now = self.auth.seen();
            if state.file != now {
                state.token = None;
                state.file = now;
            }
        }
        match &state.token {
            Some(held) => Ok(held.clone()),
            None => self.replace(connection, &mut state, failures),
        }
    }

    /// The token after `refused`, if there can be another.
    pub(super) fn token_after(
        &self,
        connection: &Arc<Connection>,
        refused: &Held,
    ) -> Result<Option<Held>, StoreErrorKind> {
        let failures = self.failures.load(Ordering::Relaxed);
        let mut state = self.state();
        if let Some(held) = state.token.as_ref()
            && held.generation != refused.generation
        {
            return Ok(Some(held.clone()));
        }
        let before = state.file;
        if let Method::TokenFile(_) = &self.auth.method {
            state.file = self.auth.seen();
        }
        let is_another = match self.auth.method {
            // No browser is opened that nobody asked for.
            Method::Token(_) | Method::Oidc { .. } => false,
            Method::TokenFile(_) => state.file != before,
            _ => true,
        };
        if !is_another {
            return Ok(None);
        }
        self.replace(connection, &mut state, failures).map(Some)
    }

    /// Another token. `failures`: how many there were when the caller began to wait.
    fn replace(
        &self,
        connection: &Arc<Connection>,
        state: &mut State,
        failures: u64,
    ) -> Result<Held, StoreErrorKind> {
        if state.is_shut {
            let reason = "the connection was shut down".to_owned();
            return Err(StoreErrorKind::Configuration { reason });
        }
        state.token = None;
        let seen = self.auth.seen();
        if let Some((kind, then)) = &state.failure
            && *then == seen
            && (self.is_final(kind) || failures != self.failures.load(Ordering::Relaxed))
        {
            return Err(kind.clone());
        }
        let login = self.log_in(connection, state).inspect_err(|kind| {
            state.failure = Some((kind.clone(), seen));
            self.failures.fetch_add(1, Ordering::Relaxed);
        })?;
        state.failure = None;
        state.generation += 1;
        let held = Held {
            secret: Arc::new(login.token),
            generation: state.generation,
            ttl: login.ttl,
            renewable: login.renewable,
        };
        state.token = Some(held.clone());
        let ends = !held.ttl.is_zero() || (self.auth.is_given() && self.renews_given);
        if ends && !state.has_thread {
            state.has_thread = self.start_thread(connection, &held);
        }
        Ok(held)
    }

    fn log_in(
        &self,
        connection: &Arc<Connection>,
        state: &mut State,
    ) -> Result<Login, StoreErrorKind> {
        Ok(match &self.auth.method {
            Method::Token(token) => given(auth::checked("the token", token)?),
            Method::TokenFile(file) => given(auth::token_in(file)?),
            Method::Oidc { role, browser } => {
                let cancelled = Arc::clone(&self.signal.cancelled);
                let mount = self.auth.mount();
                connection.log_in_by_browser(mount, role.as_deref(), browser, cancelled)?
            }
            method => {
                if let Method::AppRoleWrapped { wrapping_token, .. } = method
                    && state.secret_id.is_none()
                {
                    let token = auth::checked("the wrapping token", wrapping_token)?;
                    state.secret_id = Some(connection.unwrap_secret_id(&token, self.auth.mount())?);
                }
                let request = self.auth.login(state.secret_id.as_ref())?;
                connection.log_in(&request.ok_or(StoreErrorKind::InvalidCredentials)?)?
            }
        })
    }

    fn start_thread(&self, connection: &Arc<Connection>, held: &Held) -> bool {
        let (weak, signal) = (Arc::downgrade(connection), Arc::clone(&self.signal));
        let first = if self.auth.is_given() {
            Duration::ZERO
        } else {
            two_thirds(held.ttl)
        };
        let thread = std::thread::Builder::new().name("narae-secrets renewal".to_owned());
        // Without a thread the token ends, and the next request logs in again.
        thread
            .spawn(move || keep_alive(&weak, &signal, first))
            .is_ok()
    }

    /// Renews the token or replaces it; the time until the next look, or none when there will be no token again before
    /// somebody needs one.
    fn tend(&self, connection: &Arc<Connection>, failures: &mut u32) -> Option<Duration> {
        let held = match self.token(connection) {
            Ok(held) => held,
            Err(kind) => return self.wait_after(&kind, failures),
        };
        let renewed = if held.renewable {
            connection.renew(&held.secret)
        } else {
            Err(StoreErrorKind::NotRenewable)
        };
        let next = match renewed {
            // Nearing the longest life it may have, it gets less and less.
            Ok(login) if self.auth.is_given() || login.ttl >= held.ttl / 2 => Ok(login.ttl),
            Ok(_) => self.another(connection, &held),
            Err(
                StoreErrorKind::NotRenewable
                | StoreErrorKind::TokenRefused
                | StoreErrorKind::PermissionDenied { .. }
                | StoreErrorKind::Server { status: 400 },
            ) => self.another(connection, &held),
            Err(kind) => Err(kind),
        };
        match next {
            Ok(ttl) if ttl.is_zero() => Some(LONGEST_PAUSE),
            Ok(ttl) => {
                *failures = 0;
                Some(two_thirds(ttl))
            }
            Err(kind) => self.wait_after(&kind, failures),
        }
    }

    fn wait_after(&self, kind: &StoreErrorKind, failures: &mut u32) -> Option<Duration> {
        let mut state = self.state();
        // Who needs a token and finds other credentials in the file starts a thread anew, unless they have done so already.
        state.has_thread = !self.is_final(kind) || state.token.is_some();
        state.has_thread.then(|| pause(failures))
    }

    fn another(
        &self,
        connection: &Arc<Connection>,
        held: &Held,
    ) -> Result<Duration, StoreErrorKind> {
        let next = self.token_after(connection, held)?;
        next.map(|held| held.ttl)
            .ok_or(StoreErrorKind::TokenRefused)
    }

    /// Ends the thread, and gives the token up: `Some` if it is ours to revoke.
    pub(super) fn shut(&self) -> Option<Held> {
        self.stop();
        let mut state = self.state();
        state.is_shut = true;
        let held = state.token.take();
        held.filter(|_| !self.auth.is_given())
    }

    /// Whether the same credentials would be refused again. A user may log in as somebody else.
    fn is_final(&self, kind: &StoreErrorKind) -> bool {
        use StoreErrorKind as K;
        let is_asked_anew = matches!(self.auth.method, Method::Oidc { .. });
        !is_asked_anew && matches!(kind, K::InvalidCredentials | K::WrapInvalid)
    }

    fn stop(&self) {
        *lock(&self.signal.stopped) = true;
        self.signal.changed.notify_all();
        self.signal.cancelled.notify_one();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock(stopped: &Mutex<bool>) -> MutexGuard<'_, bool> {
    stopped.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A token whose life is not known.
fn given(token: SecretBytes) -> Login {
    Login {
        token,
        ttl: Duration::ZERO,
        renewable: true,
    }
}

fn keep_alive(connection: &Weak<Connection>, signal: &Signal, first: Duration) {
    let (mut wait, mut failures) = (first, 0);
    loop {
        let due = Instant::now() + wait;
        let mut stopped = lock(&signal.stopped);
        while !*stopped {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let woken = signal.changed.wait_timeout(stopped, left);
            stopped = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        let is_over = *stopped;
        drop(stopped);
        let Some(connection) = connection.upgrade().filter(|_| !is_over) else {
            return;
        };
        let Some(next) = connection.session.tend(&connection, &mut failures) else {
            return;
        };
        wait = next;
    }
}

/// Two thirds, give or take a tenth of the whole.
fn two_thirds(ttl: Duration) -> Duration {
    let share = 0.57 + 0.2 * f64::from(random()) / 4_294_967_296.0;
    ttl.mul_f64(share).clamp(SHORTEST_PAUSE, LONGEST_WAIT)
}

/// Doubles with each failure, with jitter.
fn pause(failures: &mut u32) -> Duration {
    *failures = failures.saturating_add(1);
    let longest = SHORTEST_PAUSE
        .saturating_mul(1 << (*failures).min(8))
        .min(LONGEST_PAUSE);
    let share = 0.5 + 0.5 * f64::from(random()) / 4_294_967_296.0;
    longest.mul_f64(share).max(SHORTEST_PAUSE)
}

impl Connection {
    pub(super) fn log_in(&self, request: &Request) -> Result<Login, StoreErrorKind> {
        use StoreErrorKind as K;
        let answer = self.send_as(self.namespace(), None, request)?;
        match answer.check(&self.asked(self.namespace(), request)) {
            Ok(()) => answer.login(),
            // Wrong credentials are answered 400, or 403, by method.
            Err(K::Server { status: 400 } | K::PermissionDenied { .. } | K::NotFound) => {
                Err(K::InvalidCredentials)
            }
            Err(kind) => Err(kind),
        }
    }

    fn renew(&self, token: &SecretBytes) -> Result<Login, StoreErrorKind> {
        let nothing = std::collections::BTreeMap::<&str, &str>::new();
        let request = Request::post(&["auth/token/renew-self"], &nothing)?.repeatable();
        let answer = self.send_as(self.namespace(), Some(token), &request)?;
        answer.check(&self.asked(self.namespace(), &request))?;
        answer.login()
    }

    /// The secret id that a wrapping token holds, if the AppRole engine put it there.
    fn unwrap_secret_id(
        &self,
        token: &SecretBytes,
        mount: &str,
    ) -> Result<SecretBytes, StoreErrorKind> {
        let path = self.wrapping_path(self.namespace(), token)?;
        let role = path.strip_prefix(&format!("auth/{mount}/role/"));
        if !role.is_some_and(|rest| rest.ends_with("/secret-id")) {
            return Err(StoreErrorKind::WrapInvalid);
        }
        let answer = self.unwrap(self.namespace(), token)?;
        let mut data = answer.plain_secret()?;
        data.remove("secret_id").ok_or(StoreErrorKind::WrapInvalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_almost_without_end_can_be_waited_for() {
        for seconds in [0, 1, 60, u64::MAX / 2, u64::MAX] {
            let wait = two_thirds(Duration::from_secs(seconds));
            assert!(Instant::now().checked_add(wait).is_some(), "{seconds} s");
            assert!(wait >= SHORTEST_PAUSE, "{seconds} s");
        }
    }
}

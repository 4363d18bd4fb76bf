//! An issuer's keys: fixed, or fetched, kept, and fetched again when they are old or a token names an unknown one.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use narae_routing::limit::Rate;
use tokio::sync::Mutex;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use super::Fault;
use super::keys::{Keys, KeysError, MAX_BYTES};
use super::token::Token;

/// Fetched keys older than this are fetched again, while they serve.
const REFRESH: Duration = Duration::from_secs(300);
/// Fetched keys older than this are not believed any more.
const BELIEVED: Duration = Duration::from_secs(24 * 3600);
/// How often keys are fetched, whatever tokens say: every so often, and so many at once after a pause.
const PAUSE: Duration = Duration::from_secs(10);
const BURST: u32 = 3;
/// How long a fetch may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// See the [module](self).
pub(crate) struct Issuer {
    source: Option<Source>,
    keys: RwLock<Known>,
    /// One fetch at a time.
    fetching: Mutex<()>,
    fetches: Rate,
}

struct Source {
    url: String,
    agent: Agent,
}

#[derive(Clone, Default)]
struct Known {
    keys: Arc<Keys>,
    /// When they were fetched; `None` if never.
    at: Option<Duration>,
}

impl Issuer {
    /// Keys that are fetched from here on demand.
    pub(crate) fn at(url: &str) -> Result<Self, KeysError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
        let tls = tls.root_certs(RootCerts::PlatformVerifier).build();
        if !is_safe(url) {
            return Err(KeysError::Url);
        }
        let agent = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .proxy(None)
            .build();
        Ok(Self {
            source: Some(Source {
                url: url.to_owned(),
                agent: agent.into(),
            }),
            keys: RwLock::default(),
            fetching: Mutex::default(),
            fetches: Rate::new(1, PAUSE, BURST),
        })
    }

    /// Keys that stay.
    pub(crate) fn of(text: &str) -> Result<Self, KeysError> {
        let keys = Keys::read(text.as_bytes())?;
        Ok(Self {
            source: None,
            keys: RwLock::new(Known {
                keys: Arc::new(keys),
                at: None,
            }),
            fetching: Mutex::default(),
            fetches: Rate::new(1, PAUSE, BURST),
        })
    }

    pub(crate) fn url(&self) -> Option<&String> {
        self.source.as_ref().map(|source| &source.url)
    }

    /// Whether a key of the issuer signed a token.
    pub(crate) async fn signed(
        self: &Arc<Self>,
        token: &Token<'_>,
        now: Duration,
    ) -> Result<(), Fault> {
        if let Some(signed) = self.known(now).and_then(|keys| keys.signed(token)) {
            self.refresh_if_old(now);
            return signed.then_some(()).ok_or(Fault::Invalid);
        }
        if self.source.is_none() {
            return Err(Fault::Invalid);
        }
        let one = self.fetching.lock().await;
        // Whoever was before may have fetched it.
        let known = self.known(now).and_then(|keys| keys.signed(token));
        if known.is_none() && self.fetches.acquire(now).is_ok() {
            self.fetch(now).await;
        }
        drop(one);
        match self.known(now) {
            None => Err(Fault::Unverifiable),
            Some(keys) if keys.signed(token) == Some(true) => Ok(()),
            Some(_) => Err(Fault::Invalid),
        }
    }

    /// The keys, if they can be believed.
    fn known(&self, now: Duration) -> Option<Arc<Keys>> {
        let known = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let believed = match known.at {
            Some(at) => now.saturating_sub(at) < BELIEVED,
            None => self.source.is_none(),
        };
        believed.then(|| Arc::clone(&known.keys))
    }

    fn refresh_if_old(self: &Arc<Self>, now: Duration) {
        let at = self.keys.read().unwrap_or_else(PoisonError::into_inner).at;
        if at.is_none_or(|at| now.saturating_sub(at) < REFRESH) {
            return;
        }
        let issuer = Arc::clone(self);
        tokio::spawn(async move {
            // Somebody fetches already, or did just now.
            let Ok(_one) = issuer.fetching.try_lock() else {
                return;
            };
            if issuer.fetches.acquire(now).is_ok() {
                issuer.fetch(now).await;
            }
        });
    }

    /// Takes the issuer's keys in place of those that are here. If that fails, these stay.
    async fn fetch(&self, now: Duration) {
        let Some(Source { url, agent }) = &self.source else {
            return;
        };
        let (url, agent) = (url.clone(), agent.clone());
        let fetched = tokio::task::spawn_blocking(move || {
            let response = agent.get(&url).call();
            let bytes = response.map_err(|error| error.to_string())?;
            let bytes = bytes
                .into_body()
                .into_with_config()
                .limit(MAX_BYTES as u64)
                .read_to_vec();
            let keys = Keys::read(&bytes.map_err(|error| error.to_string())?);
            match keys {
                Ok(keys) if keys.is_empty() => Err(KeysError::Nothing.to_string()),
                keys => keys.map_err(|error| error.to_string()),
            }
        });
        match fetched.await.unwrap_or_else(|_| Err("no fetch".into())) {
            Ok(keys) => {
                let mut known = self.keys.write().unwrap_or_else(PoisonError::into_inner);
                *known = Known {
                    keys: Arc::new(keys),
                    at: Some(now),
                };
            }
            Err(error) => crate::say(&format!(
                "keys of {}: {error}",
                self.url().map_or("", |u| u)
            )),
        }
    }
}

/// Whoever could change keys on their way could be anybody.
fn is_safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<hyper::Uri>() else {
        return false;
    };
    let local = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    uri.host().is_some()
        && match uri.scheme_str() {
            Some("https") => true,
            Some("http") => local,
            _ => false,
        }
}

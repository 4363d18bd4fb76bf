//! An issuer's keys: fixed, or fetched, kept, and fetched again when they are old or a token names an unknown one.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use narae_routing::limit::Rate;
use reqwest::{Client, StatusCode, redirect};
use tokio::sync::Mutex;

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
    client: Client,
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
        if !is_safe(url) {
            return Err(KeysError::Url);
        }
        // Who is asked is who was written down, whatever an answer or the environment says.
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            // A kept one would belong to the worker that opened it.
            .pool_max_idle_per_host(0)
            .timeout(TIMEOUT)
            .build()
            .map_err(|_| KeysError::Client)?;
        Ok(Self {
            source: Some(Source {
                url: url.to_owned(),
                client,
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
        let Some(source) = &self.source else {
            return;
        };
        match source.fetch().await {
            Ok(keys) => {
                let mut known = self.keys.write().unwrap_or_else(PoisonError::into_inner);
                *known = Known {
                    keys: Arc::new(keys),
                    at: Some(now),
                };
            }
            Err(error) => crate::say(&format!("keys of {}: {error}", source.url)),
        }
    }
}

impl Source {
    async fn fetch(&self) -> Result<Keys, FetchError> {
        let mut response = self.client.get(&self.url).send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if bytes.len() + chunk.len() > MAX_BYTES {
                return Err(KeysError::Size.into());
            }
            bytes.extend_from_slice(&chunk);
        }
        let keys = Keys::read(&bytes)?;
        if keys.is_empty() {
            return Err(KeysError::Nothing.into());
        }
        Ok(keys)
    }
}

/// Why keys could not be fetched.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{}", causes(.0))]
    Transfer(#[from] reqwest::Error),
    #[error("the answer is {0}")]
    Status(StatusCode),
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// The whole chain, since the first error says only that it went wrong.
fn causes(error: &reqwest::Error) -> String {
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |e| e.source());
    let chain: Vec<String> = chain.map(ToString::to_string).collect();
    chain.join(": ")
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

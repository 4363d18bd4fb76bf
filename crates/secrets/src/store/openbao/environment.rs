//! The variables the command-line tools use, read through the caller's function.

use std::fmt;
use std::time::Duration;

use super::options::{self, Options};
use super::retry::Retries;
use crate::SecretBytes;

/// What the environment says about the server. `BAO_…` wins over `VAULT_…`, as in OpenBao's own
/// command line; an empty variable counts as not set.
///
/// `…_SKIP_VERIFY` is not looked at: a server that nothing vouches for gets no token.
///
/// ```
/// use narae_secrets::store::openbao::Environment;
///
/// let found = Environment::read(|name| match name {
///     "BAO_ADDR" => Some("https://bao.example:8200".to_owned()),
///     "VAULT_ADDR" => Some("https://vault.example:8200".to_owned()),
///     _ => None,
/// });
/// assert_eq!(found.address.as_deref(), Some("https://bao.example:8200"));
///
/// let timeout = |text: &str| Environment::read(|name| (name == "BAO_CLIENT_TIMEOUT").then(|| text.to_owned())).timeout;
/// let seconds = |text| timeout(text).map(|timeout| timeout.as_secs());
/// assert_eq!((seconds("90"), seconds("1m30s"), seconds("1h")), (Some(90), Some(90), Some(3600)));
/// assert_eq!((seconds("soon"), seconds("1m30"), seconds("m"), seconds("500ms")), (None, None, None, None));
/// ```
#[derive(Default)]
#[non_exhaustive]
pub struct Environment {
    /// `BAO_ADDR`, `VAULT_ADDR`.
    pub address: Option<String>,
    /// `BAO_TOKEN`, `VAULT_TOKEN`.
    pub token: Option<SecretBytes>,
    /// `BAO_NAMESPACE`, `VAULT_NAMESPACE`.
    pub namespace: Option<String>,
    /// `BAO_CACERT`, `VAULT_CACERT`: a file, which the caller reads and gives to [`Options::with_ca_pem`].
    pub ca_certificate_file: Option<String>,
    /// `BAO_CLIENT_CERT`: a file, for [`Options::with_client_certificate`].
    pub client_certificate_file: Option<String>,
    /// `BAO_CLIENT_KEY`: a file, for [`Options::with_client_certificate`].
    pub client_key_file: Option<String>,
    /// `BAO_CLIENT_TIMEOUT`: seconds, or numbers with `h`, `m` or `s`, such as `1m30s`.
    pub timeout: Option<Duration>,
    /// `BAO_MAX_RETRIES`: how often a request is repeated.
    pub max_retries: Option<u32>,
}

impl Environment {
    /// Asks `lookup` (in a program: `|name| std::env::var(name).ok()`) for each variable.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let find = |name: &str| {
            ["BAO", "VAULT"]
                .into_iter()
                .filter_map(|prefix| lookup(&format!("{prefix}_{name}")))
                .find(|value| !value.is_empty())
        };
        Self {
            address: find("ADDR"),
            token: find("TOKEN").map(SecretBytes::from),
            namespace: find("NAMESPACE"),
            ca_certificate_file: find("CACERT"),
            client_certificate_file: find("CLIENT_CERT"),
            client_key_file: find("CLIENT_KEY"),
            timeout: find("CLIENT_TIMEOUT").and_then(|text| duration(&text)),
            max_retries: find("MAX_RETRIES").and_then(|text| text.trim().parse().ok()),
        }
    }

    /// Options with address, token, namespace, timeout and retries; `None` without an address or a token. The files are the
    /// caller's to read.
    #[must_use]
    pub fn options(self) -> Option<Options> {
        let mut options = Options::new(self.address?, self.token?);
        if let Some(namespace) = self.namespace {
            options = options.with_namespace(namespace);
        }
        if let Some(timeout) = self.timeout {
            options = options.with_timeout(timeout);
        }
        if let Some(retries) = self.max_retries {
            let attempts = retries.saturating_add(1);
            options = options.with_retries(Retries::default().with_attempts(attempts));
        }
        Some(options)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("address", &self.address.as_deref().map(options::shown))
            .field("token", &self.token)
            .field("namespace", &self.namespace)
            .field("ca_certificate_file", &self.ca_certificate_file)
            .field("client_certificate_file", &self.client_certificate_file)
            .field("client_key_file", &self.client_key_file)
            .field("timeout", &self.timeout)
            .field("max_retries", &self.max_retries)
            .finish()
    }
}

/// `90`, `1m30s`.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if let Ok(seconds) = rest.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let mut seconds: Option<u64> = None;
    while let Some(at) = rest.find(|letter: char| !letter.is_ascii_digit()) {
        let number: u64 = rest.get(..at)?.parse().ok()?;
        let unit = match rest.get(at..)?.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return None,
        };
        let more = number.checked_mul(unit)?;
        seconds = Some(seconds.unwrap_or(0).checked_add(more)?);
        rest = rest.get(at + 1..)?;
    }
    seconds.filter(|_| rest.is_empty()).map(Duration::from_secs)
}

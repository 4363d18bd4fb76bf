//! The variables the command-line tools use, read through the caller's function.

use crate::SecretBytes;

use super::Options;

/// What the environment says about the server. `BAO_…` wins over `VAULT_…`, as in OpenBao's own
/// command line; an empty variable counts as not set.
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
/// ```
#[derive(Debug, Default)]
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
        }
    }

    /// Options with address, token and namespace; `None` without an address or a token.
    #[must_use]
    pub fn options(self) -> Option<Options> {
        let options = Options::new(self.address?, self.token?);
        Some(match self.namespace {
            Some(namespace) => options.with_namespace(namespace),
            None => options,
        })
    }
}

//! A webhook for a service of one's own, in the form of Standard Webhooks 1.0 (<https://www.standardwebhooks.com>),
//! for which receivers have libraries in most languages: HMAC-SHA256 over id, time and body, so that nobody can
//! change, forge or replay it, and a receiver that gets it twice can tell by the id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::mac::authenticated;
use crate::handover::{Address, Error, ErrorKind, Request, Token};

/// Longest accepted id.
const MAX_ID_BYTES: usize = 200;

/// Where to, and the key both sides have.
#[derive(Clone, Debug)]
pub struct SignedWebhook {
    address: Address,
    key: Token,
}

impl SignedWebhook {
    /// `key` is what the receiver has: `whsec_` and base64, or any other text as it is.
    #[must_use]
    pub fn new(address: Address, key: Token) -> Self {
        Self { address, key }
    }

    /// The request, with the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    ///
    /// `id` is the same however often the same thing is told: the commit's id with the application's name, say.
    /// `seconds` is now, since 1970-01-01 00:00 UTC: receivers refuse what is minutes old.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when `id` is empty, longer than 200 bytes or has other characters than letters,
    /// digits, `-`, `_` and `:`, or when the key is not base64 behind its `whsec_`.
    pub fn request(&self, id: &str, seconds: i64, body: Vec<u8>) -> Result<Request, Error> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte);
        if id.is_empty() || id.len() > MAX_ID_BYTES || !id.bytes().all(is_plain) {
            return Err(Error::new(
                ErrorKind::Invalid,
                "the id of a webhook: expected 1 to 200 letters, digits, `-`, `_` or `:`",
            ));
        }
        let time = seconds.to_string();
        let signed: [&[u8]; 5] = [id.as_bytes(), b".", time.as_bytes(), b".", &body];
        let signature = match self.key.expose().strip_prefix("whsec_") {
            Some(encoded) => {
                let key = STANDARD.decode(encoded).map(zeroize::Zeroizing::new);
                let key = key.map_err(|_| {
                    Error::new(
                        ErrorKind::Invalid,
                        "the key of a webhook is not base64 behind `whsec_`",
                    )
                })?;
                authenticated(&key, &signed)
            }
            None => authenticated(self.key.expose().as_bytes(), &signed),
        };
        Ok(Request::post(self.address.clone(), body)
            .with_header("webhook-id", id)
            .with_header("webhook-timestamp", time)
            .with_header(
                "webhook-signature",
                format!("v1,{}", STANDARD.encode(signature)),
            ))
    }
}

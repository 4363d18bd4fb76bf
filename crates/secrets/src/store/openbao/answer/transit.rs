//! What the transit engine answers: one outcome for each item of a batch, data keys.
//!
//! A batch with a bad item is answered 400 with all results, sometimes without the usual envelope.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::content::value;
use super::{Answer, Read, odd};
use crate::SecretBytes;
use crate::store::StoreErrorKind;
use crate::store::openbao::{Ciphertext, DataKey};

/// One outcome for each item.
pub type Outcomes<T> = Vec<Result<T, StoreErrorKind>>;

#[derive(Deserialize)]
struct Results<'a> {
    #[serde(borrow)]
    batch_results: Vec<ResultPart<'a>>,
}

#[derive(Deserialize)]
struct ResultPart<'a> {
    #[serde(borrow)]
    plaintext: Option<&'a RawValue>,
    ciphertext: Option<String>,
    signature: Option<String>,
    hmac: Option<String>,
    valid: Option<bool>,
    error: Option<String>,
}

impl Answer {
    /// What was encrypted or wrapped anew; `None`, as for all that follow, without a result for each of the `items`.
    #[must_use]
    pub fn ciphertexts(&self, items: usize) -> Option<Outcomes<Ciphertext>> {
        self.outcomes(items, |part| part.ciphertext.map(Ciphertext::of_server))
    }

    /// What was decrypted.
    #[must_use]
    pub fn plaintexts(&self, items: usize) -> Option<Outcomes<SecretBytes>> {
        self.outcomes(items, |part| decoded(part.plaintext?))
    }

    /// What was signed.
    #[must_use]
    pub fn signatures(&self, items: usize) -> Option<Outcomes<Ciphertext>> {
        self.outcomes(items, |part| part.signature.map(Ciphertext::of_server))
    }

    /// Message authentication codes.
    #[must_use]
    pub fn hmacs(&self, items: usize) -> Option<Outcomes<Ciphertext>> {
        self.outcomes(items, |part| part.hmac.map(Ciphertext::of_server))
    }

    /// What was found valid. In a batch, a signature that is not valid is one that is not said to be.
    #[must_use]
    pub fn verdicts(&self, items: usize) -> Option<Outcomes<bool>> {
        self.outcomes(items, |part| Some(part.valid.unwrap_or(false)))
    }

    /// A data key.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::UnexpectedAnswer`].
    pub fn data_key(&self) -> Read<DataKey> {
        #[derive(Deserialize)]
        struct Part<'a> {
            #[serde(borrow)]
            plaintext: &'a RawValue,
            ciphertext: String,
        }
        let part: Part<'_> = self.data()?;
        Ok(DataKey {
            plaintext: decoded(part.plaintext).ok_or(odd("no data key"))?,
            wrapped: Ciphertext::of_server(part.ciphertext),
        })
    }

    fn outcomes<T>(
        &self,
        items: usize,
        take: impl Fn(ResultPart<'_>) -> Option<T>,
    ) -> Option<Outcomes<T>> {
        if !matches!(self.status, 200..=208 | 400) {
            return None;
        }
        let results = match self.data::<Results<'_>>() {
            Ok(results) => results,
            Err(_) => serde_json::from_slice(&self.body).ok()?,
        };
        if results.batch_results.len() != items {
            return None;
        }
        let outcome = |part: ResultPart<'_>| match &part.error {
            Some(error) if !error.is_empty() => Err(StoreErrorKind::CiphertextRefused),
            _ => take(part).ok_or(odd("a result without what was asked for")),
        };
        Some(results.batch_results.into_iter().map(outcome).collect())
    }
}

fn decoded(raw: &RawValue) -> Option<SecretBytes> {
    let text = value(raw).ok()?;
    STANDARD.decode(text.expose()).ok().map(SecretBytes::from)
}

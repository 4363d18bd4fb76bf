//! The transit engine: keys that never leave the server.
//!
//! All operations go by the batch form of the API, since one is a batch of one: each item has an outcome of its own.
//! Batches are cut to what a server takes in one request.

mod batch;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use self::batch::{Item, ReadResults, encode, encoded_data};
use super::answer::{Answer, Outcomes};
use super::request::Request;
use super::{OpenBao, auth};
use crate::SecretBytes;
use crate::store::{MountPath, SecretPath, StoreError, StoreErrorKind};

/// A named key of a transit engine.
#[derive(Debug, Clone)]
pub struct TransitKey {
    bao: OpenBao,
    mount: MountPath,
    name: String,
    path: SecretPath,
}

/// What a transit key encrypted, signed or authenticated: `vault:v1:…`. No secret; the number is the version of the key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ciphertext(String);

/// A fresh key to encrypt data with, in the clear and as the transit key wraps it.
#[derive(Debug)]
#[non_exhaustive]
pub struct DataKey {
    /// 32 random bytes.
    pub plaintext: SecretBytes,
    /// The same, to store beside the data.
    pub wrapped: Ciphertext,
}

/// What a transit key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyType {
    /// Encrypting (`aes256-gcm96`), the usual one.
    Aes256Gcm,
    /// Encrypting (`chacha20-poly1305`).
    ChaCha20Poly1305,
    /// Signing (`ed25519`).
    Ed25519,
    /// Signing (`ecdsa-p256`).
    EcdsaP256,
    /// Encrypting and signing (`rsa-4096`).
    Rsa4096,
}

impl OpenBao {
    /// A key of the transit engine at `mount`.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`] when `name` cannot be one segment of a path.
    pub fn transit(&self, mount: &MountPath, name: &str) -> Result<TransitKey, StoreError> {
        let path = || {
            auth::segment("the key's name", name)?;
            format!("{mount}/{name}")
                .parse()
                .map_err(
                    |error: crate::store::PathError| StoreErrorKind::Configuration {
                        reason: error.to_string(),
                    },
                )
        };
        Ok(TransitKey {
            bao: self.clone(),
            mount: mount.clone(),
            name: name.to_owned(),
            path: path().map_err(|kind| self.error(kind, None))?,
        })
    }
}

impl TransitKey {
    /// Where its engine is mounted.
    #[must_use]
    pub fn mount(&self) -> &MountPath {
        &self.mount
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the key. One that is there stays as it is. (Encrypting makes a missing key, too, where the policy allows `create`.)
    ///
    /// # Errors
    ///
    /// As for any request.
    pub fn create(&self, kind: KeyType) -> Result<(), StoreError> {
        #[derive(Serialize)]
        struct Create {
            #[serde(rename = "type")]
            kind: &'static str,
        }
        let kind = match kind {
            KeyType::Aes256Gcm => "aes256-gcm96",
            KeyType::ChaCha20Poly1305 => "chacha20-poly1305",
            KeyType::Ed25519 => "ed25519",
            KeyType::EcdsaP256 => "ecdsa-p256",
            KeyType::Rsa4096 => "rsa-4096",
        };
        self.do_it(|| {
            let parts = [self.mount.as_str(), "keys", &self.name];
            let request = Request::post(&parts, &Create { kind })?.repeatable();
            self.bao.send(self.mount.as_str(), &request).map(drop)
        })
    }

    /// Adds a version to the key, by which everything is encrypted from now on.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::NotFound`] when there is no key; else as for any request.
    pub fn rotate(&self) -> Result<(), StoreError> {
        let nothing = std::collections::BTreeMap::<&str, &str>::new();
        self.do_it(|| {
            let request = Request::post(
                &[self.mount.as_str(), "keys", &self.name, "rotate"],
                &nothing,
            )?;
            self.bao.send(self.mount.as_str(), &request).map(drop)
        })
    }

    /// Encrypts; `associated_data` is bound to it and not within it: decrypting needs the same.
    ///
    /// # Errors
    ///
    /// As for any request.
    pub fn encrypt(
        &self,
        plaintext: &SecretBytes,
        associated_data: &[u8],
    ) -> Result<Ciphertext, StoreError> {
        self.one(self.encrypt_all(&[(plaintext, associated_data)])?)
    }

    /// Decrypts.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::CiphertextRefused`] when it is not one of this key, or was changed, or the associated data differs, or
    /// its version of the key is retired.
    pub fn decrypt(
        &self,
        ciphertext: &Ciphertext,
        associated_data: &[u8],
    ) -> Result<SecretBytes, StoreError> {
        self.one(self.decrypt_all(&[(ciphertext, associated_data)])?)
    }

    /// The same by the newest version of the key, without the plaintext leaving the server. Not for what was bound to
    /// associated data: the server has no way to be told of it here.
    ///
    /// # Errors
    ///
    /// As for [`decrypt`](Self::decrypt).
    pub fn rewrap(&self, ciphertext: &Ciphertext) -> Result<Ciphertext, StoreError> {
        self.one(self.rewrap_all(&[ciphertext])?)
    }

    /// Encrypts many, each with an outcome of its own.
    ///
    /// # Errors
    ///
    /// When the request as a whole fails.
    pub fn encrypt_all(
        &self,
        plaintexts: &[(&SecretBytes, &[u8])],
    ) -> Result<Outcomes<Ciphertext>, StoreError> {
        let encoded: Vec<_> = plaintexts
            .iter()
            .map(|(text, data)| (encode(text.expose()), data))
            .collect();
        let encoded: Vec<_> = encoded
            .iter()
            .map(|(text, data)| (text, encoded_data(data)))
            .collect();
        let items: Vec<Item<'_>> = encoded
            .iter()
            .map(|(text, data)| Item {
                plaintext: Some(text),
                associated_data: data.as_deref(),
                ..Item::default()
            })
            .collect();
        self.do_it(|| self.batch("encrypt", &items, Answer::ciphertexts))
    }

    /// Decrypts many, each with an outcome of its own.
    ///
    /// # Errors
    ///
    /// When the request as a whole fails.
    pub fn decrypt_all(
        &self,
        ciphertexts: &[(&Ciphertext, &[u8])],
    ) -> Result<Outcomes<SecretBytes>, StoreError> {
        self.ciphertexts("decrypt", ciphertexts, Answer::plaintexts)
    }

    /// Wraps many anew, each with an outcome of its own.
    ///
    /// # Errors
    ///
    /// When the request as a whole fails.
    pub fn rewrap_all(
        &self,
        ciphertexts: &[&Ciphertext],
    ) -> Result<Outcomes<Ciphertext>, StoreError> {
        let unbound: Vec<_> = ciphertexts.iter().map(|text| (*text, &b""[..])).collect();
        self.ciphertexts("rewrap", &unbound, Answer::ciphertexts)
    }

    /// Signs a message with a signing key (hashed with SHA-256 where the key's type wants a hash).
    ///
    /// # Errors
    ///
    /// As for any request; [`StoreErrorKind::Server`] for a key that does not sign.
    pub fn sign(&self, message: &[u8]) -> Result<Ciphertext, StoreError> {
        let input = encode(message);
        let item = Item {
            input: Some(&input),
            ..Item::default()
        };
        self.one(self.do_it(|| self.batch("sign", &[item], Answer::signatures))?)
    }

    /// Whether the signature is this key's, of this message.
    ///
    /// # Errors
    ///
    /// As for any request.
    pub fn verify(&self, message: &[u8], signature: &Ciphertext) -> Result<bool, StoreError> {
        let input = encode(message);
        self.verified(Item {
            input: Some(&input),
            signature: Some(&signature.0),
            ..Item::default()
        })
    }

    /// HMAC-SHA-256 of a message under a key derived from this one.
    ///
    /// # Errors
    ///
    /// As for any request.
    pub fn hmac(&self, message: &[u8]) -> Result<Ciphertext, StoreError> {
        let input = encode(message);
        let item = Item {
            input: Some(&input),
            ..Item::default()
        };
        self.one(self.do_it(|| self.batch("hmac", &[item], Answer::hmacs))?)
    }

    /// Whether the HMAC is this key's, of this message.
    ///
    /// # Errors
    ///
    /// As for any request.
    pub fn verify_hmac(&self, message: &[u8], hmac: &Ciphertext) -> Result<bool, StoreError> {
        let input = encode(message);
        self.verified(Item {
            input: Some(&input),
            hmac: Some(&hmac.0),
            ..Item::default()
        })
    }

    /// A fresh key of 256 bits, to encrypt data with here.
    ///
    /// # Errors
    ///
    /// As for any request.
    pub fn data_key(&self) -> Result<DataKey, StoreError> {
        let nothing = std::collections::BTreeMap::<&str, &str>::new();
        self.do_it(|| {
            let parts = [self.mount.as_str(), "datakey/plaintext", &self.name];
            let request = Request::post(&parts, &nothing)?.repeatable();
            self.bao.send(self.mount.as_str(), &request)?.data_key()
        })
    }

    fn ciphertexts<T>(
        &self,
        operation: &str,
        ciphertexts: &[(&Ciphertext, &[u8])],
        read: ReadResults<T>,
    ) -> Result<Outcomes<T>, StoreError> {
        let data: Vec<_> = ciphertexts
            .iter()
            .map(|(_, data)| encoded_data(data))
            .collect();
        let items: Vec<Item<'_>> = ciphertexts
            .iter()
            .zip(&data)
            .map(|((text, _), data)| Item {
                ciphertext: Some(&text.0),
                associated_data: data.as_deref(),
                ..Item::default()
            })
            .collect();
        self.do_it(|| self.batch(operation, &items, read))
    }

    fn verified(&self, item: Item<'_>) -> Result<bool, StoreError> {
        let results = self.do_it(|| self.batch("verify", &[item], Answer::verdicts))?;
        match results.into_iter().next() {
            // What is no signature at all is refused rather than found invalid.
            Some(Err(StoreErrorKind::CiphertextRefused)) => Ok(false),
            result => self.one(result.into_iter().collect()),
        }
    }

    fn one<T>(&self, results: Outcomes<T>) -> Result<T, StoreError> {
        let reason = "no result";
        let missing = || Err(StoreErrorKind::UnexpectedAnswer { reason });
        let result = results.into_iter().next().unwrap_or_else(missing);
        self.do_it(|| result)
    }

    fn do_it<T>(&self, work: impl FnOnce() -> Result<T, StoreErrorKind>) -> Result<T, StoreError> {
        work().map_err(|kind| self.bao.error(kind, Some(&self.path)))
    }
}

impl Ciphertext {
    /// As a server gave it.
    pub(super) fn of_server(text: String) -> Self {
        Self(text)
    }
}

impl FromStr for Ciphertext {
    type Err = StoreErrorKind;

    /// `vault:vN:…`, as it was printed.
    fn from_str(text: &str) -> Result<Self, StoreErrorKind> {
        let version = text
            .strip_prefix("vault:v")
            .and_then(|rest| rest.split_once(':'))
            .and_then(|(version, _)| version.parse::<u32>().ok());
        match version {
            Some(_) if text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(StoreErrorKind::CiphertextRefused),
        }
    }
}

impl fmt::Display for Ciphertext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

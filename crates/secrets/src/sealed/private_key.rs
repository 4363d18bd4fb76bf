//! Private keys, as the controller keeps them (PKCS #1) and as other tools write them (PKCS #8).
//!
//! aws-lc takes PKCS #8 only, so a PKCS #1 key is put into that envelope first; both copies are wiped.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use der::asn1::{AnyRef, OctetStringRef};
use der::{Encode as _, Sequence};
use thiserror::Error;
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::item::SESSION_KEY_BYTES;
use super::public_key::{Fingerprint, PublicKey, RSA_ENCRYPTION};
use super::{Label, OpenError, SealedItem};
use crate::{SecretBytes, pem};

/// An RSA key that opens sealed items.
pub struct PrivateKey {
    key: OaepPrivateDecryptingKey,
    pub(super) public: PublicKey,
}

/// Why a private key cannot be used. Never holds any of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// The input is larger than 1 MiB or not text.
    #[error("not a PEM file: expected text of at most 1 MiB")]
    NotPem,
    /// There is no private key block.
    #[error("no private key found; expected a block RSA PRIVATE KEY or PRIVATE KEY")]
    NoKey,
    /// The key is protected by a passphrase.
    #[error("the private key is encrypted; decrypt it first (openssl pkey)")]
    Encrypted,
    /// The key is not RSA, damaged, or not of 2048 to 8192 bits.
    #[error("the private key is not an RSA key of 2048 to 8192 bits, or is damaged")]
    Refused,
}

/// `PrivateKeyInfo` of RFC 5208.
#[derive(Sequence)]
struct PrivateKeyInfo<'a> {
    version: u8,
    algorithm: AlgorithmIdentifierRef<'a>,
    key: &'a OctetStringRef,
}

impl PrivateKey {
    /// Reads the first private key of a PEM file.
    ///
    /// # Errors
    ///
    /// [`PrivateKeyError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, PrivateKeyError> {
        keys_in(pem)?.next().unwrap_or(Err(PrivateKeyError::NoKey))
    }

    /// The fingerprint of its public key; equals that of the certificate made for it.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        self.public.fingerprint()
    }

    /// Bits of the key.
    #[must_use]
    pub fn key_bits(&self) -> usize {
        self.key.key_size_bits()
    }

    /// Bytes of what it unwraps.
    pub(super) fn wrapped_key_bytes(&self) -> usize {
        self.key.key_size_bytes()
    }

    /// Opens an item sealed for this key under `label`.
    ///
    /// # Errors
    ///
    /// [`OpenError`], the same for every cause.
    pub fn open(&self, item: &SealedItem, label: &Label) -> Result<SecretBytes, OpenError> {
        item.open_with(|wrapped| self.unwrap(wrapped, label.as_bytes()))
    }

    /// The session key in `wrapped`.
    fn unwrap(&self, wrapped: &[u8], label: &[u8]) -> Option<Zeroizing<[u8; SESSION_KEY_BYTES]>> {
        let key = self.decrypt(wrapped, label)?;
        <[u8; SESSION_KEY_BYTES]>::try_from(key.as_slice())
            .ok()
            .map(Zeroizing::new)
    }

    /// RSA-OAEP of SHA-256 and MGF1 with SHA-256; `None` whatever is wrong.
    pub(crate) fn decrypt(&self, ciphertext: &[u8], label: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        if ciphertext.len() != self.wrapped_key_bytes() {
            return None;
        }
        let mut buffer = Zeroizing::new(vec![0; self.key.min_output_size()]);
        let label = (!label.is_empty()).then_some(label);
        let length = self
            .key
            .decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, &mut buffer, label)
            .ok()?
            .len();
        buffer.truncate(length);
        Some(buffer)
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let algorithm = AlgorithmIdentifierRef {
            oid: RSA_ENCRYPTION,
            parameters: Some(AnyRef::NULL),
        };
        let wrap = || {
            let key = OctetStringRef::new(der)?;
            let info = PrivateKeyInfo {
                version: 0,
                algorithm,
                key,
            };
            let mut out = Zeroizing::new(Vec::with_capacity(usize::try_from(info.encoded_len()?)?));
            info.encode_to_vec(&mut out)?;
            Ok::<_, der::Error>(out)
        };
        Self::from_pkcs8(&wrap().map_err(|_| PrivateKeyError::Refused)?)
    }

    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let key = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| PrivateKeyError::Refused)?;
        let public: PublicKeyX509Der<'_> = key
            .public_key()
            .as_der()
            .map_err(|_| PrivateKeyError::Refused)?;
        let public =
            PublicKey::from_spki_der(public.as_ref()).map_err(|_| PrivateKeyError::Refused)?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| PrivateKeyError::Refused)?;
        Ok(Self { key, public })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PrivateKey(RSA-{} {})",
            self.key_bits(),
            self.fingerprint()
        )
    }
}

pub(super) fn keys_in(
    pem: &[u8],
) -> Result<impl Iterator<Item = Result<PrivateKey, PrivateKeyError>>, PrivateKeyError> {
    let text = std::str::from_utf8(pem).map_err(|_| PrivateKeyError::NotPem)?;
    if text.len() > pem::MAX_PEM_BYTES {
        return Err(PrivateKeyError::NotPem);
    }
    Ok(pem::blocks(text).filter_map(|block| match block.label {
        "RSA PRIVATE KEY" | "PRIVATE KEY" if block.has_headers => {
            Some(Err(PrivateKeyError::Encrypted))
        }
        "ENCRYPTED PRIVATE KEY" => Some(Err(PrivateKeyError::Encrypted)),
        "RSA PRIVATE KEY" => Some(PrivateKey::from_pkcs1(&block.der)),
        "PRIVATE KEY" => Some(PrivateKey::from_pkcs8(&block.der)),
        _ => None,
    }))
}

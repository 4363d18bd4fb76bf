//! The controller's certificate: only its key and its dates matter.
//!
//! As kubeseal: the first `CERTIFICATE` block of a PEM file is used, it must hold an RSA key, and an
//! expired one is refused. Nobody verifies a chain: the certificate is self-signed, and the person
//! who hands it over is who is trusted.

use std::fmt;

use der::Decode as _;
use thiserror::Error;

use super::SealedItem;
use super::public_key::{Fingerprint, KeyFault, PublicKey};
use crate::pem;

/// A certificate to seal for.
pub struct Certificate {
    pub(crate) key: PublicKey,
    not_before: i64,
    not_after: i64,
}

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The input is larger than 1 MiB or not text.
    #[error("not a PEM file: expected text of at most 1 MiB")]
    NotPem,
    /// There is no `CERTIFICATE` block.
    #[error("no certificate found; expected a block that begins with -----BEGIN CERTIFICATE-----")]
    NoCertificate,
    /// The block is not an X.509 certificate.
    #[error("the certificate cannot be read as X.509")]
    Malformed,
    /// The key is of another kind.
    #[error("the certificate's key is not an RSA key; Sealed Secrets needs one")]
    NotRsa,
    /// The key is too small or too large.
    #[error("the certificate's RSA key has {bits} bits; 2048 to 8192 can be used")]
    KeySize {
        /// Bits of the modulus.
        bits: usize,
    },
    /// It is no longer valid.
    #[error(
        "the certificate expired at {not_after} (Unix time; it is {now}); fetch the controller's current one"
    )]
    Expired {
        /// End of its validity.
        not_after: i64,
        /// The time it was checked against.
        now: i64,
    },
}

impl Certificate {
    /// Reads the first certificate of a PEM file.
    ///
    /// # Errors
    ///
    /// [`CertificateError`]; dates are not looked at here, see [`check_valid_at`](Self::check_valid_at).
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let text = std::str::from_utf8(pem).map_err(|_| CertificateError::NotPem)?;
        if text.len() > pem::MAX_PEM_BYTES {
            return Err(CertificateError::NotPem);
        }
        let block = pem::blocks(text)
            .find(|block| block.label == "CERTIFICATE" && !block.has_headers)
            .ok_or(CertificateError::NoCertificate)?;
        Self::from_der(&block.der)
    }

    fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate =
            x509_cert::Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        let certificate = certificate.tbs_certificate();
        let key =
            PublicKey::from_spki(certificate.subject_public_key_info()).map_err(
                |fault| match fault {
                    KeyFault::NotRsa => CertificateError::NotRsa,
                    KeyFault::Size(bits) => CertificateError::KeySize { bits },
                    KeyFault::Malformed => CertificateError::Malformed,
                },
            )?;
        let validity = certificate.validity();
        let unix = |time: x509_cert::time::Time| {
            i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
        };
        Ok(Self {
            key,
            not_before: unix(validity.not_before),
            not_after: unix(validity.not_after),
        })
    }

    /// The key's fingerprint, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        self.key.fingerprint()
    }

    /// Whether this certificate can have made the item: `false` is certain, `true` is not. An item of another
    /// key of the same size is excluded only if its wrapped key is not below this one's modulus.
    #[must_use]
    pub fn may_have_sealed(&self, item: &SealedItem) -> bool {
        self.key.can_have_wrapped(item.wrapped_key())
    }

    /// Bits of the key.
    #[must_use]
    pub fn key_bits(&self) -> usize {
        self.key.bits()
    }

    /// Start of its validity, in seconds since 1970.
    #[must_use]
    pub fn not_before(&self) -> i64 {
        self.not_before
    }

    /// End of its validity, in seconds since 1970; valid up to and including this second.
    #[must_use]
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Refuses an expired certificate, as kubeseal does. The start is not checked, as there: clocks
    /// of a fresh cluster and of the sealing machine differ.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Expired`] if `now` (seconds since 1970) is past its end.
    pub fn check_valid_at(&self, now: i64) -> Result<(), CertificateError> {
        if now > self.not_after {
            return Err(CertificateError::Expired {
                not_after: self.not_after,
                now,
            });
        }
        Ok(())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("key", &self.key)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

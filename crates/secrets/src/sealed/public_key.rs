//! RSA public keys: wrapping session keys, and the fingerprint people know keys by.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use der::asn1::{ObjectIdentifier, UintRef};
use der::{Decode as _, Encode as _, Sequence};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// `rsaEncryption`, PKCS #1.
pub(super) const RSA_ENCRYPTION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Smallest and largest modulus accepted, in bits: what aws-lc accepts.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key as `ssh-keygen -l` prints it: `SHA256:` and the unpadded base64 of the SHA-256 of the
/// key in OpenSSH's format. The same that the sealed-secrets controller logs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(modulus: &[u8], exponent: &[u8]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        let mut field = |lead: &[u8], bytes: &[u8]| {
            let length = u32::try_from(lead.len() + bytes.len()).unwrap_or(u32::MAX);
            context.update(&length.to_be_bytes());
            context.update(lead);
            context.update(bytes);
        };
        field(&[], b"ssh-rsa");
        // An mpint with its highest bit set would be negative without a leading zero.
        for number in [exponent, modulus] {
            let negative = number.first().is_some_and(|byte| byte & 0x80 != 0);
            field(if negative { &[0] } else { &[] }, number);
        }
        Self(format!(
            "SHA256:{}",
            STANDARD_NO_PAD.encode(context.finish())
        ))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a public key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyFault {
    NotRsa,
    Size(usize),
    Malformed,
}

/// A key that can wrap session keys.
pub(crate) struct PublicKey {
    key: OaepPublicEncryptingKey,
    fingerprint: Fingerprint,
    /// Big endian, without leading zeros.
    modulus: Vec<u8>,
}

/// `RSAPublicKey` of RFC 8017, A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl PublicKey {
    pub(super) fn from_spki_der(der: &[u8]) -> Result<Self, KeyFault> {
        let spki = SubjectPublicKeyInfoOwned::from_der(der).map_err(|_| KeyFault::Malformed)?;
        Self::from_spki(&spki)
    }

    pub(super) fn from_spki(spki: &SubjectPublicKeyInfoOwned) -> Result<Self, KeyFault> {
        if spki.algorithm.oid != RSA_ENCRYPTION {
            return Err(KeyFault::NotRsa);
        }
        let rsa = RsaPublicKey::from_der(spki.subject_public_key.raw_bytes())
            .map_err(|_| KeyFault::Malformed)?;
        let modulus = rsa.modulus.as_bytes();
        let unused = modulus
            .first()
            .map_or(0, |byte| byte.leading_zeros() as usize);
        let bits = modulus.len() * 8 - unused;
        if !MODULUS_BITS.contains(&bits) {
            return Err(KeyFault::Size(bits));
        }
        let der = spki.to_der().map_err(|_| KeyFault::Malformed)?;
        let key = PublicEncryptingKey::from_der(&der)
            .map_err(|_| KeyFault::Malformed)
            .and_then(|key| OaepPublicEncryptingKey::new(key).map_err(|_| KeyFault::Malformed))?;
        let fingerprint = Fingerprint::of(modulus, rsa.exponent.as_bytes());
        Ok(Self {
            key,
            fingerprint,
            modulus: modulus.to_vec(),
        })
    }

    pub(super) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    pub(super) fn bits(&self) -> usize {
        self.key.key_size_bits()
    }

    /// Bytes of a wrapped key.
    pub(super) fn wrapped_len(&self) -> usize {
        self.key.ciphertext_size()
    }

    /// Big endian, without leading zeros.
    pub(super) fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// Whether `wrapped` can be this key's work: a number of its size below its modulus.
    pub(super) fn can_have_wrapped(&self, wrapped: &[u8]) -> bool {
        wrapped.len() == self.modulus.len() && wrapped < self.modulus.as_slice()
    }

    /// RSA-OAEP of `session_key` appended to `out`; `None` if the library refuses.
    pub(crate) fn wrap(&self, session_key: &[u8], label: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        out.resize(start + self.wrapped_len(), 0);
        let buffer = out.get_mut(start..)?;
        let label = (!label.is_empty()).then_some(label);
        let wrapped = self
            .key
            .encrypt(&OAEP_SHA256_MGF1SHA256, session_key, buffer, label)
            .ok()?
            .len();
        (wrapped == self.wrapped_len()).then_some(())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RSA-{} {}", self.bits(), self.fingerprint)
    }
}

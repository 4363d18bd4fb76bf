//! A key and its self-signed certificate, shaped like the ones the controller makes for itself: empty
//! subject, random 128-bit serial, `keyUsage` encipher-only, CA true, the key as PKCS #1.
//!
//! For a first run without a cluster, for tests, and to bring one's own key to the controller.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use der::asn1::{
    Any, BitString, GeneralizedTime, Null, ObjectIdentifier, OctetString, OctetStringRef,
};
use der::{DateTime, Decode as _, Encode as _, Sequence};
use thiserror::Error;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{
    AlgorithmIdentifierOwned, AlgorithmIdentifierRef, SubjectPublicKeyInfoOwned,
};
use x509_cert::time::{Time, Validity};

use crate::{SecretBytes, pem};

const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");

/// Days the controller's own certificates are valid: ten years.
const DEFAULT_DAYS: u32 = 3650;
const SECONDS_A_DAY: u64 = 86_400;

/// What to make.
#[derive(Debug, Clone)]
pub struct Generate {
    now: i64,
    days: u32,
    bits: KeyBits,
}

/// Size of the RSA key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyBits {
    /// Fast to make; the least the format's tools accept.
    Rsa2048,
    /// 3072 bits.
    Rsa3072,
    /// The controller's default.
    #[default]
    Rsa4096,
}

/// A fresh key and its certificate.
#[derive(Debug)]
#[non_exhaustive]
pub struct Generated {
    /// `CERTIFICATE`, to seal for.
    pub certificate_pem: String,
    /// `RSA PRIVATE KEY`, to open with.
    pub private_key_pem: SecretBytes,
}

/// Why nothing could be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The validity does not fit a certificate.
    #[error("validity from {now} (Unix time) for {days} days does not lie between 1970 and 9999")]
    Validity {
        /// Its start, in seconds since 1970.
        now: i64,
        /// Its length.
        days: u32,
    },
    /// The cryptographic library or the random generator failed.
    #[error("the key could not be generated")]
    Library,
}

/// `TBSCertificate` of RFC 5280; x509-cert's own cannot be built from parts.
#[derive(Sequence)]
struct Tbs {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial: SerialNumber,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    validity: Validity,
    subject: Name,
    key: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

/// `Certificate` of RFC 5280.
#[derive(Sequence)]
struct Signed {
    tbs: Tbs,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

/// `PrivateKeyInfo` of RFC 5208, to get at the PKCS #1 key within.
#[derive(Sequence)]
struct PrivateKeyInfo<'a> {
    version: u8,
    algorithm: AlgorithmIdentifierRef<'a>,
    key: &'a OctetStringRef,
}

impl Generate {
    /// A 4096-bit key with a certificate valid for ten years from `now` (seconds since 1970).
    #[must_use]
    pub fn new(now: i64) -> Self {
        Self {
            now,
            days: DEFAULT_DAYS,
            bits: KeyBits::default(),
        }
    }

    /// Another validity, in days.
    #[must_use]
    pub fn with_days(mut self, days: u32) -> Self {
        self.days = days;
        self
    }

    /// Another key size.
    #[must_use]
    pub fn with_bits(mut self, bits: KeyBits) -> Self {
        self.bits = bits;
        self
    }

    /// Makes the key and the certificate. A 4096-bit key takes about a second.
    ///
    /// # Errors
    ///
    /// [`GenerateError`].
    pub fn run(&self) -> Result<Generated, GenerateError> {
        let validity = self.validity()?;
        let size = match self.bits {
            KeyBits::Rsa2048 => KeySize::Rsa2048,
            KeyBits::Rsa3072 => KeySize::Rsa3072,
            KeyBits::Rsa4096 => KeySize::Rsa4096,
        };
        let key = KeyPair::generate(size).map_err(|_| GenerateError::Library)?;
        let certificate = certificate_der(&key, validity).ok_or(GenerateError::Library)?;
        let private: Pkcs8V1Der<'_> = key.as_der().map_err(|_| GenerateError::Library)?;
        let private =
            PrivateKeyInfo::from_der(private.as_ref()).map_err(|_| GenerateError::Library)?;
        let private_key_pem = pem::encode("RSA PRIVATE KEY", private.key.as_bytes());
        Ok(Generated {
            certificate_pem: pem::encode("CERTIFICATE", &certificate).to_string(),
            private_key_pem: SecretBytes::copy_of(private_key_pem.as_bytes()),
        })
    }

    fn validity(&self) -> Result<Validity, GenerateError> {
        let time = |seconds: u64| {
            let date =
                DateTime::from_unix_duration(std::time::Duration::from_secs(seconds)).ok()?;
            Some(Time::GeneralTime(GeneralizedTime::from_date_time(date)))
        };
        let start = u64::try_from(self.now).ok();
        let end = start.and_then(|start| start.checked_add(u64::from(self.days) * SECONDS_A_DAY));
        match (start.and_then(time), end.and_then(time)) {
            // `Validity::new` writes dates before 2050 as UTCTime, as RFC 5280 demands.
            (Some(start), Some(end)) => Ok(Validity::new(start, end)),
            _ => Err(GenerateError::Validity {
                now: self.now,
                days: self.days,
            }),
        }
    }
}

fn certificate_der(key: &KeyPair, validity: Validity) -> Option<Vec<u8>> {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).ok()?;
    // A serial is positive and at most 20 bytes; clearing the sign bit keeps it at 16.
    serial[0] &= 0x7f;
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().ok()?;
    let algorithm = AlgorithmIdentifierOwned {
        oid: SHA256_WITH_RSA,
        parameters: Some(Any::encode_from(&Null).ok()?),
    };
    let tbs = Tbs {
        version: 2,
        serial: SerialNumber::new(&serial).ok()?,
        signature: algorithm.clone(),
        issuer: Name::default(),
        validity,
        subject: Name::default(),
        key: SubjectPublicKeyInfoOwned::from_der(public.as_ref()).ok()?,
        extensions: vec![
            critical(KEY_USAGE, &KeyUsage(KeyUsages::EncipherOnly.into()))?,
            critical(
                BASIC_CONSTRAINTS,
                &BasicConstraints {
                    ca: true,
                    path_len_constraint: None,
                },
            )?,
        ],
    };
    let mut signature = vec![0; key.public_modulus_len()];
    let message = tbs.to_der().ok()?;
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        &message,
        &mut signature,
    )
    .ok()?;
    let signature = BitString::from_bytes(&signature).ok()?;
    Signed {
        tbs,
        algorithm,
        signature,
    }
    .to_der()
    .ok()
}

fn critical(extn_id: ObjectIdentifier, value: &impl der::Encode) -> Option<Extension> {
    let extn_value = OctetString::new(value.to_der().ok()?).ok()?;
    Some(Extension {
        extn_id,
        critical: true,
        extn_value,
    })
}

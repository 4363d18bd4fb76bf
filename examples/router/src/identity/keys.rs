//! The public keys of an issuer (RFC 7517), each pinned to the signatures it may make.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::recent::{Digest, Recent};
use super::token::Token;

/// The longest key set that is read, in bytes.
pub(super) const MAX_BYTES: usize = 256 << 10;

/// The most keys of one issuer.
const MAX_KEYS: usize = 64;

/// The keys of an issuer that verify signatures here, and which they have: a signature takes longer to verify than
/// everything else about a request.
#[derive(Default)]
pub(crate) struct Keys {
    all: Vec<Key>,
    /// Tokens with a valid signature. Whether a token is in time and for whom is looked at each time.
    signed: Mutex<Recent>,
}

struct Key {
    id: Option<String>,
    /// The only algorithm it is for, if it says so (RFC 8725, 3.1).
    algorithm: Option<String>,
    material: Material,
}

enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// A curve, the name of its signatures, and the public key as the library reads it.
    Curve(&'static dyn VerificationAlgorithm, &'static str, Vec<u8>),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// A key as RFC 7517 and RFC 7518, section 6, write it.
#[derive(Deserialize)]
struct Written {
    kty: String,
    kid: Option<String>,
    crv: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Reads a key set. Keys of other kinds are passed over, secret ones (`oct`) too: nobody who can verify a
    /// signature shall be able to make one.
    pub(crate) fn read(text: &[u8]) -> Result<Self, KeysError> {
        if text.len() > MAX_BYTES {
            return Err(KeysError::Size);
        }
        let set: Set = serde_json::from_slice(text).map_err(|_| KeysError::Shape)?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeysError::Size);
        }
        Ok(Self {
            all: set.keys.into_iter().filter_map(Key::read).collect(),
            signed: Mutex::default(),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether the key that a token names signed it; `None` if there is no such key.
    pub(crate) fn signed(&self, token: &Token<'_>) -> Option<bool> {
        let digest = digest(token);
        if self.recent().contains(&digest) {
            return Some(true);
        }
        let mut named = self.all.iter().filter(|key| {
            let named = token.key.is_none() || token.key == key.id;
            named && key.is_for(&token.algorithm)
        });
        let key = named.next()?;
        // Without a name only one key can be meant.
        if token.key.is_none() && named.next().is_some() {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(token.signature);
        let signed = signature.is_ok_and(|signature| {
            key.verifies(&token.algorithm, token.signed.as_bytes(), &signature)
        });
        if signed {
            self.recent().insert(digest);
        }
        Some(signed)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of all of a token: its header names the algorithm and the key.
fn digest(token: &Token<'_>) -> Digest {
    let mut context = digest::Context::new(&SHA256);
    for part in [token.signed, ".", token.signature] {
        context.update(part.as_bytes());
    }
    let mut digest = [0; 32];
    let made = context.finish();
    digest
        .iter_mut()
        .zip(made.as_ref())
        .for_each(|(to, from)| *to = *from);
    digest
}

impl Key {
    fn read(key: Value) -> Option<Self> {
        let written: Written = serde_json::from_value(key).ok()?;
        let signs = written.purpose.is_none_or(|purpose| purpose == "sig")
            && written
                .key_ops
                .is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !signs {
            return None;
        }
        let bytes = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
        let point = |length: usize, x: Option<String>, y: Option<String>| {
            // Uncompressed, as SEC 1 writes it.
            let point = [vec![4], bytes(x)?, bytes(y)?].concat();
            (point.len() == 1 + 2 * length).then_some(point)
        };
        let material = match (written.kty.as_str(), written.crv.as_deref()) {
            ("RSA", _) => Material::Rsa {
                modulus: bytes(written.n)?,
                exponent: bytes(written.e)?,
            },
            ("EC", Some("P-256")) => {
                let point = point(32, written.x, written.y)?;
                Material::Curve(&ECDSA_P256_SHA256_FIXED, "ES256", point)
            }
            ("EC", Some("P-384")) => {
                let point = point(48, written.x, written.y)?;
                Material::Curve(&ECDSA_P384_SHA384_FIXED, "ES384", point)
            }
            ("OKP", Some("Ed25519")) => Material::Curve(&ED25519, "EdDSA", bytes(written.x)?),
            _ => return None,
        };
        Some(Self {
            id: written.kid,
            algorithm: written.alg,
            material,
        })
    }

    fn is_for(&self, algorithm: &str) -> bool {
        let own = match &self.material {
            Material::Rsa { .. } => rsa(algorithm).is_some(),
            Material::Curve(_, name, _) => *name == algorithm,
        };
        own && self
            .algorithm
            .as_deref()
            .is_none_or(|only| only == algorithm)
    }

    fn verifies(&self, algorithm: &str, signed: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { modulus, exponent } => rsa(algorithm).is_some_and(|parameters| {
                let key = RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                key.verify(parameters, signed, signature).is_ok()
            }),
            Material::Curve(curve, _, public) => {
                let key = UnparsedPublicKey::new(*curve, public);
                key.verify(signed, signature).is_ok()
            }
        }
    }
}

/// RSA signatures of at least 2048 bits (RFC 7518, sections 3.3 and 3.5).
fn rsa(algorithm: &str) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "PS384" => &RSA_PSS_2048_8192_SHA384,
        "PS512" => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// Why there are no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("not a JSON object with a list `keys` (RFC 7517)")]
    Shape,
    #[error("more than 64 keys or 256 KiB")]
    Size,
    #[error("no key of it verifies signatures (RSA, EC P-256 and P-384, Ed25519)")]
    Nothing,
    #[error("keys come over https, or over http from this machine")]
    Url,
    #[error("the system gives no certificates to trust")]
    Client,
}

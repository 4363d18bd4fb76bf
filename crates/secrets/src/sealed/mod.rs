//! Bitnami Sealed Secrets: made and opened offline, byte for byte as kubeseal and its controller do.
//!
//! # One item
//!
//! ```text
//! offset  size  content
//! 0       2     length k of the next field, unsigned, big endian
//! 2       k     RSA-OAEP (SHA-256, MGF1 with SHA-256, label) of a fresh 32-byte session key
//! 2+k     n     AES-256-GCM ciphertext under the session key; nonce of 12 zero bytes, no AAD
//! 2+k+n   16    its tag
//! ```
//!
//! in base64 (standard alphabet, padded). The zero nonce is safe because each session key encrypts one
//! message. The OAEP [`Label`] binds the item to `namespace/name`, to `namespace` or to nothing, by
//! [`Scope`]. The item's own name is **not** bound: whoever can write the manifest can swap items within it.
//! Source: `pkg/crypto/crypto.go` and `pkg/apis/sealedsecrets/v1alpha1` of sealed-secrets 0.40.
//!
//! # Small diffs
//!
//! Sealing is randomised, so sealing anew changes every ciphertext. [`SealRequest`] keeps an item of the
//! previous manifest while its [`Source`], the certificate and the label are what they were; where a source has no versions, while its
//! value is, which a [`DigestKey`] tells. How it knows, and why one changed value is one changed line, is said in [`provenance`].

mod backup;
mod certificate;
#[cfg(feature = "kube")]
mod controller;
mod digest;
#[cfg(feature = "folder")]
pub mod folder;
#[cfg(feature = "generate")]
mod generate;
mod item;
#[cfg(test)]
mod known_answer;
mod manifest;
mod merge;
mod private_key;
mod private_keys;
pub mod provenance;
mod provision;
mod public_key;
mod reseal;
mod scope;
mod seal;
mod unseal;
mod validate;
#[cfg(test)]
mod wycheproof;

pub use backup::{Backup, BackupError, BackupKey, KeyStatus};
pub use certificate::{Certificate, CertificateError};
#[cfg(feature = "kube")]
pub use controller::{Controller, ControllerError};
pub use digest::{DIGEST_KEY_BYTES, DigestKey, DigestKeyError};
#[cfg(feature = "generate")]
pub use generate::{Generate, GenerateError, Generated, KeyBits};
pub use item::{ItemError, MAX_ITEM_BYTES, MAX_VALUE_BYTES, OpenError, SealItemError, SealedItem};
pub use manifest::{ManifestItem, PatchError, SealedFile, SealedManifest};
pub use merge::MergeError;
pub use private_key::{PrivateKey, PrivateKeyError};
pub use private_keys::PrivateKeys;
pub use provenance::{Recorded, Source};
pub use provision::{
    Provision, ProvisionError, Provisioned, ReferencedError, ReferencedProblem,
    ReferencedProblemKind, ReferencedSecret, Values, provision,
};
pub use public_key::Fingerprint;
pub use reseal::{ResealFailure, ResealOutcome, ResealRequest, Resealed, ResealedItem};
pub use scope::{Label, LabelError, Scope, ScopeError};
#[cfg(feature = "kube")]
pub(crate) use seal::is_item_name;
pub use seal::{
    Action, CLIENT_APPLY_BYTES, Item, ItemOutcome, MAX_SECRET_BYTES, PlaintextError, Reason,
    SealError, SealRequest, SealedSecret, Warning,
};
pub use unseal::{UnsealError, UnsealErrorKind, UnsealedSecret};
pub use validate::{Check, Finding, Severity, Validator};

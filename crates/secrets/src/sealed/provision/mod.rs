//! From references to SealedSecrets in one call: every path read once, values sealed where they belong, and said what went
//! where from which version. Nothing here can print a value; what stays of it in git is said in [`provenance`](super::provenance).

mod referenced;

use std::collections::BTreeMap;

use narae_yaml::Value;
use thiserror::Error;

pub use self::referenced::{
    ReferencedError, ReferencedProblem, ReferencedProblemKind, ReferencedSecret, Values,
};
use super::{Certificate, Item, SealError, SealRequest, SealedSecret, Source};
use crate::lock::{Lock, LockedError};
use crate::reference::{FillError, Reference};
use crate::resolve::{Request, Resolved};
use crate::store::Store;

/// SealedSecrets, and what they were made from.
#[derive(Debug)]
#[non_exhaustive]
pub struct Provision {
    /// In the order of the Secrets that were asked for.
    pub secrets: Vec<Provisioned>,
    /// The values that were read, for a [guard](crate::guard) to know.
    pub resolved: Resolved,
    /// What was locked before, and what was read now.
    pub lock: Lock,
}

/// One Secret, sealed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Provisioned {
    /// The manifest, and what was done for each item.
    pub sealed: SealedSecret,
    /// Of each item the references its value came from, pinned to the version that was read where the store has versions.
    pub origins: BTreeMap<String, Vec<Reference>>,
}

/// Why nothing was sealed. Names references and places, never values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// A reference has no value, or another than was locked.
    #[error(transparent)]
    Locked(#[from] LockedError),
    /// A text cannot be filled.
    #[error("{place}: {cause}")]
    Fill {
        /// Where it stands.
        place: String,
        /// Why.
        cause: FillError,
    },
    /// A Secret cannot be sealed.
    #[error("cannot seal {secret}: {cause}")]
    Seal {
        /// Its namespace and name.
        secret: String,
        /// Why.
        cause: SealError,
    },
}

/// Reads what the Secrets refer to, once for each path, and seals them for `certificate`. Pass `Lock::default()` for no lock.
///
/// # Errors
///
/// [`ProvisionError`]; nothing is sealed then.
///
/// ```
/// use narae_secrets::SecretBytes;
/// use narae_secrets::lock::Lock;
/// use narae_secrets::sealed::{Certificate, ReferencedSecret, Values, provision};
/// use narae_secrets::store::{Cas, Store as _, memory::MemoryStore};
///
/// let store = MemoryStore::new("main");
/// let data = [("password".to_owned(), SecretBytes::from("pa55".to_owned()))].into();
/// store.write(&"kv/shop".parse()?, &data, Cas::Any)?;
/// let secret = narae_yaml::read_one("
/// apiVersion: v1
/// kind: Secret
/// metadata: {name: db, namespace: shop}
/// stringData:
///   url: postgres://app:${ref+vault://main/kv/shop#/password}@db
/// ")?;
/// # let pem = include_bytes!("../../../tests/data/keys/2048.crt");
/// let certificate = Certificate::from_pem(pem)?;
///
/// let referenced = ReferencedSecret::read(&secret, Values::Interpolated, |path| format!("db.yaml, {path}"))?;
/// let done = provision(&[referenced], &[&store], &Lock::default(), &certificate)?;
/// println!("{}", done.secrets[0].sealed.to_yaml());
/// assert_eq!(done.secrets[0].origins["url"][0].to_string(), "ref+vault://main/kv/shop?version=1#/password");
/// assert_eq!(done.lock.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn provision(
    secrets: &[ReferencedSecret<'_>],
    stores: &[&dyn Store],
    lock: &Lock,
    certificate: &Certificate,
) -> Result<Provision, ProvisionError> {
    let requests: Vec<Request> = secrets
        .iter()
        .flat_map(ReferencedSecret::requests)
        .collect();
    let resolved = lock.resolve(&requests, stores)?;
    let sealed = secrets
        .iter()
        .map(|secret| secret.seal(&resolved, certificate));
    Ok(Provision {
        secrets: sealed.collect::<Result<_, _>>()?,
        lock: lock.clone().with(&resolved),
        resolved,
    })
}

impl ReferencedSecret<'_> {
    /// Seals it with values that were read for its [requests](Self::requests): for whoever reads once and seals more often.
    ///
    /// # Errors
    ///
    /// [`ProvisionError`], as for [`provision`].
    pub fn seal(
        &self,
        resolved: &Resolved,
        certificate: &Certificate,
    ) -> Result<Provisioned, ProvisionError> {
        let (mut items, mut origins) = (Vec::new(), BTreeMap::new());
        for (name, item) in &self.items {
            let value = item.text.fill(resolved);
            let value = value.map_err(|cause| ProvisionError::Fill {
                place: item.place.clone(),
                cause,
            })?;
            let source = Source::of_text(&item.text, resolved);
            items.push(Item::new(name.clone(), value, source));
            let read = item.text.references().map(|reference| {
                let version = resolved.get(reference).and_then(|found| found.version);
                version.map_or_else(|| reference.clone(), |version| reference.pinned(version))
            });
            origins.insert(name.clone(), read.collect());
        }
        let sealed = SealRequest::new(self.manifest, items)
            .with_previous(self.previous)
            .with_digest_key(self.digest_key)
            .seal(certificate);
        let sealed = sealed.map_err(|cause| ProvisionError::Seal {
            secret: self.name(),
            cause,
        })?;
        Ok(Provisioned { sealed, origins })
    }

    fn name(&self) -> String {
        let field = |name| {
            let metadata = self.manifest.get("metadata");
            metadata
                .and_then(|metadata| metadata.get(name))
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        format!("{}/{}", field("namespace"), field("name"))
    }
}

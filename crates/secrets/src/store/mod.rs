//! Where secrets are kept: one small trait, and the stores that implement it.
//!
//! | store | feature | what it is |
//! |---|---|---|
//! | [`memory::MemoryStore`] | – | tests and demonstrations |
//! | `file::FileStore` | `file` | one encrypted file; the default that needs no server |
//! | `kubernetes::KubernetesSecrets` | `kube` | the Secrets of a cluster, the newest version of each |
//! | `openbao::OpenBao` | `vault` | OpenBao or Vault, KV versions 1 and 2 |
//!
//! The trait is blocking and object safe. Its semantics are those of the KV engine, version 2: a
//! path holds numbered versions that start at 1 and never change once written; a version may be
//! deleted (its number stays taken) or destroyed (its data is gone for good); a write may demand
//! which version it replaces.

pub mod contents;
mod error;
#[cfg(feature = "file")]
pub mod file;
#[cfg(feature = "kube")]
pub mod kubernetes;
pub mod memory;
#[cfg(feature = "vault")]
pub mod openbao;
mod path;
mod secret;

pub use error::{BrowserFailure, StoreError, StoreErrorKind};
pub use path::{MAX_PATH_BYTES, MountPath, PathError, SecretPath};
pub use secret::{Cas, Metadata, Secret, SecretData, Version, VersionState};

/// Reads and, where the store can, writes secrets by path and version.
///
/// A store that cannot do one of the optional operations leaves its default, which answers
/// [`StoreErrorKind::Unsupported`].
pub trait Store: Send + Sync {
    /// The name references use for this store (`ref+vault://NAME/…`).
    fn name(&self) -> &str;

    /// The secret at `path`: the given version, or the newest.
    ///
    /// # Errors
    ///
    /// [`StoreError`], whose kind tells a missing path from a missing, deleted or destroyed
    /// version, and a refusal from a store that cannot be reached.
    fn read(&self, path: &SecretPath, version: Option<Version>) -> Result<Secret, StoreError>;

    /// Writes a new version and returns its number.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::CasMismatch`] when `cas` is not met: nothing was written then.
    fn write(&self, path: &SecretPath, data: &SecretData, cas: Cas) -> Result<Version, StoreError> {
        let _ = (data, cas);
        Err(StoreError::unsupported(self.name(), path, "writing"))
    }

    /// Every path at or below `prefix`, in order; all paths without one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as for [`read`](Self::read). No match is an empty list, not an error.
    fn list(&self, prefix: Option<&SecretPath>) -> Result<Vec<SecretPath>, StoreError> {
        Err(StoreError::new(
            StoreErrorKind::Unsupported {
                operation: "listing",
            },
            self.name(),
            prefix,
        ))
    }

    /// The versions a path has, without their data.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::NotFound`] when the path never held a secret.
    fn metadata(&self, path: &SecretPath) -> Result<Metadata, StoreError> {
        Err(StoreError::unsupported(self.name(), path, "metadata"))
    }
}

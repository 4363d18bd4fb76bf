//! References as argocd-vault-plugin and vals write them, read for one of our stores.
//!
//! Neither names a store as ours do: the caller says which one is meant, so that moving to this crate needs no manifest to be
//! rewritten first. Parameters that choose a server or a credential are refused by name, as in our own.

use super::{Decode, MAX_REFERENCE_BYTES, Reference, ReferenceError, SCHEME, is_store_name};
use crate::store::Version;

impl Reference {
    /// Reads `<path:mount/data/path#key>` or `<path:mount/data/path#key#version>`, argocd-vault-plugin's placeholder.
    ///
    /// Its path is that of the HTTP API; of KV version 2, `data` as the second segment, behind the mount, is not part of ours,
    /// and further on it is refused: how long the mount is, only the server knows. The
    /// modifier `| base64decode` is read, others are not.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`], as for our own.
    ///
    /// ```
    /// use narae_secrets::reference::Reference;
    ///
    /// let reference = Reference::from_placeholder("<path:kv/data/shop/db#password#3>", "main")?;
    /// assert_eq!(reference.to_string(), "ref+vault://main/kv/shop/db?version=3#/password");
    /// # Ok::<(), narae_secrets::reference::ReferenceError>(())
    /// ```
    pub fn from_placeholder(text: &str, store: &str) -> Result<Self, ReferenceError> {
        if text.len() > MAX_REFERENCE_BYTES {
            return Err(ReferenceError::TooLong);
        }
        let text = text.trim().strip_prefix("<path:");
        let text = text.and_then(|text| text.strip_suffix('>'));
        let text = text.ok_or(ReferenceError::Scheme)?;
        let (text, decode) = match text.split_once('|') {
            None => (text, Decode::Plain),
            Some((text, modifier)) if modifier.trim() == "base64decode" => (text, Decode::Base64),
            Some(_) => return Err(ReferenceError::Decode),
        };
        let mut parts = text.split('#').map(str::trim);
        let path = parts.next().unwrap_or_default();
        let key = parts.next().unwrap_or_default();
        let version = parts.next().map(|digits| {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.parse().ok().filter(|_| is_number);
            number.and_then(Version::new).ok_or(ReferenceError::Version)
        });
        if parts.next().is_some() {
            return Err(ReferenceError::Version);
        }
        let mut segments: Vec<&str> = path.split('/').collect();
        match segments.iter().skip(1).position(|part| *part == "data") {
            None => {}
            Some(0) => drop(segments.remove(1)),
            Some(_) => return Err(ReferenceError::AmbiguousData),
        }
        Self {
            store: store.to_owned(),
            path: segments.join("/").parse()?,
            version: version.transpose()?,
            decode,
            key: key.to_owned(),
        }
        .checked()
    }

    /// Reads `ref+vault://mount/path?version=N#/key` or `ref+openbao://…` as vals does: the first segment is the mount.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`], as for our own; [`ReferenceError::ForbiddenParameter`] for `address`, `token_env` and the
    /// others by which vals' references choose where the token goes.
    ///
    /// ```
    /// use narae_secrets::reference::Reference;
    ///
    /// let reference = Reference::from_vals("ref+openbao://kv/shop/db?version=3#/password", "main")?;
    /// assert_eq!(reference.to_string(), "ref+vault://main/kv/shop/db?version=3#/password");
    /// assert!(Reference::from_vals("ref+vault://kv/a?address=https://evil.example#/k", "main").is_err());
    /// # Ok::<(), narae_secrets::reference::ReferenceError>(())
    /// ```
    pub fn from_vals(text: &str, store: &str) -> Result<Self, ReferenceError> {
        let rest = text
            .strip_prefix(SCHEME)
            .or_else(|| text.strip_prefix("ref+openbao://"));
        let rest = rest.ok_or(ReferenceError::Scheme)?;
        if !is_store_name(store) {
            return Err(ReferenceError::Store);
        }
        format!("{SCHEME}{store}/{rest}").parse()
    }
}

//! Response wrapping: an answer is kept by the server, and a token that opens it once is given instead.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::OpenBao;
use super::answer::Answer;
use super::auth;
use super::connection::Connection;
use super::kv::text;
use super::request::Request;
use crate::SecretBytes;
use crate::store::{Secret, SecretData, SecretPath, StoreError, StoreErrorKind, Version};

/// A wrapping token.
#[derive(Debug)]
#[non_exhaustive]
pub struct Wrapped {
    /// Opens what was wrapped, once. Whoever has it, has it.
    pub token: SecretBytes,
    /// How long it can be opened.
    pub ttl: Duration,
    /// What was asked for when it was made: `secret/data/shop`.
    pub creation_path: String,
}

#[derive(Serialize)]
struct Token<'a> {
    token: &'a str,
}

impl OpenBao {
    /// Wraps a secret as [`Store::read`](crate::store::Store::read) would give it; open it by [`unwrap_secret`](Self::unwrap_secret).
    ///
    /// # Errors
    ///
    /// As for a read, except that what is missing, deleted or destroyed may be wrapped as such.
    pub fn read_wrapped(
        &self,
        path: &SecretPath,
        version: Option<Version>,
        ttl: Duration,
    ) -> Result<Wrapped, StoreError> {
        let read = || {
            let request = self.read_request(path, version)?.wrapped(ttl).once();
            self.send("", &request)?.wrapped()
        };
        read().map_err(|kind| self.error(kind, Some(path)))
    }

    /// Wraps values of the caller's own; open them by [`unwrap`](Self::unwrap).
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Refused`] for a value that is not UTF-8; else as for any request.
    pub fn wrap(&self, data: &SecretData, ttl: Duration) -> Result<Wrapped, StoreError> {
        let wrap = || {
            let texts: Result<std::collections::BTreeMap<_, _>, _> = data
                .iter()
                .map(|(key, value)| Ok((key.as_str(), text(key, value)?)))
                .collect();
            let request = Request::post(&["sys/wrapping/wrap"], &texts?)?.wrapped(ttl);
            self.send("sys", &request)?.wrapped()
        };
        wrap().map_err(|kind| self.error(kind, None))
    }

    /// Opens a wrapping token; it opens once. No other token is needed.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::WrapInvalid`] when it was opened before, has ended, or never was: who opened it is worth finding out.
    pub fn unwrap(&self, token: &SecretBytes) -> Result<SecretData, StoreError> {
        self.opened(token, Answer::plain_secret)
    }

    /// As [`unwrap`](Self::unwrap), of a secret of KV version 2 with its version.
    ///
    /// # Errors
    ///
    /// As for [`unwrap`](Self::unwrap).
    pub fn unwrap_secret(&self, token: &SecretBytes) -> Result<Secret, StoreError> {
        self.opened(token, Answer::versioned_secret)
    }

    /// What a wrapping token was made for, without opening it: `auth/approle/role/shop/secret-id`. Look before opening: somebody
    /// may have put a token of theirs in its place.
    ///
    /// # Errors
    ///
    /// As for [`unwrap`](Self::unwrap).
    pub fn wrapping_path(&self, token: &SecretBytes) -> Result<String, StoreError> {
        auth::checked("the wrapping token", token)
            .and_then(|token| {
                self.connection
                    .wrapping_path(self.namespace.as_deref(), &token)
            })
            .map_err(|kind| self.error(kind, None))
    }

    fn opened<T>(
        &self,
        token: &SecretBytes,
        read: impl FnOnce(&Answer) -> Result<T, StoreErrorKind>,
    ) -> Result<T, StoreError> {
        auth::checked("the wrapping token", token)
            .and_then(|token| self.connection.unwrap(self.namespace.as_deref(), &token))
            .and_then(|answer| read(&answer))
            .map_err(|kind| self.error(kind, None))
    }
}

impl Connection {
    /// As the wrapping token itself: no other is needed.
    pub(super) fn unwrap(
        &self,
        namespace: Option<&str>,
        token: &SecretBytes,
    ) -> Result<Answer, StoreErrorKind> {
        let nothing = std::collections::BTreeMap::<&str, &str>::new();
        let request = Request::post(&["sys/wrapping/unwrap"], &nothing)?;
        let answer = self.send_as(namespace, Some(token), &request)?;
        self.opens(namespace, &request, &answer)?;
        Ok(answer)
    }

    pub(super) fn wrapping_path(
        &self,
        namespace: Option<&str>,
        token: &SecretBytes,
    ) -> Result<String, StoreErrorKind> {
        #[derive(Deserialize)]
        struct Looked {
            #[serde(default)]
            creation_path: String,
        }
        let token = str::from_utf8(token.expose()).map_err(|_| StoreErrorKind::WrapInvalid)?;
        let request = Request::post(&["sys/wrapping/lookup"], &Token { token })?.repeatable();
        let answer = self.send_as(namespace, None, &request)?;
        self.opens(namespace, &request, &answer)?;
        answer.data::<Looked>().map(|looked| looked.creation_path)
    }

    fn opens(
        &self,
        namespace: Option<&str>,
        request: &Request,
        answer: &Answer,
    ) -> Result<(), StoreErrorKind> {
        use StoreErrorKind as K;
        match answer.check(&self.asked(namespace, request)) {
            Err(K::Server { status: 400 } | K::PermissionDenied { .. } | K::NotFound) => {
                Err(K::WrapInvalid)
            }
            checked => checked,
        }
    }
}

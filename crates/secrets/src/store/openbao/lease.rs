//! Dynamic credentials: made when read, valid as long as their lease.

use std::time::Duration;

use serde::Serialize;

use super::OpenBao;
use super::request::Request;
use crate::store::{SecretData, SecretPath, StoreError, StoreErrorKind};

/// Credentials and how long they last. User and password come from one answer, so they belong together.
#[derive(Debug)]
#[non_exhaustive]
pub struct Leased {
    /// Keys and values: of a database, `username` and `password`.
    pub data: SecretData,
    /// Their lease.
    pub lease: Lease,
}

/// How long something lasts. What goes by its id can be renewed and revoked by whoever a policy lets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// `database/creds/shop/…`
    pub id: String,
    /// From when it was got or renewed.
    pub duration: Duration,
    /// Whether it can be renewed.
    pub renewable: bool,
}

#[derive(Serialize)]
struct Named<'a> {
    lease_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    increment: Option<u64>,
}

impl OpenBao {
    /// New credentials from any engine that makes some at a path that is read: `database/creds/shop`. Each call makes others,
    /// so it is never repeated when an answer is lost.
    ///
    /// # Errors
    ///
    /// [`StoreError`] as for any read; [`StoreErrorKind::UnexpectedAnswer`] when nothing is leased there.
    pub fn credentials(&self, path: &SecretPath) -> Result<Leased, StoreError> {
        let read = || {
            let request = Request::get(&[path.as_str()]).once();
            let mount = path.segments().next().unwrap_or_default();
            self.send(mount, &request)?.leased()
        };
        read().map_err(|kind| self.error(kind, Some(path)))
    }

    /// Asks for `increment` from now on; the server decides, and says in the lease that comes back.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::LeaseNotFound`] when it has ended or was revoked, [`StoreErrorKind::NotRenewable`].
    pub fn renew(&self, lease: &Lease, increment: Duration) -> Result<Lease, StoreError> {
        let renew = || {
            if !lease.renewable {
                return Err(StoreErrorKind::NotRenewable);
            }
            let body = Named {
                lease_id: &lease.id,
                increment: Some(increment.as_secs()),
            };
            let request = Request::post(&["sys/leases/renew"], &body)?.repeatable();
            self.send("sys", &request)?.lease()
        };
        renew().map_err(|kind| self.lease_error(kind, lease))
    }

    /// Ends a lease: its credentials are worth nothing when this returns.
    ///
    /// # Errors
    ///
    /// When the server cannot be told. A lease that has ended already is none.
    pub fn revoke(&self, lease: &Lease) -> Result<(), StoreError> {
        #[derive(Serialize)]
        struct Revoke<'a> {
            lease_id: &'a str,
            sync: bool,
        }
        let revoke = || {
            let body = Revoke {
                lease_id: &lease.id,
                sync: true,
            };
            let request = Request::post(&["sys/leases/revoke"], &body)?.repeatable();
            match self.send("sys", &request) {
                Ok(_) | Err(StoreErrorKind::LeaseNotFound) => Ok(()),
                Err(kind) => Err(kind),
            }
        };
        revoke().map_err(|kind| self.lease_error(kind, lease))
    }

    fn lease_error(&self, kind: StoreErrorKind, lease: &Lease) -> StoreError {
        self.error(kind, lease.id.parse().ok().as_ref())
    }
}

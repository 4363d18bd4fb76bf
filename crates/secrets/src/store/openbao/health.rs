//! How a server is, as `sys/health` says, which needs no token.
//!
//! The status carries the state (200 active, 429 standby, 472 and 473 replicas, 501 not initialised, 503 sealed), the body
//! details that differ between servers and versions: none of them must be there.

use serde::Deserialize;

use super::OpenBao;
use super::answer::Answer;
use super::request::Request;
use crate::store::{StoreError, StoreErrorKind};

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Whether it serves.
    pub state: ServerState,
    /// `2.7.2`, where it says.
    pub version: Option<String>,
    /// The name of its cluster, where it says.
    pub cluster: Option<String>,
}

/// Whether a server serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerState {
    /// It serves.
    Active,
    /// It passes requests on to the active one.
    Standby,
    /// It reads by itself and passes writes on (Vault Enterprise).
    PerformanceStandby,
    /// It waits for a disaster (Vault Enterprise).
    DisasterRecovery,
    /// It must be unsealed.
    Sealed,
    /// It must be initialised.
    Uninitialized,
}

impl Health {
    /// Reads an answer of `sys/health`.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Server`] when the status is none of those; [`StoreErrorKind::Redirected`].
    pub fn of(answer: &Answer) -> Result<Self, StoreErrorKind> {
        #[derive(Deserialize, Default)]
        struct Part {
            version: Option<String>,
            cluster_name: Option<String>,
        }
        let state = match answer.status {
            200 => ServerState::Active,
            429 => ServerState::Standby,
            472 => ServerState::DisasterRecovery,
            473 => ServerState::PerformanceStandby,
            501 => ServerState::Uninitialized,
            503 => ServerState::Sealed,
            status @ 300..=399 => return Err(StoreErrorKind::Redirected { status }),
            status => return Err(StoreErrorKind::Server { status }),
        };
        let Ok(part) = serde_json::from_slice::<Part>(&answer.body) else {
            let reason = "not the health of a server";
            return Err(StoreErrorKind::UnexpectedAnswer { reason });
        };
        Ok(Self {
            state,
            version: part.version,
            cluster: part.cluster_name,
        })
    }
}

impl OpenBao {
    /// How the server is. Asked once: a server that does not serve is an answer.
    ///
    /// # Errors
    ///
    /// When it does not answer, or something else answers in its place.
    pub fn health(&self) -> Result<Health, StoreError> {
        let transport = &self.connection.transport;
        let sent = transport.send(
            None,
            None,
            &Request::get(&["sys/health"]),
            transport.timeout,
        );
        sent.map_err(|failure| transport.kind(failure))
            .and_then(|answer| Health::of(&answer))
            .map_err(|kind| self.error(kind, None))
    }
}

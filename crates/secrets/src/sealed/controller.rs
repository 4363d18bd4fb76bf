//! The controller's certificate and keys, through the API server. Decides nothing: what is read, [`Certificate`]
//! and [`Backup`] make of it.
//!
//! The certificate takes the way kubeseal takes: the Service's first port, then the API server's proxy to
//! `/v1/cert.pem`, which every authenticated user may call with the role that comes with the controller. The keys
//! are Secrets in its namespace; whoever may read those can open everything.
//!
//! Every call has one time limit for all of it and answers a size limit. Redirects are not followed. The client, with its
//! addresses and credentials, is the caller's.

use std::time::Duration;

use http::Request;
use kube::Client;
use kube::client::Body;
use thiserror::Error;
use zeroize::Zeroizing;

use super::backup::KEY_LABEL;
use super::{Backup, BackupError, Certificate, CertificateError};
use crate::api_server::{ApiServer, Failure};

/// Where the controller is by its own manifests.
const NAMESPACE: &str = "kube-system";
const SERVICE: &str = "sealed-secrets-controller";

/// The sealed-secrets controller of a cluster.
#[derive(Clone)]
pub struct Controller {
    server: ApiServer,
    namespace: String,
    service: String,
}

/// Why the controller gave no answer. Holds nothing of an answer's body.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ControllerError {
    /// A namespace, service or port that cannot be one.
    #[error("{0:?} cannot be the name of a namespace, a service or a port")]
    Name(String),
    /// No connection, or it broke.
    #[error("the API server cannot be reached: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The answer is too large.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The credentials were refused.
    #[error("not allowed to {0}; check the credentials and the role of this user")]
    Forbidden(String),
    /// There is no such thing.
    #[error("cannot {0}: not found; name the controller's namespace and service")]
    NotFound(String),
    /// Another status.
    #[error("cannot {what}: the API server answered {status}")]
    Status {
        /// What was tried.
        what: String,
        /// The HTTP status code.
        status: u16,
    },
    /// The answer is not what it should be.
    #[error("cannot {what}: {reason}")]
    Answer {
        /// What was tried.
        what: String,
        /// What is wrong with the answer.
        reason: &'static str,
    },
    /// What the controller gave is no usable certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// What the Secrets hold is no usable key.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

impl Controller {
    /// The controller where its own manifests put it: `sealed-secrets-controller` in `kube-system`.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            server: ApiServer::new(client),
            namespace: NAMESPACE.to_owned(),
            service: SERVICE.to_owned(),
        }
    }

    /// Another namespace.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Another name of its Service; the Helm chart's is `sealed-secrets`.
    #[must_use]
    pub fn with_service(mut self, service: impl Into<String>) -> Self {
        self.service = service.into();
        self
    }

    /// Longest wait for a whole call.
    #[must_use]
    pub fn with_timeout(mut self, limit: Duration) -> Self {
        self.server.timeout = limit;
        self
    }

    /// Largest answer to read, in bytes.
    #[must_use]
    pub fn with_max_answer_bytes(mut self, limit: usize) -> Self {
        self.server.max_answer_bytes = limit;
        self
    }

    /// The certificate it seals with, and the PEM it gave.
    ///
    /// # Errors
    ///
    /// [`ControllerError`]. The dates are not looked at here, see [`Certificate::check_valid_at`].
    pub async fn certificate(&self) -> Result<(Certificate, String), ControllerError> {
        self.in_time(async {
            let (namespace, service) = (name(&self.namespace)?, name(&self.service)?);
            let services = format!("/api/v1/namespaces/{namespace}/services");
            let what = format!("read the Service {namespace}/{service}");
            let answer = self.get(&format!("{services}/{service}"), &what).await?;
            let port = first_port(&answer).ok_or(ControllerError::Answer {
                what,
                reason: "it is no Service with a port",
            })?;
            if !port.is_empty() {
                name(&port)?;
            }
            let what = format!("fetch the certificate from {namespace}/{service}");
            let proxy = format!("{services}/http:{service}:{port}/proxy/v1/cert.pem");
            let answer = self.get(&proxy, &what).await?;
            let certificate = Certificate::from_pem(&answer)?;
            Ok((certificate, String::from_utf8_lossy(&answer).into_owned()))
        })
        .await
    }

    /// Its keys: all Secrets in its namespace that have their label. One from before there were labels is not
    /// found.
    ///
    /// # Errors
    ///
    /// [`ControllerError`].
    pub async fn keys(&self) -> Result<Backup, ControllerError> {
        self.in_time(async {
            let namespace = name(&self.namespace)?;
            let selector = KEY_LABEL.replace('/', "%2F");
            let path = format!("/api/v1/namespaces/{namespace}/secrets?labelSelector={selector}");
            let what = format!("read the keys in namespace {namespace}");
            Ok(Backup::read(&self.get(&path, &what).await?)?)
        })
        .await
    }

    async fn in_time<T>(
        &self,
        call: impl Future<Output = Result<T, ControllerError>>,
    ) -> Result<T, ControllerError> {
        let late = |failure| self.error(failure);
        self.server.in_time(call, late).await
    }

    async fn get(&self, path: &str, what: &str) -> Result<Zeroizing<Vec<u8>>, ControllerError> {
        let request = Request::get(path)
            .body(Body::empty())
            .map_err(|_| ControllerError::Name(path.to_owned()))?;
        let sent = self.server.send(request).await;
        let answer = sent.map_err(|failure| self.error(failure))?;
        let what = what.to_owned();
        match answer.status {
            200 => Ok(answer.body),
            401 | 403 => Err(ControllerError::Forbidden(what)),
            404 => Err(ControllerError::NotFound(what)),
            status => Err(ControllerError::Status { what, status }),
        }
    }

    fn error(&self, failure: Failure) -> ControllerError {
        match failure {
            Failure::Unreachable(cause) | Failure::Untrusted(cause) => {
                ControllerError::Unreachable(cause)
            }
            Failure::Timeout => ControllerError::Timeout(self.server.timeout),
            Failure::TooLarge => ControllerError::TooLarge(self.server.max_answer_bytes),
        }
    }
}

impl std::fmt::Debug for Controller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controller")
            .field("namespace", &self.namespace)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

/// Only names that need no escaping in a path: anything else would be another path.
fn name(name: &str) -> Result<&str, ControllerError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > 63 || !name.bytes().all(allowed) {
        return Err(ControllerError::Name(name.chars().take(80).collect()));
    }
    Ok(name)
}

/// `spec.ports[0].name`; empty for a port without a name.
fn first_port(service: &[u8]) -> Option<String> {
    let service: serde_json::Value = serde_json::from_slice(service).ok()?;
    let port = service.get("spec")?.get("ports")?.get(0)?;
    let name = port.get("name").and_then(serde_json::Value::as_str);
    Some(name.unwrap_or_default().to_owned())
}

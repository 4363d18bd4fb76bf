//! Kubernetes Secrets as a store: a path is `NAMESPACE/NAME`, a key is a key of the Secret's `data`.
//!
//! # What a version is here
//!
//! Kubernetes keeps one state of an object, so there is one version: the newest. Its number is the object's
//! `metadata.resourceVersion`, which the API promises to be a decimal number that rises (Kubernetes 1.35, KEP-5504; servers
//! before did the same). It rises with every change, of a label too, and by more than one. So:
//!
//! - to read a version means "if it is still this one"; any other is [`StoreErrorKind::VersionNotFound`];
//! - [`Cas::Version`] is a precondition that the API server checks, and loses no write of another;
//! - a lock file tells that a Secret was changed, but cannot bring back what it held;
//! - the stamp is the object's `uid`: a Secret that was deleted and made anew is another one.
//!
//! # What a write does
//!
//! It replaces `data` as a whole, by a JSON patch (RFC 6902), and nothing else: labels, annotations and type stay. A Secret that is
//! not there is made, of type `Opaque`. Values go out as they are, whatever bytes.
//!
//! # Limits
//!
//! Each operation has one time limit for all its requests, each answer a size limit; redirects are not followed. Listings and
//! metadata ask for metadata only: no value crosses the network for them. Addresses, credentials and trusted
//! certificates are those of the [`kube::Config`]; an error shows nothing of an answer.

pub mod answer;
mod request;

use std::fmt;
use std::time::Duration;

use http::HeaderValue;
use kube::Client;
use secrecy::ExposeSecret as _;

use self::answer::Refusal;
use self::request::{Accept, Place};
use super::{
    Cas, Metadata, Secret, SecretData, SecretPath, Store, StoreError, StoreErrorKind, Version,
};
use crate::api_server::{Answer, ApiServer, Failure};
use crate::network::Waiting;

/// Most Secrets that one listing looks at.
const MAX_LISTED: usize = 100_000;
/// How often a write is tried when the Secret comes and goes meanwhile.
const ATTEMPTS: u32 = 3;

/// The Secrets of a cluster, as a [`Store`].
///
/// ```no_run
/// use narae_secrets::store::{Store as _, kubernetes::KubernetesSecrets};
///
/// // Within a pod; elsewhere of a kubeconfig.
/// let store = KubernetesSecrets::connect("cluster", kube::Config::incluster()?)?;
/// let secret = store.read(&"shop/db".parse()?, None)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KubernetesSecrets {
    name: String,
    address: String,
    // INVARIANT: dropped before the runtime it lives in.
    server: ApiServer,
    waiting: Waiting,
}

impl KubernetesSecrets {
    /// Prepares the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Configuration`] when the client cannot be made of `config`.
    pub fn connect(name: impl Into<String>, mut config: kube::Config) -> Result<Self, StoreError> {
        let name = name.into();
        // Sent again after an error, a write that was carried out would fail its own precondition.
        config.default_retry = false;
        let configuration =
            |reason: String| StoreError::new(StoreErrorKind::Configuration { reason }, &name, None);
        let address = config.cluster_url.to_string();
        // kube would panic.
        let token = config.auth_info.token.as_ref();
        if token.is_some_and(|token| HeaderValue::from_str(token.expose_secret()).is_err()) {
            let reason = "the token of this configuration has characters that cannot be sent";
            return Err(configuration(reason.to_owned()));
        }
        let waiting = Waiting::new()
            .map_err(|error| configuration(format!("no runtime for network requests: {error}")))?;
        let client = {
            let _here = waiting.enter();
            // The cause may quote a credential.
            Client::try_from(config).map_err(|_| {
                configuration(
                    "no client can be made of this configuration; check certificates, keys and proxy"
                        .to_owned(),
                )
            })?
        };
        Ok(Self {
            name,
            address: address.trim_end_matches('/').to_owned(),
            server: ApiServer::new(client),
            waiting,
        })
    }

    /// Longest wait for a whole operation.
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

    /// Waits for `work`, and says of what fails where it was and what to try.
    fn wait<T>(
        &self,
        path: Option<&SecretPath>,
        work: impl Future<Output = Result<T, StoreErrorKind>>,
    ) -> Result<T, StoreError> {
        let late = |failure| self.kind(failure);
        let done = self.waiting.on(self.server.in_time(work, late));
        done.unwrap_or(Err(StoreErrorKind::InsideRuntime))
            .map_err(|kind| answer::error(kind, &self.name, path))
    }

    async fn ask(
        &self,
        request: http::Request<kube::client::Body>,
    ) -> Result<Answer, StoreErrorKind> {
        let sent = self.server.send(request).await;
        sent.map_err(|failure| self.kind(failure))
    }

    fn kind(&self, failure: Failure) -> StoreErrorKind {
        let address = self.address.clone();
        match failure {
            Failure::Unreachable(_) => StoreErrorKind::Unreachable { address },
            Failure::Untrusted(_) => StoreErrorKind::Untrusted { address },
            Failure::Timeout => StoreErrorKind::Timeout {
                address,
                limit: self.server.timeout,
            },
            Failure::TooLarge => StoreErrorKind::TooLarge {
                limit_bytes: self.server.max_answer_bytes,
            },
        }
    }

    async fn get(&self, place: &Place<'_>, accept: Accept) -> Result<Answer, StoreErrorKind> {
        let answer = self.ask(request::get(&place.secret(), accept)?).await?;
        match answer.refusal() {
            None => Ok(answer),
            Some(Refusal::Missing) => Err(self.missing(place).await),
            Some(refusal) => Err(refusal.kind("get", &place.secret())),
        }
    }

    /// The API server answers the same for a missing Secret and a missing namespace. Whoever may not look for the
    /// namespace learns no more.
    async fn missing(&self, place: &Place<'_>) -> StoreErrorKind {
        let Ok(request) = request::get(&place.namespace(), Accept::Metadata) else {
            return StoreErrorKind::NotFound;
        };
        match self.ask(request).await {
            Ok(answer) if answer.status == 404 => place.no_namespace(),
            _ => StoreErrorKind::NotFound,
        }
    }

    async fn metadata_at(&self, place: &Place<'_>) -> Result<Metadata, StoreErrorKind> {
        self.get(place, Accept::Metadata).await?.metadata()
    }

    async fn write_at(
        &self,
        place: &Place<'_>,
        data: &SecretData,
        cas: Cas,
    ) -> Result<Version, StoreErrorKind> {
        let mismatch = |current, expected| StoreErrorKind::CasMismatch { current, expected };
        let expected = match cas {
            Cas::Version(version) => Some(version),
            _ => None,
        };
        for _ in 0..ATTEMPTS {
            if cas != Cas::Absent {
                let answer = self.ask(request::replace(place, data, expected)?).await?;
                match answer.refusal() {
                    None => return answer.written_version(),
                    Some(Refusal::Missing) if expected.is_none() => {}
                    Some(Refusal::Missing) => {
                        return Err(match self.missing(place).await {
                            StoreErrorKind::NotFound => mismatch(None, expected),
                            kind => kind,
                        });
                    }
                    // Not by us: without a precondition the API server merges by itself, and gives up at last.
                    Some(Refusal::Conflict) if expected.is_none() => continue,
                    Some(Refusal::Conflict) => {
                        return Err(mismatch(self.current(place).await, expected));
                    }
                    Some(refusal) => return Err(refusal.kind("patch", &place.secret())),
                }
            }
            let answer = self.ask(request::create(place, data)?).await?;
            match answer.refusal() {
                None => return answer.written_version(),
                Some(Refusal::Missing) => return Err(place.no_namespace()),
                Some(Refusal::Conflict) if cas == Cas::Any => {}
                Some(Refusal::Conflict) => {
                    return Err(mismatch(self.current(place).await, None));
                }
                Some(refusal) => return Err(refusal.kind("create", &place.secrets())),
            }
        }
        Err(StoreErrorKind::Server { status: 409 })
    }

    /// The newest version, for whoever may look.
    async fn current(&self, place: &Place<'_>) -> Option<Version> {
        Some(self.metadata_at(place).await.ok()?.current)
    }

    async fn list_at(&self, folder: &str) -> Result<Vec<SecretPath>, StoreErrorKind> {
        let (mut paths, mut next) = (Vec::new(), String::new());
        loop {
            let answer = self.ask(request::list(folder, &next)?).await?;
            if let Some(refusal) = answer.refusal() {
                return Err(refusal.kind("list", folder));
            }
            let page = answer.page()?;
            paths.extend(page.paths);
            if paths.len() > MAX_LISTED {
                return Err(StoreErrorKind::Refused {
                    reason: format!("a listing of more than {MAX_LISTED} Secrets"),
                });
            }
            if page.next.is_empty() || page.next == next {
                break;
            }
            next = page.next;
        }
        paths.sort();
        Ok(paths)
    }
}

impl Store for KubernetesSecrets {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, path: &SecretPath, version: Option<Version>) -> Result<Secret, StoreError> {
        self.wait(Some(path), async {
            let answer = self.get(&Place::of(path)?, Accept::Object).await?;
            let secret = answer.secret()?;
            match version {
                Some(version) if secret.version != Some(version) => {
                    Err(StoreErrorKind::VersionNotFound { version })
                }
                _ => Ok(secret),
            }
        })
    }

    /// Replaces the Secret's `data`, or makes the Secret; see the [module](self).
    fn write(&self, path: &SecretPath, data: &SecretData, cas: Cas) -> Result<Version, StoreError> {
        self.wait(Some(path), async {
            self.write_at(&Place::of(path)?, data, cas).await
        })
    }

    /// All Secrets of a namespace, or of the cluster without a prefix. In a namespace that does not exist there are none.
    fn list(&self, prefix: Option<&SecretPath>) -> Result<Vec<SecretPath>, StoreError> {
        self.wait(prefix, async {
            let Some(prefix) = prefix else {
                return self.list_at(request::ALL).await;
            };
            if let Some(namespace) = Place::namespace_of(prefix)? {
                return self.list_at(&namespace).await;
            }
            match self.metadata_at(&Place::of(prefix)?).await {
                Ok(_) => Ok(vec![prefix.clone()]),
                Err(StoreErrorKind::NotFound | StoreErrorKind::NamespaceNotFound { .. }) => {
                    Ok(Vec::new())
                }
                Err(kind) => Err(kind),
            }
        })
    }

    /// The one version there is, and the Secret's labels.
    fn metadata(&self, path: &SecretPath) -> Result<Metadata, StoreError> {
        self.wait(Some(path), async {
            self.metadata_at(&Place::of(path)?).await
        })
    }
}

impl fmt::Debug for KubernetesSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubernetesSecrets")
            .field("name", &self.name)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

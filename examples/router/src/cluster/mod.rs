//! The objects of a cluster: watched, kept, served, and their status written back (feature `kube`).
//!
//! `watch` keeps here what the API server has, which `live` then reads as it reads files; what becomes of each object
//! `report` writes into its status. What is right or wrong about objects `narae_routing::matching::status` says.
//!
//! Without the API server the last configuration goes on, since what is kept here only changes by what the server
//! says. Listeners that cannot serve are left out and say so in their status; unlike with files, they hold up nobody
//! else. Policies come from files beside.

mod report;
mod resource;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::header::HeaderValue;
use kube::client::AuthError;
use kube::config::{InferConfigError, KubeconfigError};
use kube::{Client, Config};
use narae_routing::gateway::{GROUP, Object, ObjectName, RouteSpec};
use narae_routing::matching::status::Ground;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::sync::Notify;

use crate::objects::{FileError, Files};
use crate::router::Router;
use crate::say;
use resource::{Held, Resource};

/// How long changes may gather: a rollout changes many slices within moments.
const SETTLE: Duration = Duration::from_millis(50);
/// How long to wait before status that could not be written is tried again.
const REPORT_AGAIN: Duration = Duration::from_secs(2);

/// How long the API server may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// A cluster that is watched.
pub(crate) struct Cluster {
    client: Client,
    /// Whose GatewayClasses are ours.
    controller: String,
    /// Files with policies.
    policies: Vec<PathBuf>,
    /// Ports of gateways that are listened to, and where.
    ports: BTreeMap<u16, SocketAddr>,
    store: Mutex<Store>,
    /// Something changed in the store.
    changed: Notify,
    /// What is kept is loaded, and its status can be written.
    loaded: Notify,
    /// What changed is more than somebody's status.
    configuration: AtomicBool,
    /// The last loading did not fail.
    serving: AtomicBool,
}

/// What the API server has, as far as it was heard.
#[derive(Default)]
struct Store {
    entries: BTreeMap<(Resource, ObjectName), Entry>,
    /// What has been listed whole at least once.
    known: HashSet<Resource>,
}

/// An object, and what writing its status needs.
struct Entry {
    held: Held,
    generation: i64,
    version: String,
    status: Value,
    /// Of a route, as written.
    parents: Value,
}

impl Cluster {
    /// Begins to watch, and returns once everything has been heard once.
    pub(crate) async fn watch(
        controller: String,
        policies: Vec<PathBuf>,
        ports: BTreeMap<u16, SocketAddr>,
    ) -> Result<Arc<Self>, ClusterError> {
        let mut config = Config::infer().await.map_err(ClusterError::Config)?;
        // Everything here is tried again anyway, and kube would do so for many minutes before it says anything.
        config.default_retry = false;
        let token = config.auth_info.token.as_ref();
        // kube would panic.
        if token.is_some_and(|token| HeaderValue::from_str(token.expose_secret()).is_err()) {
            return Err(ClusterError::Token);
        }
        let client = Client::try_from(config).map_err(ClusterError::Client)?;
        let cluster = Arc::new(Self {
            client,
            controller,
            policies,
            ports,
            store: Mutex::default(),
            changed: Notify::new(),
            loaded: Notify::new(),
            configuration: AtomicBool::default(),
            serving: AtomicBool::new(true),
        });
        for resource in Resource::ALL {
            tokio::spawn(watch::follow(Arc::clone(&cluster), resource));
        }
        while cluster.store().known.len() < Resource::ALL.len() {
            cluster.changed.notified().await;
        }
        // What was heard up to here is not yet reported.
        cluster.changed.notify_one();
        Ok(cluster)
    }

    /// Where it listens, by ports of gateways.
    pub(crate) fn ports(&self) -> &BTreeMap<u16, SocketAddr> {
        &self.ports
    }

    pub(crate) fn policies(&self) -> &[PathBuf] {
        &self.policies
    }

    /// What can be served of it.
    pub(crate) fn read(&self) -> Result<Files, FileError> {
        let mut files = Files::of(&self.policies)?;
        files.watched = true;
        self.store().add_to(&self.controller, &mut files);
        let ground = self.ground(&files);
        ground.keep_programmed(&mut files.objects);
        Ok(files)
    }

    fn ground(&self, files: &Files) -> Ground {
        let certificates = files.certificates.keys().cloned();
        Ground::new(certificates, self.ports.keys().copied())
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the whole of a resource in place of what was kept.
    fn replace(&self, resource: Resource, entries: Vec<(ObjectName, Entry)>) {
        let mut store = self.store();
        store.entries.retain(|(own, _), _| *own != resource);
        let entries = entries.into_iter();
        let keyed = entries.map(|(name, entry)| ((resource, name), entry));
        store.entries.extend(keyed);
        store.known.insert(resource);
        drop(store);
        self.notify(true);
    }

    fn put(&self, resource: Resource, name: ObjectName, entry: Entry) {
        let new = entry.generation;
        let last = self.store().entries.insert((resource, name), entry);
        // Of these, only status and annotations change without a new generation; of others anything may.
        let same = last.is_some_and(|last| new > 0 && last.generation == new);
        self.notify(!(same && resource.has_status()));
    }

    fn remove(&self, resource: Resource, name: ObjectName) {
        self.store().entries.remove(&(resource, name));
        self.notify(true);
    }

    fn notify(&self, configuration: bool) {
        self.configuration
            .fetch_or(configuration, Ordering::Relaxed);
        self.changed.notify_one();
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

/// Serves what changes, and reports, until it is dropped.
pub(crate) async fn serve(cluster: Arc<Cluster>, router: Arc<Router>) {
    // Status that cannot be written keeps nothing from being loaded.
    tokio::join!(load(&cluster, &router), report(&cluster));
}

async fn load(cluster: &Cluster, router: &Arc<Router>) {
    let mut said = HashSet::new();
    // Tried again with every change, it is said once.
    let mut failure = String::new();
    loop {
        cluster.changed.notified().await;
        tokio::time::sleep(SETTLE).await;
        if cluster.configuration.swap(false, Ordering::Relaxed) {
            let loading = Arc::clone(router);
            let loaded = tokio::task::spawn_blocking(move || loading.load()).await;
            let serving = matches!(loaded, Ok(Ok(_)));
            cluster.serving.store(serving, Ordering::Relaxed);
            // What is not loaded is not what serves, whatever changes next.
            cluster.configuration.fetch_or(!serving, Ordering::Relaxed);
            match loaded {
                Ok(Ok(notes)) => {
                    failure.clear();
                    let notes: HashSet<String> = notes.into_iter().collect();
                    notes.difference(&said).for_each(|note| say(note));
                    said = notes;
                }
                // Status then says what serves, not what does not.
                Ok(Err(error)) => {
                    let error = format!("{error}; the last configuration goes on");
                    if error != failure {
                        say(&error);
                    }
                    failure = error;
                    continue;
                }
                Err(_) => {
                    say("loading the configuration failed; the last one goes on");
                    continue;
                }
            }
        }
        cluster.loaded.notify_one();
    }
}

async fn report(cluster: &Arc<Cluster>) {
    loop {
        cluster.loaded.notified().await;
        // Loading may have failed since.
        if cluster.serving.load(Ordering::Relaxed) && !report::write(cluster).await {
            tokio::time::sleep(REPORT_AGAIN).await;
            cluster.changed.notify_one();
        }
    }
}

impl Store {
    /// Adds our gateways, routes that refer to them, and everything that those may refer to.
    fn add_to(&self, controller: &str, files: &mut Files) {
        let Files {
            objects,
            certificates,
            ..
        } = files;
        let held = || self.entries.iter().map(|((_, name), e)| (name, &e.held));
        let classes: BTreeSet<&str> = held()
            .filter(|(_, held)| matches!(held, Held::GatewayClass(own) if own == controller))
            .map(|(name, _)| name.name())
            .collect();
        let ours = |class: &str| classes.contains(class);
        let gateways: HashSet<&ObjectName> = held()
            .filter(
                |(_, held)| matches!(held, Held::Gateway(g) if ours(&g.spec.gateway_class_name)),
            )
            .map(|(name, _)| name)
            .collect();
        for (name, held) in held() {
            match held {
                Held::GatewayClass(_) => {}
                Held::Gateway(gateway) if gateways.contains(name) => {
                    objects.gateways.push(gateway.clone());
                }
                Held::Gateway(_) => {}
                Held::HttpRoute(route) if is_about(route, &gateways) => {
                    objects.http_routes.push(route.clone());
                }
                Held::GrpcRoute(route) if is_about(route, &gateways) => {
                    objects.grpc_routes.push(route.clone());
                }
                Held::HttpRoute(_) | Held::GrpcRoute(_) => {}
                Held::ReferenceGrant(grant) => objects.reference_grants.push(grant.clone()),
                Held::Service(service) => objects.services.push(service.clone()),
                Held::EndpointSlice(slice) => objects.endpoint_slices.push(slice.clone()),
                Held::Namespace(namespace) => objects.namespaces.push(namespace.clone()),
                Held::Certificate(certificate) => {
                    certificates.insert(name.clone(), certificate.clone());
                }
            }
        }
    }
}

/// What comes of a request, unless that takes too long.
async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, kube::Error> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answered) => answered,
        Err(_) => {
            let silence = format!("nothing was heard for {} s", limit.as_secs());
            Err(kube::Error::Service(silence.into()))
        }
    }
}

/// The whole chain, since the first error says only that it went wrong. What is wrong with credentials may quote them,
/// and what their helper wrote.
fn causes(error: &kube::Error) -> String {
    let chain = || std::iter::successors(Some(error as &dyn std::error::Error), |e| e.source());
    if chain().any(|cause| cause.is::<AuthError>()) {
        return "the credentials of the cluster cannot be read or renewed".to_owned();
    }
    let mut chain: Vec<String> = chain().map(ToString::to_string).collect();
    chain.dedup();
    chain.join(": ")
}

/// Where a kubeconfig cannot be used. It holds credentials, and errors may quote its lines.
fn place(error: &InferConfigError) -> String {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
    match cause {
        Some(KubeconfigError::ReadConfig(cause, file)) => format!("{}: {cause}", file.display()),
        Some(KubeconfigError::Parse(cause)) => match cause.location() {
            Some(at) => format!("the kubeconfig is broken at {}:{}", at.line(), at.column()),
            None => "the kubeconfig is broken".to_owned(),
        },
        _ => "the kubeconfig names no cluster and user that can be used".to_owned(),
    }
}

/// Whether one of a route's parents is one of these.
fn is_about<R>(route: &Object<RouteSpec<R>>, gateways: &HashSet<&ObjectName>) -> bool {
    route.spec.parent_refs.iter().any(|parent| {
        let group = parent.group.as_deref().unwrap_or(GROUP);
        let kind = parent.kind.as_deref().unwrap_or("Gateway");
        let own = route.metadata.namespace();
        let name = ObjectName::new(parent.namespace.as_deref().unwrap_or(own), &parent.name);
        group == GROUP && kind == "Gateway" && gateways.contains(&name)
    })
}

/// Why a cluster cannot be watched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    #[error("no cluster to watch: {}; set KUBECONFIG, or run in a pod with a service account", place(.0))]
    Config(InferConfigError),
    #[error(
        "the user's token in the kubeconfig has characters that cannot be sent; has it a line break?"
    )]
    Token,
    #[error("cannot talk to the cluster: {}", causes(.0))]
    Client(kube::Error),
}

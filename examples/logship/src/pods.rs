//! What an API server knows of pods: a watch that keeps their labels, workload and node in memory (feature `kube`).
//!
//! A thread of its own, on which nothing waits but the beginning, and that not for long: without an API server the paths say what they say.
//! Memory is that of the pods of one node, if it is told which; otherwise of all.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{anyhow, bail};
use futures_util::StreamExt as _;
use hyper::header::HeaderValue;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Client, Config, ResourceExt as _};
use narae_logparse::kubernetes::{Metadata, OwnerKind, Source};
use secrecy::ExposeSecret as _;

use crate::follow::Pods;

/// How long the first list may take before files are read without it.
const FIRST_LIST: Duration = Duration::from_secs(10);

/// Pods listed at a time.
const PAGE: u32 = 500;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// As kubectl or a pod's service account would ask.
async fn client() -> anyhow::Result<Client> {
    // The cause may quote lines of a kubeconfig, which holds credentials.
    let unknown = || {
        anyhow!(
            "no way to an API server: neither a kubeconfig that can be used nor a service account; `kubectl get pods` says more"
        )
    };
    let config = Config::infer().await.map_err(|_| unknown())?;
    let token = config.auth_info.token.as_ref();
    // kube would panic.
    if token.is_some_and(|token| HeaderValue::from_str(token.expose_secret()).is_err()) {
        bail!(
            "the user's token in the kubeconfig has characters that cannot be sent; has it a line break?"
        );
    }
    Client::try_from(config).map_err(|_| unknown())
}

/// Namespace and name.
type Name = (String, String);

/// Pods as the API server tells of them.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    known: Arc<Mutex<HashMap<Name, Known>>>,
    changes: Arc<AtomicU64>,
}

struct Known {
    /// The pod's own and, of a static pod, the one in its logs' path.
    uids: [Option<String>; 2],
    metadata: Metadata,
}

impl Watch {
    /// Begins to watch the pods of a node, or all, as kubectl or a pod's service account would. Returns when it knows those that there are.
    pub(crate) fn start(node: Option<String>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // The cause may quote lines of a kubeconfig, which holds credentials.
        let client = runtime.block_on(client())?;
        let watch = Self::default();
        let (sender, listed) = channel();
        let shared = watch.clone();
        std::thread::Builder::new()
            .name("pods".to_owned())
            .spawn(move || runtime.block_on(shared.run(client, node, &sender)))?;
        if listed.recv_timeout(FIRST_LIST).is_err() {
            crate::complain(&anyhow::anyhow!(
                "the API server has not listed the pods yet: reading begins without"
            ));
        }
        Ok(watch)
    }

    async fn run(&self, client: Client, node: Option<String>, listed: &Sender<()>) {
        let pods = Api::<Pod>::all(client);
        let fields = node.map(|node| format!("spec.nodeName={node}"));
        let mut pause = FIRST_PAUSE;
        loop {
            match self.follow(&pods, fields.as_deref(), listed).await {
                // What it remembers of the past ended: listed anew.
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    if pause == FIRST_PAUSE {
                        crate::complain(&anyhow::Error::new(error).context("cannot watch pods"));
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Lists pods and follows what becomes of them, until the API server has forgotten where that was.
    async fn follow(
        &self,
        pods: &Api<Pod>,
        fields: Option<&str>,
        listed: &Sender<()>,
    ) -> kube::Result<()> {
        let mut page = ListParams::default().limit(PAGE);
        let mut watch = WatchParams::default();
        if let Some(fields) = fields {
            (page, watch) = (page.fields(fields), watch.fields(fields));
        }
        let mut fresh = HashMap::new();
        let mut version = loop {
            let list = pods.list(&page).await?;
            fresh.extend(list.items.iter().map(|pod| (name(pod), known(pod))));
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => break list.metadata.resource_version.unwrap_or_default(),
            }
        };
        self.change(|known| *known = fresh);
        let _ = listed.send(());
        loop {
            let mut events = pin!(pods.watch(&watch, &version).await?);
            while let Some(event) = events.next().await {
                match event? {
                    WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                        version = pod.resource_version().unwrap_or(version);
                        self.change(|all| drop(all.insert(name(&pod), known(&pod))));
                    }
                    WatchEvent::Deleted(pod) => {
                        version = pod.resource_version().unwrap_or(version);
                        // Who reads its last lines knows it already: no change.
                        self.known().remove(&name(&pod));
                    }
                    WatchEvent::Bookmark(bookmark) => version = bookmark.metadata.resource_version,
                    WatchEvent::Error(_) => {
                        tokio::time::sleep(FIRST_PAUSE).await;
                        return Ok(());
                    }
                }
            }
            // Servers end watches from time to time.
            tokio::time::sleep(FIRST_PAUSE).await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<Name, Known>)) {
        change(&mut self.known());
        self.changes.fetch_add(1, Ordering::Release);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Name, Known>> {
        // What is there is whole after every step of a thread that panics.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pods for Watch {
    fn find(&self, source: &Source) -> Option<Metadata> {
        let known = self.known();
        let name = (source.namespace().to_owned(), source.pod().to_owned());
        let found = known.get(&name)?;
        let is_it = |uid: &str| found.uids.iter().flatten().any(|known| known == uid);
        source
            .uid()
            .is_none_or(is_it)
            .then(|| found.metadata.clone())
    }

    fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
}

fn name(pod: &Pod) -> Name {
    (pod.namespace().unwrap_or_default(), pod.name_any())
}

fn known(pod: &Pod) -> Known {
    let mut metadata = Metadata::default();
    if let Some(node) = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()) {
        metadata = metadata.with_node(node);
    }
    if let Some((kind, name)) = owner(pod) {
        metadata = metadata.with_owner(kind, name);
    }
    for (name, value) in pod.labels() {
        metadata = metadata.with_label(name, value);
    }
    // The kubelet names the logs of a static pod by the hash of its manifest.
    let of_file = pod.annotations().get("kubernetes.io/config.hash").cloned();
    Known {
        uids: [pod.uid(), of_file],
        metadata,
    }
}

/// The workload that a pod belongs to. A Deployment names its ReplicaSets by a hash that the pod has as a label, a CronJob its Jobs by
/// the minute.
fn owner(pod: &Pod) -> Option<(OwnerKind, String)> {
    let owners = pod.owner_references().iter();
    let mut controllers = owners.filter(|owner| owner.controller == Some(true));
    let controller = controllers.next()?;
    let name = &controller.name[..];
    let found = match &controller.kind[..] {
        "ReplicaSet" => {
            let hash = pod.labels().get("pod-template-hash");
            let of = hash.and_then(|hash| name.strip_suffix(&hash[..])?.strip_suffix('-'));
            of.map_or((OwnerKind::ReplicaSet, name), |of| {
                (OwnerKind::Deployment, of)
            })
        }
        "Job" => match name.rsplit_once('-') {
            Some((of, minute))
                if minute.len() == 8 && minute.bytes().all(|b| b.is_ascii_digit()) =>
            {
                (OwnerKind::CronJob, of)
            }
            _ => (OwnerKind::Job, name),
        },
        "StatefulSet" => (OwnerKind::StatefulSet, name),
        "DaemonSet" => (OwnerKind::DaemonSet, name),
        _ => return None,
    };
    Some((found.0, found.1.to_owned()))
}

//! The configuration that serves: read whole, compiled, checked, and only then put in place of the last one.
//!
//! A request keeps the configuration it began with; what is known of services (health, breakers, connections,
//! budgets) belongs to the services and outlives it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use narae_routing::gateway::{CertificateReference, Listener, ObjectName, Objects};
use narae_routing::matching::{Backend, Hostname, Table};
use narae_routing::pool::{PolicyError, Pool};
use rustls::ServerConfig;

use crate::arguments::{BackendAddress, Limits};
#[cfg(feature = "kube")]
use crate::cluster::Cluster;
use crate::identity::{AccessError, Gatekeeper};
use crate::objects::{FileError, Files};
use crate::state::Remembered;
use crate::tls::{Port, TlsListener};
use crate::upstream::Upstream;

/// How long an upstream is remembered whose service is gone, too.
const ABSENCE: Duration = Duration::from_secs(3600);

/// The most upstreams that are remembered while no route leads to them.
const MOST_ABSENT: usize = 1024;

/// Length and time of each file.
pub(crate) type Stamp = Vec<Option<(u64, SystemTime)>>;

/// Where a configuration comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Files as people apply them.
    Files(Vec<std::path::PathBuf>),
    /// `--backend` flags, as one route to services of one endpoint each.
    Flags(Vec<BackendAddress>),
    /// A cluster that is watched, and files with policies.
    #[cfg(feature = "kube")]
    Cluster(Arc<Cluster>),
}

impl Source {
    pub(crate) fn read(&self) -> Result<Files, FileError> {
        match self {
            Self::Files(paths) => Files::of(paths),
            Self::Flags(backends) => {
                let mut files = Files::default();
                files.read_text("--backend", &written(backends))?;
                Ok(files)
            }
            #[cfg(feature = "kube")]
            Self::Cluster(cluster) => cluster.read(),
        }
    }

    /// The ports of gateways to listen to, if they do not follow from what is read.
    pub(crate) fn ports(&self) -> Option<Vec<u16>> {
        match self {
            Self::Files(_) | Self::Flags(_) => None,
            #[cfg(feature = "kube")]
            Self::Cluster(cluster) => Some(cluster.ports().keys().copied().collect()),
        }
    }

    #[cfg(feature = "kube")]
    pub(crate) fn cluster(&self) -> Option<Arc<Cluster>> {
        match self {
            Self::Cluster(cluster) => Some(Arc::clone(cluster)),
            Self::Files(_) | Self::Flags(_) => None,
        }
    }

    /// What changes when a file does.
    pub(crate) fn stamp(&self) -> Stamp {
        let paths = match self {
            Self::Files(paths) => paths,
            Self::Flags(_) => return Vec::new(),
            #[cfg(feature = "kube")]
            Self::Cluster(cluster) => cluster.policies(),
        };
        paths.iter().map(|path| stamp_of(path)).collect()
    }
}

pub(crate) fn stamp_of(path: &std::path::Path) -> Option<(u64, SystemTime)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// Flags as the objects they stand for. Names and addresses were checked to be plain.
fn written(backends: &[BackendAddress]) -> String {
    let mut text = String::from(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: flags }\n\
         spec: { listeners: [{ name: http, port: 80, protocol: HTTP }] }\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: flags }\n\
         spec:\n  parentRefs: [{ name: flags }]\n  rules:\n  - backendRefs:\n",
    );
    for BackendAddress { name, weight, .. } in backends {
        text.push_str(&format!(
            "    - {{ name: \"{name}\", port: 80, weight: {weight} }}\n"
        ));
    }
    for BackendAddress { name, address, .. } in backends {
        text.push_str(&format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{ name: \"{name}\" }}\n\
             spec: {{ ports: [{{ port: 80 }}] }}\n---\n\
             apiVersion: narae.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {{ name: \"{name}\" }}\n\
             spec:\n  targetRefs: [{{ name: \"{name}\" }}]\n  sites: [{{ name: flags, endpoints: [\"{address}\"] }}]\n  \
             retry: {{ attempts: 0 }}\n",
        ));
    }
    text
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Live {
    pub(crate) table: Table,
    upstreams: HashMap<Backend, Arc<Upstream>>,
    /// The same in the order of their names.
    ordered: Vec<Arc<Upstream>>,
    /// Those that no route leads to now, and since when: what is known of them, and what people decided, is
    /// there again when one does.
    absent: HashMap<Backend, (Arc<Upstream>, Duration)>,
    tls: HashMap<u16, (Arc<Port>, Arc<ServerConfig>)>,
    /// Ports of all listeners, and whether they speak TLS.
    pub(crate) ports: BTreeMap<u16, bool>,
    /// Verifies who clients are.
    pub(crate) gatekeeper: Gatekeeper,
    /// Files that objects refer to, with keys and passwords.
    pub(crate) referenced: Vec<std::path::PathBuf>,
}

impl Live {
    /// Compiles what was read. Nothing of `last` changes unless all of it can be taken.
    pub(crate) fn compile(
        files: Files,
        last: &Self,
        remembered: Option<&Remembered>,
        limits: &Arc<Limits>,
        now: Duration,
    ) -> Result<(Self, Vec<String>), LoadError> {
        let mut notes = files.notes();
        let (table, findings) = Table::compile(&files.objects);
        notes.extend(findings.iter().map(ToString::to_string));
        let mut live = Self {
            table: table.carrying_on(&last.table),
            gatekeeper: Gatekeeper::new(&files, &last.gatekeeper)?,
            referenced: files.referenced(),
            ..Self::default()
        };
        live.listeners(&files)?;
        if live.ports.is_empty() && !files.watched {
            return Err(LoadError::NoListener);
        }
        let wrong = |backend: &Backend| {
            let service = backend.to_string();
            move |cause| LoadError::Pool { service, cause }
        };
        let mut backends: Vec<&Backend> = live.table.backends().collect();
        backends.sort_by_key(|backend| backend.to_string());
        backends.dedup();
        let mut upstreams = HashMap::new();
        let known = |backend: &Backend| {
            let absent = last.absent.get(backend).map(|(upstream, _)| upstream);
            last.upstreams.get(backend).or(absent)
        };
        for backend in &backends {
            let policy = files.objects.pool(&backend.service, backend.port);
            if policy.sites.iter().all(|site| site.endpoints.is_empty()) {
                notes.push(format!(
                    "service {backend}: no ready endpoint of an EndpointSlice and none of a TrafficPolicy; its requests get 503"
                ));
            }
            let upstream = match known(backend) {
                Some(known) => {
                    Pool::new(policy).map_err(wrong(backend))?;
                    Arc::clone(known)
                }
                None => {
                    let ours = |other: &Backend| other.service == backend.service;
                    let others = backends.iter().filter(|other| ours(other)).count() > 1;
                    let before = last.upstreams.keys().chain(last.absent.keys()).any(ours);
                    let limits = Arc::clone(limits);
                    let made = Upstream::new(backend, others || before, &files.objects, limits);
                    let made = made.map_err(wrong(backend))?;
                    if let Some(state) = remembered.and_then(|all| all.of(made.name())) {
                        made.pool().restore(state, now);
                    }
                    Arc::new(made)
                }
            };
            upstreams.insert((*backend).clone(), upstream);
        }
        // From here on nothing fails.
        for (backend, upstream) in &upstreams {
            if known(backend).is_some() {
                upstream
                    .reconfigure(backend, &files.objects, now)
                    .map_err(wrong(backend))?;
            }
        }
        live.ordered = upstreams.values().cloned().collect();
        live.ordered.sort_by(|a, b| a.name().cmp(b.name()));
        live.upstreams = upstreams;
        live.absent = last.left_by(&live, &files, now);
        Ok((live, notes))
    }

    /// Upstreams that the next configuration does not name: while their service is there, and for a while after.
    fn left_by(
        &self,
        next: &Self,
        files: &Files,
        now: Duration,
    ) -> HashMap<Backend, (Arc<Upstream>, Duration)> {
        let services = files.objects.services.iter();
        let services: HashSet<_> = services.map(|s| s.metadata.object_name()).collect();
        let current = self
            .upstreams
            .iter()
            .map(|(b, upstream)| (b, upstream, now));
        let absent = self
            .absent
            .iter()
            .map(|(b, (upstream, since))| (b, upstream, *since));
        let mut left: Vec<_> = current
            .chain(absent)
            .filter(|(backend, ..)| !next.upstreams.contains_key(backend))
            .filter(|(backend, _, since)| {
                services.contains(&backend.service) || now.saturating_sub(*since) < ABSENCE
            })
            .collect();
        left.sort_by_key(|(_, _, since)| std::cmp::Reverse(*since));
        left.truncate(MOST_ABSENT);
        left.into_iter()
            .map(|(backend, upstream, since)| (backend.clone(), (Arc::clone(upstream), since)))
            .collect()
    }

    pub(crate) fn upstream(&self, backend: &Backend) -> Option<&Arc<Upstream>> {
        self.upstreams.get(backend)
    }

    /// Those that no route leads to now, too.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        let absent = self.absent.values().map(|(upstream, _)| upstream);
        absent.chain(&self.ordered)
    }

    /// In the order of their names.
    pub(crate) fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.ordered
    }

    pub(crate) fn tls(&self, port: u16) -> Option<(Arc<Port>, Arc<ServerConfig>)> {
        self.tls.get(&port).cloned()
    }

    fn listeners(&mut self, files: &Files) -> Result<(), LoadError> {
        let mut secure: HashMap<u16, Vec<TlsListener>> = HashMap::new();
        for gateway in &files.objects.gateways {
            let name = gateway.metadata.object_name();
            for listener in &gateway.spec.listeners {
                let tls = match listener.protocol.as_str() {
                    "HTTP" => false,
                    "HTTPS" => true,
                    _ => continue,
                };
                let before = self.ports.insert(listener.port, tls);
                if before.is_some_and(|before| before != tls) {
                    return Err(LoadError::Mixed {
                        port: listener.port,
                    });
                }
                if tls {
                    let listener_tls = tls_listener(files, &name, listener)?;
                    secure.entry(listener.port).or_default().push(listener_tls);
                }
            }
        }
        for (port, listeners) in secure {
            let tls = Arc::new(Port::new(listeners));
            let config = tls
                .config()
                .map_err(|cause| LoadError::Tls { port, cause })?;
            self.tls.insert(port, (tls, config));
        }
        Ok(())
    }
}

fn tls_listener(
    files: &Files,
    gateway: &ObjectName,
    listener: &Listener,
) -> Result<TlsListener, LoadError> {
    let refused = |reason| LoadError::Listener {
        gateway: gateway.clone(),
        listener: listener.name.clone(),
        reason,
    };
    let references = &listener.tls.certificate_refs;
    if references.is_empty() {
        return Err(refused("tls.certificateRefs names no certificate"));
    }
    let certificate = |reference: &CertificateReference| {
        let namespace = reference.namespace.as_deref();
        let secret = ObjectName::new(namespace.unwrap_or(gateway.namespace()), &reference.name);
        if !granted(&files.objects, gateway, &secret) {
            return Err(refused(
                "no ReferenceGrant lets it use a secret of that namespace",
            ));
        }
        let certificate = files.certificates.get(&secret).cloned();
        certificate.ok_or_else(|| refused("its secret is not in the files"))
    };
    let hostname = Hostname::parse(listener.hostname.as_deref().unwrap_or_default());
    Ok(TlsListener {
        name: listener.name.clone(),
        hostname: hostname.ok_or_else(|| refused("its hostname is none"))?,
        certificates: references
            .iter()
            .map(certificate)
            .collect::<Result<_, _>>()?,
    })
}

fn granted(objects: &Objects, gateway: &ObjectName, secret: &ObjectName) -> bool {
    gateway.namespace() == secret.namespace()
        || objects.grants("Gateway", gateway.namespace(), "Secret", secret)
}

/// Why a configuration is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("service {service}: {cause}")]
    Pool { service: String, cause: PolicyError },
    #[error("no gateway has a listener of HTTP or HTTPS")]
    NoListener,
    #[error("port {port} has listeners of both HTTP and HTTPS")]
    Mixed { port: u16 },
    #[error("Gateway {gateway}, listener {listener}: {reason}")]
    Listener {
        gateway: ObjectName,
        listener: String,
        reason: &'static str,
    },
    #[error("port {port}: {cause}")]
    Tls { port: u16, cause: rustls::Error },
}

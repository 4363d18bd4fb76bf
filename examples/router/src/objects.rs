//! Gateway API objects from YAML files, as they are applied: many documents, lists, kinds that are
//! somebody else's. What nobody reads is said, not swallowed.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::PathBuf;

use crate::tls::{Certificate, CertificateError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use narae_routing::gateway::{AccessPolicy, Metadata, ObjectName, Objects};
use narae_yaml::{Entry, Node, Reader};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_ignored::Path;
use zeroize::Zeroizing;

/// Objects, and what about their files people should know. Without `Debug`: some are secrets.
#[derive(Default)]
pub(crate) struct Files {
    pub(crate) objects: Objects,
    pub(crate) notes: Vec<String>,
    /// Secrets with a certificate, by name.
    pub(crate) certificates: HashMap<ObjectName, Certificate>,
    /// Secrets with users and hashes of passwords, by name.
    pub(crate) htpasswds: HashMap<ObjectName, Zeroizing<String>>,
    /// Where the files are that access policies refer to: beside theirs.
    beside: HashMap<ObjectName, PathBuf>,
    /// Whether they are of a cluster, where everything may come later.
    pub(crate) watched: bool,
    /// How many objects of which kinds are not for a router.
    passed_over: BTreeMap<String, usize>,
}

impl Files {
    /// Reads all of these.
    pub(crate) fn of(paths: &[PathBuf]) -> Result<Self, FileError> {
        let mut files = Self::default();
        for path in paths {
            files.read(&path.to_string_lossy())?;
        }
        Ok(files)
    }

    pub(crate) fn read(&mut self, file: &str) -> Result<(), FileError> {
        let source = fs::read_to_string(file).map_err(|cause| FileError::Open {
            file: file.to_owned(),
            cause,
        })?;
        self.read_text(file, &source)
    }

    /// Reads what is called `file` in messages.
    pub(crate) fn read_text(&mut self, file: &str, source: &str) -> Result<(), FileError> {
        let documents = Reader::new().named(file).read(source)?;
        for document in documents.into_iter().filter(|d| !d.is_empty()) {
            self.object(file, document.root)?;
        }
        Ok(())
    }

    /// The notes, with one for all objects passed over.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        if !self.passed_over.is_empty() {
            let kinds: Vec<String> = self
                .passed_over
                .iter()
                .map(|(kind, count)| format!("{count} {kind}"))
                .collect();
            notes.push(format!(
                "not for a router, passed over: {}",
                kinds.join(", ")
            ));
        }
        notes
    }

    fn object(&mut self, file: &str, node: Node) -> Result<(), FileError> {
        let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        if version.is_empty() || kind.is_empty() {
            return Err(FileError::NotAnObject {
                place: format!("{file}:{}", node.position()),
            });
        }
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let objects = &mut self.objects;
        let notes = &mut self.notes;
        match (group, kind) {
            ("", "List") => {
                let items = node.get("items").and_then(Node::as_sequence);
                for item in items.unwrap_or_default().to_vec() {
                    self.object(file, item)?;
                }
            }
            ("", "Service") => objects.services.push(known(file, node)?),
            ("", "Namespace") => objects.namespaces.push(known(file, node)?),
            ("discovery.k8s.io", "EndpointSlice") => {
                objects.endpoint_slices.push(known(file, node)?);
            }
            (narae_routing::gateway::GROUP, "Gateway") => {
                objects.gateways.push(whole(file, node, notes)?);
            }
            (narae_routing::gateway::GROUP, "HTTPRoute") => {
                objects.http_routes.push(whole(file, node, notes)?);
            }
            (narae_routing::gateway::GROUP, "GRPCRoute") => {
                objects.grpc_routes.push(whole(file, node, notes)?);
            }
            (narae_routing::gateway::GROUP, "ReferenceGrant") => {
                objects.reference_grants.push(whole(file, node, notes)?);
            }
            (narae_routing::gateway::POLICY_GROUP, "TrafficPolicy") => {
                objects.traffic_policies.push(whole(file, node, notes)?);
            }
            (narae_routing::gateway::POLICY_GROUP, "AccessPolicy") => {
                let policy: AccessPolicy = whole(file, node, notes)?;
                let folder = std::path::Path::new(file).parent();
                let name = policy.metadata.object_name();
                self.beside
                    .insert(name, folder.unwrap_or(std::path::Path::new("")).to_owned());
                objects.access_policies.push(policy);
            }
            (narae_routing::gateway::POLICY_GROUP, "Simulation") => {
                objects.simulations.push(whole(file, node, notes)?);
            }
            ("", "Secret") if text("type") == "kubernetes.io/tls" => self.secret(file, &node)?,
            ("", "Secret") if ["auth", ".htpasswd"].iter().any(|key| has_part(&node, key)) => {
                self.htpasswd(file, &node)?;
            }
            _ => *self.passed_over.entry(kind.to_owned()).or_default() += 1,
        }
        Ok(())
    }

    /// What an access policy refers to, as text.
    pub(crate) fn beside(
        &self,
        policy: &ObjectName,
        file: &str,
    ) -> Result<Zeroizing<String>, FileError> {
        let path = self
            .beside
            .get(policy)
            .map_or_else(|| file.into(), |folder| folder.join(file));
        let text = fs::read_to_string(&path).map_err(|cause| FileError::Open {
            file: path.to_string_lossy().into_owned(),
            cause,
        })?;
        Ok(Zeroizing::new(text))
    }

    /// The files that access policies refer to.
    pub(crate) fn referenced(&self) -> Vec<PathBuf> {
        let policies = self.objects.access_policies.iter();
        let files = policies.flat_map(|policy| {
            let folder = self.beside.get(&policy.metadata.object_name());
            let keys = policy
                .spec
                .jwt
                .iter()
                .filter_map(|jwt| jwt.jwks.file.as_ref());
            let basic = policy.spec.basic.iter();
            let users = basic.filter_map(|basic| basic.htpasswd.file.as_ref());
            keys.chain(users)
                .filter_map(move |file| Some(folder?.join(file)))
        });
        files.collect()
    }

    fn htpasswd(&mut self, file: &str, node: &Node) -> Result<(), FileError> {
        let wrong = || FileError::Secret {
            place: format!("{file}:{}", node.position()),
            cause: SecretError::Htpasswd,
        };
        let secret: OpaqueSecret = narae_yaml::from_node(node.clone()).map_err(|_| wrong())?;
        let text = ["auth", ".htpasswd"]
            .iter()
            .find_map(|key| secret.part(key));
        let text = text
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(wrong)?;
        let name = secret.metadata.object_name();
        self.htpasswds.insert(name, Zeroizing::new(text));
        Ok(())
    }

    /// The error never quotes what is in the secret.
    fn secret(&mut self, file: &str, node: &Node) -> Result<(), FileError> {
        let place = || format!("{file}:{}", node.position());
        let wrong = |cause| FileError::Secret {
            place: place(),
            cause: SecretError::Certificate(cause),
        };
        let secret: OpaqueSecret =
            narae_yaml::from_node(node.clone()).map_err(|_| wrong(CertificateError::Shape))?;
        let part = |name: &str| secret.part(name).ok_or(CertificateError::Shape);
        let parts = part("tls.crt").and_then(|certificate| Ok((certificate, part("tls.key")?)));
        let (certificate, key) = parts.map_err(wrong)?;
        let certificate = Certificate::from_pem(&certificate, &key).map_err(wrong)?;
        self.certificates
            .insert(secret.metadata.object_name(), certificate);
        Ok(())
    }
}

/// What of a secret matters. Without `Debug`.
#[derive(Deserialize)]
struct OpaqueSecret {
    metadata: Metadata,
    #[serde(default)]
    data: HashMap<String, String>,
    #[serde(default, rename = "stringData")]
    string_data: HashMap<String, String>,
}

impl OpaqueSecret {
    fn part(&self, name: &str) -> Option<Vec<u8>> {
        match (self.string_data.get(name), self.data.get(name)) {
            (Some(text), _) => Some(text.as_bytes().to_vec()),
            (None, Some(text)) => STANDARD.decode(text).ok(),
            (None, None) => None,
        }
    }
}

fn has_part(secret: &Node, name: &str) -> bool {
    let mut maps = ["data", "stringData"]
        .iter()
        .filter_map(|key| secret.get(key));
    maps.any(|map| map.get(name).is_some())
}

/// Reads an object whose other fields are not a router's business.
fn known<T: DeserializeOwned>(file: &str, node: Node) -> Result<T, FileError> {
    narae_yaml::from_node(node).map_err(|error| FileError::Field {
        file: file.to_owned(),
        error,
    })
}

/// Reads an object all of whose fields ought to be known, and notes those that are not.
fn whole<T: DeserializeOwned>(
    file: &str,
    node: Node,
    notes: &mut Vec<String>,
) -> Result<T, FileError> {
    let source = node.clone();
    let Noted { value, unknown } = known(file, node)?;
    for path in unknown {
        let [top, ..] = path.as_slice() else { continue };
        if ["apiVersion", "kind", "metadata", "status"].contains(&top.as_str()) {
            continue;
        }
        let place = place(&source, &path).map_or(String::new(), |p| format!(":{p}"));
        notes.push(format!(
            "{file}{place}: {} is not a field of the API; it has no effect",
            written(&path)
        ));
    }
    Ok(value)
}

/// A value, and the fields it passed over.
struct Noted<T> {
    value: T,
    unknown: Vec<Vec<String>>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Noted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut unknown = Vec::new();
        let mut note = |path: Path<'_>| {
            let mut segments = Vec::new();
            collect(&path, &mut segments);
            unknown.push(segments);
        };
        let value = serde_ignored::deserialize(deserializer, &mut note)?;
        Ok(Self { value, unknown })
    }
}

fn collect(path: &Path<'_>, segments: &mut Vec<String>) {
    match path {
        Path::Root => {}
        Path::Seq { parent, index } => {
            collect(parent, segments);
            segments.push(index.to_string());
        }
        Path::Map { parent, key } => {
            collect(parent, segments);
            segments.push(key.clone());
        }
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => collect(parent, segments),
    }
}

/// A path as people write it: `spec.rules[0].name`.
fn written(path: &[String]) -> String {
    let mut text = String::new();
    for segment in path {
        if segment.bytes().all(|b| b.is_ascii_digit()) {
            text.push_str(&format!("[{segment}]"));
        } else {
            let dot = if text.is_empty() { "" } else { "." };
            text.push_str(dot);
            text.push_str(segment);
        }
    }
    text
}

/// Where the key of a path's last segment stands.
fn place(root: &Node, path: &[String]) -> Option<narae_yaml::Position> {
    let (last, parents) = path.split_last()?;
    let parent = parents
        .iter()
        .try_fold(root, |node, segment| match node.as_sequence() {
            Some(items) => items.get(segment.parse::<usize>().ok()?),
            None => node.get(segment),
        })?;
    parent.entry(last).map(|entry: &Entry| entry.key.position())
}

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error(transparent)]
    Certificate(CertificateError),
    #[error("a secret with passwords has lines NAME:HASH under auth, in base64 or as stringData")]
    Htpasswd,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("cannot read {file}: {cause}")]
    Open { file: String, cause: io::Error },
    #[error(transparent)]
    Yaml(#[from] narae_yaml::Error),
    #[error("{file}:{error}")]
    Field {
        file: String,
        error: narae_yaml::Error,
    },
    #[error("{place}: {cause}")]
    Secret { place: String, cause: SecretError },
    #[error("{place}: not a Kubernetes object: give it apiVersion and kind")]
    NotAnObject { place: String },
}

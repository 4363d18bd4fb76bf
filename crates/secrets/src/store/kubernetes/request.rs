//! Requests of the API, as values: where a path is, and what is sent there. Pure.
//!
//! Source: the Kubernetes API reference, `core/v1` Secret; JSON Patch is RFC 6902.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};
use kube::client::Body;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::SecretBytes;
use crate::network;
use crate::sealed::{MAX_SECRET_BYTES, is_item_name};
use crate::store::{SecretData, SecretPath, StoreErrorKind, Version};

/// The Secrets of all namespaces.
pub(super) const ALL: &str = "api/v1/secrets";
/// Secrets asked for at a time when they are listed.
const PAGE: usize = 500;
/// Largest body sent, in bytes: what an API server takes.
const MAX_REQUEST_BYTES: usize = 3 * 1024 * 1024;
/// Who the API server notes as the writer.
const WRITER: &str = "fieldManager=narae-secrets";

/// What the answer should hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Accept {
    /// The whole object, values included.
    Object,
    /// Its metadata.
    Metadata,
    /// Those of a list.
    ListOfMetadata,
}

/// A path as the API has it. Both parts are names that need no escaping.
pub(super) struct Place<'a> {
    namespace: &'a str,
    name: &'a str,
}

impl<'a> Place<'a> {
    pub(super) fn of(path: &'a SecretPath) -> Result<Self, StoreErrorKind> {
        match path.as_str().split_once('/') {
            Some((namespace, name)) if is_label(namespace) && is_name(name) => {
                Ok(Self { namespace, name })
            }
            _ => Err(no_such_path()),
        }
    }

    /// Where a path that is a namespace is listed.
    pub(super) fn namespace_of(path: &SecretPath) -> Result<Option<String>, StoreErrorKind> {
        let namespace = path.as_str();
        match namespace.contains('/') {
            true => Ok(None),
            false if is_label(namespace) => {
                Ok(Some(format!("api/v1/namespaces/{namespace}/secrets")))
            }
            false => Err(no_such_path()),
        }
    }

    pub(super) fn namespace(&self) -> String {
        format!("api/v1/namespaces/{}", self.namespace)
    }

    pub(super) fn secrets(&self) -> String {
        format!("{}/secrets", self.namespace())
    }

    pub(super) fn secret(&self) -> String {
        format!("{}/{}", self.secrets(), self.name)
    }

    pub(super) fn no_namespace(&self) -> StoreErrorKind {
        StoreErrorKind::NamespaceNotFound {
            namespace: self.namespace.to_owned(),
        }
    }
}

fn no_such_path() -> StoreErrorKind {
    StoreErrorKind::Refused {
        reason: "a path here is NAMESPACE/NAME, as Kubernetes takes them".to_owned(),
    }
}

/// A DNS label (RFC 1123).
fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_part(text)
}

/// A DNS subdomain, of whose parts Kubernetes does not limit each.
fn is_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_part)
}

fn is_part(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let sound = !text.starts_with('-') && !text.ends_with('-') && text.bytes().all(inner);
    sound && !text.is_empty()
}

type Built = Result<Request<Body>, StoreErrorKind>;

pub(super) fn get(path: &str, accept: Accept) -> Built {
    build(Method::GET, path, accept, "", Body::empty())
}

/// The page after the one that ended with `next`.
pub(super) fn list(folder: &str, next: &str) -> Built {
    let mut path = format!("{folder}?limit={PAGE}");
    if !next.is_empty() {
        path.push_str("&continue=");
        for byte in next.bytes() {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    get(&path, Accept::ListOfMetadata)
}

/// Replaces `data` of a Secret that is there, if it still is the `expected` one.
pub(super) fn replace(place: &Place<'_>, data: &SecretData, expected: Option<Version>) -> Built {
    #[derive(Serialize)]
    struct Change<T> {
        op: &'static str,
        path: &'static str,
        value: T,
    }
    // Of a member that is there, "add" is "replace".
    let new = Change {
        op: "add",
        path: "/data",
        value: encoded(data)?,
    };
    let body = match expected {
        None => network::json(&(new,), MAX_REQUEST_BYTES)?,
        Some(version) => {
            let same = Change {
                op: "replace",
                path: "/metadata/resourceVersion",
                value: version.to_string(),
            };
            network::json(&(same, new), MAX_REQUEST_BYTES)?
        }
    };
    let path = format!("{}?{WRITER}", place.secret());
    let kind = "application/json-patch+json";
    build(Method::PATCH, &path, Accept::Metadata, kind, body.into())
}

/// Makes a Secret that is not there.
pub(super) fn create(place: &Place<'_>, data: &SecretData) -> Built {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Object<'a> {
        api_version: &'static str,
        kind: &'static str,
        metadata: Named<'a>,
        r#type: &'static str,
        data: BTreeMap<&'a str, Encoded<'a>>,
    }
    #[derive(Serialize)]
    struct Named<'a> {
        name: &'a str,
        namespace: &'a str,
    }
    let object = Object {
        api_version: "v1",
        kind: "Secret",
        metadata: Named {
            name: place.name,
            namespace: place.namespace,
        },
        r#type: "Opaque",
        data: encoded(data)?,
    };
    let body = network::json(&object, MAX_REQUEST_BYTES)?;
    let path = format!("{}?{WRITER}", place.secrets());
    build(
        Method::POST,
        &path,
        Accept::Metadata,
        "application/json",
        body.into(),
    )
}

/// A value, written in base64.
struct Encoded<'a>(&'a SecretBytes);

impl Serialize for Encoded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = Zeroizing::new(STANDARD.encode(self.0.expose()));
        serializer.serialize_str(&text)
    }
}

/// The values under their keys, if a Secret can hold them.
fn encoded(data: &SecretData) -> Result<BTreeMap<&str, Encoded<'_>>, StoreErrorKind> {
    let refused = |reason: String| Err(StoreErrorKind::Refused { reason });
    if let Some(key) = data.keys().find(|key| !is_item_name(key)) {
        let key: String = key.chars().take(80).collect();
        return refused(format!("{key:?} cannot be a key of a Secret"));
    }
    let bytes: usize = data.values().map(SecretBytes::len).sum();
    if bytes > MAX_SECRET_BYTES {
        return refused(format!(
            "{bytes} bytes; a Kubernetes Secret holds at most {MAX_SECRET_BYTES}"
        ));
    }
    let pairs = data
        .iter()
        .map(|(key, value)| (key.as_str(), Encoded(value)));
    Ok(pairs.collect())
}

fn build(method: Method, path: &str, accept: Accept, kind: &str, body: Body) -> Built {
    let accept = match accept {
        Accept::Object => "application/json",
        Accept::Metadata => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        Accept::ListOfMetadata => {
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        }
    };
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/{path}"))
        .header("Accept", accept);
    if !kind.is_empty() {
        request = request.header("Content-Type", kind);
    }
    // Every part of it was checked or escaped.
    request
        .body(body)
        .map_err(|_| StoreErrorKind::Configuration {
            reason: "the request cannot be written".to_owned(),
        })
}

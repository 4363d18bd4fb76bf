//! What an answer of the API server means. Pure: status and body in, meaning out.
//!
//! The server's words are matched where no field says it, never repeated; the cause of a JSON error may quote a value, so it is dropped.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::SecretBytes;
pub use crate::api_server::Answer;
use crate::store::{
    Metadata, Secret, SecretData, SecretPath, StoreError, StoreErrorKind, Version, VersionState,
};

/// What is used of an object's metadata.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ObjectMetadata {
    name: String,
    namespace: String,
    uid: String,
    resource_version: String,
    labels: Option<BTreeMap<String, String>>,
}

/// The same of an object whose values are not read.
#[derive(Deserialize)]
struct Bare {
    metadata: ObjectMetadata,
}

/// A Secret. Values are borrowed from the body: no copy to wipe.
#[derive(Deserialize)]
struct Object<'a> {
    metadata: ObjectMetadata,
    #[serde(borrow)]
    data: Option<BTreeMap<String, &'a str>>,
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The Secrets, `NAMESPACE/NAME`, in the server's order.
    pub paths: Vec<SecretPath>,
    /// Where the next page begins: nowhere if empty.
    pub next: String,
}

/// Why the API server did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The object, or what it would be in, is not there.
    Missing,
    /// It is there already, or is another version.
    Conflict,
    /// The user may not.
    Forbidden,
    /// Something that means the same whatever was asked.
    Other(StoreErrorKind),
}

/// A `Status`, by which the API server refuses.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    message: String,
    details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    causes: Vec<Cause>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cause {
    reason: String,
    field: String,
    message: String,
}

fn odd(reason: &'static str) -> StoreErrorKind {
    StoreErrorKind::UnexpectedAnswer { reason }
}

type Read<T> = Result<T, StoreErrorKind>;

/// What an answer to a request of the API holds.
impl Answer {
    /// Whether it is a refusal, and which.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        use StoreErrorKind as K;
        let refused = |reason: &str| {
            Refusal::Other(K::Refused {
                reason: reason.to_owned(),
            })
        };
        Some(match self.status {
            200..=299 => return None,
            status @ 300..=399 => Refusal::Other(K::Redirected { status }),
            401 => Refusal::Other(K::TokenRefused),
            403 => {
                let status = self.reason();
                let causes = status.causes();
                if causes
                    .iter()
                    .any(|cause| cause.reason == "NamespaceTerminating")
                {
                    refused("the namespace is being deleted")
                } else if status.message.contains("exceeded quota") {
                    refused("the namespace's quota is used up")
                } else {
                    Refusal::Forbidden
                }
            }
            404 => Refusal::Missing,
            409 => Refusal::Conflict,
            413 => refused("larger than the API server takes in one request"),
            422 => {
                let is_fixed = |cause: &Cause| cause.message.contains("immutable");
                let status = self.reason();
                if status.causes().iter().any(is_fixed) {
                    refused("the Secret is immutable")
                } else if status
                    .causes()
                    .iter()
                    .any(|cause| cause.field.starts_with("data["))
                {
                    refused("its type wants other keys")
                } else {
                    refused("the API server does not take it for a Secret")
                }
            }
            429 => Refusal::Other(K::RateLimited),
            status => Refusal::Other(K::Server { status }),
        })
    }

    /// The version after a write.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::UnexpectedAnswer`], here and below, for what is not the answer to that question.
    pub fn written_version(&self) -> Read<Version> {
        self.object()?.version()
    }

    /// The one version there is, and the Secret's labels.
    ///
    /// # Errors
    ///
    /// See [`Answer::written_version`].
    pub fn metadata(&self) -> Read<Metadata> {
        let found = self.object()?;
        let current = found.version()?;
        let states = vec![(current, VersionState::Live)];
        Ok(Metadata::new(current, states).with_custom(found.labels.unwrap_or_default()))
    }

    /// A Secret with its values.
    ///
    /// # Errors
    ///
    /// See [`Answer::written_version`].
    pub fn secret(&self) -> Read<Secret> {
        let object: Object<'_> =
            serde_json::from_slice(&self.body).map_err(|_| odd("not the JSON of a Secret"))?;
        let mut data = SecretData::new();
        for (key, text) in object.data.unwrap_or_default() {
            let value = STANDARD.decode(text);
            let value = value.map_err(|_| odd("a value that is not base64"))?;
            data.insert(key, SecretBytes::new(value));
        }
        let version = object.metadata.version()?;
        Ok(Secret::new(data, Some(version)).with_stamp(object.metadata.uid))
    }

    /// One page of a listing.
    ///
    /// # Errors
    ///
    /// See [`Answer::written_version`].
    pub fn page(&self) -> Read<Page> {
        #[derive(Deserialize)]
        struct List {
            #[serde(default)]
            metadata: Next,
            /// Null for none.
            items: Option<Vec<Bare>>,
        }
        #[derive(Deserialize, Default)]
        struct Next {
            #[serde(default, rename = "continue")]
            next: String,
        }
        let list: List =
            serde_json::from_slice(&self.body).map_err(|_| odd("not a list of objects"))?;
        let path =
            |Bare { metadata }: Bare| format!("{}/{}", metadata.namespace, metadata.name).parse();
        let paths: Result<_, _> = list
            .items
            .unwrap_or_default()
            .into_iter()
            .map(path)
            .collect();
        Ok(Page {
            paths: paths.map_err(|_| odd("a name that cannot be one"))?,
            next: list.metadata.next,
        })
    }

    fn object(&self) -> Read<ObjectMetadata> {
        let found: Bare =
            serde_json::from_slice(&self.body).map_err(|_| odd("no metadata of an object"))?;
        Ok(found.metadata)
    }

    fn reason(&self) -> Status {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Refusal {
    /// As an error: `verb` was asked of `path`.
    pub(super) fn kind(self, verb: &'static str, path: &str) -> StoreErrorKind {
        match self {
            Self::Missing => StoreErrorKind::NotFound,
            Self::Conflict => StoreErrorKind::Server { status: 409 },
            Self::Forbidden => StoreErrorKind::PermissionDenied {
                capability: verb,
                path: path.to_owned(),
            },
            Self::Other(kind) => kind,
        }
    }
}

impl Status {
    fn causes(&self) -> &[Cause] {
        self.details.as_ref().map_or(&[], |details| &details.causes)
    }
}

impl ObjectMetadata {
    fn version(&self) -> Result<Version, StoreErrorKind> {
        let number = self.resource_version.parse().ok().and_then(Version::new);
        number.ok_or(odd("a resourceVersion that is no number"))
    }
}

/// The error of an operation, with what to try in Kubernetes' words.
pub(super) fn error(kind: StoreErrorKind, store: &str, path: Option<&SecretPath>) -> StoreError {
    use StoreErrorKind as K;
    let hint = match &kind {
        K::NotFound => "check the path, NAMESPACE/NAME",
        K::NamespaceNotFound { .. } => "check the path's first segment",
        K::PermissionDenied { .. } => "a Role bound to this user must",
        K::TokenRefused => "check the credentials of this user",
        K::VersionNotFound { .. } => {
            "Kubernetes keeps the newest only: drop `version=`, or lock anew"
        }
        _ => return StoreError::new(kind, store, path),
    };
    StoreError::new(kind, store, path).with_hint(hint)
}

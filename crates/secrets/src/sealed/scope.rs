//! What a sealed item is bound to.

use std::fmt;
use std::str::FromStr;

use narae_yaml::{Mapping, Value};
use thiserror::Error;

/// Annotation of the widest scope; wins over [`NAMESPACE_WIDE`] when both are set.
const CLUSTER_WIDE: &str = "sealedsecrets.bitnami.com/cluster-wide";
const NAMESPACE_WIDE: &str = "sealedsecrets.bitnami.com/namespace-wide";

/// Where a sealed item may be opened.
// Exhaustive: the format has these three, and a new one must break every match.
#[expect(clippy::exhaustive_enums, reason = "the format has exactly these")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Under this name in this namespace only.
    #[default]
    Strict,
    /// Under any name in this namespace.
    NamespaceWide,
    /// Anywhere in the cluster.
    ClusterWide,
}

impl Scope {
    /// The scope that `metadata.annotations` of a Secret or SealedSecret ask for.
    ///
    /// As upstream: the value must be exactly the string `true`.
    #[must_use]
    pub fn from_metadata(metadata: Option<&Value>) -> Self {
        let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
        let set = |name| {
            annotations
                .and_then(|all| all.get(name))
                .and_then(Value::as_str)
                == Some("true")
        };
        if set(CLUSTER_WIDE) {
            Self::ClusterWide
        } else if set(NAMESPACE_WIDE) {
            Self::NamespaceWide
        } else {
            Self::Strict
        }
    }

    /// Makes the annotations of a Secret or SealedSecret ask for this scope and no other.
    pub fn annotate(self, object: &mut Value) {
        let Some(metadata) = object
            .as_mapping_mut()
            .map(|object| object.get_or_insert_with("metadata", || Value::Mapping(Mapping::new())))
            .and_then(Value::as_mapping_mut)
        else {
            return;
        };
        let annotations =
            metadata.get_or_insert_with("annotations", || Value::Mapping(Mapping::new()));
        if annotations.is_null() {
            *annotations = Value::Mapping(Mapping::new());
        }
        if let Some(annotations) = annotations.as_mapping_mut() {
            annotations.remove(CLUSTER_WIDE);
            annotations.remove(NAMESPACE_WIDE);
            if let Some(own) = self.annotation() {
                annotations.insert(own, "true");
            }
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }

    /// The annotation that asks for this scope; none for the default.
    #[must_use]
    pub fn annotation(self) -> Option<&'static str> {
        match self {
            Self::Strict => None,
            Self::NamespaceWide => Some(NAMESPACE_WIDE),
            Self::ClusterWide => Some(CLUSTER_WIDE),
        }
    }
}

impl fmt::Display for Scope {
    /// The name kubeseal's `--scope` uses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strict => "strict",
            Self::NamespaceWide => "namespace-wide",
            Self::ClusterWide => "cluster-wide",
        })
    }
}

/// Text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is no scope; expected strict, namespace-wide or cluster-wide")]
pub struct ScopeError(String);

impl FromStr for Scope {
    type Err = ScopeError;

    /// As kubeseal's `--scope`; the empty text is the default.
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        match text {
            "" | "strict" => Ok(Self::Strict),
            "namespace-wide" => Ok(Self::NamespaceWide),
            "cluster-wide" => Ok(Self::ClusterWide),
            other => Err(ScopeError(other.chars().take(80).collect())),
        }
    }
}

/// The OAEP label: scope, and the namespace and name it binds to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label {
    scope: Scope,
    text: String,
}

/// Why a scope cannot be bound.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The scope needs a namespace.
    #[error("scope {0} needs a namespace; set metadata.namespace")]
    Namespace(Scope),
    /// The scope needs a name.
    #[error("scope strict needs a name; set metadata.name")]
    Name,
    /// Namespaces and names are joined by `/`, so neither may hold one.
    #[error("{0:?} is not the name of a Kubernetes object")]
    Malformed(String),
}

impl Label {
    /// The label of `scope` for an object of this namespace and name; unused parts may be empty.
    ///
    /// # Errors
    ///
    /// [`LabelError`] when a part the scope needs is empty or cannot be an object's name.
    pub fn new(scope: Scope, namespace: &str, name: &str) -> Result<Self, LabelError> {
        for part in [namespace, name] {
            if part.len() > 253
                || part.contains(|c: char| c == '/' || c.is_control() || c.is_whitespace())
            {
                return Err(LabelError::Malformed(part.chars().take(80).collect()));
            }
        }
        if namespace.is_empty() && scope != Scope::ClusterWide {
            return Err(LabelError::Namespace(scope));
        }
        let text = match scope {
            Scope::Strict if name.is_empty() => return Err(LabelError::Name),
            Scope::Strict => format!("{namespace}/{name}"),
            Scope::NamespaceWide => namespace.to_owned(),
            Scope::ClusterWide => String::new(),
        };
        Ok(Self { scope, text })
    }

    /// The scope it was made for.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The bytes that go into OAEP.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl fmt::Display for Label {
    /// `strict:namespace/name`, `namespace-wide:namespace` or `cluster-wide:`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scope, self.text)
    }
}

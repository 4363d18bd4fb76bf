//! Kubernetes objects by address: API version, kind, namespace and name; the order in which a set of
//! them can be applied, the amounts they ask for, and where their images stand.

mod order;
mod pod;
mod quantity;

use std::fmt;

use narae_yaml::Value;

use crate::error::{Error, ErrorKind};

pub use order::{apply_rank, sort_for_apply};
pub use pod::{images, pod_spec};
pub use quantity::{Form, MAX_WHOLE, Quantity, QuantityError};

/// What identifies an object in a cluster.
///
/// Displays as people say it: `Deployment shop-dev/shop`, `Namespace shop-dev`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct ObjectId {
    /// Group and version, as written: `apps/v1`, `v1`.
    pub api_version: String,
    /// The kind: `Deployment`.
    pub kind: String,
    /// The namespace, when the object names one.
    pub namespace: Option<String>,
    /// The name; empty for an object that asks for a generated one.
    pub name: String,
}

impl ObjectId {
    /// Reads the address of an object.
    ///
    /// It can be shown, logged and be part of a path of the API: as in an API server, a kind is a
    /// letter with letters and digits behind it, and a name is no `.` or `..` and has no `/` and no
    /// `%` (`ValidatePathSegmentName` of apimachinery), here also no white space and no control
    /// character.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Object`] when `apiVersion`, `kind` or `metadata.name` is absent, or when one of
    /// them or `metadata.namespace` is not a string or not of that form. `metadata.generateName`
    /// stands in for the name, which is then empty. A value has no place, so the error has none
    /// either; for a rendered document [`Rendered::id`](crate::template::Rendered::id) names it.
    pub fn of(object: &Value) -> Result<Self, Error> {
        let api_version = required(object, "apiVersion")?;
        let kind = required(object, "kind")?;
        if !is_api_version(&api_version) {
            return Err(refusal("`apiVersion` must be like `apps/v1` or `v1`"));
        }
        if !is_kind(&kind) {
            return Err(refusal(format!(
                "`kind` must be a letter with letters and digits behind it, at most {MAX_KIND_BYTES}"
            )));
        }
        let metadata = object.get("metadata");
        let field = |name| metadata.and_then(|metadata| metadata.get(name));
        let name = match (field("name"), field("generateName")) {
            (Some(name), _) => segment(&kind, name, "metadata.name")?,
            (None, Some(prefix)) => {
                segment(&kind, prefix, "metadata.generateName")?;
                String::new()
            }
            (None, None) => return Err(refusal(format!("{kind} has no `metadata.name`"))),
        };
        let namespace = match field("namespace") {
            None | Some(Value::Null) => None,
            Some(namespace) => Some(segment(&kind, namespace, "metadata.namespace")?),
        };
        Ok(Self {
            api_version,
            kind,
            namespace,
            name,
        })
    }

    /// The API group: `apps` for `apps/v1`, empty for the core group's `v1`.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version
            .rsplit_once('/')
            .map_or("", |(group, _)| group)
    }

    /// The API version without its group: `v1` for `apps/v1`.
    #[must_use]
    pub fn version(&self) -> &str {
        self.api_version
            .rsplit_once('/')
            .map_or(&self.api_version, |(_, version)| version)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// A kind is a DNS label in other letters (`IsDNS1035Label` of its lower case form).
const MAX_KIND_BYTES: usize = 63;

fn is_kind(kind: &str) -> bool {
    kind.len() <= MAX_KIND_BYTES
        && kind.starts_with(|first: char| first.is_ascii_alphabetic())
        && kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_api_version(api_version: &str) -> bool {
    let part = |part: &str| {
        let mut bytes = part.bytes();
        bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
            && !part.is_empty()
    };
    match api_version.split_once('/') {
        Some((group, version)) => part(group) && part(version),
        None => part(api_version),
    }
}

fn required(object: &Value, field: &str) -> Result<String, Error> {
    match object.get(field) {
        Some(value) => text(value, format_args!("`{field}`")),
        None => Err(refusal(format!(
            "not a Kubernetes object: it has no `{field}`"
        ))),
    }
}

/// A name that can be a segment of a path.
fn segment(kind: &str, value: &Value, field: &str) -> Result<String, Error> {
    let field = format_args!("`{field}` of {kind}");
    let text = text(value, field)?;
    if text == "." || text == ".." {
        return Err(refusal(format!("{field} must not be `.` or `..`")));
    }
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '/' | '%')) {
        return Err(refusal(format!(
            "{field} must not have white space, control characters, `/` or `%`"
        )));
    }
    Ok(text)
}

fn text(value: &Value, field: fmt::Arguments<'_>) -> Result<String, Error> {
    match value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        Some(_) => Err(refusal(format!("{field} is empty"))),
        None => Err(refusal(format!(
            "{field} must be a string, found {}",
            value.kind()
        ))),
    }
}

fn refusal(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Object, message)
}

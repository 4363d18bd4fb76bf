//! Secrets of the rendered objects: finds references, refuses literals, resolves and seals.
//! No plaintext leaves this module but inside `narae_secrets`' own types.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use narae_manifest::object::ObjectId;
use narae_manifest::template::Rendered;
use narae_secrets::lock::{Lock, LockedError};
use narae_secrets::reference::{Interpolation, Reference};
use narae_secrets::resolve::{FailureKind, Request, Resolved};
use narae_secrets::sealed::{
    Action, Certificate, DigestKey, Provisioned, ReferencedProblem, ReferencedProblemKind,
    ReferencedSecret, Values,
};
use narae_secrets::store::{Store, StoreErrorKind, Version};
use narae_yaml::{Path, Segment, Value};

use crate::cli::StoreKind;
use crate::outcome::{Refusal, SealedItem};
use crate::policy;

/// The rule that a Secret in a template holds references only.
const NO_PLAINTEXT: &str = "no-plaintext-secrets";
/// The rule that every object is a document.
const ONE_BY_ONE: &str = "one-object-a-document";
/// The rule that a reference stands where something resolves it.
const IN_SECRETS_ONLY: &str = "references-in-secrets-only";

const LITERAL: &str =
    "a Secret in a template may hold references only: a literal would be plaintext in git";
const NESTED: &str = "a Secret within another object is not sealed: it would be plaintext in git";
/// The annotation by which a Secret asks that references may stand within a text.
const INTERPOLATE: &str = "narae.dev/interpolate";

const UNKNOWN_FIELD: &str = "a Secret has no such field: it would not be delivered";

/// A Secret and its references.
#[derive(Debug)]
pub(crate) struct SecretReferences<'a> {
    pub(crate) rendered: &'a Rendered,
    referenced: ReferencedSecret<'a>,
}

/// What the objects ask of the store, and what must not be delivered at all.
#[derive(Debug, Default)]
pub(crate) struct Found<'a> {
    pub(crate) secrets: Vec<SecretReferences<'a>>,
    pub(crate) refusals: Vec<Refusal>,
}

/// Looks through every object for references and for literals where references belong.
pub(crate) fn find(objects: &[Rendered]) -> Result<Found<'_>> {
    let mut found = Found::default();
    for rendered in objects {
        if is_list(&rendered.value) {
            let message =
                "a List hides its objects from every check: write each as a document of its own";
            let path = Path::default().child("items");
            let refusal = policy::refusal(ONE_BY_ONE, message, rendered, &path, None)?;
            found.refusals.push(refusal);
        } else if is_secret(&rendered.value) {
            let referenced = references_of(rendered, &mut found.refusals)?;
            found
                .secrets
                .extend(referenced.map(|referenced| SecretReferences {
                    rendered,
                    referenced,
                }));
        } else {
            stray(
                rendered,
                &rendered.value,
                Path::default(),
                &mut found.refusals,
            )?;
        }
    }
    Ok(found)
}

/// Reads every reference from `stores`, each path once, at the version that `lock` says.
pub(crate) fn read(
    found: &Found<'_>,
    stores: &[&dyn Store],
    lock: &Lock,
    kind: StoreKind,
) -> Result<Resolved> {
    let secrets = found.secrets.iter();
    let requests: Vec<Request> = secrets
        .flat_map(|secret| secret.referenced.requests())
        .collect();
    lock.resolve(&requests, stores).map_err(|error| {
        let hint = if is_gone(&error) {
            "\n  try: --relock, to read the newest version and lock that"
        } else if kind == StoreKind::File && is_missing(&error) {
            "\n  try: `seal put`, which writes to an embedded store"
        } else {
            ""
        };
        anyhow::anyhow!("{error}{hint}")
    })
}

/// Whether what is locked cannot be read any more.
fn is_gone(error: &LockedError) -> bool {
    use StoreErrorKind::{Deleted, Destroyed, VersionNotFound};
    let gone = |kind: &FailureKind| match kind {
        FailureKind::Store(error) => matches!(
            error.kind(),
            VersionNotFound { .. } | Deleted { .. } | Destroyed { .. }
        ),
        _ => false,
    };
    match error {
        LockedError::Changed(_) => true,
        LockedError::Resolve(error) => error.failures().iter().any(|failure| gone(&failure.kind)),
        _ => false,
    }
}

/// Whether the store holds no such secret, or no such key of it.
fn is_missing(error: &LockedError) -> bool {
    let missing = |kind: &FailureKind| match kind {
        FailureKind::Store(error) => matches!(error.kind(), StoreErrorKind::NotFound),
        kind => matches!(kind, FailureKind::NoSuchKey { .. }),
    };
    match error {
        LockedError::Resolve(error) => error.failures().iter().any(|it| missing(&it.kind)),
        _ => false,
    }
}

/// A sealed Secret as its file will read, what each item came from, and what was done for each.
pub(crate) type Sealed = (String, BTreeMap<String, String>, Vec<SealedItem>);

impl SecretReferences<'_> {
    /// Seals for a certificate, keeping the ciphertext in `previous` of what did not change: what has no version is known
    /// by the digest key.
    pub(crate) fn seal(
        &self,
        resolved: &Resolved,
        (certificate, digest_key): (&Certificate, Option<&DigestKey>),
        previous: Option<&Value>,
    ) -> Result<Sealed> {
        let object = ObjectId::of(&self.rendered.value)?.to_string();
        let referenced = self.referenced.clone().with_previous(previous);
        let referenced = referenced.with_digest_key(digest_key);
        let sealed = referenced.seal(resolved, certificate);
        let Provisioned {
            mut sealed,
            origins,
            ..
        } = sealed.with_context(|| self.rendered.origin().to_string())?;
        copy_labels(&self.rendered.value, &mut sealed.manifest);
        let text = sealed.to_yaml();
        let all = |from: &[Reference], show: fn(&Reference) -> String| {
            let shown: Vec<String> = from.iter().map(show).collect();
            shown.join(", ")
        };
        let outcomes = sealed.items.into_iter().map(|item| {
            let from = origins.get(&item.name).map_or(&[][..], Vec::as_slice);
            SealedItem {
                object: object.clone(),
                item: item.name,
                source: all(from, |it| {
                    format!("{}/{}#{}", it.store(), it.path(), it.key())
                }),
                // Of several, each has its own.
                version: match from {
                    [one] => one.version().map(Version::get),
                    _ => None,
                },
                outcome: describe(item.action),
            }
        });
        let outcomes = outcomes.collect();
        let sources = origins.iter().map(|(name, from)| {
            let source = all(from, |it| {
                let version = it.version();
                let version = version.map_or_else(String::new, |version| format!(" v{version}"));
                format!("{}#{}{version}", it.path(), it.key())
            });
            (name.clone(), source)
        });
        Ok((text, sources.collect(), outcomes))
    }
}

/// The format keeps the Secret's labels for the Secret alone; teams select and check the object in
/// git by the same ones.
fn copy_labels(secret: &Value, sealed: &mut Value) {
    let labels = secret
        .get("metadata")
        .and_then(|metadata| metadata.get("labels"));
    let metadata = sealed.get_mut("metadata").and_then(Value::as_mapping_mut);
    if let (Some(labels), Some(metadata)) = (labels, metadata) {
        metadata.insert("labels", labels.clone());
    }
}

fn describe(action: Action) -> String {
    match action {
        Action::Kept => "kept".to_owned(),
        Action::Sealed => "sealed".to_owned(),
        Action::Resealed(reason) => format!("sealed again: {reason}"),
        _ => "sealed again".to_owned(),
    }
}

/// Whether an object holds others, as `kubectl get -o yaml` prints them.
fn is_list(object: &Value) -> bool {
    let kind = object.get("kind").and_then(Value::as_str);
    kind.is_some_and(|kind| kind.ends_with("List")) && object.get("items").is_some()
}

fn is_sealed_secret(object: &Value) -> bool {
    object.get("kind").and_then(Value::as_str) == Some("SealedSecret")
}

/// Whether an object is a Kubernetes Secret.
pub(crate) fn is_secret(object: &Value) -> bool {
    object.get("apiVersion").and_then(Value::as_str) == Some("v1")
        && object.get("kind").and_then(Value::as_str) == Some("Secret")
}

/// `None` if something in it is refused.
fn references_of<'a>(
    rendered: &'a Rendered,
    refusals: &mut Vec<Refusal>,
) -> Result<Option<ReferencedSecret<'a>>> {
    for (field, value) in rendered.value.as_mapping().into_iter().flatten() {
        let path = Path::default().child(field);
        match field {
            "apiVersion" | "kind" | "type" | "immutable" | "data" | "stringData" => {}
            "metadata" => stray(rendered, value, path, refusals)?,
            _ => refusals.push(plaintext(UNKNOWN_FIELD, rendered, &path)?),
        }
    }
    let asked = rendered.value.get("metadata").and_then(|metadata| {
        let annotation = metadata.get("annotations")?.get(INTERPOLATE)?;
        Some(annotation.as_str()? == "true")
    });
    let values = match asked {
        Some(true) => Values::Interpolated,
        _ => Values::References,
    };
    let place = |path: &Path| place_of(rendered, path);
    let error = match ReferencedSecret::read(&rendered.value, values, place) {
        Ok(referenced) => return Ok(Some(referenced)),
        Err(error) => error,
    };
    for ReferencedProblem {
        path, place, kind, ..
    } in error.problems()
    {
        match kind {
            ReferencedProblemKind::Literal => refusals.push(plaintext(LITERAL, rendered, path)?),
            ReferencedProblemKind::Twice => anyhow::bail!("{place}: {kind}"),
            _ => return Err(anyhow::Error::new(kind.clone()).context(place.clone())),
        }
    }
    Ok(None)
}

fn stray(
    rendered: &Rendered,
    value: &Value,
    path: Path,
    refusals: &mut Vec<Refusal>,
) -> Result<()> {
    match value {
        Value::String(text)
            if Reference::is_reference(text) || text.parse::<Interpolation>().is_ok() =>
        {
            let message = "a secret reference works in a Secret only: here it would stay a text";
            refusals.push(policy::refusal(
                IN_SECRETS_ONLY,
                message,
                rendered,
                &path,
                Some(text.clone()),
            )?);
        }
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                stray(rendered, item, path.child(Segment::Index(index)), refusals)?;
            }
        }
        Value::Mapping(entries) => {
            if !path.is_root() && is_secret(value) {
                refusals.push(plaintext(NESTED, rendered, &path)?);
            }
            if is_sealed_secret(value) {
                let sealed = path.child("spec").child("template");
                for field in ["data", "stringData"] {
                    let path = sealed.child(field);
                    if rendered
                        .value
                        .at(&path)
                        .is_some_and(|value| !value.is_null())
                    {
                        refusals.push(plaintext(LITERAL, rendered, &path)?);
                    }
                }
            }
            for (key, item) in entries.iter() {
                stray(
                    rendered,
                    item,
                    path.child(Segment::Key(key.to_owned())),
                    refusals,
                )?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Refuses what would be plaintext in git; the value is left out on purpose.
fn plaintext(message: &str, rendered: &Rendered, path: &Path) -> Result<Refusal> {
    policy::refusal(NO_PLAINTEXT, message, rendered, path, None)
}

fn place_of(rendered: &Rendered, path: &Path) -> String {
    let provenance = rendered.provenance(path);
    provenance.map_or_else(
        || rendered.origin().to_string(),
        |provenance| provenance.template.to_string(),
    )
}

//! Secrets of the rendered objects: finds references, refuses literals, resolves and seals.
//! No plaintext leaves this module but inside `narae_secrets`' own types.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use narae_manifest::object::ObjectId;
use narae_manifest::template::Rendered;
use narae_secrets::reference::Reference;
use narae_secrets::resolve::{Request, Resolved, resolve};
use narae_secrets::sealed::{Action, Certificate, Item, SealRequest, Source};
use narae_secrets::store::{Store, Version};
use narae_yaml::{Path, Segment, Value};

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
const UNKNOWN_FIELD: &str = "a Secret has no such field: it would not be delivered";

/// The references of one Secret, by item.
#[derive(Debug)]
pub(crate) struct SecretReferences<'a> {
    pub(crate) rendered: &'a Rendered,
    items: BTreeMap<String, (Reference, String)>,
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
            let items = items_of(rendered, &mut found.refusals)?;
            found.secrets.push(SecretReferences { rendered, items });
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

/// Reads every reference from `stores`, each path once.
pub(crate) fn read(found: &Found<'_>, stores: &[&dyn Store]) -> Result<Resolved> {
    let requests: Vec<Request> = found
        .secrets
        .iter()
        .flat_map(|secret| secret.items.values())
        .map(|(reference, place)| Request::new(reference.clone(), place.clone()))
        .collect();
    Ok(resolve(&requests, stores)?)
}

/// A sealed Secret as its file will read, what each item came from, and what was done for each.
pub(crate) type Sealed = (String, BTreeMap<String, String>, Vec<SealedItem>);

impl SecretReferences<'_> {
    /// Seals for `certificate`, keeping the ciphertext in `previous` of what did not change.
    pub(crate) fn seal(
        &self,
        resolved: &Resolved,
        certificate: &Certificate,
        previous: Option<&Value>,
    ) -> Result<Sealed> {
        let object = ObjectId::of(&self.rendered.value)?.to_string();
        let (mut items, mut sources) = (Vec::new(), BTreeMap::new());
        for (name, (reference, place)) in &self.items {
            let value = resolved
                .get(reference)
                .with_context(|| format!("{place}: {reference} was not resolved"))?;
            let source = Source::of(reference, value);
            items.push(Item::new(name.clone(), value.value.duplicate(), source));
            let version = value
                .version
                .map_or_else(String::new, |version| format!(" v{version}"));
            sources.insert(
                name.clone(),
                format!("{}#{}{version}", reference.path(), reference.key()),
            );
        }
        let mut sealed = SealRequest::new(&self.rendered.value, items)
            .with_previous(previous)
            .seal(certificate)
            .with_context(|| format!("{}: cannot seal {object}", self.rendered.origin()))?;
        copy_labels(&self.rendered.value, &mut sealed.manifest);
        let text = sealed.to_yaml();
        let outcomes = sealed
            .items
            .into_iter()
            .filter_map(|item| {
                let (reference, _) = self.items.get(&item.name)?;
                let version = resolved.get(reference)?.version;
                Some(SealedItem {
                    object: object.clone(),
                    item: item.name,
                    source: format!(
                        "{}/{}#{}",
                        reference.store(),
                        reference.path(),
                        reference.key()
                    ),
                    version: version.map(Version::get),
                    outcome: describe(item.action),
                })
            })
            .collect();
        Ok((text, sources, outcomes))
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

fn items_of(
    rendered: &Rendered,
    refusals: &mut Vec<Refusal>,
) -> Result<BTreeMap<String, (Reference, String)>> {
    let mut items = BTreeMap::new();
    for (field, value) in rendered.value.as_mapping().into_iter().flatten() {
        let path = Path::default().child(field);
        match field {
            "apiVersion" | "kind" | "type" | "immutable" | "data" | "stringData" => {}
            "metadata" => stray(rendered, value, path, refusals)?,
            _ => refusals.push(plaintext(UNKNOWN_FIELD, rendered, &path)?),
        }
    }
    for field in ["data", "stringData"] {
        let Some(value) = rendered.value.get(field).filter(|value| !value.is_null()) else {
            continue;
        };
        let Some(values) = value.as_mapping() else {
            let path = Path::default().child(field);
            refusals.push(plaintext(LITERAL, rendered, &path)?);
            continue;
        };
        for (name, value) in values.iter() {
            let path = Path::default().child(field).child(name);
            let place = place_of(rendered, &path);
            match value.as_str() {
                Some(text) if Reference::is_reference(text) => {
                    let reference: Reference = text.parse().with_context(|| place.clone())?;
                    if items
                        .insert(name.to_owned(), (reference, place.clone()))
                        .is_some()
                    {
                        anyhow::bail!(
                            "{place}: `{name}` stands in data and in stringData\n  try: remove one"
                        );
                    }
                }
                _ => refusals.push(plaintext(LITERAL, rendered, &path)?),
            }
        }
    }
    Ok(items)
}

fn stray(
    rendered: &Rendered,
    value: &Value,
    path: Path,
    refusals: &mut Vec<Refusal>,
) -> Result<()> {
    match value {
        Value::String(text) if Reference::is_reference(text) => {
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

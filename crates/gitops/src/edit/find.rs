//! The places a selector means in a text, and what stands there.

use narae_yaml::{Document, Node, Path, Position, Value};

use super::locator::Locator;
use super::selector::{Image, Part, Selector};
use super::{EditError, marker};
use crate::image::ImageReference;

/// One scalar that is meant; it may be yet to be written.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) document: usize,
    pub(super) path: Path,
    pub(super) holds: Holds,
    /// What stands there; `None` when the key is missing.
    pub(super) value: Option<Value>,
    /// The text as written: a tag `1.20` is that, and not 1.2.
    pub(super) text: Option<String>,
    /// Where it stands, or what holds it.
    pub(super) position: Position,
    pub(super) layout: Layout,
}

/// What a place holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Value,
    Image(Part),
    /// Of a Helm chart's values: the host alone.
    Registry,
    /// Of a Helm chart's values with a registry: the rest of the name.
    Repository,
}

/// What missing keys and parts mean to whoever reads the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// A scalar that is there.
    Single,
    /// An entry of `images:`, with the name that `newName` would replace.
    Kustomize(String),
    Helm,
}

pub(super) fn places(
    source: &str,
    documents: &[Document],
    selector: &Selector,
) -> Result<Vec<Place>, EditError> {
    match selector {
        Selector::Value(locator) => one(documents, locator, Holds::Value),
        Selector::Image(locator, part) => one(documents, locator, Holds::Image(*part)),
        Selector::Marker(policy) => {
            let marked = marker::find(source, documents, policy)?;
            if marked.is_empty() {
                return Err(missing(selector));
            }
            let place = |found: marker::Marked<'_>| {
                let holds = Holds::Image(found.part);
                Place::new(found.document, found.path, holds, Some(found.node))
            };
            Ok(marked.into_iter().map(place).collect())
        }
        Selector::KustomizeImage(name) => kustomize(documents, selector, "images", name),
        Selector::KustomizeReplicas(name) => kustomize(documents, selector, "replicas", name),
        Selector::HelmImage(locator) => helm(documents, locator),
    }
}

/// What the image places of one selector hold together; they must not contradict each other.
pub(super) fn image(selector: &Selector, places: &[Place]) -> Result<Image, EditError> {
    let mut image = Image::default();
    let (mut registry, mut repository) = (None, None);
    for place in places {
        let default = match &place.layout {
            Layout::Kustomize(name) if place.holds == Holds::Image(Part::Name) => Some(name),
            _ => None,
        };
        let Some(text) = place.text.as_ref().or(default) else {
            continue;
        };
        let agree = |part: &'static str, known: &mut Option<String>, found: Option<&str>| {
            let Some(found) = found.filter(|found| !found.is_empty()) else {
                return Ok(());
            };
            match known {
                Some(other) if other != found => Err(EditError::Disagree {
                    selector: selector.to_string(),
                    part,
                    found: found.to_owned(),
                    other: other.clone(),
                    position: place.position,
                }),
                _ => {
                    *known = Some(found.to_owned());
                    Ok(())
                }
            }
        };
        match place.holds {
            Holds::Value => {}
            Holds::Image(Part::Whole) => {
                let found = place.reference()?;
                agree("name", &mut image.name, Some(&found.name()))?;
                agree("tag", &mut image.tag, found.tag())?;
                agree("digest", &mut image.digest, found.digest())?;
            }
            Holds::Image(Part::Name) => agree("name", &mut image.name, Some(text))?,
            Holds::Image(Part::Tag) => agree("tag", &mut image.tag, Some(text))?,
            Holds::Image(Part::Digest) => agree("digest", &mut image.digest, Some(text))?,
            Holds::Registry => registry = Some(text.clone()),
            Holds::Repository => repository = Some(text.clone()),
        }
    }
    if let Some(repository) = repository {
        image.name = Some(match registry.filter(|registry| !registry.is_empty()) {
            Some(registry) => format!("{registry}/{repository}"),
            None => repository,
        });
    }
    Ok(image)
}

/// Leaves a name in two scalars as it is when it is the one that is wanted: `ghcr.io/acme` and `shop/web` are not to become
/// `ghcr.io` and `acme/shop/web`.
pub(super) fn keep_name(
    selector: &Selector,
    places: &mut Vec<Place>,
    wanted: &Image,
) -> Result<(), EditError> {
    let Some(registry) = places.iter().find(|place| place.holds == Holds::Registry) else {
        return Ok(());
    };
    let has_path = registry
        .text
        .as_ref()
        .is_some_and(|text| text.contains('/'));
    let position = registry.position;
    if wanted.name == image(selector, places)?.name {
        places.retain(|place| !matches!(place.holds, Holds::Registry | Holds::Repository));
        return Ok(());
    }
    match has_path && wanted.name.is_some() {
        true => Err(EditError::RegistryPath { position }),
        false => Ok(()),
    }
}

impl Place {
    fn new(document: usize, path: Path, holds: Holds, node: Option<&Node>) -> Self {
        // Nothing has no text, however it is spelt.
        let scalar = node
            .filter(|node| node.to_value() != Value::Null)
            .and_then(Node::as_scalar);
        Self {
            document,
            path,
            holds,
            value: node.map(Node::to_value),
            text: scalar.map(|scalar| scalar.text().to_owned()),
            position: node.map(Node::position).unwrap_or_default(),
            layout: Layout::Single,
        }
    }

    /// The whole reference that stands here.
    pub(super) fn reference(&self) -> Result<ImageReference, EditError> {
        let text = self.text.as_deref().unwrap_or_default();
        text.parse().map_err(|source| EditError::NotImage {
            position: self.position,
            source,
        })
    }
}

fn one(documents: &[Document], locator: &Locator, holds: Holds) -> Result<Vec<Place>, EditError> {
    let found = locator.resolve(documents)?;
    match found.node {
        Some(node) => Ok(vec![Place::new(
            found.document,
            found.path,
            holds,
            Some(node),
        )]),
        None => Err(EditError::NotFound {
            place: locator.to_string(),
        }),
    }
}

/// The entry called `name` of the list `field`, which a kustomization has at its root.
fn kustomize(
    documents: &[Document],
    selector: &Selector,
    field: &str,
    name: &str,
) -> Result<Vec<Place>, EditError> {
    let mut entries = Vec::new();
    for (document, written) in documents.iter().enumerate() {
        let list = written.root.get(field).and_then(Node::as_sequence);
        for (index, entry) in list.unwrap_or_default().iter().enumerate() {
            if entry.get("name").and_then(Node::as_str) == Some(name) {
                entries.push((document, Path::root().child(field).child(index), entry));
            }
        }
    }
    let (document, path, entry) = match entries.as_slice() {
        [] => return Err(missing(selector)),
        [only] => only,
        [(_, _, first), (_, _, second), ..] => {
            return Err(EditError::Ambiguous {
                place: selector.to_string(),
                first: first.position(),
                second: second.position(),
            });
        }
    };
    let place = |key: &str, holds| {
        let node = entry.get(key);
        let mut place = Place::new(*document, path.child(key), holds, node);
        if node.is_none() {
            place.position = entry.position();
        }
        place.layout = Layout::Kustomize(name.to_owned());
        place
    };
    if field == "replicas" {
        return match entry.get("count") {
            Some(_) => Ok(vec![place("count", Holds::Value)]),
            None => Err(missing(selector)),
        };
    }
    Ok(vec![
        place("newName", Holds::Image(Part::Name)),
        place("newTag", Holds::Image(Part::Tag)),
        place("digest", Holds::Image(Part::Digest)),
    ])
}

fn helm(documents: &[Document], locator: &Locator) -> Result<Vec<Place>, EditError> {
    let found = locator.resolve(documents)?;
    let not_found = |key: &str| EditError::NotFound {
        place: format!("{locator} with a `{key}`"),
    };
    let Some(node) = found.node.filter(|node| node.as_mapping().is_some()) else {
        return Err(not_found("tag"));
    };
    let place = |key: &str, holds| {
        let at = node.get(key);
        let mut place = Place::new(found.document, found.path.child(key), holds, at);
        if at.is_none() {
            place.position = node.position();
        }
        place.layout = Layout::Helm;
        place
    };
    if node.get("tag").is_none() && node.get("repository").is_none() {
        return Err(not_found("tag"));
    }
    let has_registry = node
        .get("registry")
        .and_then(Node::as_str)
        .is_some_and(|registry| !registry.is_empty());
    let mut places = Vec::new();
    match has_registry {
        true => {
            places.push(place("registry", Holds::Registry));
            places.push(place("repository", Holds::Repository));
        }
        false => places.push(place("repository", Holds::Image(Part::Name))),
    }
    places.push(place("tag", Holds::Image(Part::Tag)));
    places.push(place("digest", Holds::Image(Part::Digest)));
    Ok(places)
}

fn missing(selector: &Selector) -> EditError {
    EditError::NotFound {
        place: selector.to_string(),
    }
}

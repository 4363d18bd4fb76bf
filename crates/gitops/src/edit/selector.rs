//! What is selected in a file, and what it may be set to.
//!
//! ```text
//! value:LOCATOR      one scalar
//! image:LOCATOR      one scalar that holds a whole image reference
//! tag:LOCATOR        one scalar that holds a part of one: `name`, `tag` or `digest`
//! marker:NS:NAME     every scalar that Flux's comment {"$imagepolicy": "NS:NAME[:part]"} stands behind
//! kustomize:NAME     the entry of a kustomization's `images:` with that name
//! replicas:NAME      the count in the entry of a kustomization's `replicas:` with that name
//! helm:LOCATOR       a mapping of `repository`, `tag`, perhaps `registry` and `digest`
//! ```

use std::fmt;
use std::str::FromStr;

use narae_yaml::Value;
use serde::{Deserialize, Serialize};

use super::EditError;
use super::locator::{Locator, LocatorError};
use crate::image::ImageReference;

/// Which values of a file are meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Selector {
    /// One scalar of any meaning.
    Value(Locator),
    /// One scalar that holds an image reference, or a part of one.
    Image(Locator, Part),
    /// Every scalar that a Flux marker comment of this policy (`namespace:name`) stands behind.
    Marker(String),
    /// The entry of a kustomization's `images:` with this `name`.
    KustomizeImage(String),
    /// The `count` of the entry of a kustomization's `replicas:` with this `name`.
    KustomizeReplicas(String),
    /// A mapping with `repository` and `tag`, and perhaps `registry` and `digest`.
    HelmImage(Locator),
}

/// How much of an image reference one scalar holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// `registry/repository:tag@digest`
    Whole,
    /// `registry/repository`
    Name,
    /// Without the colon.
    Tag,
    /// With its algorithm.
    Digest,
}

impl Part {
    /// Its name in selectors, markers and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "image",
            Self::Name => "name",
            Self::Tag => "tag",
            Self::Digest => "digest",
        }
    }
}

impl Selector {
    /// Whether it selects an image, and not any value.
    #[must_use]
    pub fn is_image(&self) -> bool {
        !matches!(self, Self::Value(_) | Self::KustomizeReplicas(_))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(place) => write!(f, "value:{place}"),
            Self::Image(place, part) => write!(f, "{}:{place}", part.as_str()),
            Self::Marker(policy) => write!(f, "marker:{policy}"),
            Self::KustomizeImage(name) => write!(f, "kustomize:{name}"),
            Self::KustomizeReplicas(name) => write!(f, "replicas:{name}"),
            Self::HelmImage(place) => write!(f, "helm:{place}"),
        }
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let shown = || {
            text.chars()
                .take(120)
                .flat_map(char::escape_debug)
                .collect()
        };
        let (kind, rest) = text
            .split_once(':')
            .ok_or_else(|| SelectorError::Kind { text: shown() })?;
        let named = |expected| match rest.is_empty() || rest.contains(char::is_control) {
            true => Err(SelectorError::Name {
                text: shown(),
                expected,
            }),
            false => Ok(rest.to_owned()),
        };
        Ok(match kind {
            "value" => Self::Value(rest.parse()?),
            "image" => Self::Image(rest.parse()?, Part::Whole),
            "name" => Self::Image(rest.parse()?, Part::Name),
            "tag" => Self::Image(rest.parse()?, Part::Tag),
            "digest" => Self::Image(rest.parse()?, Part::Digest),
            "helm" => Self::HelmImage(rest.parse()?),
            "kustomize" => Self::KustomizeImage(named("the `name` of an entry of `images:`")?),
            "replicas" => Self::KustomizeReplicas(named("the `name` of an entry of `replicas:`")?),
            "marker" => {
                let policy = named("a policy as `namespace:name`")?;
                let parts: Vec<&str> = policy.split(':').collect();
                if parts.len() != 2 || parts.iter().any(|part| part.is_empty()) {
                    return Err(SelectorError::Name {
                        text: shown(),
                        expected: "a policy as `namespace:name`",
                    });
                }
                Self::Marker(policy)
            }
            _ => return Err(SelectorError::Kind { text: shown() }),
        })
    }
}

/// A text that is not a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// It begins with no known kind.
    #[error(
        "`{text}` is not a selector: expected value:, image:, name:, tag:, digest:, helm:, kustomize:, replicas: or marker: and what follows it"
    )]
    Kind {
        /// What was read, escaped.
        text: String,
    },
    /// Its name is missing or not one.
    #[error("`{text}` is not a selector: expected {expected} after the colon")]
    Name {
        /// What was read, escaped.
        text: String,
        /// What should be there.
        expected: &'static str,
    },
    /// Its place is not one.
    #[error(transparent)]
    Locator(#[from] LocatorError),
}

/// What selected values are set to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Setting {
    /// For selectors of an image.
    Image(Image),
    /// For the others: a scalar.
    Value(Value),
}

/// As much of an image as is known: a file may hold a tag alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Image {
    /// `registry/repository`; `None` leaves what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl Image {
    /// The image, if it is written in part: `tag`, `name:tag` or `name@digest`.
    #[must_use]
    pub fn to_reference(&self) -> Option<ImageReference> {
        let mut text = self.name.clone()?;
        if let Some(tag) = &self.tag {
            text = format!("{text}:{tag}");
        }
        if let Some(digest) = &self.digest {
            text = format!("{text}@{digest}");
        }
        text.parse().ok()
    }

    /// Whether both are one build, as far as both say: the same repository (whatever the registry), tag
    /// and digest. Two that share neither a tag nor a digest are not.
    #[must_use]
    pub fn is_same_build(&self, other: &Self) -> bool {
        let agree = |ours: &Option<String>, theirs: &Option<String>| match (ours, theirs) {
            (Some(ours), Some(theirs)) => Some(ours == theirs),
            _ => None,
        };
        let parts = [
            agree(&self.tag, &other.tag),
            agree(&self.digest, &other.digest),
        ];
        agree(&self.repository(), &other.repository()) != Some(false)
            && !parts.contains(&Some(false))
            && parts.contains(&Some(true))
    }

    /// Its name without the host, if that is known.
    pub(crate) fn repository(&self) -> Option<String> {
        let name: ImageReference = self.name.as_ref()?.parse().ok()?;
        Some(name.repository().to_owned())
    }

    /// The host it comes from, if its name is known; Docker's own where the name has none.
    #[must_use]
    pub fn registry(&self) -> Option<String> {
        let name: ImageReference = self.name.as_ref()?.parse().ok()?;
        Some(name.registry().unwrap_or("docker.io").to_owned())
    }

    /// The same repository, tag and digest, from the registry that `there` has: a registry belongs
    /// to an environment, the rest to the image.
    #[must_use]
    pub fn at_registry_of(&self, there: &Self) -> Self {
        let registry = |name: &String| -> Option<ImageReference> { name.parse().ok() };
        let mut moved = self.clone();
        if let (Some(ours), Some(theirs)) = (
            self.name.as_ref().and_then(registry),
            there.name.as_ref().and_then(registry),
        ) {
            moved.name = Some(match theirs.registry() {
                Some(registry) => format!("{registry}/{}", ours.repository()),
                None if theirs.repository() == ours.repository() => ours.repository().to_owned(),
                // A name that is to be replaced, as in a kustomization's entry that has no `newName` yet.
                None => ours.name(),
            });
        }
        moved
    }
}

impl From<&ImageReference> for Image {
    fn from(image: &ImageReference) -> Self {
        Self {
            name: Some(image.name()),
            tag: image.tag().map(str::to_owned),
            digest: image.digest().map(str::to_owned),
        }
    }
}

impl fmt::Display for Image {
    /// `name:tag@digest` as far as it is known: also `:tag@digest`, which no name can be taken for, `@digest`, and `tag`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_deref().unwrap_or_default())?;
        match (&self.name, &self.tag) {
            (None, Some(tag)) if self.digest.is_none() => f.write_str(tag)?,
            (_, Some(tag)) => write!(f, ":{tag}")?,
            _ => {}
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(image) => image.fmt(f),
            Self::Value(Value::String(text)) => f.write_str(text),
            Self::Value(value) => f.write_str(narae_yaml::write(value).trim_end()),
        }
    }
}

impl Setting {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Image(_) => "an image",
            Self::Value(_) => "a value",
        }
    }
}

/// The refusal of a setting that does not fit.
pub(super) fn mismatch(selector: &Selector, setting: &Setting) -> EditError {
    EditError::Kind {
        selector: selector.to_string(),
        selected: match selector.is_image() {
            true => "an image",
            false => "a value",
        },
        given: setting.kind(),
    }
}

//! Images and other scalars of YAML files: found by [`Selector`], set with every other byte kept.
//!
//! Text in, text out. How a selector's places are found is in `find` and `marker`; the bytes are
//! [`narae_yaml::edit`]'s, which re-reads each result, quotes whatever some reader could take for
//! something other than a string, and refuses what it cannot do without touching anything else.
//!
//! What was changed is returned as [`Change`]s, each in words ([`Locator`]) that still lead there
//! when elements and documents around it come and go: the inverse of a change is a change.
//!
//! Only keys of an entry that is there are ever added (`newTag`, `digest`); a missing entry is an error.

mod error;
mod find;
mod locator;
mod marker;
mod selector;

use narae_yaml::{Document, Path, Reader, Value, edit};
use serde::{Deserialize, Serialize};

use crate::image::ImageReference;
use find::{Holds, Layout, Place};
use locator::Naming;

pub use error::EditError;
pub use locator::{Locator, LocatorError, MAX_LOCATOR_BYTES};
pub use marker::MAX_MARKED;
pub use selector::{Image, Part, Selector, SelectorError, Setting};

/// One scalar before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Change {
    /// Where.
    pub at: Locator,
    /// What stood there; `None`: the key was missing.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::text::present"
    )]
    pub old: Option<Value>,
    /// What stands there; `None`: the key is gone.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::text::present"
    )]
    pub new: Option<Value>,
}

impl Change {
    /// A change read from somewhere else.
    #[must_use]
    pub fn new(at: Locator, old: Option<Value>, new: Option<Value>) -> Self {
        Self { at, old, new }
    }

    /// The change that undoes this one.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            at: self.at.clone(),
            old: self.new.clone(),
            new: self.old.clone(),
        }
    }
}

/// A text after an edit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Edited {
    /// The text.
    pub text: String,
    /// What changed; nothing when everything was so already.
    pub changes: Vec<Change>,
}

/// What stands at `selector`: an image as far as it is written there, or a scalar.
///
/// ```
/// use narae_gitops::edit;
///
/// let source = "images:\n- name: web\n  newName: harbor.example.com/shop/web\n  newTag: 3f2a9c1\n";
/// let found = edit::get(source, &"kustomize:web".parse()?)?;
/// assert_eq!(found.to_string(), "harbor.example.com/shop/web:3f2a9c1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the text cannot be read, nothing stands there, or its places contradict each other.
pub fn get(source: &str, selector: &Selector) -> Result<Setting, EditError> {
    let documents = read(source)?;
    let places = find::places(source, &documents, selector)?;
    if selector.is_image() {
        return Ok(Setting::Image(find::image(selector, &places)?));
    }
    let place = places.into_iter().next();
    let value = place.and_then(|place| place.value);
    Ok(Setting::Value(value.unwrap_or_default()))
}

/// `source` with what is at `selector` set.
///
/// ```
/// use narae_gitops::edit::{self, Image, Setting};
/// use narae_gitops::image::ImageReference;
///
/// let source = "image: shop/web:3f2a9c1   # {\"$imagepolicy\": \"flux-system:web\"}\n";
/// let image: ImageReference = "shop/web:12e4567".parse()?;
/// let edited = edit::set(source, &"marker:flux-system:web".parse()?, &Setting::Image(Image::from(&image)))?;
/// assert_eq!(edited.text, source.replace("3f2a9c1", "12e4567"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the text cannot be read, nothing stands there, the setting does not fit the selector, the
/// image lacks a part the file asks for, or the edit could not leave every other byte alone.
pub fn set(source: &str, selector: &Selector, setting: &Setting) -> Result<Edited, EditError> {
    let documents = read(source)?;
    if matches!(setting, Setting::Image(_)) != selector.is_image() {
        return Err(selector::mismatch(selector, setting));
    }
    let mut naming = Naming::new(&documents);
    let mut changes = Vec::new();
    // Scalars that are there are set at once, however many there are; keys come and go one by one, and are few.
    let (mut set, mut others) = (Vec::new(), Vec::new());
    let mut changed = Vec::new();
    let mut places = find::places(source, &documents, selector)?;
    if let Setting::Image(wanted) = setting {
        find::keep_name(selector, &mut places, wanted)?;
    }
    for place in places {
        let new = match setting {
            Setting::Value(value) => Some(value.clone()),
            Setting::Image(image) => match place.wanted(image)? {
                Wanted::AsItIs => continue,
                Wanted::Text(text) => Some(Value::String(text)),
                Wanted::Nothing => None,
            },
        };
        if new == place.value {
            continue;
        }
        // Of an image a text is what was meant, whatever YAML makes of `1.20`.
        let old = match (place.holds, place.text) {
            (Holds::Value, _) | (_, None) => place.value.clone(),
            (_, Some(text)) => Some(Value::String(text)),
        };
        changes.push(Change {
            at: naming.of(place.document, &place.path),
            old,
            new: new.clone(),
        });
        changed.push((place.document, place.path.clone()));
        match (place.value, new) {
            (Some(_), Some(new)) => set.push((place.document, place.path, new)),
            (old, new) => others.push((place.document, place.path, old, new)),
        }
    }
    let replacements: Vec<_> = set
        .iter()
        .map(|(document, path, new)| edit::Replacement::new(*document, path, new))
        .collect();
    let mut text = match replacements.is_empty() {
        true => source.to_owned(),
        false => edit::replace_all(source, &replacements)?,
    };
    for (document, path, old, new) in &others {
        text = put(&text, *document, path, old, new)?;
    }
    // A name may have changed, too, where it is an alias or has a marker of its own.
    let after = read(&text)?;
    for (change, (document, path)) in changes.iter_mut().zip(changed) {
        if !change.at.leads_to(&after, document, &path) {
            change.at = Locator::in_document(document, &path);
        }
    }
    Ok(Edited { text, changes })
}

/// What stands at one place; `None` when it could hold something and does not.
///
/// # Errors
///
/// When the text cannot be read or has no such place.
pub fn value(source: &str, at: &Locator) -> Result<Option<Value>, EditError> {
    let documents = read(source)?;
    Ok(at.resolve(&documents)?.node.map(narae_yaml::Node::to_value))
}

/// `source` with one place set to a scalar, or its key taken out.
///
/// # Errors
///
/// As [`set`].
pub fn put_at(source: &str, at: &Locator, new: Option<&Value>) -> Result<String, EditError> {
    let documents = read(source)?;
    let found = at.resolve(&documents)?;
    let old = found.node.map(narae_yaml::Node::to_value);
    put(source, found.document, &found.path, &old, &new.cloned())
}

fn put(
    source: &str,
    document: usize,
    path: &Path,
    old: &Option<Value>,
    new: &Option<Value>,
) -> Result<String, EditError> {
    Ok(match (old, new) {
        (None, None) => source.to_owned(),
        (Some(_), Some(new)) => edit::replace(source, document, path, new)?,
        (None, Some(new)) => edit::insert(source, document, path, new)?,
        (Some(_), None) => edit::remove(source, document, path)?,
    })
}

/// What a place should hold.
enum Wanted {
    /// What it holds, whatever that is.
    AsItIs,
    Text(String),
    /// Not even its key.
    Nothing,
}

impl Place {
    fn wanted(&self, image: &Image) -> Result<Wanted, EditError> {
        let no_part = |part| EditError::NoPart {
            part,
            position: self.position,
        };
        let is_there = self.value.is_some();
        let is_empty = self.text.as_deref().is_none_or(str::is_empty);
        Ok(match (self.holds, &self.layout) {
            (Holds::Value, _) => Wanted::AsItIs,
            (Holds::Image(Part::Whole), _) => {
                let mut whole = image.clone();
                if whole.name.is_none() {
                    whole.name = Some(self.reference()?.name());
                }
                let whole = whole.to_reference().ok_or_else(|| no_part("name"))?;
                Wanted::Text(whole.to_string())
            }
            (Holds::Image(Part::Name), Layout::Kustomize(name)) => match &image.name {
                Some(wanted) if is_there || wanted != name => Wanted::Text(wanted.clone()),
                _ => Wanted::AsItIs,
            },
            (Holds::Image(Part::Name), Layout::Helm) if !is_there => Wanted::AsItIs,
            (Holds::Image(Part::Name), _) => match &image.name {
                Some(name) => Wanted::Text(name.clone()),
                None => Wanted::AsItIs,
            },
            (Holds::Registry | Holds::Repository, _) => match &image.name {
                Some(name) => Wanted::Text(self.part_of_name(name)?),
                None => Wanted::AsItIs,
            },
            (Holds::Image(part), layout) => {
                let wanted = match part {
                    Part::Tag => &image.tag,
                    _ => &image.digest,
                };
                match (wanted, layout) {
                    (Some(text), _) => Wanted::Text(text.clone()),
                    (None, Layout::Single) => return Err(no_part(part.as_str())),
                    (None, _) if is_empty && !(is_there && *layout != Layout::Helm) => {
                        Wanted::AsItIs
                    }
                    (None, Layout::Kustomize(_)) => Wanted::Nothing,
                    // Charts test `digest` for being empty, and have a default for `tag`.
                    (None, Layout::Helm) => Wanted::Text(String::new()),
                }
            }
        })
    }

    /// The registry or the rest of a name, where a chart writes them apart.
    fn part_of_name(&self, name: &str) -> Result<String, EditError> {
        let image: ImageReference = name.parse().map_err(|source| EditError::NotImage {
            position: self.position,
            source,
        })?;
        Ok(match self.holds {
            Holds::Registry => image.registry().unwrap_or("docker.io").to_owned(),
            _ => image.repository().to_owned(),
        })
    }
}

fn read(source: &str) -> Result<Vec<Document>, EditError> {
    Reader::new().read(source).map_err(|error| {
        // An edit knows a template when it sees one.
        match edit::replace(source, 0, &Path::root(), &Value::Null) {
            Err(refusal @ edit::EditError::Template { .. }) => refusal.into(),
            _ => error.into(),
        }
    })
}

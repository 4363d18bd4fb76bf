//! The objects that templates make of values, and where every field of them comes from.
//!
//! May put the phases of a rendering together: walk a template, read its sheet.
//! What was used on the way is described by [`super::usage`].

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use narae_yaml::{Path, Segment, Value};

use super::TemplateSet;
use super::evaluate::{Budget, Evaluator, Insertion, Uses};
use super::reading::{self, Document, Keys, Layout};
use super::scope::Found;
use super::sheet::{Sheet, Token};
use super::skeleton::{Content, Entry, Key, Shape};
use super::syntax::Template;
use super::usage::{KnownNames, Usage};
use crate::error::Error;
use crate::object::ObjectId;
use crate::origin::Origin;
use crate::values::{Index, ValueId, Values};

/// What the templates of a set made of the values.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rendering {
    /// The documents, in the order of the templates and of the documents in each. Empty documents
    /// are left out.
    pub objects: Vec<Rendered>,
    pub(super) usage: Usage,
}

/// One rendered document.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rendered {
    /// The document.
    pub value: Value,
    origin: Origin,
    layout: Layout,
    sheet: Arc<Sheet>,
    keys: Arc<Keys>,
    index: Arc<Index>,
}

/// Where a field of a rendered document comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Provenance {
    /// The place in the template.
    pub template: Origin,
    /// The values inserted there, and who set each.
    pub values: Vec<(Path, Origin)>,
}

/// Which place of a value is asked for.
#[derive(Clone, Copy)]
enum About {
    Key,
    Value,
}

/// One field that a value is part of.
pub(super) struct FieldUse {
    pub(super) id: ValueId,
    pub(super) value: Path,
    pub(super) template: Origin,
    pub(super) field: Path,
    /// Whether it is part of the field's name.
    pub(super) is_name: bool,
}

impl Rendered {
    /// The template file.
    #[must_use]
    pub fn template(&self) -> &str {
        self.origin.source()
    }

    /// Where in its template the document begins.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The address of the document.
    ///
    /// # Errors
    ///
    /// As [`ObjectId::of`], with the place in the template where the document begins.
    pub fn id(&self) -> Result<ObjectId, Error> {
        ObjectId::of(&self.value).map_err(|error| error.at(self.origin.clone()))
    }

    /// Where the field at a path comes from: the nearest thing known, which for a field that does
    /// not exist is the place of the mapping or list it would be in.
    #[must_use]
    pub fn provenance(&self, path: &Path) -> Option<Provenance> {
        let (shape, inside) = self.walk(path.segments());
        let values = self.values_in(shape.holes(), inside, About::Value);
        Some(self.standing_at(shape.at, values))
    }

    /// Where the name of the field at a path comes from, whatever its value: the key in the
    /// template, with the values inserted in it, or the key in the values when the mapping around
    /// was inserted as a whole. As [`provenance`](Self::provenance) where there is no key.
    #[must_use]
    pub fn key_provenance(&self, path: &Path) -> Option<Provenance> {
        let (last, parents) = path.segments().split_last()?;
        let (parent, inside) = self.walk(parents);
        let entry = self.entry(parent, last).filter(|_| inside.is_empty());
        let (at, values) = match (entry, &parent.content) {
            (Some(entry), _) => {
                let values = self.values_in(entry.key.holes(), &[], About::Value);
                (entry.at, values)
            }
            (None, Content::Fixed(_) | Content::Hole(_) | Content::Text(_)) => {
                let inside = path.segments().get(parents.len() - inside.len()..);
                let inside = inside.unwrap_or_default();
                let values = self.values_in(parent.holes(), inside, About::Key);
                (parent.at, values)
            }
            _ => return self.provenance(path),
        };
        Some(self.standing_at(at, values))
    }

    /// The provenance of what stands at a place of the section.
    fn standing_at(&self, at: usize, values: Vec<(Path, Origin)>) -> Provenance {
        Provenance {
            template: self.sheet.origin(self.layout.start + at),
            values,
        }
    }

    /// The innermost node on the way to a path, and the steps that are left.
    fn walk<'p>(&self, mut steps: &'p [Segment]) -> (&Shape, &'p [Segment]) {
        let mut shape = &*self.layout.root;
        while let [step, rest @ ..] = steps {
            let Some(next) = self.step(shape, step) else {
                break;
            };
            (shape, steps) = (next, rest);
        }
        (shape, steps)
    }

    /// Tells `found` every field that holds the value `id` or one inside it, and where a value
    /// around it is inserted as it is.
    pub(super) fn fields_of(&self, id: ValueId, path: &Path, mut found: impl FnMut(FieldUse)) {
        let mut open = vec![(&*self.layout.root, Path::root())];
        while let Some((shape, at)) = open.pop() {
            let first_new = open.len();
            self.uses_in(shape.holes(), id, path, (&at, false), &mut found);
            match &shape.content {
                Content::Fixed(_) | Content::Hole(_) | Content::Text(_) => {}
                Content::Sequence(items) => {
                    let item = |(i, item)| (item, at.child(i));
                    open.extend(items.iter().enumerate().map(item));
                }
                Content::Mapping(entries) => {
                    for entry in entries {
                        let field = at.child(self.name(entry));
                        self.uses_in(entry.key.holes(), id, path, (&field, true), &mut found);
                        open.push((&entry.value, field));
                    }
                }
            }
            // In the order of the document.
            open.get_mut(first_new..).unwrap_or_default().reverse();
        }
    }

    /// The uses of `id` in the holes of one scalar, which is the field `at` or its name.
    fn uses_in(
        &self,
        holes: impl Iterator<Item = usize>,
        id: ValueId,
        path: &Path,
        (at, is_name): (&Path, bool),
        found: &mut impl FnMut(FieldUse),
    ) {
        for token in holes.filter_map(|hole| self.token(hole)) {
            for used in &token.values {
                let value = self.index.path(*used);
                let mut field = at.clone();
                if (*used + 1..self.index.end(*used)).contains(&id) {
                    let rest = path.segments().iter().skip(value.segments().len());
                    field.extend(rest.cloned());
                    // A helper may have made something else of the value around.
                    if self.value.at(&field).is_none() {
                        field.clone_from(at);
                    }
                } else if !(id..self.index.end(id)).contains(used) {
                    continue;
                }
                let template = self.sheet.source(token.source).origin(token.at);
                found(FieldUse {
                    id: *used,
                    value,
                    template,
                    field,
                    is_name,
                });
            }
        }
    }

    fn token(&self, hole: usize) -> Option<&Token> {
        self.sheet.tokens.get(self.layout.token + hole)
    }

    fn name<'n>(&'n self, entry: &'n Entry) -> &'n str {
        match &entry.key {
            Key::Fixed(name) => name,
            Key::Text(_) => {
                let name = self.keys.get(&(self.layout.start + entry.at));
                name.map_or("", String::as_str)
            }
        }
    }

    fn step<'n>(&'n self, shape: &'n Shape, step: &Segment) -> Option<&'n Shape> {
        match (&shape.content, step) {
            (Content::Sequence(items), Segment::Index(index)) => items.get(*index),
            _ => self.entry(shape, step).map(|entry| &entry.value),
        }
    }

    fn entry<'n>(&'n self, shape: &'n Shape, step: &Segment) -> Option<&'n Entry> {
        match (&shape.content, step) {
            (Content::Mapping(entries), Segment::Key(key)) => {
                entries.iter().find(|entry| self.name(entry) == key)
            }
            _ => None,
        }
    }

    /// The values in the holes of a scalar; `inside` is the way into a value inserted whole.
    fn values_in(
        &self,
        holes: impl Iterator<Item = usize>,
        inside: &[Segment],
        about: About,
    ) -> Vec<(Path, Origin)> {
        let mut found = Vec::new();
        let tokens = holes.filter_map(|hole| self.token(hole));
        for id in tokens.flat_map(|token| &token.values) {
            let mut path = self.index.path(*id);
            path.extend(inside.iter().cloned());
            let whole = path.segments().len();
            // What a value does not hold belongs to the nearest thing around it that it does.
            while self.index.find(&path).is_none() && path.pop().is_some() {}
            let record = self.index.find(&path).and_then(|id| self.index.record(id));
            if let Some(record) = record {
                let origin = match about {
                    About::Key if path.segments().len() == whole => record.key_origin(),
                    _ => record.origin.clone(),
                };
                let entry = (path, origin);
                if !found.contains(&entry) {
                    found.push(entry);
                }
            }
        }
        found
    }
}

pub(super) fn render(set: &TemplateSet, values: &Values) -> Result<Rendering, Error> {
    let by_address = values.index().by_address(values.as_value());
    let sources: Arc<[_]> = set.sources.iter().cloned().collect();
    let mut uses = Uses::default();
    let mut budget = Budget {
        steps: set.limits.max_steps,
        bytes: set.limits.max_bytes,
    };
    let mut rendering = Rendering {
        objects: Vec::new(),
        usage: Usage {
            index: Arc::clone(values.index()),
            sources: Arc::clone(&sources),
            whole: HashSet::new(),
            decided: BTreeSet::new(),
            absent: BTreeSet::new(),
            names: KnownNames::default(),
        },
    };
    for (number, template) in &set.templates {
        let Some(source) = set.sources.get(*number) else {
            continue;
        };
        let Template { nodes } = template;
        let evaluator = Evaluator::new(set, values, &by_address, *number, &mut uses, &mut budget);
        let (draft, insertions) = evaluator.run(nodes)?;
        let (inserted, tokens) = split(insertions, &by_address);
        rendering
            .usage
            .whole
            .extend(tokens.iter().flat_map(|token| &token.values));
        let sheet = draft.finish(Arc::clone(source), Arc::clone(&sources), tokens);
        let read = reading::read(sheet, &inserted, values.index())?;
        let (sheet, keys) = (Arc::new(read.sheet), Arc::new(read.keys));
        let rendered = |document: Document| Rendered {
            origin: sheet.origin(document.layout.start + document.layout.root.at),
            value: document.value,
            layout: document.layout,
            sheet: Arc::clone(&sheet),
            keys: Arc::clone(&keys),
            index: Arc::clone(values.index()),
        };
        (rendering.objects).extend(read.documents.into_iter().map(rendered));
    }
    let number = |address: &usize| by_address.get(address).copied();
    let usage = &mut rendering.usage;
    usage.whole.extend(uses.taken.iter().filter_map(number));
    usage.decided.extend(
        (uses.looked_at.iter())
            .filter_map(|(address, place)| number(address).map(|id| (id, *place))),
    );
    usage.absent.extend(uses.absent);
    Ok(rendering)
}

fn split<'a>(
    insertions: Vec<Insertion<'a>>,
    by_address: &HashMap<usize, ValueId>,
) -> (Vec<Found<'a>>, Vec<Token>) {
    let parts = insertions.into_iter().map(|insertion| {
        let Insertion { source, at, found } = insertion;
        let values = found.sources();
        let values = values.filter_map(|address| by_address.get(&address).copied());
        let values = values.collect();
        (found, Token { source, at, values })
    });
    parts.unzip()
}

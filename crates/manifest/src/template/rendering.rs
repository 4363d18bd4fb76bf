//! The objects that templates make of values, and where every field of them comes from.
//!
//! May put the phases of a rendering together: walk a template, parse its sheet, put the values in.
//! What was used on the way is described by [`super::usage`].

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use narae_yaml::{
    Document, Entry, ErrorKind as YamlErrorKind, Node, NodeData, Path, Reader, Scalar, Segment,
    Value,
};

use super::TemplateSet;
use super::evaluate::{Budget, Evaluator, Insertion, Uses};
use super::scope::Found;
use super::sheet::{Sheet, Token};
use super::substitute::{DUPLICATE, Substitution};
use super::syntax::Template;
use super::usage::Usage;
use crate::error::{Error, ErrorKind};
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
    node: Node,
    sheet: Arc<Sheet>,
    /// Keys that were inserted, by where they stand in the sheet.
    keys: Arc<HashMap<usize, String>>,
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
    pub(super) value: Path,
    pub(super) template: Origin,
    pub(super) field: Path,
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
        let (node, inside) = self.walk(path.segments());
        let values = match &node.data {
            NodeData::Scalar(scalar) => self.values_in(scalar.text(), inside, About::Value),
            _ => Vec::new(),
        };
        let template = self.sheet.origin(node.span.start.offset);
        Some(Provenance { template, values })
    }

    /// Where the name of the field at a path comes from, whatever its value: the key in the
    /// template, with the values inserted in it, or the key in the values when the mapping around
    /// was inserted as a whole. As [`provenance`](Self::provenance) where there is no key.
    #[must_use]
    pub fn key_provenance(&self, path: &Path) -> Option<Provenance> {
        let (last, parents) = path.segments().split_last()?;
        let (parent, inside) = self.walk(parents);
        let entry = self.entry(parent, last).filter(|_| inside.is_empty());
        let (node, values) = match (entry, &parent.data) {
            (Some(entry), _) => {
                let text = entry.key.as_scalar().map(Scalar::text).unwrap_or_default();
                (&entry.key, self.values_in(text, &[], About::Value))
            }
            (None, NodeData::Scalar(scalar)) => {
                let inside = path.segments().get(parents.len() - inside.len()..);
                let inside = inside.unwrap_or_default();
                (parent, self.values_in(scalar.text(), inside, About::Key))
            }
            _ => return self.provenance(path),
        };
        let template = self.sheet.origin(node.span.start.offset);
        Some(Provenance { template, values })
    }

    /// The innermost node on the way to a path, and the steps that are left.
    fn walk<'p>(&self, mut steps: &'p [Segment]) -> (&Node, &'p [Segment]) {
        let mut node = &self.node;
        while let [step, rest @ ..] = steps {
            let Some(next) = self.step(node, step) else {
                break;
            };
            (node, steps) = (next, rest);
        }
        (node, steps)
    }

    /// Tells `found` every field that holds the value `id` or one inside it, and where a value
    /// around it is inserted as it is.
    pub(super) fn fields_of(&self, id: ValueId, path: &Path, mut found: impl FnMut(FieldUse)) {
        let mut open = vec![(&self.node, Path::root())];
        while let Some((node, at)) = open.pop() {
            let first_new = open.len();
            match &node.data {
                NodeData::Scalar(scalar) => self.uses_in(scalar.text(), id, path, &at, &mut found),
                NodeData::Sequence(items) => {
                    let item = |(i, item)| (item, at.child(i));
                    open.extend(items.iter().enumerate().map(item));
                }
                NodeData::Mapping(entries) => {
                    for entry in entries {
                        let field = at.child(self.name(entry));
                        if let Some(scalar) = entry.key.as_scalar() {
                            self.uses_in(scalar.text(), id, path, &field, &mut found);
                        }
                        open.push((&entry.value, field));
                    }
                }
            }
            // In the order of the document.
            open.get_mut(first_new..).unwrap_or_default().reverse();
        }
    }

    /// The uses of `id` in one scalar, which is the field `at` or its key.
    fn uses_in(
        &self,
        text: &str,
        id: ValueId,
        path: &Path,
        at: &Path,
        found: &mut impl FnMut(FieldUse),
    ) {
        if !self.sheet.has_token(text) {
            return;
        }
        for token in self.sheet.tokens_in(text) {
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
                    value,
                    template,
                    field,
                });
            }
        }
    }

    fn name<'n>(&'n self, entry: &'n Entry) -> &'n str {
        let inserted = self.keys.get(&entry.key.span.start.offset);
        inserted.map_or(entry.name(), String::as_str)
    }

    fn step<'n>(&'n self, node: &'n Node, step: &Segment) -> Option<&'n Node> {
        match (&node.data, step) {
            (NodeData::Sequence(items), Segment::Index(index)) => items.get(*index),
            _ => self.entry(node, step).map(|entry| &entry.value),
        }
    }

    fn entry<'n>(&'n self, node: &'n Node, step: &Segment) -> Option<&'n Entry> {
        match (&node.data, step) {
            (NodeData::Mapping(entries), Segment::Key(key)) => {
                entries.iter().find(|entry| self.name(entry) == key)
            }
            _ => None,
        }
    }

    /// The values whose tokens a text holds; `inside` is the way into a value inserted whole.
    fn values_in(&self, text: &str, inside: &[Segment], about: About) -> Vec<(Path, Origin)> {
        let mut found = Vec::new();
        for id in self.sheet.tokens_in(text).flat_map(|token| &token.values) {
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
        let sheet = Arc::new(draft.finish(Arc::clone(source), Arc::clone(&sources), tokens));
        rendering.read(&sheet, &inserted)?;
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

impl Rendering {
    /// Parses one sheet and puts the values in.
    fn read(&mut self, sheet: &Arc<Sheet>, inserted: &[Found<'_>]) -> Result<(), Error> {
        let documents = Reader::new()
            .read(sheet.text())
            .map_err(|error| broken(sheet, &self.usage.index, &error))?;
        let mut substitution = Substitution::new(sheet, inserted, &self.usage.index);
        let mut read = Vec::with_capacity(documents.len());
        for Document { root, .. } in documents {
            read.push((substitution.value(&root)?, root));
        }
        substitution.finish()?;
        let keys = Arc::new(substitution.keys);
        for (value, node) in read.into_iter().filter(|(value, _)| !value.is_null()) {
            self.objects.push(Rendered {
                value,
                origin: sheet.origin(node.span.start.offset),
                node,
                sheet: Arc::clone(sheet),
                keys: Arc::clone(&keys),
                index: Arc::clone(&self.usage.index),
            });
        }
        Ok(())
    }
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

/// What the YAML reader says about the rendered text, said about the template.
fn broken(sheet: &Sheet, index: &Index, error: &narae_yaml::Error) -> Error {
    let offset = error.position().map_or(0, |position| position.offset);
    let (source, at) = sheet.place(offset);
    if let YamlErrorKind::DuplicateKey { key, first } = error.kind() {
        let key = sheet.in_words(key);
        let message = format!("the key `{key}` stands twice in this mapping");
        let error = source.error(ErrorKind::Structure, message, at);
        return error
            .note(format!("first at {}", sheet.origin(first.offset)))
            .note(DUPLICATE);
    }
    let message = sheet.in_words(&error.kind().to_string());
    let error = source.error(ErrorKind::Structure, message, at);
    let inserted = sheet.tokens_in(sheet.line(offset));
    let ids = inserted.flat_map(|token| token.values.iter().copied());
    error.notes_of(index.setters(ids)).note(
        "the template makes this structure, not a value: look at the tags and the indentation around",
    )
}

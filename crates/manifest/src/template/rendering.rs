use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use narae_yaml::{
    Document, Entry, ErrorKind as YamlErrorKind, Node, NodeData, Path, Reader, Segment, Value,
};

use super::TemplateSet;
use super::evaluate::{Budget, Evaluator, Insertion, Uses};
use super::sheet::{Sheet, Token};
use super::substitute::Substitution;
use super::syntax::Template;
use crate::error::{Error, ErrorKind};
use crate::object::ObjectId;
use crate::origin::Origin;
use crate::suggestion::nearest;
use crate::values::{Index, ValueId, Values};

/// What the templates of a set made of the values.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rendering {
    /// The documents, in the order of the templates and of the documents in each. Empty documents
    /// are left out.
    pub objects: Vec<Rendered>,
    index: Arc<Index>,
    /// Values inserted or handed to a helper, and with them all that they hold.
    whole: HashSet<ValueId>,
    /// Values that decided a condition or a loop.
    looked_at: HashSet<ValueId>,
    absent: BTreeSet<Path>,
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

impl Rendering {
    /// The paths of the values that this rendering used, each once, in their order.
    pub fn used(&self) -> impl Iterator<Item = Path> {
        let ids: BTreeSet<ValueId> = self.whole.union(&self.looked_at).copied().collect();
        ids.into_iter().map(|id| self.index.path(id))
    }

    /// The values that this rendering did not use, and who set them: a whole mapping or list where
    /// nothing of it was used.
    ///
    /// It is about what was rendered, not about what the templates say: a value named only in the
    /// branch of an `#if` that was not taken, or in an `#each` over an empty list, is unused here,
    /// and may be used with other values. Before removing one, look at every stage.
    #[must_use]
    pub fn unused(&self, values: &Values) -> Vec<(Path, Origin)> {
        let numbered = |ids: &HashSet<ValueId>| -> HashSet<ValueId> {
            let index = values.index();
            if Arc::ptr_eq(index, &self.index) {
                return ids.clone();
            }
            ids.iter()
                .filter_map(|id| index.find(&self.index.path(*id)))
                .collect()
        };
        let search = Unused {
            index: values.index(),
            whole: numbered(&self.whole),
            looked_at: numbered(&self.looked_at),
        };
        let mut found = Vec::new();
        for id in values.index().children(0) {
            search.below(id, &mut found);
        }
        found
    }

    /// What an unused value was probably meant to be: the nearest of the values that templates
    /// asked for with `default` or `defined` and did not find.
    #[must_use]
    pub fn suggestion(&self, unused: &Path) -> Option<Path> {
        let (parent, name) = (unused.parent()?, last_key(unused)?);
        let siblings = self
            .absent
            .iter()
            .filter(|path| path.parent().as_ref() == Some(&parent));
        let known = nearest(name, siblings.filter_map(last_key))?;
        Some(parent.child(known))
    }
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
        let mut node = &self.node;
        let mut steps = path.segments();
        while let [step, rest @ ..] = steps {
            let Some(next) = self.step(node, step) else {
                break;
            };
            (node, steps) = (next, rest);
        }
        let values = match &node.data {
            NodeData::Scalar(scalar) => self.values_in(scalar.text(), steps),
            _ => Vec::new(),
        };
        let template = self.sheet.origin(node.span.start.offset);
        Some(Provenance { template, values })
    }

    fn step<'n>(&'n self, node: &'n Node, step: &Segment) -> Option<&'n Node> {
        match (&node.data, step) {
            (NodeData::Sequence(items), Segment::Index(index)) => items.get(*index),
            (NodeData::Mapping(entries), Segment::Key(key)) => {
                let name = |entry: &'n Entry| {
                    let inserted = self.keys.get(&entry.key.span.start.offset);
                    inserted.map_or(entry.name(), String::as_str)
                };
                entries
                    .iter()
                    .find(|entry| name(entry) == key)
                    .map(|entry| &entry.value)
            }
            _ => None,
        }
    }

    /// The values whose tokens a text holds; `inside` is the way into a value inserted whole.
    fn values_in(&self, text: &str, inside: &[Segment]) -> Vec<(Path, Origin)> {
        let mut found = Vec::new();
        for id in self.sheet.tokens_in(text).flat_map(|token| &token.values) {
            let mut path = self.index.path(*id);
            path.extend(inside.iter().cloned());
            // What a value does not hold belongs to the nearest thing around it that it does.
            while self.index.find(&path).is_none() && path.pop().is_some() {}
            let record = self.index.find(&path).and_then(|id| self.index.record(id));
            if let Some(record) = record {
                let entry = (path, record.origin.clone());
                if !found.contains(&entry) {
                    found.push(entry);
                }
            }
        }
        found
    }
}

struct Unused<'u> {
    index: &'u Index,
    whole: HashSet<ValueId>,
    looked_at: HashSet<ValueId>,
}

impl Unused<'_> {
    fn below(&self, id: ValueId, found: &mut Vec<(Path, Origin)>) {
        if self.whole.contains(&id) {
            return;
        }
        let subtree = id..self.index.end(id);
        let is_used = |id: ValueId| self.whole.contains(&id) || self.looked_at.contains(&id);
        if !subtree.clone().any(is_used) {
            let origin = self.index.record(id).map(|record| record.origin.clone());
            found.extend(origin.map(|origin| (self.index.path(id), origin)));
            return;
        }
        for child in self.index.children(id) {
            self.below(child, found);
        }
    }
}

fn last_key(path: &Path) -> Option<&str> {
    match path.segments().last() {
        Some(Segment::Key(key)) => Some(key),
        _ => None,
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
        index: Arc::clone(values.index()),
        whole: HashSet::new(),
        looked_at: HashSet::new(),
        absent: BTreeSet::new(),
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
            .whole
            .extend(tokens.iter().flat_map(|token| &token.values));
        let sheet = Arc::new(draft.finish(Arc::clone(source), Arc::clone(&sources), tokens));
        rendering.read(&sheet, &inserted)?;
    }
    let known = |addresses: &HashSet<usize>| -> Vec<ValueId> {
        addresses
            .iter()
            .filter_map(|address| by_address.get(address).copied())
            .collect()
    };
    rendering.whole.extend(known(&uses.taken));
    rendering.looked_at.extend(known(&uses.looked_at));
    rendering.absent.extend(uses.absent);
    Ok(rendering)
}

impl Rendering {
    /// Parses one sheet and puts the values in.
    fn read(&mut self, sheet: &Arc<Sheet>, inserted: &[Value]) -> Result<(), Error> {
        let documents = Reader::new()
            .read(sheet.text())
            .map_err(|error| broken(sheet, &error))?;
        let mut substitution = Substitution::new(sheet, inserted);
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
                index: Arc::clone(&self.index),
            });
        }
        Ok(())
    }
}

fn split(
    insertions: Vec<Insertion>,
    by_address: &HashMap<usize, ValueId>,
) -> (Vec<Value>, Vec<Token>) {
    let parts = insertions.into_iter().map(
        |Insertion {
             source,
             at,
             value,
             from,
         }| {
            let values = from
                .iter()
                .filter_map(|address| by_address.get(address).copied())
                .collect();
            (value, Token { source, at, values })
        },
    );
    parts.unzip()
}

/// What the YAML reader says about the rendered text, said about the template.
fn broken(sheet: &Sheet, error: &narae_yaml::Error) -> Error {
    let offset = error.position().map_or(0, |position| position.offset);
    let (source, at) = sheet.place(offset);
    let (message, first) = match error.kind() {
        YamlErrorKind::DuplicateKey { key, first } => {
            let key = sheet.in_words(key);
            (
                format!("the key `{key}` stands twice in this mapping"),
                Some(first.offset),
            )
        }
        other => (sheet.in_words(&other.to_string()), None),
    };
    let error = source.error(ErrorKind::Structure, message, at);
    match first {
        Some(first) => error.note(format!("first at {}", sheet.origin(first))),
        None => error,
    }
}

//! What to call a place of a file so that the name stays true when elements and documents around it come and go.
//!
//! What has to be the only one of its kind is counted once, so that a thousand places cost little more than one.

use std::collections::BTreeMap;

use narae_yaml::{Document, Node, Path, Segment};

use super::{Choice, Locator, Step, object, text};

/// Names for places of some documents.
pub(in super::super) struct Naming<'a> {
    documents: &'a [Document],
    /// How many documents are not empty.
    written: usize,
    /// How many documents have this kind and name.
    objects: BTreeMap<(&'a str, &'a str), usize>,
    /// Of lists that were met: how many elements have this name.
    names: BTreeMap<(usize, Path), BTreeMap<&'a str, usize>>,
}

impl<'a> Naming<'a> {
    pub(in super::super) fn new(documents: &'a [Document]) -> Self {
        let mut objects = BTreeMap::new();
        for object in documents.iter().filter_map(object) {
            *objects.entry(object).or_default() += 1;
        }
        let is_written = |document: &&Document| !document.is_empty();
        Self {
            documents,
            written: documents.iter().filter(is_written).count(),
            objects,
            names: BTreeMap::new(),
        }
    }

    /// The place at `path` of one document (from 0).
    pub(in super::super) fn of(&mut self, document: usize, path: &Path) -> Locator {
        // What is about to change cannot name itself.
        let is_name = matches!(path.to_pointer().as_str(), "/kind" | "/metadata/name");
        let this = self.documents.get(document);
        let named = this.filter(|_| !is_name).and_then(object);
        // What is empty will not be once something is put there.
        let written = self.written + usize::from(this.is_some_and(Document::is_empty));
        let choice = match named.filter(|object| self.objects.get(object) == Some(&1)) {
            _ if written == 1 => Choice::Only,
            Some((kind, name)) => Choice::Object {
                kind: kind.to_owned(),
                name: name.to_owned(),
            },
            None => Choice::Index(document),
        };
        let mut node = this.map(|document| &document.root);
        let mut here = Path::root();
        let mut steps = Vec::new();
        for (at, segment) in path.segments().iter().enumerate() {
            let is_name =
                matches!(path.segments().get(at + 1..), Some([Segment::Key(key)]) if key == "name");
            let named = match (segment, node) {
                (Segment::Index(index), Some(list)) if !is_name => {
                    self.element(document, &here, list, *index)
                }
                _ => None,
            };
            steps.push(named.unwrap_or_else(|| Step::Segment(segment.clone())));
            node = node.and_then(|node| node.at(&segment.clone().into()));
            here.push(segment.clone());
        }
        Locator {
            document: choice,
            steps,
        }
    }

    /// The step to an element by its name, if that is the only one.
    fn element(
        &mut self,
        document: usize,
        here: &Path,
        list: &'a Node,
        index: usize,
    ) -> Option<Step> {
        let elements = list.as_sequence()?;
        let value = text(elements.get(index)?, "name")?;
        let names = self.names.entry((document, here.clone()));
        let names = names.or_insert_with(|| {
            let mut names = BTreeMap::new();
            for name in elements.iter().filter_map(|element| text(element, "name")) {
                *names.entry(name).or_default() += 1;
            }
            names
        });
        let is_writable =
            !value.is_empty() && !value.contains(']') && !value.contains(char::is_control);
        (is_writable && names.get(value) == Some(&1)).then(|| Step::Named {
            key: "name".to_owned(),
            value: value.to_owned(),
        })
    }
}

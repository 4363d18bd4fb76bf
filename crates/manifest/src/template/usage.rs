//! Which values a rendering used, where, and which it did not.
//!
//! May only describe what the evaluation noted and where tokens ended up. It is about what was
//! rendered, not about what templates could say with other values.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use indexmap::IndexSet;
use narae_yaml::{Path, Segment};

use super::evaluate::Place;
use super::rendering::Rendering;
use super::source::Source;
use crate::origin::Origin;
use crate::suggestion::nearest_sibling;
use crate::values::{Explanation, Index, Record, Use, UseKind, ValueId, Values};

/// What the evaluation of all templates noted, in the numbers of one index.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) index: Arc<Index>,
    pub(super) sources: Arc<[Arc<Source>]>,
    /// Values inserted or handed to a helper, and with them all that they hold.
    pub(super) whole: HashSet<ValueId>,
    /// Values that decided a condition or a loop, and where.
    pub(super) decided: BTreeSet<(ValueId, Place)>,
    /// Paths asked for with `default` or `defined` that no layer sets, and where.
    pub(super) absent: BTreeSet<(Path, Place)>,
    pub(super) names: KnownNames,
}

/// What an unused value may have been meant to be, found out when that is asked for.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    absent: OnceLock<Names>,
    used: OnceLock<Names>,
}

/// The keys on the way to some paths, by the path of the mapping they are in; in order, each once.
#[derive(Debug, Default)]
struct Names(HashMap<Path, IndexSet<String>>);

impl Names {
    /// O(steps of all paths), whatever they have in common.
    fn of(paths: impl Iterator<Item = Path>) -> Self {
        let mut names = Self::default();
        for mut path in paths {
            while let Some(last) = path.pop() {
                let Segment::Key(key) = last else { continue };
                match names.0.get_mut(&path) {
                    // Where this key is known, so are those before it.
                    Some(known) if known.contains(&key) => break,
                    Some(known) => {
                        known.insert(key);
                    }
                    None => {
                        names.0.insert(path.clone(), IndexSet::from([key]));
                    }
                }
            }
        }
        names
    }

    fn below(&self, parent: &Path) -> impl Iterator<Item = &str> {
        self.0.get(parent).into_iter().flatten().map(String::as_str)
    }
}

/// A value that a template asked for with `default` or `defined`, and that no layer sets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unresolved {
    /// Its path in the values.
    pub path: Path,
    /// The first place that asks for it.
    pub template: Origin,
    /// A value that is set and that nothing uses, and whose name is nearly this one: probably a
    /// misspelling of it.
    pub suggestion: Option<Path>,
}

impl Rendering {
    /// The paths of the values that this rendering used, each once, in their order.
    pub fn used(&self) -> impl Iterator<Item = Path> {
        let decided = self.usage.decided.iter().map(|(id, _)| *id);
        let ids: BTreeSet<ValueId> = self.usage.whole.iter().copied().chain(decided).collect();
        ids.into_iter().map(|id| self.usage.index.path(id))
    }

    /// The values that this rendering did not use, and where their keys stand: a whole mapping or
    /// list where nothing of it was used.
    ///
    /// It is about what was rendered, not about what the templates say: a value named only in the
    /// branch of an `#if` that was not taken, or in an `#each` over an empty list, is unused here,
    /// and may be used with other values. Before removing one, look at every stage.
    #[must_use]
    pub fn unused(&self, values: &Values) -> Vec<(Path, Origin)> {
        let (own, index) = (&self.usage.index, values.index());
        let numbered = |id: ValueId| {
            if Arc::ptr_eq(own, index) {
                return Some(id);
            }
            index.find(&own.path(id))
        };
        let marked = |ids: &mut dyn Iterator<Item = ValueId>| {
            let mut marks = vec![false; index.end(0)];
            for id in ids.filter_map(numbered) {
                if let Some(mark) = marks.get_mut(id) {
                    *mark = true;
                }
            }
            marks
        };
        let search = Unused {
            index,
            whole: marked(&mut self.usage.whole.iter().copied()),
            decided: marked(&mut self.usage.decided.iter().map(|(id, _)| *id)),
        };
        let mut found = Vec::new();
        if !is_marked(&search.whole, 0) {
            for id in index.children(0) {
                search.below(id, &mut found);
            }
        }
        found
    }

    /// What an unused value was probably meant to be: the nearest of the values beside it that
    /// templates asked for with `default` or `defined` and did not find, or else of those used.
    #[must_use]
    pub fn suggestion(&self, unused: &Path) -> Option<Path> {
        let parent = unused.parent()?;
        let absent = || self.usage.absent.iter().map(|(path, _)| path.clone());
        let known = &self.usage.names;
        let absent = known.absent.get_or_init(|| Names::of(absent()));
        let used = || known.used.get_or_init(|| Names::of(self.used()));
        let beside = |names: &Names| nearest_sibling(unused, names.below(&parent));
        beside(absent).or_else(|| beside(used()))
    }

    /// References that lead nowhere and may: asked for with `default` or `defined`, set by no layer.
    ///
    /// Most are meant. One with a [`suggestion`](Unresolved::suggestion) probably is not.
    #[must_use]
    pub fn unresolved(&self, values: &Values) -> Vec<Unresolved> {
        let unused: Vec<Path> = (self.unused(values).into_iter())
            .map(|(path, _)| path)
            .collect();
        let mut found: Vec<Unresolved> = Vec::new();
        for (path, place) in &self.usage.absent {
            if found.last().is_some_and(|last| last.path == *path) {
                continue;
            }
            let parent = path.parent();
            let siblings = unused
                .iter()
                .filter(|other| other.parent() == parent)
                .filter_map(|other| match other.segments().last() {
                    Some(Segment::Key(key)) => Some(key.as_str()),
                    _ => None,
                });
            found.push(Unresolved {
                path: path.clone(),
                template: self.usage.origin(*place),
                suggestion: nearest_sibling(path, siblings),
            });
        }
        found
    }

    /// Where the value at a path comes from, whom it overrode, and where it is used.
    ///
    /// `values` are those that were rendered. O(nodes of all objects).
    #[must_use]
    pub fn explain(&self, values: &Values, path: &Path) -> Explanation {
        let mut explanation = values.explain(path);
        let usage = &self.usage;
        let unused = self.unused(values);
        for setting in &mut explanation.settings {
            let is_in = |(unused, _): &(Path, Origin)| setting.path.starts_with(unused);
            setting.is_unused = unused.iter().any(is_in);
        }
        if let Some(id) = usage.index.find(path) {
            for (number, object) in self.objects.iter().enumerate() {
                let name = object
                    .id()
                    .map_or_else(|_| format!("document {}", number + 1), |id| id.to_string());
                object.fields_of(id, path, |used| {
                    explanation.uses.push(Use {
                        value: used.value,
                        template: used.template,
                        kind: UseKind::Field {
                            object: name.clone(),
                            pointer: used.field.to_pointer(),
                        },
                    });
                });
            }
            let inside = (id, (0, 0))..(usage.index.end(id), (0, 0));
            for (decider, place) in usage.decided.range(inside) {
                explanation.uses.push(Use {
                    value: usage.index.path(*decider),
                    template: usage.origin(*place),
                    kind: UseKind::Decision,
                });
            }
        }
        for (absent, place) in &usage.absent {
            if absent.starts_with(path) {
                explanation.uses.push(Use {
                    value: absent.clone(),
                    template: usage.origin(*place),
                    kind: UseKind::Absence,
                });
            }
        }
        explanation
    }
}

impl Usage {
    fn origin(&self, (source, at): Place) -> Origin {
        match self.sources.get(source) {
            Some(source) => source.origin(at),
            None => Origin::named("template".into()),
        }
    }
}

struct Unused<'u> {
    index: &'u Index,
    /// For each value, by number.
    whole: Vec<bool>,
    decided: Vec<bool>,
}

fn is_marked(marks: &[bool], id: ValueId) -> bool {
    marks.get(id).copied().unwrap_or_default()
}

impl Unused<'_> {
    fn below(&self, id: ValueId, found: &mut Vec<(Path, Origin)>) {
        if is_marked(&self.whole, id) {
            return;
        }
        let subtree = id..self.index.end(id);
        let is_used = |id| is_marked(&self.whole, id) || is_marked(&self.decided, id);
        if !subtree.clone().any(is_used) {
            let origin = self.index.record(id).map(Record::key_origin);
            found.extend(origin.map(|origin| (self.index.path(id), origin)));
            return;
        }
        for child in self.index.children(id) {
            self.below(child, found);
        }
    }
}

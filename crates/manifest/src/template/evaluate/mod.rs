//! Walks a compiled template and writes a sheet: text as text, values as tokens.
//!
//! This is not the evaluator of the `handlebars` crate, whose values are text the moment they are
//! found, whose helpers see a missing value as null, and whose partials forget where their context
//! came from. What a construct means is the same; what differs is listed in the crate's README.
//!
//! Everything is bounded: steps, output, the size of computed texts, and the depth of blocks and
//! partials together, which is also the depth of the recursion here.
//!
//! This file holds the state of the walk and writes the draft. What a construct means is decided in
//! the modules below, which leave writing to it; the indent of a partial alone is theirs to set.

mod absence;
mod block;
mod budget;
mod custom;
mod expression;
mod partial;
mod reference;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use narae_yaml::Path;

use super::draft::Draft;
use super::scope::{Found, Scope};
use super::source::Source;
use super::syntax::{Expression, Node, Offset};
use super::{Limits, TemplateSet};
use crate::error::{Error, ErrorKind};
use crate::values::{ValueId, Values};
use absence::Missing;
use budget::weight;

pub(super) use budget::Budget;
use partial::{Inlined, PartialBlock};

/// What a rendering learns about the values beside its text.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Addresses of values that decided something (a condition, a loop), and where.
    pub(super) looked_at: HashSet<(usize, Place)>,
    /// Addresses of values that a helper took whole.
    pub(super) taken: HashSet<usize>,
    /// Paths asked for with `defined` or `default` that no layer sets, and where.
    pub(super) absent: HashSet<(Path, Place)>,
}

/// A place in the templates of a set: the number of one, and where in it.
pub(super) type Place = (usize, Offset);

/// A value inserted, before the values' addresses are turned into numbers.
#[derive(Debug)]
pub(super) struct Insertion<'a> {
    pub(super) source: usize,
    pub(super) at: Offset,
    pub(super) found: Found<'a>,
}

pub(super) struct Evaluator<'a> {
    set: &'a TemplateSet,
    values: &'a Values,
    by_address: &'a HashMap<usize, ValueId>,
    limits: &'a Limits,
    scopes: Vec<Scope<'a>>,
    /// Partials that are defined where they are used, innermost last.
    inlines: Vec<Inlined<'a>>,
    /// What `{{> @partial-block}}` is here.
    block: Option<Rc<PartialBlock<'a>>>,
    draft: Draft,
    insertions: Vec<Insertion<'a>>,
    uses: &'a mut Uses,
    /// The number of the template or partial whose nodes are being walked.
    source: usize,
    depth: usize,
    budget: &'a mut Budget,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(
        set: &'a TemplateSet,
        values: &'a Values,
        by_address: &'a HashMap<usize, ValueId>,
        source: usize,
        uses: &'a mut Uses,
        budget: &'a mut Budget,
    ) -> Self {
        Self {
            set,
            values,
            by_address,
            limits: &set.limits,
            scopes: vec![Scope::new(Found::borrowed(values.as_value()))],
            draft: Draft::new(),
            inlines: Vec::new(),
            block: None,
            insertions: Vec::new(),
            uses,
            source,
            depth: 0,
            budget,
        }
    }

    /// Walks the template and gives its draft and what was inserted, by token.
    pub(super) fn run(mut self, nodes: &'a [Node]) -> Result<(Draft, Vec<Insertion<'a>>), Error> {
        self.nodes(nodes)?;
        Ok((self.draft, self.insertions))
    }

    fn nodes(&mut self, nodes: &'a [Node]) -> Result<(), Error> {
        let inlines = self.define(nodes);
        let result = self.walk(nodes);
        self.inlines.truncate(inlines);
        result
    }

    fn walk(&mut self, nodes: &'a [Node]) -> Result<(), Error> {
        for node in nodes {
            match node {
                Node::Inline(_) => {}
                Node::Text { text, at } => {
                    self.spend(1, text.len(), *at)?;
                    self.draft.text(text, self.source, *at);
                }
                Node::Insert { expression, at } => self.insert(expression, *at)?,
                Node::Block(block) => {
                    self.deeper(block.at, |this| this.block(block))?;
                }
                Node::Custom(block) => {
                    self.deeper(block.at, |this| this.custom_block(block))?;
                }
                Node::Partial(partial) => {
                    self.deeper(partial.at, |this| this.partial(partial))?;
                }
            }
        }
        Ok(())
    }

    fn insert(&mut self, expression: &'a Expression, at: Offset) -> Result<(), Error> {
        let found = self.evaluate(expression)?;
        self.spend(1, weight(found.value()), at)?;
        self.insertions.push(Insertion {
            source: self.source,
            at,
            found,
        });
        self.draft.token(self.source, at);
        Ok(())
    }

    /// Notes that a value decides something here.
    fn look_at(&mut self, found: &Found<'_>, at: Offset) {
        let place = (self.source, at);
        self.uses
            .looked_at
            .extend(found.sources().map(|address| (address, place)));
    }

    /// Notes that something was asked for here and is not set.
    fn note_absent(&mut self, missing: Missing, at: Offset) {
        let place = (self.source, at);
        self.uses
            .absent
            .extend(missing.path.map(|path| (path, place)));
    }

    /// An error about values that are not what is needed here: says who set them.
    fn wrong_type<'f>(
        &self,
        message: impl Into<String>,
        at: Offset,
        found: impl IntoIterator<Item = &'f Found<'a>>,
    ) -> Error
    where
        'a: 'f,
    {
        let addresses = found.into_iter().flat_map(Found::sources);
        let ids = addresses.filter_map(|address| self.by_address.get(&address).copied());
        self.error(ErrorKind::WrongType, message, at)
            .notes_of(self.values.index().setters(ids))
    }

    fn error(&self, kind: ErrorKind, message: impl Into<String>, at: Offset) -> Error {
        match self.set.sources.get(self.source) {
            Some(source) => Source::error(Arc::as_ref(source), kind, message, at),
            None => Error::new(kind, message),
        }
    }
}

//! Walks a compiled template and writes a sheet: text as text, values as tokens.
//!
//! This is not the evaluator of the `handlebars` crate, whose values are text the moment they are
//! found, whose helpers see a missing value as null, and whose partials forget where their context
//! came from. What a construct means is the same; what differs is listed in the crate's README.
//!
//! Everything is bounded: steps, output, the size of computed texts, and the depth of blocks and
//! partials together, which is also the depth of the recursion here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use narae_yaml::{Path, Value};

use super::helper;
use super::scope::{Found, Scope, Turn, Variables};
use super::sheet::Draft;
use super::source::Source;
use super::syntax::{
    Base, Block, BlockKind, Expression, Form, Node, Offset, Partial, PartialName, Reference,
};
use super::{Limits, TemplateSet};
use crate::error::{Error, ErrorKind};
use crate::suggestion::nearest;
use crate::values::{ValueId, Values};

/// What a rendering learns about the values beside its text.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Addresses of values that decided something: a condition, a loop.
    pub(super) looked_at: HashSet<usize>,
    /// Addresses of values that a helper took whole.
    pub(super) taken: HashSet<usize>,
    /// Paths asked for with `defined` or `default` that no layer sets.
    pub(super) absent: HashSet<Path>,
}

/// A value inserted, before the values' addresses are turned into numbers.
#[derive(Debug)]
pub(super) struct Insertion {
    pub(super) source: usize,
    pub(super) at: Offset,
    pub(super) value: Value,
    pub(super) from: Vec<usize>,
}

pub(super) struct Evaluator<'a> {
    set: &'a TemplateSet,
    values: &'a Values,
    by_address: &'a HashMap<usize, ValueId>,
    limits: &'a Limits,
    scopes: Vec<Scope<'a>>,
    draft: Draft,
    insertions: Vec<Insertion>,
    uses: &'a mut Uses,
    /// The number of the template or partial whose nodes are being walked.
    source: usize,
    depth: usize,
    budget: &'a mut Budget,
}

/// What is left of the limits that count over a whole rendering.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) steps: usize,
    pub(super) bytes: usize,
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
            insertions: Vec::new(),
            uses,
            source,
            depth: 0,
            budget,
        }
    }

    /// Walks the template and gives its draft and what was inserted, by token.
    pub(super) fn run(mut self, nodes: &'a [Node]) -> Result<(Draft, Vec<Insertion>), Error> {
        self.nodes(nodes)?;
        Ok((self.draft, self.insertions))
    }

    fn nodes(&mut self, nodes: &'a [Node]) -> Result<(), Error> {
        for node in nodes {
            match node {
                Node::Text { text, at } => {
                    self.spend(1, text.len(), *at)?;
                    self.draft.text(text, self.source, *at);
                }
                Node::Insert { expression, at } => self.insert(expression, *at)?,
                Node::Block(block) => {
                    self.deeper(block.at, |this| this.block(block))?;
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
        let value = found.value().clone();
        self.spend(1, weight(&value), at)?;
        let from = found.sources().collect();
        self.insertions.push(Insertion {
            source: self.source,
            at,
            value,
            from,
        });
        self.draft.token(self.source, at);
        Ok(())
    }

    fn block(&mut self, block: &'a Block) -> Result<(), Error> {
        self.spend(1, 0, block.at)?;
        let subject = self.evaluate(&block.subject)?;
        self.uses.looked_at.extend(subject.sources());
        let truthy = helper::is_truthy(subject.value(), block.include_zero);
        match block.kind {
            BlockKind::If if truthy => self.nodes(&block.body),
            BlockKind::Unless if !truthy => self.nodes(&block.body),
            BlockKind::If | BlockKind::Unless => self.nodes(&block.otherwise),
            BlockKind::With if truthy => {
                let mut scope = Scope::new(subject.clone());
                scope.variables = self.variables();
                name_parameters(&mut scope, &block.names, subject, None);
                self.scopes.push(scope);
                let result = self.nodes(&block.body);
                self.scopes.pop();
                result
            }
            BlockKind::With => self.nodes(&block.otherwise),
            BlockKind::Each => self.each(block, &subject),
        }
    }

    fn each(&mut self, block: &'a Block, subject: &Found<'a>) -> Result<(), Error> {
        let Some(elements) = subject.elements() else {
            let found = subject.value().kind();
            let message = format!(
                "`#each` takes a sequence or a mapping, found {found}{}",
                described(&block.subject)
            );
            return Err(self.error(ErrorKind::WrongType, message, block.subject.at));
        };
        if elements.is_empty() {
            return self.nodes(&block.otherwise);
        }
        let count = elements.len();
        self.spend(count, 0, block.at)?;
        for (index, (key, element)) in elements.into_iter().enumerate() {
            // A scalar that a loop went over had its turn, whether or not that turn names it.
            if element.elements_len().is_none() {
                self.uses.looked_at.extend(element.sources());
            }
            let mut scope = Scope::new(element.clone());
            let second = match &key {
                Some(key) => Value::String(key.clone()),
                None => Value::from(index),
            };
            name_parameters(&mut scope, &block.names, element, Some(second));
            let last = index + 1 == count;
            scope.variables = Variables {
                turn: Some(Turn { index, last, key }),
            };
            self.scopes.push(scope);
            let result = self.nodes(&block.body);
            self.scopes.pop();
            result?;
        }
        Ok(())
    }

    fn partial(&mut self, partial: &'a Partial) -> Result<(), Error> {
        self.spend(1, 0, partial.at)?;
        let name = match &partial.name {
            PartialName::Fixed(name) => name.clone(),
            PartialName::Computed(expression) => {
                let found = self.evaluate(expression)?;
                helper::text(found.value()).map_err(|problem| {
                    let message = format!("the name of a partial {problem}");
                    self.error(ErrorKind::WrongType, message, expression.at)
                })?
            }
        };
        let Some((number, template)) = self.set.partial(&name) else {
            let message = format!("there is no partial `{name}`");
            let error = self.error(ErrorKind::UnknownName, message, partial.at);
            return Err(match nearest(&name, self.set.partial_names()) {
                Some(known) => error.note(format!("did you mean `{known}`")),
                None => error,
            });
        };
        let context = match &partial.context {
            Some(expression) => self.evaluate(expression)?,
            None => self.context(0).clone(),
        };
        let mut scope = Scope::new(context);
        for (name, expression) in &partial.parameters {
            scope.parameters.push((name, self.evaluate(expression)?));
        }
        scope.variables = self.variables();
        scope.is_partial = true;
        self.scopes.push(scope);
        let outer = std::mem::replace(&mut self.source, number);
        let indent = self.draft.indent(&partial.indent, outer, partial.at);
        let result = self.nodes(&template.nodes);
        self.draft.restore(indent);
        self.source = outer;
        self.scopes.pop();
        result
    }

    /// The value of an expression; one that is missing is an error.
    fn evaluate(&mut self, expression: &'a Expression) -> Result<Found<'a>, Error> {
        match self.look_up(expression)? {
            Ok(found) => Ok(found),
            Err(missing) => Err(self.missing(expression, &missing)),
        }
    }

    /// The value of an expression, or what is missing of it.
    fn look_up(&mut self, expression: &'a Expression) -> Result<Result<Found<'a>, Missing>, Error> {
        match &expression.form {
            Form::Literal(value) => Ok(Ok(Found::borrowed(value))),
            Form::Reference(reference) => self.reference(reference, expression.at),
            Form::Call { name, arguments } => self.call(name, arguments, expression.at),
        }
    }

    fn call(
        &mut self,
        name: &str,
        arguments: &'a [Expression],
        at: Offset,
    ) -> Result<Result<Found<'a>, Missing>, Error> {
        self.spend(1, 0, at)?;
        let found = match (name, arguments) {
            ("defined", [value]) => match self.look_up(value)? {
                Ok(found) => {
                    self.uses.looked_at.extend(found.sources());
                    Found::computed(Value::Bool(true), Vec::new())
                }
                Err(missing) => {
                    self.uses.absent.extend(missing.path);
                    Found::computed(Value::Bool(false), Vec::new())
                }
            },
            ("default", [value, fallback]) => match self.look_up(value)? {
                Ok(found) if !found.value().is_null() => found,
                Ok(_) => self.evaluate(fallback)?,
                Err(missing) => {
                    self.uses.absent.extend(missing.path);
                    self.evaluate(fallback)?
                }
            },
            ("required", [value, message]) => match self.look_up(value)? {
                Ok(found) if !found.value().is_null() => found,
                _ => {
                    let message = self.evaluate(message)?;
                    let message = helper::text(message.value()).unwrap_or_default();
                    return Err(self.error(ErrorKind::MissingValue, message, value.at));
                }
            },
            ("and" | "or", _) => self.decide(name == "and", arguments)?,
            ("lookup", [container, key]) => return self.element(container, key),
            _ => self.computed(name, arguments, at)?,
        };
        Ok(Ok(found))
    }

    /// `and` and `or`: the first argument that decides ends it.
    fn decide(&mut self, all: bool, arguments: &'a [Expression]) -> Result<Found<'a>, Error> {
        let mut from = Vec::new();
        let mut answer = all;
        for argument in arguments {
            let found = self.evaluate(argument)?;
            self.uses.looked_at.extend(found.sources());
            from.extend(found.sources());
            answer = helper::is_truthy(found.value(), false);
            if answer != all {
                break;
            }
        }
        Ok(Found::computed(Value::Bool(answer), from))
    }

    fn element(
        &mut self,
        container: &'a Expression,
        key: &'a Expression,
    ) -> Result<Result<Found<'a>, Missing>, Error> {
        let container = match self.look_up(container)? {
            Ok(container) => container,
            Err(missing) => return Ok(Err(missing)),
        };
        let found = self.evaluate(key)?;
        self.uses.looked_at.extend(found.sources());
        let segment = helper::text(found.value()).map_err(|problem| {
            let message = format!("the key of `lookup` {problem}");
            self.error(ErrorKind::WrongType, message, key.at)
        })?;
        Ok(container
            .element(&segment)
            .ok_or_else(|| self.absence(&container, &segment, &segment)))
    }

    fn computed(
        &mut self,
        name: &str,
        arguments: &'a [Expression],
        at: Offset,
    ) -> Result<Found<'a>, Error> {
        let mut found = Vec::with_capacity(arguments.len());
        for argument in arguments {
            found.push(self.evaluate(argument)?);
        }
        let from: Vec<usize> = found.iter().flat_map(Found::sources).collect();
        self.uses.taken.extend(&from);
        let size = found
            .iter()
            .map(|found| weight(found.value()))
            .fold(0, usize::saturating_add);
        self.spend(1, size, at)?;
        let values: Vec<&Value> = found.iter().map(Found::value).collect();
        let value = helper::call(name, &values).map_err(|problem| {
            self.error(ErrorKind::WrongType, format!("`{name}` {problem}"), at)
        })?;
        Ok(Found::computed(value, from))
    }

    fn reference(
        &self,
        reference: &Reference,
        at: Offset,
    ) -> Result<Result<Found<'a>, Missing>, Error> {
        let mut segments = reference.segments.iter();
        let mut found = match reference.base {
            Base::Root => Found::borrowed(self.values.as_value()),
            Base::Local(variable, level) => {
                let scope = self.scope(level);
                let value = scope.and_then(|scope| scope.variables.get(variable));
                return match value {
                    Some(value) => Ok(Ok(Found::computed(value, Vec::new()))),
                    None => {
                        let message = format!("`{}` has no value here", reference.text);
                        let error = self.error(ErrorKind::UnknownName, message, at);
                        Err(error.note("it is set inside `#each`; `@key` only over a mapping"))
                    }
                };
            }
            Base::Context(level) => {
                let Some(scope) = self.scope(level) else {
                    let message = format!(
                        "`{}` goes further out than there are blocks",
                        reference.text
                    );
                    return Err(self.error(ErrorKind::UnknownName, message, at));
                };
                let first = reference.segments.first();
                match first.and_then(|name| self.parameter(level, name)) {
                    Some(parameter) => {
                        segments.next();
                        parameter.clone()
                    }
                    None => scope.context.clone(),
                }
            }
        };
        for segment in segments {
            match found.element(segment) {
                Some(element) => found = element,
                None => return Ok(Err(self.absence(&found, segment, &reference.text))),
            }
        }
        Ok(Ok(found))
    }

    /// A name given by `as |name|` or to a partial: seen from inside, up to the partial's edge.
    fn parameter(&self, level: usize, name: &str) -> Option<&Found<'a>> {
        if level > 0 {
            return self.scope(level)?.parameter(name);
        }
        for scope in self.scopes.iter().rev() {
            let found = scope.parameter(name);
            if found.is_some() || scope.is_partial {
                return found;
            }
        }
        None
    }

    fn scope(&self, level: usize) -> Option<&Scope<'a>> {
        self.scopes.iter().rev().nth(level)
    }

    fn context(&self, level: usize) -> Found<'a> {
        let root = || Found::borrowed(self.values.as_value());
        self.scope(level)
            .map_or_else(root, |scope| scope.context.clone())
    }

    fn variables(&self) -> Variables {
        self.scope(0)
            .map(|scope| scope.variables.clone())
            .unwrap_or_default()
    }

    /// What to say about a key that `container` does not have.
    fn absence(&self, container: &Found<'_>, segment: &str, text: &str) -> Missing {
        let index = self.values.index();
        let known = container
            .sources()
            .next()
            .filter(|_| container.value().as_mapping().is_some());
        let id = known.and_then(|address| self.by_address.get(&address).copied());
        let path = id.map(|id| index.path(id));
        let mut hints = Vec::new();
        match container.value() {
            Value::Mapping(map) => {
                if let Some(name) = nearest(segment, map.keys()) {
                    let meant = match (text.strip_suffix(segment), text.strip_prefix(segment)) {
                        (Some(before), _) => format!("{before}{name}"),
                        (None, Some(behind)) => format!("{name}{behind}"),
                        (None, None) => name.to_owned(),
                    };
                    let mut hint = format!("did you mean `{meant}`");
                    let near = path
                        .as_ref()
                        .and_then(|path| self.values.origin(&path.child(name)));
                    if let Some(origin) = near {
                        hint.push_str(&format!(" ({origin})"));
                    }
                    hints.push(hint);
                } else if id != Some(0) && self.values.as_value().get(segment).is_some() {
                    hints.push(format!(
                        "from the top of the values it is `@root.{segment}`"
                    ));
                }
            }
            Value::Sequence(list) => hints.push(format!("the sequence's length is {}", list.len())),
            other => {
                hints.push(format!(
                    "what stands before `{segment}` is {}",
                    other.kind()
                ));
                if self.values.as_value().get(segment).is_some() {
                    hints.push(format!(
                        "from the top of the values it is `@root.{segment}`"
                    ));
                }
            }
        }
        Missing {
            path: path.map(|path| path.child(segment)),
            hints,
        }
    }

    fn missing(&self, expression: &Expression, missing: &Missing) -> Error {
        let name = match (&expression.form, &missing.path) {
            (Form::Reference(reference), _) => reference.text.clone(),
            (_, Some(path)) => path.to_string(),
            _ => "this value".to_owned(),
        };
        let mut message = format!("value `{name}` is not set");
        if let Some(path) = &missing.path
            && path.to_string() != name
        {
            message.push_str(&format!(" (`{path}` in the values)"));
        }
        let mut error = self.error(ErrorKind::MissingValue, message, expression.at);
        for hint in &missing.hints {
            error = error.note(hint);
        }
        if missing.hints.is_empty() {
            error = error.note(
                "set it in a layer, or allow it to be absent: `(default …)`, `#if (defined …)`",
            );
        }
        match &missing.path {
            Some(path) => error.about(path.clone()),
            None => error,
        }
    }

    fn deeper(
        &mut self,
        at: Offset,
        walk: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.depth == self.limits.max_depth {
            let message = format!(
                "blocks and partials nest deeper than max_depth = {} allows",
                self.limits.max_depth
            );
            let error = self.error(ErrorKind::Limit, message, at);
            return Err(error.note("does a partial include itself"));
        }
        self.depth += 1;
        let result = walk(self);
        self.depth -= 1;
        result
    }

    fn spend(&mut self, steps: usize, bytes: usize, at: Offset) -> Result<(), Error> {
        let left = |left: usize, limit: &str, most: usize, spent: usize| {
            left.checked_sub(spent).ok_or_else(|| {
                let message = format!("the rendering is larger than {limit} = {most} allows");
                self.error(ErrorKind::Limit, message, at)
            })
        };
        let steps = left(self.budget.steps, "max_steps", self.limits.max_steps, steps)?;
        let bytes = left(self.budget.bytes, "max_bytes", self.limits.max_bytes, bytes)?;
        *self.budget = Budget { steps, bytes };
        Ok(())
    }

    fn error(&self, kind: ErrorKind, message: impl Into<String>, at: Offset) -> Error {
        match self.set.sources.get(self.source) {
            Some(source) => Source::error(Arc::as_ref(source), kind, message, at),
            None => Error::new(kind, message),
        }
    }
}

/// A value that is not there.
#[derive(Debug)]
struct Missing {
    /// Its path, when it would be part of the values.
    path: Option<Path>,
    hints: Vec<String>,
}

fn name_parameters<'a>(
    scope: &mut Scope<'a>,
    names: &'a [String],
    first: Found<'a>,
    second: Option<Value>,
) {
    if let Some(name) = names.first() {
        scope.parameters.push((name, first));
    }
    if let (Some(name), Some(value)) = (names.get(1), second) {
        scope
            .parameters
            .push((name, Found::computed(value, Vec::new())));
    }
}

fn described(expression: &Expression) -> String {
    match &expression.form {
        Form::Reference(reference) => format!(" in `{}`", reference.text),
        _ => String::new(),
    }
}

/// How much of the byte limit a value uses: its text, and a little for each part.
fn weight(value: &Value) -> usize {
    const PART: usize = 16;
    match value {
        Value::String(text) => PART + text.len(),
        Value::Sequence(list) => list.iter().map(weight).fold(PART, usize::saturating_add),
        Value::Mapping(map) => {
            let entry = |(key, value): (&str, &Value)| key.len().saturating_add(weight(value));
            map.iter().map(entry).fold(PART, usize::saturating_add)
        }
        _ => PART,
    }
}

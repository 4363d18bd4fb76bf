//! What a reference such as `image.tag`, `../name` or `@index` leads to from where it stands.
//!
//! May only look: at the scopes, at the parameters that are seen from here, at the values.

use std::collections::HashSet;

use super::Evaluator;
use super::absence::Missing;
use crate::error::{Error, ErrorKind};
use crate::template::scope::{Found, Scope, Sources, Variables};
use crate::template::syntax::{Base, Offset, Reference};

impl<'a> Evaluator<'a> {
    pub(super) fn reference(
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
                    Some(value) => Ok(Ok(Found::computed(value, Sources::default()))),
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

    /// All names that are seen from here, innermost first, and what each means here.
    pub(super) fn parameters(&self) -> Vec<(&'a str, Found<'a>)> {
        let mut names = HashSet::new();
        let mut seen = Vec::new();
        for scope in self.scopes.iter().rev() {
            let fresh = (scope.parameters.iter()).filter(|(name, _)| names.insert(*name));
            seen.extend(fresh.cloned());
            if scope.is_partial {
                break;
            }
        }
        seen
    }

    fn scope(&self, level: usize) -> Option<&Scope<'a>> {
        self.scopes.iter().rev().nth(level)
    }

    pub(super) fn context(&self, level: usize) -> Found<'a> {
        let root = || Found::borrowed(self.values.as_value());
        self.scope(level)
            .map_or_else(root, |scope| scope.context.clone())
    }

    pub(super) fn variables(&self) -> Variables {
        self.scope(0)
            .map(|scope| scope.variables.clone())
            .unwrap_or_default()
    }
}

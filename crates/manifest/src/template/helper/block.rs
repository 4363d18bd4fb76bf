//! Block helpers that a program adds: they decide how often a block is rendered, and with what.
//!
//! May keep them and call them. One is given values and gives values; the text of its block never
//! passes through it, so that it cannot change the structure either.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use narae_yaml::Value;

use super::custom::count;

/// What a block helper is called with: `{{#name argument … option=value}}`.
#[derive(Debug)]
#[non_exhaustive]
pub struct BlockCall<'v> {
    arguments: Vec<&'v Value>,
    options: Vec<(&'v str, &'v Value)>,
}

impl<'v> BlockCall<'v> {
    pub(in crate::template) fn new(
        arguments: Vec<&'v Value>,
        options: Vec<(&'v str, &'v Value)>,
    ) -> Self {
        Self { arguments, options }
    }

    /// Its arguments, all there, with their types.
    #[must_use]
    pub fn arguments(&self) -> &[&'v Value] {
        &self.arguments
    }

    /// One of the options that the helper was added with, if the template gives it.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&'v Value> {
        let found = self.options.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }
}

/// One time that a block is rendered.
///
/// Values are given as `&Value`, for part of what the helper was called with, or as a `Value` that
/// it made. Of a part, errors and explanations know exactly where it was set; a made one belongs to
/// all that the helper was called with.
#[derive(Clone, Debug, Default)]
#[must_use = "a helper gives its turns back"]
pub struct Turn<'v> {
    pub(in crate::template) context: Option<TurnValue<'v>>,
    pub(in crate::template) names: Vec<TurnValue<'v>>,
}

impl<'v> Turn<'v> {
    /// A turn whose `this` is that of the place around, as in `#if`.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same turn with a `this` of its own, as in `#with` and `#each`.
    pub fn with_context(mut self, value: impl Into<TurnValue<'v>>) -> Self {
        self.context = Some(value.into());
        self
    }

    /// The same turn with one more value that the template can name: the first of `as |a b|`, then
    /// the second.
    pub fn with_name(mut self, value: impl Into<TurnValue<'v>>) -> Self {
        self.names.push(value.into());
        self
    }
}

/// A value of a [`Turn`].
#[derive(Clone, Debug)]
pub struct TurnValue<'v>(pub(in crate::template) Cow<'v, Value>);

impl<'v> From<&'v Value> for TurnValue<'v> {
    fn from(part: &'v Value) -> Self {
        Self(Cow::Borrowed(part))
    }
}

impl From<Value> for TurnValue<'_> {
    fn from(made: Value) -> Self {
        Self(Cow::Owned(made))
    }
}

pub(in crate::template) type BlockWork =
    dyn for<'v> Fn(&BlockCall<'v>) -> Result<Vec<Turn<'v>>, String> + Send + Sync;

/// A block helper that a program added.
#[derive(Clone)]
pub(in crate::template) struct BlockHelper {
    pub(super) name: Arc<str>,
    pub(super) arity: RangeInclusive<usize>,
    pub(super) options: Arc<[String]>,
    pub(super) work: Arc<BlockWork>,
}

impl BlockHelper {
    pub(in crate::template) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::template) fn accepts(&self, given: usize) -> bool {
        self.arity.contains(&given)
    }

    pub(in crate::template) fn options(&self) -> impl Iterator<Item = &str> {
        self.options.iter().map(String::as_str)
    }

    /// How it is written in a template.
    pub(in crate::template) fn usage(&self) -> String {
        let options: String = self.options().map(|name| format!(" {name}=…")).collect();
        let count = count(&self.arity);
        format!("`{{{{#{} …{options}}}}}` with {count}", self.name)
    }

    pub(in crate::template) fn call<'v>(
        &self,
        call: &BlockCall<'v>,
    ) -> Result<Vec<Turn<'v>>, String> {
        (self.work)(call)
    }
}

impl fmt::Debug for BlockHelper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockHelper")
            .field("name", &self.name)
            .field("arity", &self.arity)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

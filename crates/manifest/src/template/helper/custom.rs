//! Helpers that a program adds.
//!
//! May keep them and call them. What they are given has been evaluated and paid for; what they
//! give is paid for by the evaluator.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use narae_yaml::Value;

use super::block::{BlockHelper, BlockWork};
use super::{Helper, known, names};
use crate::suggestion::nearest;

type Work = dyn Fn(&[&Value]) -> Result<Value, String> + Send + Sync;

/// The helpers that templates of a set can call.
#[derive(Clone, Debug, Default)]
pub(in crate::template) struct Helpers {
    custom: BTreeMap<String, Custom>,
    blocks: BTreeMap<String, BlockHelper>,
}

/// A helper that a program added.
#[derive(Clone)]
pub(in crate::template) struct Custom {
    name: Arc<str>,
    arity: RangeInclusive<usize>,
    work: Arc<Work>,
}

/// The blocks of the language; the last two are written in their own way.
const BLOCKS: [&str; 6] = ["if", "unless", "each", "with", "raw", "inline"];

impl Helpers {
    /// Adds a helper; `false` when its name is taken or cannot be called.
    pub(in crate::template) fn add(
        &mut self,
        name: &str,
        arity: RangeInclusive<usize>,
        work: Arc<Work>,
    ) -> bool {
        let free = known(name).is_none() && !self.custom.contains_key(name);
        if !free || !is_name(name) {
            return false;
        }
        let custom = Custom {
            name: name.into(),
            arity,
            work,
        };
        self.custom.insert(name.to_owned(), custom);
        true
    }

    /// Adds a block helper; `false` when its name is taken or cannot be called.
    pub(in crate::template) fn add_block(
        &mut self,
        name: &str,
        arity: RangeInclusive<usize>,
        options: &[&str],
        work: Arc<BlockWork>,
    ) -> bool {
        let free = !BLOCKS.contains(&name) && !self.blocks.contains_key(name);
        if !free || !is_name(name) {
            return false;
        }
        let block = BlockHelper {
            name: name.into(),
            arity,
            options: options.iter().map(|&option| option.to_owned()).collect(),
            work,
        };
        self.blocks.insert(name.to_owned(), block);
        true
    }

    pub(in crate::template) fn block(&self, name: &str) -> Option<&BlockHelper> {
        self.blocks.get(name)
    }

    /// The names of all blocks, those of the language first.
    pub(in crate::template) fn blocks(&self) -> impl Iterator<Item = &str> {
        let known = BLOCKS.iter().take(4).copied();
        known.chain(self.blocks.keys().map(String::as_str))
    }

    pub(in crate::template) fn find(&self, name: &str) -> Option<Helper> {
        let custom = || self.custom.get(name).cloned().map(Helper::Custom);
        known(name).map(Helper::Known).or_else(custom)
    }

    pub(in crate::template) fn nearest(&self, name: &str) -> Option<&str> {
        let custom = self.custom.keys().map(String::as_str);
        nearest(name, names().map(|name| name as &str).chain(custom))
    }
}

impl Custom {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn accepts(&self, given: usize) -> bool {
        self.arity.contains(&given)
    }

    pub(super) fn usage(&self) -> String {
        format!("`{{{{{} …}}}}` with {}", self.name, count(&self.arity))
    }

    pub(in crate::template) fn call(&self, arguments: &[&Value]) -> Result<Value, String> {
        (self.work)(arguments)
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom")
            .field("name", &self.name)
            .field("arity", &self.arity)
            .finish_non_exhaustive()
    }
}

fn is_name(name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    !name.is_empty() && name.chars().all(is_word)
}

/// `1 argument`, `2 to 9 arguments`.
pub(super) fn count(arity: &RangeInclusive<usize>) -> String {
    match (arity.start(), arity.end()) {
        (1, 1) => "1 argument".to_owned(),
        (least, most) if least == most => format!("{least} arguments"),
        (least, most) => format!("{least} to {most} arguments"),
    }
}

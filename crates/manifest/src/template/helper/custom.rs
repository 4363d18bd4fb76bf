//! Helpers that a program adds.
//!
//! May keep them and call them. What they are given has been evaluated and paid for; what they
//! give is paid for by the evaluator.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use narae_yaml::Value;

use super::{Helper, known, names};
use crate::suggestion::nearest;

type Work = dyn Fn(&[&Value]) -> Result<Value, String> + Send + Sync;

/// The helpers that templates of a set can call.
#[derive(Clone, Debug, Default)]
pub(in crate::template) struct Helpers {
    custom: BTreeMap<String, Custom>,
}

/// A helper that a program added.
#[derive(Clone)]
pub(in crate::template) struct Custom {
    name: Arc<str>,
    arity: RangeInclusive<usize>,
    work: Arc<Work>,
}

impl Helpers {
    /// Adds a helper; `false` when its name is taken or cannot be called.
    pub(in crate::template) fn add(
        &mut self,
        name: &str,
        arity: RangeInclusive<usize>,
        work: Arc<Work>,
    ) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let free = known(name).is_none() && !self.custom.contains_key(name);
        if !free || name.is_empty() || !name.chars().all(is_word) {
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
        let (least, most) = (self.arity.start(), self.arity.end());
        let count = if least == most {
            least.to_string()
        } else {
            format!("{least} to {most}")
        };
        format!("`{{{{{} …}}}}` with {count} arguments", self.name)
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

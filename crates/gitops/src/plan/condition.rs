//! What must hold for an edit to be made, asked anew on every tip it is applied to.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::edit::{Change, Setting};
use crate::image::{Candidate, SelectionError, TagOrder, TagSelection};

/// A precondition of an edit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Condition {
    /// None.
    #[default]
    Always,
    /// What stands there is what stood there when the plan was made.
    Unchanged,
    /// What stands there, as it prints, is this.
    Expect(String),
    /// The new tag is newer than the one that stands there.
    Newer(TagRule),
}

/// A [`TagSelection`] as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TagRule {
    /// What makes a tag newer.
    pub order: TagOrder,
    /// Which tags count: a regular expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// What of a matching tag is ordered.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extract: String,
}

impl TagRule {
    /// Every tag, in this order.
    #[must_use]
    pub fn new(order: TagOrder) -> Self {
        Self {
            order,
            pattern: None,
            extract: String::new(),
        }
    }

    /// The selection it says.
    ///
    /// # Errors
    ///
    /// When the pattern is not a regular expression, or too long.
    pub fn selection(&self) -> Result<TagSelection, SelectionError> {
        let selection = TagSelection::new(self.order.clone());
        match &self.pattern {
            Some(pattern) => selection.with_pattern(pattern, &self.extract),
            None => Ok(selection),
        }
    }
}

/// What a condition says of what stands there.
pub(super) enum Answer {
    Holds,
    Superseded,
    Conflict(String),
}

impl Condition {
    /// Whether `wanted` may replace `found`; `then` is what was recorded to change, `now` what would.
    pub(super) fn ask(
        &self,
        found: &Setting,
        wanted: &Setting,
        then: &[Change],
        now: &[Change],
    ) -> Answer {
        match self {
            Self::Always => Answer::Holds,
            Self::Unchanged => {
                let old = |changes: &[Change]| -> Vec<_> {
                    let pair = |change: &Change| (change.at.clone(), change.old.clone());
                    changes.iter().map(pair).collect()
                };
                match old(then) == old(now) {
                    true => Answer::Holds,
                    false => Answer::Conflict("it has changed since the plan was made".to_owned()),
                }
            }
            Self::Expect(expected) => match found.to_string() == *expected {
                true => Answer::Holds,
                false => Answer::Conflict(format!("`{expected}` was expected")),
            },
            Self::Newer(rule) => newer(rule, found, wanted),
        }
    }
}

fn newer(rule: &TagRule, found: &Setting, wanted: &Setting) -> Answer {
    let selection = match rule.selection() {
        Ok(selection) => selection,
        Err(error) => return Answer::Conflict(error.to_string()),
    };
    fn candidate(setting: &Setting) -> Option<Candidate<'_>> {
        match setting {
            Setting::Image(image) => image
                .tag
                .as_deref()
                .map(|tag| Candidate { tag, built: None }),
            Setting::Value(_) => None,
        }
    }
    let (Some(ours), Some(theirs)) = (candidate(wanted), candidate(found)) else {
        return Answer::Conflict("there is no tag to compare".to_owned());
    };
    match selection.compare(ours, theirs) {
        Some(Ordering::Greater) => Answer::Holds,
        Some(_) => Answer::Superseded,
        None => Answer::Conflict(format!(
            "`{}` and `{}` are not both tags of `{}`, so neither is newer",
            ours.tag, theirs.tag, rule.order
        )),
    }
}

//! What a rendering may still cost: steps, bytes and depth.
//!
//! May refuse, and nothing else: the walk charges what it does here and goes on only when that is
//! left. Steps and bytes are shared by all templates of a rendering; the depth is that of one walk.

use narae_yaml::Value;

use super::Evaluator;
use crate::error::{Error, ErrorKind};
use crate::template::scope::Found;
use crate::template::syntax::Offset;

/// What is left of the limits that count over a whole rendering.
#[derive(Debug)]
pub(in crate::template) struct Budget {
    pub(in crate::template) steps: usize,
    pub(in crate::template) bytes: usize,
}

impl Evaluator<'_> {
    pub(super) fn deeper(
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

    pub(super) fn spend(&mut self, steps: usize, bytes: usize, at: Offset) -> Result<(), Error> {
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
}

/// How much of the byte limit the names of the values use that a computed one was made of.
pub(super) fn named(found: &Found<'_>) -> usize {
    found.made_of().saturating_mul(size_of::<usize>())
}

/// How much of the byte limit a value uses: its text, and a little for each part.
pub(super) fn weight(value: &Value) -> usize {
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

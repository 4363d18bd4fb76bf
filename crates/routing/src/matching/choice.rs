//! Matches of one path, told apart by what they ask besides: where many ask for one header or query parameter with
//! one value each, the request's value finds those few at once.

use std::collections::HashMap;

use super::predicate::{Part, Predicate};
use super::request::Request;

/// So few are compared one by one.
const FEW: usize = 4;

/// Parts tried in a row before the rest is a list after all: each costs a look at the request.
const MAX_DEPTH: usize = 8;

/// Candidates as indices in the order of precedence. Each is in one list, so memory is linear in them.
#[derive(Debug)]
pub(super) enum Choice {
    List(Vec<u32>),
    Split {
        part: Part,
        by_value: HashMap<String, Choice>,
        /// Those that ask for no exact value of the part.
        rest: Box<Choice>,
    },
}

impl Default for Choice {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Choice {
    /// Candidates must come in ascending order, all before [`Choice::split`].
    pub(super) fn push(&mut self, candidate: u32) {
        // A route may name one host twice over, or two hosts with one intersection.
        if let Self::List(list) = self
            && list.last() != Some(&candidate)
        {
            list.push(candidate);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::List(list) if list.is_empty())
    }

    /// Divides a long list by the part that most of it ask for.
    pub(super) fn split<'p>(&mut self, predicate: &impl Fn(u32) -> Option<&'p Predicate>) {
        self.split_below(predicate, &mut Vec::new());
    }

    fn split_below<'p>(
        &mut self,
        predicate: &impl Fn(u32) -> Option<&'p Predicate>,
        above: &mut Vec<Part>,
    ) {
        let Self::List(list) = self else { return };
        if list.len() <= FEW || above.len() == MAX_DEPTH {
            return;
        }
        let mut asked: HashMap<Part, usize> = HashMap::new();
        for (part, _) in list
            .iter()
            .filter_map(|c| predicate(*c))
            .flat_map(Predicate::exact)
        {
            *asked.entry(part).or_default() += 1;
        }
        let commonest = asked
            .into_iter()
            .filter(|(part, count)| *count > 1 && !above.contains(part))
            .max_by(|(a, m), (b, n)| m.cmp(n).then_with(|| b.cmp(a)));
        let Some((part, _)) = commonest else { return };
        let (mut by_value, mut rest) = (HashMap::<String, Self>::new(), Self::default());
        for candidate in std::mem::take(list) {
            let mut exact = predicate(candidate).into_iter().flat_map(Predicate::exact);
            match exact.find(|(own, _)| *own == part) {
                Some((_, value)) => by_value
                    .entry(value.to_owned())
                    .or_default()
                    .push(candidate),
                None => rest.push(candidate),
            }
        }
        above.push(part.clone());
        by_value
            .values_mut()
            .chain([&mut rest])
            .for_each(|c| c.split_below(predicate, above));
        above.pop();
        *self = Self::Split {
            part,
            by_value,
            rest: Box::new(rest),
        };
    }

    /// Every candidate.
    pub(super) fn all(&self) -> Vec<u32> {
        match self {
            Self::List(list) => list.clone(),
            Self::Split { by_value, rest, .. } => {
                let own = by_value.values().flat_map(Self::all);
                own.chain(rest.all()).collect()
            }
        }
    }

    /// Lowers `best` to the first candidate that is accepted, if that goes before it.
    pub(super) fn consider(
        &self,
        request: &Request<'_>,
        accepts: &impl Fn(u32) -> bool,
        best: &mut Option<u32>,
    ) {
        match self {
            Self::List(list) => {
                let before = |candidate: &&u32| best.is_none_or(|best| **candidate < best);
                let found = list.iter().take_while(before).find(|c| accepts(**c));
                *best = found.copied().or(*best);
            }
            Self::Split {
                part,
                by_value,
                rest,
            } => {
                if let Some(choice) = part.of(request).and_then(|value| by_value.get(&*value)) {
                    choice.consider(request, accepts, best);
                }
                rest.consider(request, accepts, best);
            }
        }
    }
}

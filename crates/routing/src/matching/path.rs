//! Paths: what a match may say of one, and finding the matches of a request's path.
//!
//! Exact paths are a map. Prefixes are a tree of segments, walked down once; from the deepest node
//! reached, the way back up passes only nodes that have matches. Expressions are one automaton.

use std::collections::HashMap;

use regex::RegexSet;

use super::choice::Choice;
use super::predicate::{Predicate, anchored, expression};
use super::problem::Problem;
use super::request::Request;
use crate::gateway::{PathMatch, PathMatchType};

/// The longest path a match may name, in bytes.
pub(super) const MAX_PATH: usize = 1024;

/// What a match says about the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Exact(String),
    /// Without trailing slash, so empty for the root.
    Prefix(String),
    Expression(String),
}

impl Pattern {
    pub(super) fn new(path: Option<&PathMatch>) -> Result<Self, Problem> {
        let Some(path) = path else {
            return Ok(Self::Prefix(String::new()));
        };
        let value = path.value.as_deref().unwrap_or("/");
        if value.len() > MAX_PATH {
            return Err(Problem::PathLength { bytes: value.len() });
        }
        match path.kind {
            PathMatchType::RegularExpression => {
                // Compiled here for the error; a host's expressions become one automaton later.
                expression(value)?;
                Ok(Self::Expression(value.to_owned()))
            }
            _ if !is_sound(value) => Err(Problem::Path {
                path: value.to_owned(),
            }),
            PathMatchType::Exact => Ok(Self::Exact(value.to_owned())),
            PathMatchType::PathPrefix => {
                let value = value.strip_suffix('/').unwrap_or(value);
                Ok(Self::Prefix(value.to_owned()))
            }
        }
    }
}

/// The API's rules for the value of an exact path or a prefix.
fn is_sound(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    path.starts_with('/')
        && !["//", "/./", "/../", "%2f", "#"]
            .iter()
            .any(|refused| lower.contains(refused))
        && !path.ends_with("/.")
        && !path.ends_with("/..")
        && has_path_characters(path)
}

/// `^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$`
pub(super) fn has_path_characters(path: &str) -> bool {
    let mut parts = path.split('%');
    let plain = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-/._~!$&'()*+,;=:@".contains(&b))
    };
    parts.next().is_some_and(plain)
        && parts.all(|part| {
            let hex = part.get(..2).unwrap_or_default();
            hex.len() == 2 && hex.bytes().all(|b| b.is_ascii_hexdigit()) && plain(part)
        })
}

/// The matches of one hostname, as indices in the order of precedence, by path.
#[derive(Debug, Default)]
pub(super) struct PathIndex {
    exact: HashMap<String, Choice>,
    prefixes: Vec<Node>,
    expressions: Vec<(String, u32)>,
    automata: Vec<Automaton>,
    /// Whether a rule of one of them is for some clients only.
    pub(super) is_guarded: bool,
}

#[derive(Debug, Default)]
struct Node {
    children: HashMap<String, usize>,
    /// The nearest node above that has candidates.
    above: Option<usize>,
    candidates: Choice,
}

#[derive(Debug)]
struct Automaton {
    set: RegexSet,
    candidates: Vec<u32>,
}

impl PathIndex {
    /// Candidates must come in ascending order; [`PathIndex::finish`] comes last.
    pub(super) fn insert(&mut self, pattern: &Pattern, candidate: u32) {
        match pattern {
            Pattern::Exact(path) => {
                self.exact.entry(path.clone()).or_default().push(candidate);
            }
            Pattern::Expression(text) => self.expressions.push((text.clone(), candidate)),
            Pattern::Prefix(prefix) => {
                let at = self.node(prefix);
                if let Some(node) = self.prefixes.get_mut(at) {
                    node.candidates.push(candidate);
                }
            }
        }
    }

    /// The node of a prefix, made if it is new.
    fn node(&mut self, prefix: &str) -> usize {
        if self.prefixes.is_empty() {
            self.prefixes.push(Node::default());
        }
        let mut at = 0;
        for segment in prefix.split('/').skip(1) {
            let next = self.prefixes.len();
            let Some(node) = self.prefixes.get_mut(at) else {
                break;
            };
            at = *node.children.entry(segment.to_owned()).or_insert(next);
            if at == next {
                self.prefixes.push(Node::default());
            }
        }
        at
    }

    /// Links the prefixes, divides long lists, and builds the automata.
    pub(super) fn finish<'p>(
        &mut self,
        predicate: &impl Fn(u32) -> Option<&'p Predicate>,
    ) -> Result<(), Problem> {
        let exact = self.exact.values_mut();
        let prefixes = self.prefixes.iter_mut().map(|node| &mut node.candidates);
        exact
            .chain(prefixes)
            .for_each(|choice| choice.split(predicate));
        let mut pending = vec![(0, None)];
        while let Some((at, above)) = pending.pop() {
            let Some(node) = self.prefixes.get_mut(at) else {
                continue;
            };
            node.above = above;
            let next = if node.candidates.is_empty() {
                above
            } else {
                Some(at)
            };
            pending.extend(node.children.values().map(|&child| (child, next)));
        }
        self.expressions.dedup();
        build(&std::mem::take(&mut self.expressions), &mut self.automata)
    }

    /// Every candidate, some of them several times.
    pub(super) fn all(&self) -> Vec<u32> {
        let prefixes = self.prefixes.iter().map(|node| &node.candidates);
        let choices = self.exact.values().chain(prefixes).flat_map(Choice::all);
        let expressions = self.automata.iter().flat_map(|a| &a.candidates);
        choices.chain(expressions.copied()).collect()
    }

    /// The first candidate for a request's path, in order of precedence, that is accepted.
    pub(super) fn first(
        &self,
        request: &Request<'_>,
        accepts: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let path = request.path();
        let mut best: Option<u32> = None;
        if let Some(candidates) = self.exact.get(path) {
            candidates.consider(request, &accepts, &mut best);
        }
        for automaton in &self.automata {
            for at in automaton.set.matches(path) {
                let candidate = automaton.candidates.get(at).copied();
                let before = candidate.filter(|c| best.is_none_or(|best| *c < best));
                best = before.filter(|candidate| accepts(*candidate)).or(best);
            }
        }
        let mut at = self.deepest(path);
        while let Some(node) = at.and_then(|at| self.prefixes.get(at)) {
            node.candidates.consider(request, &accepts, &mut best);
            at = node.above;
        }
        best
    }

    /// The deepest node of the tree on the way along the path.
    fn deepest(&self, path: &str) -> Option<usize> {
        let mut at = 0;
        let mut node = self.prefixes.first()?;
        for segment in path.strip_prefix('/')?.split('/') {
            let Some(&child) = node.children.get(segment) else {
                break;
            };
            at = child;
            node = self.prefixes.get(child)?;
        }
        Some(at)
    }
}

/// One automaton if it fits the size limit, else more of half the size.
fn build(expressions: &[(String, u32)], automata: &mut Vec<Automaton>) -> Result<(), Problem> {
    if expressions.is_empty() {
        return Ok(());
    }
    match RegexSet::new(expressions.iter().map(|(text, _)| anchored(text))) {
        Ok(set) => {
            let candidates = expressions.iter().map(|(_, candidate)| *candidate);
            automata.push(Automaton {
                set,
                candidates: candidates.collect(),
            });
            Ok(())
        }
        Err(_) if expressions.len() > 1 => {
            let (first, second) = expressions.split_at(expressions.len() / 2);
            build(first, automata)?;
            build(second, automata)
        }
        Err(error) => Err(Problem::Expression {
            expression: expressions
                .first()
                .map(|(text, _)| text.clone())
                .unwrap_or_default(),
            reason: error.to_string(),
        }),
    }
}

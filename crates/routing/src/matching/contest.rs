//! Why a rule decides and the others do not: every match that was asked, and by what it lost.
//!
//! For people, so it looks at every match of the request's listener; [`Table::decide`] does not.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;

use super::decision::{ListenerName, RuleName};
use super::path::{PathIndex, Pattern};
use super::precedence::Precedence;
use super::predicate::Difference;
use super::request::{Arrival, Request};
use super::table::Table;

/// Why a request is decided as it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Contest<'a> {
    /// The listener that takes it, if any does.
    pub listener: Option<ListenerName<'a>>,
    /// The matches for its host there, in order of precedence.
    pub contenders: Vec<Contender<'a>>,
    /// How many matches are for other hosts or listeners.
    pub elsewhere: usize,
}

/// A match that was asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Contender<'a> {
    /// Its rule.
    pub rule: RuleName<'a>,
    /// Its place in the rule's list, from zero.
    pub entry: usize,
    /// Its place in the order.
    pub precedence: &'a Precedence,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a match.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It decides.
    Wins,
    /// It holds, but the winner goes first by this.
    Loses(Key),
    /// The path is another.
    OtherPath,
    /// The method is another.
    OtherMethod,
    /// This header is absent or has another value.
    OtherHeader(String),
    /// This query parameter is absent or has another value.
    OtherQuery(String),
}

/// What decides between two matches that both hold, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Key {
    /// A more specific hostname.
    Hostname,
    /// More of the path.
    Path,
    /// A method.
    Method,
    /// More headers.
    Headers,
    /// More query parameters.
    QueryParameters,
    /// An older route.
    Age,
    /// A name that comes first.
    Name,
    /// An earlier place in the same route.
    Place,
}

impl Precedence {
    /// By what another match goes before this one; `None` if it does not.
    #[must_use]
    pub fn loses_to(&self, other: &Self) -> Option<Key> {
        let age = |p: &Self| (p.unborn, p.created.clone());
        let steps = [
            (Key::Path, other.path.cmp(&self.path)),
            (Key::Method, other.method.cmp(&self.method)),
            (Key::Headers, other.headers.cmp(&self.headers)),
            (
                Key::QueryParameters,
                other.query_parameters.cmp(&self.query_parameters),
            ),
            (Key::Age, age(other).cmp(&age(self))),
            (
                Key::Name,
                (&other.route, other.kind).cmp(&(&self.route, self.kind)),
            ),
            (
                Key::Place,
                (other.rule, other.entry).cmp(&(self.rule, self.entry)),
            ),
        ];
        let (key, order) = steps.into_iter().find(|(_, order)| order.is_ne())?;
        (order == Ordering::Less).then_some(key)
    }
}

impl Table {
    /// Why a request is decided as it is, without deciding: no share moves on. O(all matches).
    #[must_use]
    pub fn contest<'a>(&'a self, arrival: &Arrival, request: &Request<'_>) -> Contest<'a> {
        let host = request.host();
        let winner = self.winner(arrival, request);
        let mut first = None;
        for (listener, listening) in self.listenings(arrival, request) {
            let levels = listening.hosts.matching(&host).map(PathIndex::all);
            let admission = self.access.admit(&listening.guards, request).ok();
            let headers = admission
                .as_ref()
                .map(|admission| admission.headers(request));
            let asked = request.with_headers(headers.as_deref().unwrap_or(request.headers));
            let contest = self.contenders(listener, levels, &asked);
            let decides = |c: &Contender<'_>| Some(c.precedence) == winner;
            if winner.is_none() || contest.contenders.iter().any(decides) {
                return contest;
            }
            first.get_or_insert(contest);
        }
        first.unwrap_or(Contest {
            listener: None,
            contenders: Vec::new(),
            elsewhere: self.matches().count(),
        })
    }

    /// `levels` are the matches for each hostname, the most specific first.
    fn contenders<'a>(
        &'a self,
        listener: ListenerName<'a>,
        levels: impl Iterator<Item = Vec<u32>>,
        request: &Request<'_>,
    ) -> Contest<'a> {
        let levels: Vec<HashSet<u32>> = levels.map(|all| all.into_iter().collect()).collect();
        let mut contenders = Vec::new();
        let mut won: Option<(usize, &Precedence)> = None;
        for (at, level) in levels.iter().enumerate() {
            let mut own: Vec<u32> = level.iter().copied().collect();
            own.sort_unstable();
            let before = levels.iter().take(at);
            let again: HashSet<u32> = before.flatten().copied().collect();
            for index in own.into_iter().filter(|index| !again.contains(index)) {
                let Some((rule, candidate)) = self.matched(index) else {
                    continue;
                };
                let verdict = match candidate.differs(request) {
                    Some(Difference::Path) => Verdict::OtherPath,
                    Some(Difference::Method) => Verdict::OtherMethod,
                    Some(Difference::Header(name)) => Verdict::OtherHeader(name.to_owned()),
                    Some(Difference::Query(name)) => Verdict::OtherQuery(name.to_owned()),
                    None => match won {
                        None => {
                            won = Some((at, &candidate.precedence));
                            Verdict::Wins
                        }
                        Some((level, _)) if level < at => Verdict::Loses(Key::Hostname),
                        Some((_, winner)) => {
                            let key = candidate.precedence.loses_to(winner);
                            Verdict::Loses(key.unwrap_or(Key::Place))
                        }
                    },
                };
                contenders.push(Contender {
                    rule,
                    entry: candidate.precedence.entry,
                    precedence: &candidate.precedence,
                    verdict,
                });
            }
        }
        Contest {
            listener: Some(listener),
            elsewhere: self.matches().count() - contenders.len(),
            contenders,
        }
    }
}

impl Pattern {
    /// Whether a path matches. A table asks its index instead.
    pub(super) fn holds(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == path,
            Self::Prefix(prefix) => path
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Expression(text) => {
                super::predicate::expression(text).is_ok_and(|expression| expression.is_match(path))
            }
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wins => f.write_str("decides"),
            Self::Loses(key) => write!(f, "holds, but loses by {key}"),
            Self::OtherPath => f.write_str("another path"),
            Self::OtherMethod => f.write_str("another method"),
            Self::OtherHeader(name) => write!(f, "header {name} is absent or different"),
            Self::OtherQuery(name) => write!(f, "query parameter {name} is absent or different"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hostname => "a less specific hostname",
            Self::Path => "less of the path",
            Self::Method => "naming no method",
            Self::Headers => "fewer headers",
            Self::QueryParameters => "fewer query parameters",
            Self::Age => "a younger route",
            Self::Name => "a route name further back",
            Self::Place => "a later place in its route",
        })
    }
}

//! Which of several matches counts: the API's order, as an `Ord`.

use std::cmp::Reverse;

use crate::gateway::ObjectName;

/// A match's place in the order of all matches: the smaller goes first. No two matches of a table
/// have the same.
///
/// The fields are compared in the order they stand here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Precedence {
    /// How much of the path it names.
    pub path: Reverse<PathRank>,
    /// Whether it names a method.
    pub method: Reverse<bool>,
    /// How many headers it names.
    pub headers: Reverse<usize>,
    /// How many query parameters it names.
    pub query_parameters: Reverse<usize>,
    /// Whether the route has no creation time, which counts as the youngest.
    pub unborn: bool,
    /// When the route was created; RFC 3339 in UTC compares as text.
    pub created: String,
    /// The route.
    pub route: ObjectName,
    /// 0 for an `HTTPRoute`, 1 for a `GRPCRoute` of the same name.
    pub kind: u8,
    /// The rule's place in its route.
    pub rule: usize,
    /// The match's place in its rule.
    pub entry: usize,
}

/// How much of a path a match names; the greater goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "compared as a whole")]
pub enum PathRank {
    /// Characters of the prefix, a trailing slash not counted.
    Prefix(usize),
    /// Characters of the expression. Where expressions stand is left to implementations.
    Expression(usize),
    /// Characters of the path.
    Exact(usize),
    /// Characters of a gRPC call's service, then of its method.
    Call(usize, usize),
}

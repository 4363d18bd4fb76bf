//! Gateway API routing as written: from objects and a request to a decision.
//!
//! [`Table::compile`] reads [`Objects`](crate::gateway::Objects) once, reports what it could not
//! take as [`Finding`]s, and the [`Table`] then makes a [`Decision`] per request: forward, redirect,
//! or answer. It has no clock, no connections, no randomness; where the API says "share", an exact
//! [`Split`](crate::Split) counts.
//!
//! # Which rule
//!
//! 1. The listeners of a port: the most specific hostname that matches takes the request, and no
//!    other listener of that port sees it. On HTTPS, a request that came to another listener than its
//!    host's gets 421.
//! 2. Routes by hostname: exact before wildcard, longer before shorter. A less specific hostname is
//!    asked only when no rule of a more specific one matches.
//! 3. Matches of all those routes by [`Precedence`]: an exact path, a regular expression (longer
//!    text first), the longest prefix; then a method, more headers, more query parameters; then
//!    the oldest route, the first by `namespace/name`, the first rule in its list. For `GRPCRoute` more
//!    characters of service, then of method, then more headers. Where routes of both kinds would meet at a listener
//!    for the same hosts, only the older of two is attached.
//! 4. Nothing: 404.
//!
//! # What is left to implementations, and what is done here
//!
//! - A path is compared byte for byte as asked about, without decoding or removing dot segments; whoever passes
//!   requests on asks about their [`normal_target`] and sends that. At a listener and host where a route is for some clients
//!   only, a path that servers read differently (not normal, or with an escaped slash, a backslash, a semicolon) is
//!   refused with 400. Its query is not part of it. A prefix is compared by segments, and its trailing slash counts for nothing.
//! - Regular expressions are those of the `regex` crate (linear time) and must match the whole text.
//! - A header sent several times is compared as its values joined by `,`; of a query parameter the
//!   first value counts, with `%XX` decoded and `+` for a space.
//! - A rule whose filters cannot be carried out answers 500, as does a rule without backends or
//!   with all weights 0, and a backend that is invalid answers 500 for exactly its share. A service
//!   without ready endpoints answers 503 for its share.
//! - A route that the API server would refuse (limits, malformed values) takes no part.
//!
//! - Who may pass is none of the API's business; [`AccessPolicy`](crate::gateway::AccessPolicy) says it. See
//!   [`Identity`] and [`Presented`].
//!
//! # Cost
//!
//! A decision looks up the host once per label and the path once per segment; only matches of the
//! same host and path are compared, and of those that ask for values of one header or query parameter only the ones
//! that ask for the request's. Regular expressions of a host are one automaton. So
//! it grows with the request, not with the number of routes. Memory is linear in the routes.

mod access;
mod attach;
mod backend;
mod check;
mod choice;
mod compile;
mod contest;
mod cors;
mod decision;
mod header;
mod hostname;
mod normal;
mod path;
mod precedence;
mod predicate;
mod problem;
mod request;
mod rival;
mod rule;
mod session;
mod source;
pub mod status;
mod step;
mod table;
mod target;

pub use access::{Claim, Claims, Condition, Denied, Identity, Presented, Scheme};
pub use backend::Backend;
pub use check::Conflict;
pub use contest::{Contender, Contest, Key, Verdict};
pub use decision::{Decision, Forward, HeaderChange, ListenerName, Outcome, Refusal, RuleName};
pub use hostname::Hostname;
pub use normal::normal_target;
pub use precedence::{PathRank, Precedence};
pub use problem::{Finding, Obstacle, Problem};
pub use request::{Arrival, Request};
pub use rule::RouteKind;
pub use session::Kept;
pub use table::Table;

//! Who attacks? Rules that people can read and write, over records.
//!
//! ```text
//! rule NAME                                   one word
//!   says TEXT                                 for people
//!   when FIELD is VALUE …                     the field is one of these
//!   when FIELD contains TEXT …                it contains one of these, in any case
//!   when FIELD grok PATTERN                   it matches; what the pattern captures can be named below
//!   by FIELD                                  who: counted apart for each value
//!   different FIELD                           optional: count different values of this, not records
//!   at COUNT in DURATION                      that many within 30s, 5m, 1h or 1d raise a signal
//! ```
//!
//! Every `when` must hold. `a|b` is the field `a` or, if there is none, `b`. Lines beginning with `#` are comments. The stock rules are
//! [`Rules::stock`]: failed logins by source, names tried, scanners by what they ask for, by what they call themselves and by what they miss.
//!
//! **Bounds.** [`MAX_SOURCES`] per rule, the one heard of longest ago makes room; a count of [`MAX_COUNT`] at most. A source is told once, and again only
//! after it was silent for the rule's duration. Time is the records'; one without counts at the latest time seen.

mod rule;
mod watch;

pub use rule::{Problem, RuleError, Rules};
pub use watch::{Signal, Watch};

/// How many sources a rule keeps counts of.
pub const MAX_SOURCES: usize = 4096;
/// The greatest count of a rule.
pub const MAX_COUNT: usize = 1000;

//! What went wrong with a request, in Envoy's letters, as `%RESPONSE_FLAGS%` of its access log has them.

use std::fmt;
use std::ops::BitOr;

/// Envoy's response flags, any number of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u16);

/// In Envoy's order.
const LETTERS: [&str; 11] = [
    "UH", "UT", "UF", "UC", "UO", "NR", "DC", "URX", "SI", "DPE", "UPE",
];

impl Flags {
    pub(crate) const NONE: Self = Self(0);
    /// No healthy endpoint.
    pub(crate) const UH: Self = Self(1);
    /// The endpoint, or all of the request, took too long.
    pub(crate) const UT: Self = Self(1 << 1);
    /// No connection to the endpoint.
    pub(crate) const UF: Self = Self(1 << 2);
    /// The endpoint ended the connection.
    pub(crate) const UC: Self = Self(1 << 3);
    /// Too much at once for the endpoint, its breaker or the budget of retries.
    pub(crate) const UO: Self = Self(1 << 4);
    /// No route.
    pub(crate) const NR: Self = Self(1 << 5);
    /// The client ended the connection.
    pub(crate) const DC: Self = Self(1 << 6);
    /// No retries are left.
    pub(crate) const URX: Self = Self(1 << 7);
    /// An answer stood still.
    pub(crate) const SI: Self = Self(1 << 8);
    /// The client broke the protocol, or off.
    pub(crate) const DPE: Self = Self(1 << 9);
    /// The endpoint broke the protocol.
    pub(crate) const UPE: Self = Self(1 << 10);
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = (0..).zip(LETTERS).filter(|(at, _)| self.0 >> at & 1 == 1);
        let mut separator = "";
        for (_, letters) in set {
            write!(f, "{separator}{letters}")?;
            separator = ",";
        }
        f.write_str(if separator.is_empty() { "-" } else { "" })
    }
}

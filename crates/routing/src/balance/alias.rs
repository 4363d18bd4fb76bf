//! A weighted draw in constant time.

use crate::Backends;

/// The alias method: M. Vose, *A linear algorithm for generating random numbers with a given
/// distribution* (1991), in integers. Shares are exact in expectation; over few requests they are off
/// as chance has it ([`Split`](crate::Split) is not).
#[derive(Clone, Debug)]
pub struct RandomAlias<K> {
    backends: Backends<K>,
    /// Of each column the part that is its own, of `total`, and whose the rest is.
    columns: Box<[(u64, u16)]>,
    total: u64,
}

impl<K> RandomAlias<K> {
    /// Builds the columns, in O(n).
    #[must_use]
    pub fn new(backends: Backends<K>) -> Self {
        let total = backends.total();
        // Scaled by n, so that the mean is `total`: at most 2⁴⁴ · 2¹².
        let scale = backends.len() as u64;
        let mut parts: Vec<u64> = backends
            .iter()
            .map(|(_, weight)| u64::from(weight.value()) * scale)
            .collect();
        let mut columns: Vec<(u64, u16)> = (0..).zip(&parts).map(|(own, _)| (total, own)).collect();
        let (mut small, mut large): (Vec<u16>, Vec<u16>) =
            (0..).zip(&parts).map(|(at, _)| at).partition(|at: &u16| {
                parts
                    .get(usize::from(*at))
                    .is_some_and(|part| *part < total)
            });
        while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
            let own = parts.get(usize::from(poor)).copied().unwrap_or(total);
            if let Some(column) = columns.get_mut(usize::from(poor)) {
                *column = (own, rich);
            }
            if let Some(left) = parts.get_mut(usize::from(rich)) {
                *left -= total - own;
                if *left < total {
                    large.pop();
                    small.push(rich);
                }
            }
        }
        Self {
            backends,
            columns: columns.into_boxed_slice(),
            total,
        }
    }

    /// The backend that 128 random bits draw.
    #[must_use]
    pub fn pick(&self, random: u128) -> &K {
        let below = |bits: u128, limit: u64| (bits * u128::from(limit)) >> 64;
        let column = below(random & u128::from(u64::MAX), self.columns.len() as u64);
        let column = usize::try_from(column).unwrap_or(0);
        let (own, other) = self.columns.get(column).copied().unwrap_or((self.total, 0));
        let drawn = below(random >> 64, self.total);
        // At most 4,096 backends.
        let column = u16::try_from(column).unwrap_or(0);
        self.backends.id(if drawn < u128::from(own) {
            column
        } else {
            other
        })
    }
}

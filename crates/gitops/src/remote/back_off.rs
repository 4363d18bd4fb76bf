//! How long to wait after a lost race.

use std::time::Duration;

/// The longest wait.
pub const LONGEST_BACK_OFF: Duration = Duration::from_secs(2);
/// About as long as a push takes: who waits less meets the same rivals again.
const FIRST: Duration = Duration::from_millis(50);

/// A wait after `lost` lost attempts, chosen by `random` (any number, each as likely as the others).
///
/// Full jitter: anything from nothing to a ceiling that doubles from 50 ms to [`LONGEST_BACK_OFF`].
/// Writers that lost the same race then do not meet again
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
///
/// ```
/// use narae_gitops::remote::{LONGEST_BACK_OFF, back_off};
///
/// assert!(back_off(1, u64::MAX) <= std::time::Duration::from_millis(50));
/// assert!(back_off(30, u64::MAX) <= LONGEST_BACK_OFF);
/// assert_eq!(back_off(30, 0), std::time::Duration::ZERO);
/// ```
#[must_use]
pub fn back_off(lost: u32, random: u64) -> Duration {
    let doublings = lost.saturating_sub(1).min(16);
    let ceiling = FIRST.saturating_mul(1 << doublings).min(LONGEST_BACK_OFF);
    let nanoseconds = u64::try_from(ceiling.as_nanos()).unwrap_or(u64::MAX);
    let scaled = (u128::from(nanoseconds) * u128::from(random)) >> 64;
    Duration::from_nanos(u64::try_from(scaled).unwrap_or(nanoseconds))
}

//! Jump consistent hash: numbered buckets, no memory.

use std::num::NonZeroU32;

use super::mix::hash;

/// The bucket of a key, of so many: J. Lamping, E. Veach, *A fast, minimal memory, consistent hash
/// algorithm* (2014). When a bucket is added, keys move only to it; only the last can be removed.
///
/// ```
/// use narae_routing::hash::jump;
/// use std::num::NonZeroU32;
///
/// let (Some(ten), Some(eleven)) = (NonZeroU32::new(10), NonZeroU32::new(11)) else { unreachable!() };
/// let (before, after) = (jump(b"user-7", ten), jump(b"user-7", eleven));
/// assert!(after == before || after == 10);
/// ```
#[must_use]
pub fn jump(key: &[u8], buckets: NonZeroU32) -> u32 {
    let mut state = hash(key);
    let (mut bucket, mut next) = (0u32, 0f64);
    while next < f64::from(buckets.get()) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative and below the number of buckets, by the loop's condition"
        )]
        {
            bucket = next as u32;
        }
        state = state
            .wrapping_mul(2_862_933_555_777_941_757)
            .wrapping_add(1);
        // 31 bits at most, so exact.
        let divisor = ((state >> 33) + 1) as f64;
        next = (f64::from(bucket) + 1.0) * (2_147_483_648.0 / divisor);
    }
    bucket
}

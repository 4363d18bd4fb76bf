//! SplitMix64 (Steele, Lea, Flood 2014): small, seeded, good enough to draw failures.

use crate::hash::mix::mix;

pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Uniform in 0..1.
    pub(super) fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = mix(self.0);
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        {
            (mixed >> 11) as f64 / (1_u64 << 53) as f64
        }
    }
}

//! A new backend's part grows, so that it warms up.

use std::time::Duration;

/// Envoy's slow start: `max(floor, t^(1/aggression))` of the weight, `t` being the part of the
/// window that is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowStart {
    window: Duration,
    aggression: f64,
    floor: f64,
}

impl SlowStart {
    /// Grows evenly over `window`, from a tenth.
    #[must_use]
    pub const fn new(window: Duration) -> Self {
        Self {
            window,
            aggression: 1.0,
            floor: 0.1,
        }
    }

    /// Above 1 grows faster at first, below 1 slower; what is no number above 0 counts as 1.
    #[must_use]
    pub fn with_aggression(mut self, aggression: f64) -> Self {
        let sound = aggression.is_finite() && aggression > 0.0;
        self.aggression = if sound { aggression } else { 1.0 };
        self
    }

    /// Never below this part, from 0 to 1.
    #[must_use]
    pub fn with_floor(mut self, floor: f64) -> Self {
        self.floor = if floor.is_nan() {
            0.0
        } else {
            floor.clamp(0.0, 1.0)
        };
        self
    }

    /// The part of its weight a backend has so long after it came.
    #[must_use]
    pub fn factor(&self, elapsed: Duration) -> f64 {
        if elapsed >= self.window {
            return 1.0;
        }
        let time = elapsed.as_secs_f64() / self.window.as_secs_f64();
        time.powf(1.0 / self.aggression).clamp(self.floor, 1.0)
    }
}

//! Too high, told once: a threshold that is not crossed back and forth by a value that hovers around it.

/// A value that should stay below a limit, judged window by window.
///
/// Raised by `windows` values in a row at or above the limit, cleared by as many at or below the lower one; what lies between changes
/// nothing.
///
/// ```
/// use narae_logparse::measure::{Threshold, Transition};
///
/// let mut errors = Threshold::new(0.05, 0.01).with_windows(2);
/// let told: Vec<_> = [0.0, 0.06, 0.0, 0.06, 0.07, 0.03, 0.06, 0.0, 0.01].map(|ratio| errors.push(ratio)).to_vec();
/// assert_eq!(told[4], Some(Transition::Raised));
/// assert_eq!(told[8], Some(Transition::Cleared));
/// assert_eq!(told.iter().flatten().count(), 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    raise: f64,
    clear: f64,
    windows: u32,
    is_raised: bool,
    /// Values in a row that speak for a change.
    against: u32,
}

/// A threshold was crossed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it is above or below")]
pub enum Transition {
    /// Up.
    Raised,
    /// Down.
    Cleared,
}

impl Threshold {
    /// Raised at `raise` and above, cleared at `clear` and below; `clear` is not taken above `raise`.
    pub const fn new(raise: f64, clear: f64) -> Self {
        Self {
            raise,
            clear: clear.min(raise),
            windows: 1,
            is_raised: false,
            against: 0,
        }
    }

    /// Sets how many values in a row it takes, at least 1; 1 unless told.
    #[must_use]
    pub fn with_windows(mut self, windows: u32) -> Self {
        self.windows = windows.max(1);
        self
    }

    /// The value of the next window. One that is not a number changes nothing.
    pub fn push(&mut self, value: f64) -> Option<Transition> {
        let speaks = if self.is_raised {
            value <= self.clear
        } else {
            value >= self.raise
        };
        self.against = if speaks { self.against + 1 } else { 0 };
        (self.against >= self.windows).then(|| {
            self.against = 0;
            self.is_raised = !self.is_raised;
            match self.is_raised {
                true => Transition::Raised,
                false => Transition::Cleared,
            }
        })
    }

    /// Whether it is raised.
    pub const fn is_raised(&self) -> bool {
        self.is_raised
    }
}

//! Whether a backend is well: by asking it ([`Probes`]) and by watching its answers ([`Outliers`]).

mod outlier;
mod probe;

pub use outlier::{Ejection, OutlierPolicy, Outliers};
pub use probe::{ProbePolicy, Probes};

#![doc = include_str!("../README.md")]

mod error;
mod origin;
mod suggestion;

pub mod object;
pub mod plan;
#[cfg(feature = "cel")]
pub mod policy;
pub mod template;
pub mod values;

pub use error::{Error, ErrorKind};
pub use object::{ObjectId, Quantity};
pub use origin::Origin;
pub use plan::FieldChange;
#[cfg(feature = "cel")]
pub use policy::{Action, PolicySet, Violation};
pub use template::{Rendered, Rendering, TemplateSet};
pub use values::{Explanation, Layer, Values};

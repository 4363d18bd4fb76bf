#![doc = include_str!("../README.md")]

mod error;
#[cfg(feature = "cel")]
mod expression;
mod identity;
mod origin;
mod suggestion;

#[cfg(feature = "schema")]
pub mod finding;
#[cfg(feature = "schema")]
pub mod lint;
pub mod object;
pub mod plan;
#[cfg(feature = "cel")]
pub mod policy;
#[cfg(feature = "schema")]
pub mod schema;
pub mod template;
pub mod values;

pub use error::{Error, ErrorKind};
#[cfg(feature = "schema")]
pub use finding::{Finding, Rule, Severity};
pub use object::{ObjectId, Quantity};
pub use origin::Origin;
pub use plan::FieldChange;
#[cfg(feature = "cel")]
pub use policy::{Action, PolicySet, Violation};
#[cfg(feature = "schema")]
pub use schema::{Schemas, ValuesSchema};
pub use template::{Rendered, Rendering, TemplateSet};
pub use values::{Explanation, Layer, Values};

//! Schemas and lint. Each file of `tests/data/findings` has sections: values, template, optionally
//! a custom resource definition, a schema for the values, the version of Kubernetes (the newest
//! when it says none), and every finding as people see it.

#[cfg(feature = "kubernetes")]
mod bounds;
#[cfg(feature = "kubernetes")]
mod golden;
#[cfg(feature = "kubernetes")]
mod lifecycle;
mod refusals;
#[cfg(all(feature = "kubernetes", feature = "cel"))]
mod server;
#[cfg(feature = "kubernetes")]
mod versions;

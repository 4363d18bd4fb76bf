//! The public interface of the crate, used as its callers use it.

#[cfg(feature = "cel")]
mod policy;
mod template;

//! Choosing by key: the same key gets the same backend, and a change moves few keys.
//!
//! | | a pick | weights | moves on a change | keys per backend, n = 100 |
//! |---|---|---|---|---|
//! | [`Rendezvous`] | O(n) | exact in expectation | only to or from what changed | even to the noise of hashing |
//! | [`Maglev`] | one lookup | by table entries | about twice the least | within 1 % of even |
//! | [`Ketama`] | O(log points) | by points | only to or from what changed | 20 % off |
//! | [`jump()`] | O(log n), no memory | none | only to a backend added last | even to the noise |
//!
//! [`Rendezvous`] for up to some 64 backends, [`Maglev`] for more, [`Ketama`] to agree with nginx (and
//! Pingora, Cache::Memcached::Fast), [`jump()`] for numbered shards. [`bounded()`] puts a limit on what
//! a popular key can pile onto one backend.
//!
//! Keys are bytes. Hashes are stable across builds, machines and versions of this crate, and are not
//! keyed: who can choose keys can choose backends.

mod bounded;
mod jump;
mod ketama;
mod maglev;
pub(crate) mod mix;
mod rendezvous;

pub use bounded::{BoundedLoad, bounded};
pub use jump::jump;
pub use ketama::{Ketama, KetamaError};
pub use maglev::{Maglev, MaglevError};
pub use rendezvous::Rendezvous;

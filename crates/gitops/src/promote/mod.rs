//! Moving versions through environments: what may go where, planned; nothing is written here.
//!
//! Environments, gates and the places of values are the repository's own ([`Config`], `narae.yaml`).
//! [`set_image`], [`promote`] and [`roll_back`] look at a [`Snapshot`] and make a
//! [`Plan`](crate::plan::Plan) for one application and one branch; [`drift`] shows what promotion does not move.
//!
//! Rules, each answered by an own [`PromoteError`]:
//!
//! - an image satisfies its environment's tag and digest policy;
//! - it has been in the environment named by `from`, at the same site: it stands there, or git
//!   records that it did and was not rolled back;
//! - an environment with manual approval takes it only with somebody's name;
//! - an image that stood here and was replaced does not come back but by a rollback, or when told to;
//! - a rollback undoes the scalars its commit recorded, if they are as that commit left them.
//!
//! Where git is looked at only so far back, what was not found there may have been before: refusals say how far was
//! looked, and [`Snapshot::relied_on`] where a plan rests on it.
//!
//! A plan that is applied later is asked all of this again ([`verify`]).

mod config;
mod drift;
mod error;
mod moves;
#[cfg(feature = "remote")]
mod remote;
mod rollback;
mod snapshot;
mod verify;

pub use config::{
    Application, CONFIG_FILE, Config, ConfigError, Declared, Environment, MAX_CONFIG_BYTES,
    MAX_ENVIRONMENTS, MAX_PLACES, MAX_SITES,
};
pub use drift::{Drift, drift};
pub use error::PromoteError;
pub use moves::{Request, promote, set_image};
#[cfg(feature = "remote")]
pub use remote::RemoteSource;
pub use rollback::roll_back;
pub use snapshot::{Deliveries, Horizon, MAX_DELIVERIES_LOOKED_AT, Snapshot, Source, SourceError};
pub use verify::verify;

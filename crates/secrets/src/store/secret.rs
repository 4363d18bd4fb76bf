//! What a store holds at a path.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;

use crate::SecretBytes;

/// The keys and values of one version, in key order.
pub type SecretData = BTreeMap<String, SecretBytes>;

/// The number of a version: 1 for the first write to a path, then rising by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(NonZeroU64);

impl Version {
    /// The first version of any path.
    pub const FIRST: Version = Version(NonZeroU64::MIN);
    /// The last version there can be.
    pub const MAX: Version = Version(NonZeroU64::MAX);

    /// `None` for 0, which the KV engine uses to say "no version".
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The number after this one; stays at the last number there is.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One version of a secret, as read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Secret {
    /// Its keys and values.
    pub data: SecretData,
    /// Which version this is; `None` when the store keeps no versions.
    pub version: Option<Version>,
    /// What tells this writing of the version from every other one, also from the same version of
    /// the same path in another store that goes by the same name, or in a store that was made
    /// anew. Opaque, without white space, not derived from the values; `None` when the store
    /// cannot tell.
    pub stamp: Option<String>,
}

impl Secret {
    /// A secret as a store hands it out.
    #[must_use]
    pub fn new(data: SecretData, version: Option<Version>) -> Self {
        Self {
            data,
            version,
            stamp: None,
        }
    }

    /// The same secret with its [`stamp`](Self::stamp); one with white space is none.
    #[must_use]
    pub fn with_stamp(mut self, stamp: impl Into<String>) -> Self {
        let stamp = stamp.into();
        let sound =
            !stamp.is_empty() && !stamp.contains(|c: char| c.is_whitespace() || c.is_control());
        self.stamp = sound.then_some(stamp);
        self
    }
}

/// What a write expects to replace (check-and-set).
// Exhaustive on purpose: a store must decide every case, and a new one must break its build.
#[expect(clippy::exhaustive_enums, reason = "stores must handle every case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cas {
    /// Anything: the last writer wins.
    Any,
    /// Nothing: the path must never have been written.
    Absent,
    /// This version must be the newest.
    Version(Version),
}

/// What is left of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VersionState {
    /// Readable.
    Live,
    /// Deleted: not readable.
    Deleted,
    /// Destroyed: its data no longer exists.
    Destroyed,
}

/// The versions of a path, oldest first. Old versions may have been dropped from the front.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The newest version.
    pub current: Version,
    /// Each version that is still known, with its state.
    pub versions: Vec<(Version, VersionState)>,
    /// What somebody noted beside the path, where the store keeps such notes. No secrets.
    pub custom: BTreeMap<String, String>,
}

impl Metadata {
    /// Metadata as a store hands it out.
    #[must_use]
    pub fn new(current: Version, versions: Vec<(Version, VersionState)>) -> Self {
        Self {
            current,
            versions,
            custom: BTreeMap::new(),
        }
    }

    /// The same with notes beside the path.
    #[must_use]
    pub fn with_custom(mut self, custom: BTreeMap<String, String>) -> Self {
        self.custom = custom;
        self
    }
}

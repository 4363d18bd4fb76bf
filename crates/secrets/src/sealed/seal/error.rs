//! Why a Secret could not be sealed. Messages name keys and fields, never values.

use thiserror::Error;

use super::MAX_SECRET_BYTES;
use crate::sealed::{LabelError, SealItemError};

/// Why a Secret could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// The manifest is not a Secret.
    #[error("expected a manifest of apiVersion v1 and kind Secret")]
    NotASecret,
    /// The Secret has no name.
    #[error("the Secret has no metadata.name")]
    NoName,
    /// A field that a reader which does not mind capitals would take for one of a Secret's; others would drop it.
    #[error("`{field}` is no field of a Secret; write it `{known}`")]
    Misspelt {
        /// As it stands.
        field: String,
        /// What it must be.
        known: &'static str,
    },
    /// A field holds what no Kubernetes object can hold there; the SealedSecret could not be read.
    #[error("{field} of the Secret is {kind}, expected {expected}{}", if *expected == "text" { "; put it in quotes" } else { "" })]
    Field {
        /// The field, as a path.
        field: String,
        /// What it is.
        kind: &'static str,
        /// What Kubernetes takes.
        expected: &'static str,
    },
    /// Namespace or name do not fit the scope.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// There is nothing to seal.
    #[error("the Secret has no items; allow that explicitly if it is meant")]
    Empty,
    /// An item's name cannot be a key of a Secret.
    #[error("{name:?} cannot be a key of a Secret; letters, digits, `-`, `_` and `.`, at most 253")]
    ItemName {
        /// The name.
        name: String,
    },
    /// Two items have the same name.
    #[error("item `{name}` is given twice")]
    Repeated {
        /// The name.
        name: String,
    },
    /// The manifest holds a key for which there is no item: dropping it silently would lose data.
    #[error("key `{key}` of the Secret's {field} has no value to seal; resolve it or remove it")]
    NoItemFor {
        /// `data` or `stringData`.
        field: &'static str,
        /// The key.
        key: String,
    },
    /// All items together are larger than [`MAX_SECRET_BYTES`].
    #[error("the items have {bytes} bytes; a Kubernetes Secret holds at most {MAX_SECRET_BYTES}")]
    TooLarge {
        /// Bytes of all items.
        bytes: usize,
    },
    /// An item could not be sealed.
    #[error("item `{name}`: {cause}")]
    Item {
        /// The item.
        name: String,
        /// Why.
        cause: SealItemError,
    },
}

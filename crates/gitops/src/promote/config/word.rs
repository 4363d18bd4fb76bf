//! The words that stand for a choice, and what is said when it is none of them.

use narae_yaml::Value;
use serde::de::{Deserialize, Deserializer, Error as _};

#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Approval {
    #[default]
    None,
    Manual,
}

#[derive(Clone, Copy, Default)]
pub(super) enum Digest {
    #[default]
    Optional,
    Required,
}

#[derive(Clone, Copy, Default)]
pub(super) enum Tags {
    #[default]
    CommitHash,
    Immutable,
}

impl<'de> Deserialize<'de> for Approval {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        one_of(from, [("none", Self::None), ("manual", Self::Manual)])
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        one_of(
            from,
            [("optional", Self::Optional), ("required", Self::Required)],
        )
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        one_of(
            from,
            [
                ("commit-hash", Self::CommitHash),
                ("immutable", Self::Immutable),
            ],
        )
    }
}

/// An unquoted `yes` is no text, so that whatever stands there is looked at.
fn one_of<'de, T: Copy, D: Deserializer<'de>>(
    from: D,
    words: [(&str, T); 2],
) -> Result<T, D::Error> {
    let found = Value::deserialize(from)?;
    let known = words.iter().find(|(word, _)| found.as_str() == Some(*word));
    let [(one, _), (other, _)] = words;
    known
        .map(|(_, choice)| *choice)
        .ok_or_else(|| D::Error::custom(format!("expected `{one}` or `{other}`")))
}

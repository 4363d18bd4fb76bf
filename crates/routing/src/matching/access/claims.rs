//! What a verified token says, found by dotted paths and written as header values.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

/// The claims of a verified token (RFC 7519, section 4), or of anything else that was verified.
///
/// A path finds `realm_access.roles` in an object, and a claim whose own name has dots, like a URL, as well: the
/// longer name goes first.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Claims(BTreeMap<String, Claim>);

/// One claim.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "JSON's kinds of values")]
pub enum Claim {
    /// Counts as absent.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Claim>),
    /// An object.
    Map(BTreeMap<String, Claim>),
}

impl Claims {
    /// The claim at a path; none if it is null.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Claim> {
        find(&self.0, path).filter(|claim| **claim != Claim::Null)
    }
}

impl FromIterator<(String, Claim)> for Claims {
    fn from_iter<I: IntoIterator<Item = (String, Claim)>>(claims: I) -> Self {
        Self(claims.into_iter().collect())
    }
}

/// O(dots²) at worst, since only names that are there are followed and each level takes one of the path's dots.
fn find<'c>(map: &'c BTreeMap<String, Claim>, path: &str) -> Option<&'c Claim> {
    if let Some(claim) = map.get(path) {
        return Some(claim);
    }
    path.rmatch_indices('.').find_map(|(dot, _)| {
        let (name, rest) = (path.get(..dot)?, path.get(dot + 1..)?);
        match map.get(name)? {
            Claim::Map(inner) => find(inner, rest),
            _ => None,
        }
    })
}

impl Claim {
    /// The text of a value that is no list and no object.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Bool(yes) => Some(Cow::Borrowed(if *yes { "true" } else { "false" })),
            Self::Integer(number) => Some(Cow::Owned(number.to_string())),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The texts of a list, or the one of what is none.
    pub(super) fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let items = match self {
            Self::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        items.iter().filter_map(Self::text)
    }

    /// The texts of a list, or the words of one text, as OAuth writes scopes (RFC 6749, section 3.3).
    pub(super) fn words(&self) -> Vec<Cow<'_, str>> {
        match self {
            Self::Text(text) => text.split_ascii_whitespace().map(Cow::Borrowed).collect(),
            other => other.texts().collect(),
        }
    }

    /// The value as a header's.
    pub(super) fn header(&self) -> Option<String> {
        match self {
            Self::List(_) => joined(self.texts()),
            one => one
                .text()
                .filter(|text| is_sendable(text))
                .map(Cow::into_owned),
        }
    }
}

/// Values as one header, the way repeated headers are compared. What has a comma would be taken for several, so it
/// is left out.
pub(super) fn joined<'c>(values: impl Iterator<Item = Cow<'c, str>>) -> Option<String> {
    let sendable = values.filter(|value| is_sendable(value) && !value.contains(','));
    let values: Vec<Cow<'_, str>> = sendable.collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Visible ASCII with spaces inside: everything else would reach the backend as something else, or not at all.
pub(super) fn is_sendable(value: &str) -> bool {
    !value.is_empty()
        && value.trim_matches(' ').len() == value.len()
        && value.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
}

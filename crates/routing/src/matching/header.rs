//! Header filters: set, add, remove, by name in any letter case.

use std::borrow::Cow;

use super::HeaderChange;
use crate::gateway::HeaderFilter;

/// A header filter, checked, with one change per name.
#[derive(Debug)]
pub(super) struct HeaderEdit {
    changes: Vec<HeaderChange<'static>>,
}

impl HeaderEdit {
    pub(super) fn new(filter: &HeaderFilter) -> Result<Self, &'static str> {
        let mut changes: Vec<HeaderChange<'static>> = Vec::new();
        let owned = |text: &str| Cow::<'static, str>::Owned(text.to_owned());
        let set = filter
            .set
            .iter()
            .map(|h| HeaderChange::Set(owned(&h.name), owned(&h.value)));
        let add = filter
            .add
            .iter()
            .map(|h| HeaderChange::Add(owned(&h.name), owned(&h.value)));
        let remove = filter.remove.iter().map(|n| HeaderChange::Remove(owned(n)));
        for change in set.chain(add).chain(remove) {
            if !is_name(change.name()) {
                return Err("a header name is a token (RFC 9110, 5.6.2)");
            }
            if change.value().is_some_and(|value| !is_value(value)) {
                return Err("a header value has no control characters (RFC 9110, 5.5)");
            }
            let known = |other: &HeaderChange<'_>| other.is_about(change.name());
            if !changes.iter().any(known) {
                changes.push(change);
            }
        }
        Ok(Self { changes })
    }

    pub(super) fn changes(&self) -> impl Iterator<Item = HeaderChange<'_>> {
        self.changes.iter().map(HeaderChange::borrowed)
    }
}

impl HeaderChange<'_> {
    /// Whose change it is.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Set(name, _) | Self::Add(name, _) | Self::Remove(name) => name,
        }
    }

    /// The value that comes in; `None` if one is taken out.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Set(_, value) | Self::Add(_, value) => Some(value),
            Self::Remove(_) => None,
        }
    }

    /// Makes the change, to headers of which repeated ones stand separately.
    pub fn apply(&self, headers: &mut Vec<(String, String)>) {
        match self {
            Self::Set(name, value) => {
                let at = headers.iter().position(|(n, _)| self.is_about(n));
                headers.retain(|(n, _)| !self.is_about(n));
                let entry = (name.to_string(), value.to_string());
                headers.insert(at.unwrap_or(headers.len()).min(headers.len()), entry);
            }
            Self::Add(name, value) => headers.push((name.to_string(), value.to_string())),
            Self::Remove(_) => headers.retain(|(n, _)| !self.is_about(n)),
        }
    }

    /// The same change on its own, for when what it was decided about is gone.
    #[must_use]
    pub fn to_static(&self) -> HeaderChange<'static> {
        let owned = |text: &str| Cow::Owned(text.to_owned());
        match self {
            Self::Set(name, value) => HeaderChange::Set(owned(name), owned(value)),
            Self::Add(name, value) => HeaderChange::Add(owned(name), owned(value)),
            Self::Remove(name) => HeaderChange::Remove(owned(name)),
        }
    }

    pub(super) fn is_about(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    fn borrowed(&self) -> HeaderChange<'_> {
        match self {
            Self::Set(name, value) => HeaderChange::Set(Cow::Borrowed(name), Cow::Borrowed(value)),
            Self::Add(name, value) => HeaderChange::Add(Cow::Borrowed(name), Cow::Borrowed(value)),
            Self::Remove(name) => HeaderChange::Remove(Cow::Borrowed(name)),
        }
    }
}

/// A token of RFC 9110.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn is_value(value: &str) -> bool {
    value.bytes().all(|b| b == b'\t' || !b.is_ascii_control())
}

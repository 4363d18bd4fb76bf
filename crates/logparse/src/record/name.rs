//! The name of a field: a piece of the line or the program, made from pieces of the line, or shared by many records.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

/// A name.
#[derive(Debug, Clone)]
pub(crate) enum Name<'a> {
    Borrowed(&'a str),
    /// As most names are that are not in the line: no allocation, no counting.
    Short(Short),
    Owned(Box<str>),
    /// Of a compiled pattern, which gives it to every record it makes.
    Shared(Arc<str>),
}

impl Name<'_> {
    /// One that is cheap to clone.
    pub(crate) fn shared(name: &str) -> Name<'static> {
        Short::new(name).map_or_else(|| Name::Shared(name.into()), Name::Short)
    }

    /// Both with a dot between them.
    #[inline]
    pub(crate) fn dotted(outer: &str, key: &str) -> Self {
        if let Some(name) = Short::dotted(outer.as_bytes(), key.as_bytes()) {
            return Self::Short(name);
        }
        let mut name = String::with_capacity(outer.len() + 1 + key.len());
        name.push_str(outer);
        name.push('.');
        name.push_str(key);
        Self::Owned(name.into_boxed_str())
    }

    /// The same, owning its bytes.
    pub(crate) fn into_owned(self) -> Name<'static> {
        match self {
            Self::Borrowed(name) => Name::Owned(name.into()),
            Self::Short(name) => Name::Short(name),
            Self::Owned(name) => Name::Owned(name),
            Self::Shared(name) => Name::Shared(name),
        }
    }
}

impl<'a> From<Cow<'a, str>> for Name<'a> {
    #[inline]
    fn from(name: Cow<'a, str>) -> Self {
        match name {
            Cow::Borrowed(name) => Self::Borrowed(name),
            Cow::Owned(name) => Self::Owned(name.into_boxed_str()),
        }
    }
}

impl Deref for Name<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(name) => name,
            Self::Short(name) => name.as_str(),
            Self::Owned(name) => name,
            Self::Shared(name) => name,
        }
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// What fits in the space of the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Short {
    length: u8,
    /// INVARIANT: UTF-8 up to `length`.
    bytes: [u8; 22],
}

impl Short {
    fn new(name: &str) -> Option<Self> {
        let mut bytes = [0; 22];
        bytes
            .get_mut(..name.len())?
            .copy_from_slice(name.as_bytes());
        let length = u8::try_from(name.len()).ok()?;
        Some(Self { length, bytes })
    }

    #[inline]
    fn dotted(outer: &[u8], key: &[u8]) -> Option<Self> {
        let mut bytes = [0; 22];
        let (start, rest) = bytes.split_at_mut_checked(outer.len())?;
        let (dot, rest) = rest.split_first_mut()?;
        start.copy_from_slice(outer);
        *dot = b'.';
        rest.get_mut(..key.len())?.copy_from_slice(key);
        let length = u8::try_from(outer.len() + 1 + key.len()).ok()?;
        Some(Self { length, bytes })
    }

    #[inline]
    fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length));
        std::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    }
}

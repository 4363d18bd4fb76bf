//! Mappings with string keys, in the order they were written.

use indexmap::IndexMap;

use crate::Value;

/// An ordered mapping from strings to values.
///
/// Keys keep the order in which they were first inserted. Two mappings are equal when they have
/// the same keys with equal values, in whatever order, as in YAML and JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping(IndexMap<String, Value>);

impl Mapping {
    /// An empty mapping.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty mapping with room for `entries`.
    pub fn with_capacity(entries: usize) -> Self {
        Self(IndexMap::with_capacity(entries))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The value of `key`, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.get_mut(key)
    }

    /// Whether there is a `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Sets `key` to `value`: in its old place if it was there, else at the end. Returns the old value.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(key.into(), value.into())
    }

    /// The value of `key`, which is set to `default()` at the end first if it was not there.
    pub fn get_or_insert_with(
        &mut self,
        key: impl Into<String>,
        default: impl FnOnce() -> Value,
    ) -> &mut Value {
        self.0.entry(key.into()).or_insert_with(default)
    }

    /// Takes `key` out; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.shift_remove(key)
    }

    /// Keeps the entries that `keep` says yes to, in order.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.0.retain(|key, value| keep(key, value));
    }

    /// Orders the entries by key, bytewise. Mappings inside the values are left alone.
    pub fn sort_keys(&mut self) {
        self.0.sort_unstable_keys();
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.0.iter())
    }

    /// Keys and values to change, in order.
    pub fn iter_mut(&mut self) -> IterMut<'_> {
        IterMut(self.0.iter_mut())
    }

    /// Keys, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.0.keys().map(String::as_str)
    }

    /// Values, in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Value> + DoubleEndedIterator {
        self.0.values()
    }

    /// Values to change, in the order of their keys.
    pub fn values_mut(
        &mut self,
    ) -> impl ExactSizeIterator<Item = &mut Value> + DoubleEndedIterator {
        self.0.values_mut()
    }
}

macro_rules! iterator {
    ($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? over $inner:ty, item ($key:ty, $value:ty), $map:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name$(<$life>)?($inner);

        impl$(<$life>)? Iterator for $name$(<$life>)? {
            type Item = ($key, $value);

            fn next(&mut self) -> Option<Self::Item> {
                self.0.next().map($map)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }
        }

        impl$(<$life>)? DoubleEndedIterator for $name$(<$life>)? {
            fn next_back(&mut self) -> Option<Self::Item> {
                self.0.next_back().map($map)
            }
        }

        impl$(<$life>)? ExactSizeIterator for $name$(<$life>)? {}
    };
}

iterator! {
    /// Keys and values of a [`Mapping`], in order.
    Iter<'a> over indexmap::map::Iter<'a, String, Value>, item (&'a str, &'a Value), |(key, value)| (key.as_str(), value)
}
iterator! {
    /// Keys and changeable values of a [`Mapping`], in order.
    IterMut<'a> over indexmap::map::IterMut<'a, String, Value>, item (&'a str, &'a mut Value), |(key, value)| (key.as_str(), value)
}
iterator! {
    /// Owned keys and values of a [`Mapping`], in order.
    IntoIter over indexmap::map::IntoIter<String, Value>, item (String, Value), |entry| entry
}

impl<'a> IntoIterator for &'a Mapping {
    type Item = (&'a str, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Mapping {
    type Item = (&'a str, &'a mut Value);
    type IntoIter = IterMut<'a>;

    fn into_iter(self) -> IterMut<'a> {
        self.iter_mut()
    }
}

impl IntoIterator for Mapping {
    type Item = (String, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter(self.0.into_iter())
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Mapping {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

impl<K: Into<String>, V: Into<Value>> Extend<(K, V)> for Mapping {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        self.0.extend(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value.into())),
        );
    }
}

impl<K: Into<String>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Mapping {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

//! Entries of a mapping that is being built: names, duplicates, merge keys.

use super::scalar;
use super::tree::{Leaf, Tree};
use crate::document::{Meaning, ScalarStyle};
use crate::error::ErrorKind;
use crate::places::{Named as _, Places};
use crate::{Error, Position};

pub(super) struct OpenMapping<'a, T: Tree> {
    entries: Vec<T::Entry>,
    /// Where the key of each entry stands.
    positions: Vec<Position>,
    places: Places,
    key: Option<Key<'a>>,
    merge: Option<Merge<T>>,
}

enum Key<'a> {
    Name(Leaf<'a>),
    Merge(Position),
}

/// What `<<` holds, and before which entry it stood.
struct Merge<T: Tree> {
    position: Position,
    before: usize,
    sources: Vec<Vec<T::Entry>>,
}

impl<T: Tree> Default for OpenMapping<'_, T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            positions: Vec::new(),
            places: Places::default(),
            key: None,
            merge: None,
        }
    }
}

impl<'a, T: Tree> OpenMapping<'a, T> {
    /// Whether what comes next is a key.
    pub(super) fn wants_key(&self) -> bool {
        self.key.is_none()
    }

    /// Takes what stands at `at`, for the key that is waiting.
    pub(super) fn take_value(&mut self, value: T, at: Position) -> Result<(), Error> {
        match self.key.take() {
            None => return Err(Error::at(ErrorKind::Key(value.kind()), at)),
            Some(Key::Name(key)) => {
                self.positions.push(key.written.span.start);
                self.entries.push(T::entry(key, value));
                self.places.extend(&self.entries);
            }
            Some(Key::Merge(position)) => {
                let sources = value
                    .into_merge_sources()
                    .map_err(|kind| Error::at(ErrorKind::Merge(kind), at))?;
                self.merge = Some(Merge {
                    position,
                    before: self.entries.len(),
                    sources,
                });
            }
        }
        Ok(())
    }

    pub(super) fn take_key(&mut self, mut key: Leaf<'a>) -> Result<(), Error> {
        let at = key.written.span.start;
        if is_merge_key(&key) {
            if let Some(first) = &self.merge {
                return Err(duplicate("<<", first.position, at));
            }
            self.key = Some(Key::Merge(at));
            return Ok(());
        }
        let name = scalar::key_name(&key.text, &key.meaning).map_err(|kind| Error::at(kind, at))?;
        if let Some(name) = name {
            key.meaning = if name == key.text {
                Meaning::Text
            } else {
                Meaning::Other(name.into())
            };
        }
        if let Some(first) = self.places.find(&self.entries, key.name()) {
            let first = self.positions.get(first).copied().unwrap_or_default();
            return Err(duplicate(key.name(), first, at));
        }
        self.key = Some(Key::Name(key));
        Ok(())
    }

    /// The entries, with merged ones where `<<` stood. Written entries win, then earlier sources.
    pub(super) fn finish(mut self) -> Vec<T::Entry> {
        let Some(merge) = self.merge.take() else {
            return self.entries;
        };
        let written = self.entries.len();
        for entry in merge.sources.into_iter().flatten() {
            if self.places.find(&self.entries, entry.name()).is_none() {
                self.entries.push(T::merged(entry));
                self.places.extend(&self.entries);
            }
        }
        if let Some(after) = self.entries.get_mut(merge.before..) {
            after.rotate_left(written - merge.before);
        }
        self.entries
    }
}

fn duplicate(key: &str, first: Position, at: Position) -> Error {
    let key = key.to_owned();
    Error::at(ErrorKind::DuplicateKey { key, first }, at)
}

/// `<<` merges when it is plain, as Go and YAML 1.1 have it; quoted, it is an ordinary key.
fn is_merge_key(key: &Leaf<'_>) -> bool {
    key.text == "<<"
        && key.style == ScalarStyle::Plain
        && matches!(key.written.tag.as_deref(), None | Some("!!merge"))
}

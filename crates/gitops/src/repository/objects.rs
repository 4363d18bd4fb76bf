//! Objects by their names: from memory when they were read or made lately, else from the disk.
//!
//! A decision, its commit and its push look at the same directories again and again, and one of many
//! names is large: libgit2 would read, inflate, hash and parse it each time. Objects never change, so
//! what is in memory is true. It holds at most [`MAX_RECENT_BYTES`], the latest.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ops::Deref;
use std::sync::Arc;

use git2::{ObjectType, Oid};

use super::Error;
use super::entry::{self, Tree};
#[cfg(feature = "remote")]
use super::loose;
use super::object::{Object, expect_kind};

const MAX_RECENT_BYTES: usize = 32 * 1024 * 1024;

/// A handle of libgit2, and objects that were read or made lately.
pub(super) struct Objects {
    git: git2::Repository,
    recent: RefCell<Recent>,
}

impl Objects {
    pub(super) fn new(git: git2::Repository) -> Self {
        Self {
            git,
            recent: RefCell::default(),
        }
    }

    pub(super) fn read(&self, id: Oid) -> Result<Object, git2::Error> {
        if let Some((kind, bytes)) = self.recent.borrow().objects.get(&id) {
            let (kind, bytes) = (*kind, Arc::clone(bytes));
            return Ok(Object { id, kind, bytes });
        }
        #[cfg(feature = "remote")]
        match loose::read(&self.git, id) {
            loose::Found::Whole(object) => {
                self.remember(&object);
                return Ok(object);
            }
            loose::Found::Damaged => {
                let (code, class) = (git2::ErrorCode::HashsumMismatch, git2::ErrorClass::Odb);
                return Err(git2::Error::new(code, class, "it is damaged"));
            }
            loose::Found::Nothing => {}
        }
        let database = self.git.odb()?;
        let found = database.read(id)?;
        let object = Object {
            id,
            kind: found.kind(),
            bytes: found.data().into(),
        };
        self.remember(&object);
        Ok(object)
    }

    /// Whether it was read or made lately.
    #[cfg(feature = "remote")]
    pub(super) fn is_recent(&self, id: Oid) -> bool {
        self.recent.borrow().objects.contains_key(&id)
    }

    /// The directory `id`.
    pub(super) fn tree(&self, id: Oid) -> Result<Tree, Error> {
        let object = self
            .read(id)
            .map_err(|error| Error::git(format_args!("cannot read tree {id}"), error))?;
        expect_kind(id, ObjectType::Tree, object.kind)?;
        Ok(Tree::new(object))
    }

    /// The directory `id`, or one of no names.
    pub(super) fn tree_or_empty(&self, id: Option<Oid>) -> Result<Tree, Error> {
        match id {
            Some(id) => self.tree(id),
            None => entry::encode(&[]).map(Tree::new),
        }
    }

    /// Has it at hand for the next [`read`](Self::read).
    pub(super) fn remember(&self, object: &Object) {
        self.recent.borrow_mut().insert(object);
    }
}

impl Deref for Objects {
    type Target = git2::Repository;

    fn deref(&self) -> &Self::Target {
        &self.git
    }
}

#[derive(Default)]
struct Recent {
    objects: HashMap<Oid, (ObjectType, Arc<[u8]>)>,
    /// Oldest first.
    order: VecDeque<Oid>,
    bytes: usize,
}

impl Recent {
    fn insert(&mut self, object: &Object) {
        let value = (object.kind, Arc::clone(&object.bytes));
        if object.bytes.len() > MAX_RECENT_BYTES || self.objects.insert(object.id, value).is_some()
        {
            return;
        }
        self.order.push_back(object.id);
        self.bytes += object.bytes.len();
        while self.bytes > MAX_RECENT_BYTES {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some((_, bytes)) = self.objects.remove(&oldest) {
                self.bytes -= bytes.len();
            }
        }
    }
}

//! Which commits came after one on its branch: where many deliver, Argo CD may never look at each of them.

use std::cell::RefCell;
use std::collections::HashMap;

use narae_gitops::repository::CommitId;

use crate::place::Place;

/// The commits after one of a branch, which is asked for when there is one that is not known.
pub(crate) struct Later<'a> {
    place: &'a Place,
    branch: &'a str,
    commit: CommitId,
    known: RefCell<HashMap<String, bool>>,
}

impl<'a> Later<'a> {
    /// After `commit`, which was put on `before`.
    pub(crate) fn new(
        place: &'a Place,
        branch: &'a str,
        before: Option<CommitId>,
        commit: CommitId,
    ) -> Self {
        // What Argo CD most likely stands at when it is first asked.
        let known = before.map(|before| (before.to_string(), false));
        Self {
            place,
            branch,
            commit,
            known: RefCell::new(known.into_iter().collect()),
        }
    }

    /// Whether `revision` is one of them. A repository that cannot be asked now is asked again next time.
    pub(crate) fn has(&self, revision: &str) -> bool {
        if let Some(is_later) = self.known.borrow().get(revision) {
            return *is_later;
        }
        let Ok(newest) = self.place.newest(self.branch) else {
            return false;
        };
        let commits = newest.iter().map(ToString::to_string);
        let commit = self.commit.to_string();
        let mut later = commits.take_while(|other| *other != commit);
        let is_later = later.any(|other| other == revision);
        let is_there = newest.contains(&self.commit);
        let mut known = self.known.borrow_mut();
        known.insert(revision.to_owned(), is_there && is_later);
        is_there && is_later
    }
}

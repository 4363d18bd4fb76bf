//! What is below a mount or folder: page by page, or all of it.
//!
//! A server can make folders without end; every listing has a limit, and every path is checked before it is given out.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::OpenBao;
use super::super::request::Request;
use super::mount::{MountPart, Place};
use crate::store::{SecretPath, StoreError, StoreErrorKind};

/// Keys asked for at a time when a folder is listed.
const PAGE_KEYS: usize = 1000;
/// Most keys that one listing looks at, folders included.
const MAX_LISTED_KEYS: usize = 100_000;
/// What is said of a path that no secret can have.
const ODD_PATH: StoreErrorKind = StoreErrorKind::UnexpectedAnswer {
    reason: "a path is listed that cannot be written",
};

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Entry {
    /// A secret, by the last segment of its path.
    Secret(String),
    /// A folder, without the `/`. There may be a secret of the same name.
    Folder(String),
}

impl OpenBao {
    /// What is directly within a folder or mount, at most `limit` entries after the name `after`, in the server's order.
    /// Vault knows no pages and gives all.
    ///
    /// # Errors
    ///
    /// As for [`Store::list`](crate::store::Store::list).
    pub fn page(
        &self,
        folder: &SecretPath,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.at_any(folder, |place| {
            let keys = self.keys(&place, place.rest, after, limit)?;
            let entry = |key: String| match key.strip_suffix('/') {
                Some(folder) => Entry::Folder(folder.to_owned()),
                None => Entry::Secret(key),
            };
            Ok(keys.into_iter().map(entry).collect())
        })
    }

    pub(super) fn list_below(
        &self,
        prefix: Option<&SecretPath>,
    ) -> Result<Vec<SecretPath>, StoreError> {
        if let Some(prefix) = prefix {
            return self.at_any(prefix, |place| self.list_at(&place));
        }
        let mounts = self.kv_mounts().map_err(|kind| self.error(kind, None))?;
        let mut paths = Vec::new();
        for mount in &mounts {
            paths.extend(self.at_any(mount, |place| self.list_at(&place))?);
        }
        paths.sort();
        Ok(paths)
    }

    /// The keys directly within a folder; none where there is no folder.
    fn keys(
        &self,
        place: &Place<'_>,
        folder: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, StoreErrorKind> {
        let mut request =
            Request::list(&place.listed(folder)).with_query("limit", &limit.to_string());
        if let Some(after) = after {
            request = request.with_query("after", after);
        }
        match self.send(&place.mount, &request) {
            Ok(answer) => answer.keys(),
            Err(StoreErrorKind::NotFound) => Ok(Vec::new()),
            Err(kind) => Err(kind),
        }
    }

    /// All paths below a folder, relative to it: in one request where the server can, else folder by folder.
    fn below(&self, place: &Place<'_>) -> Result<Vec<String>, StoreErrorKind> {
        let request = Request::scan(&place.listed(place.rest));
        if let Ok(Ok(keys)) = self
            .send(&place.mount, &request)
            .map(|answer| answer.keys())
        {
            return Ok(keys);
        }
        let (mut found, mut folders) = (Vec::new(), vec![String::new()]);
        let mut looked_at = 0;
        while let Some(folder) = folders.pop() {
            let at = join(place.rest, folder.trim_end_matches('/'));
            // Checked before it is asked for; a path has a longest length, so that folders in folders end.
            join(&place.mount, &at)
                .parse::<SecretPath>()
                .map_err(|_| ODD_PATH)?;
            let mut after: Option<String> = None;
            loop {
                let keys = self.keys(place, &at, after.as_deref(), PAGE_KEYS)?;
                // A server without pages gives the same again.
                let is_new = keys.first() > after.as_ref() || after.is_none();
                let is_full = keys.len() == PAGE_KEYS;
                after = keys.last().cloned();
                looked_at += keys.len();
                for key in keys.into_iter().filter(|_| is_new) {
                    let key = format!("{folder}{key}");
                    let into = if key.ends_with('/') {
                        &mut folders
                    } else {
                        &mut found
                    };
                    into.push(key);
                }
                if looked_at > MAX_LISTED_KEYS {
                    return Err(StoreErrorKind::Refused {
                        reason: format!("a listing of more than {MAX_LISTED_KEYS} keys"),
                    });
                }
                if !is_full || !is_new {
                    break;
                }
            }
        }
        Ok(found)
    }

    fn list_at(&self, place: &Place<'_>) -> Result<Vec<SecretPath>, StoreErrorKind> {
        let mut paths = Vec::new();
        for key in self.below(place)? {
            paths.push(join(&join(&place.mount, place.rest), &key));
        }
        if !place.rest.is_empty() {
            let (folder, name) = place.rest.rsplit_once('/').unwrap_or(("", place.rest));
            // Listing is all that is asked for; so a secret that is there is found by a list, too.
            let siblings = self.keys(place, folder, None, usize::from(u16::MAX))?;
            if siblings.iter().any(|key| key == name) {
                paths.push(join(&place.mount, place.rest));
            }
        }
        let paths: Result<Vec<SecretPath>, _> = paths.iter().map(|path| path.parse()).collect();
        let mut paths = paths.map_err(|_| ODD_PATH)?;
        paths.sort();
        Ok(paths)
    }

    /// The KV engines that the token can see.
    fn kv_mounts(&self) -> Result<Vec<SecretPath>, StoreErrorKind> {
        #[derive(Deserialize)]
        struct Mounts {
            secret: BTreeMap<String, MountPart>,
        }
        let answer = self.send("", &Request::get(&["sys/internal/ui/mounts"]))?;
        let Mounts { secret } = answer.data()?;
        let kv = secret.into_iter().filter(|(_, part)| part.kv().is_some());
        Ok(kv
            .filter_map(|(path, _)| path.trim_end_matches('/').parse().ok())
            .collect())
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() || name.is_empty() {
        return format!("{folder}{name}");
    }
    format!("{folder}/{name}")
}

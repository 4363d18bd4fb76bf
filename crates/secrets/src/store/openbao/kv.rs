//! The KV engine, versions 1 and 2, and which of them is mounted where.
//!
//! Source: OpenBao's API documentation of the engine, and `sys/internal/ui/mounts`, by which its own command line learns
//! what is mounted at a path.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::OpenBao;
use super::answer::Answer;
use super::request::Request;
use crate::SecretBytes;
use crate::store::{
    Cas, Metadata, Secret, SecretData, SecretPath, Store, StoreError, StoreErrorKind, Version,
};

/// Keys asked for at a time when a folder is listed.
const PAGE_KEYS: usize = 1000;
/// Most paths that one listing gives.
const MAX_LISTED_PATHS: usize = 100_000;

/// Which KV engine is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KvVersion {
    /// Without versions.
    V1,
    /// With versions.
    V2,
}

/// What [`OpenBao::patch`] changes: keys get a new value, or go.
pub type Changes = BTreeMap<String, Option<SecretBytes>>;

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Entry {
    /// A secret, by the last segment of its path.
    Secret(String),
    /// A folder, without the `/`. There may be a secret of the same name.
    Folder(String),
}

/// What is known of a mount.
#[derive(Debug, Clone)]
pub(super) struct Mount {
    path: String,
    /// `None`: no KV engine.
    kv: Option<KvVersion>,
}

/// A path by its mount and what is left of it, which is empty for the mount itself.
struct Place<'a> {
    mount: String,
    version: KvVersion,
    rest: &'a str,
}

/// What the server says of a mount.
#[derive(Deserialize)]
struct MountPart {
    #[serde(default)]
    path: String,
    #[serde(rename = "type")]
    kind: String,
    options: Option<BTreeMap<String, String>>,
}

impl MountPart {
    fn kv(&self) -> Option<KvVersion> {
        // "generic" is what it was called before there were versions.
        let is_kv = self.kind == "kv" || self.kind == "generic";
        let version = self
            .options
            .as_ref()
            .and_then(|options| options.get("version"));
        is_kv.then(|| match version.map(String::as_str) {
            Some("2") => KvVersion::V2,
            _ => KvVersion::V1,
        })
    }
}

impl Mount {
    pub(super) fn kv(path: &str, version: KvVersion) -> Self {
        Self {
            path: path.to_owned(),
            kv: Some(version),
        }
    }
}

#[derive(Serialize)]
struct WriteBody<'a> {
    data: BTreeMap<&'a str, Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<WriteOptions>,
}

#[derive(Serialize)]
struct WriteOptions {
    cas: u64,
}

#[derive(Serialize)]
struct Versions<'a> {
    versions: &'a [u64],
}

#[derive(Serialize)]
struct Custom<'a> {
    custom_metadata: &'a BTreeMap<String, String>,
}

impl OpenBao {
    /// Marks versions as deleted; their data stays until destroyed. KV version 1 has one, which is gone for good.
    ///
    /// # Errors
    ///
    /// As for [`Store::read`]; versions that do not exist are none.
    pub fn delete(&self, path: &SecretPath, versions: &[Version]) -> Result<(), StoreError> {
        self.at(path, |place| match place.version {
            KvVersion::V2 => self.change_versions("delete", &place, versions),
            KvVersion::V1 => {
                let request = Request::delete(&[&place.mount, place.rest]);
                self.send(&place.mount, &request).map(drop)
            }
        })
    }

    /// Makes deleted versions readable again.
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete); [`StoreErrorKind::Unsupported`] by KV version 1.
    pub fn undelete(&self, path: &SecretPath, versions: &[Version]) -> Result<(), StoreError> {
        self.at(path, |place| {
            place.must_have_versions("undeleting")?;
            self.change_versions("undelete", &place, versions)
        })
    }

    /// Drops the data of versions for good.
    ///
    /// # Errors
    ///
    /// As for [`undelete`](Self::undelete).
    pub fn destroy(&self, path: &SecretPath, versions: &[Version]) -> Result<(), StoreError> {
        self.at(path, |place| {
            place.must_have_versions("destroying versions")?;
            self.change_versions("destroy", &place, versions)
        })
    }

    /// Removes a path with all its versions, as if it had never been.
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete).
    pub fn remove(&self, path: &SecretPath) -> Result<(), StoreError> {
        self.at(path, |place| {
            let request = match place.version {
                KvVersion::V2 => Request::delete(&[&place.mount, "metadata", place.rest]),
                KvVersion::V1 => Request::delete(&[&place.mount, place.rest]),
            };
            self.send(&place.mount, &request).map(drop)
        })
    }

    /// Writes a new version that has `changes` and is otherwise as the newest one.
    ///
    /// # Errors
    ///
    /// As for [`Store::write`]; [`StoreErrorKind::NotFound`] or [`StoreErrorKind::Deleted`] when there is nothing to change.
    pub fn patch(
        &self,
        path: &SecretPath,
        changes: &Changes,
        cas: Cas,
    ) -> Result<Version, StoreError> {
        self.at(path, |place| {
            place.must_have_versions("patching")?;
            let mut data = BTreeMap::new();
            for (key, value) in changes {
                let value = value.as_ref().map(|value| text(key, value)).transpose()?;
                data.insert(key.as_str(), value);
            }
            let body = WriteBody {
                data,
                options: options(cas),
            };
            let request = Request::patch(&[&place.mount, "data", place.rest], &body)?;
            self.write_version(&place, request, cas)
        })
    }

    /// Replaces the key-value pairs that stand beside a path's versions ([`Metadata::custom`]). They are no secrets.
    ///
    /// # Errors
    ///
    /// As for [`Store::metadata`].
    pub fn write_custom_metadata(
        &self,
        path: &SecretPath,
        custom: &BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        self.at(path, |place| {
            place.must_have_versions("metadata")?;
            let body = Custom {
                custom_metadata: custom,
            };
            let parts = [place.mount.as_str(), "metadata", place.rest];
            let request = Request::post(&parts, &body)?.repeatable();
            self.send(&place.mount, &request).map(drop)
        })
    }

    /// What is directly within a folder or mount, at most `limit` entries after the name `after`, in the server's order.
    /// Vault knows no pages and gives all.
    ///
    /// # Errors
    ///
    /// As for [`Store::list`].
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

    /// Does `work` where `path` is.
    fn at<T>(
        &self,
        path: &SecretPath,
        work: impl FnOnce(Place<'_>) -> Result<T, StoreErrorKind>,
    ) -> Result<T, StoreError> {
        let place = self
            .place(path)
            .map_err(|kind| self.error(kind, Some(path)))?;
        if place.rest.is_empty() {
            let hint = "this names a mount only; write mount/path";
            return Err(self
                .error(StoreErrorKind::NotFound, Some(path))
                .with_hint(hint));
        }
        work(place).map_err(|kind| self.error(kind, Some(path)))
    }

    /// As [`at`](Self::at), where the mount itself will do as well.
    fn at_any<T>(
        &self,
        path: &SecretPath,
        work: impl FnOnce(Place<'_>) -> Result<T, StoreErrorKind>,
    ) -> Result<T, StoreError> {
        let place = self.place(path);
        place
            .and_then(work)
            .map_err(|kind| self.error(kind, Some(path)))
    }

    /// Mount and path within it: of the longest mount that is known, or as the server says, else the first segment.
    fn place<'a>(&self, path: &'a SecretPath) -> Result<Place<'a>, StoreErrorKind> {
        let known = |mounts: &[Mount]| {
            let within = mounts.iter().filter_map(|mount| {
                let rest = path.as_str().strip_prefix(&mount.path)?;
                let rest = match rest.strip_prefix('/') {
                    Some(rest) => rest,
                    None if rest.is_empty() => rest,
                    None => return None,
                };
                Some((mount.clone(), rest))
            });
            within.max_by_key(|(mount, _)| mount.path.len())
        };
        let found = known(&self.mounts());
        let (mount, rest) = match found {
            Some(found) => found,
            None => {
                let mount = self.ask_for_mount(path)?;
                self.mounts().push(mount.clone());
                known(&[mount]).ok_or(StoreErrorKind::NotFound)?
            }
        };
        let version = mount.kv.ok_or(StoreErrorKind::Unsupported {
            operation: "reading and writing an engine that is not KV",
        })?;
        Ok(Place {
            mount: mount.path,
            version,
            rest,
        })
    }

    fn ask_for_mount(&self, path: &SecretPath) -> Result<Mount, StoreErrorKind> {
        let request = Request::get(&["sys/internal/ui/mounts", path.as_str()]);
        let answer = match self.try_send(&request) {
            Ok(answer) => Some(answer),
            // It may not know, or not say: then the request itself will tell.
            Err(StoreErrorKind::PermissionDenied { .. }) => None,
            Err(kind) => return Err(kind),
        };
        let said = answer
            .filter(|answer| self.check("", &request, answer).is_ok())
            .and_then(|answer| answer.data::<MountPart>().ok());
        if let Some(part) = said {
            let mount = part.path.trim_end_matches('/');
            let is_above = mount
                .parse::<SecretPath>()
                .is_ok_and(|mount| path.starts_with(&mount));
            if is_above {
                return Ok(Mount {
                    path: mount.to_owned(),
                    kv: part.kv(),
                });
            }
        }
        let first = path.segments().next().unwrap_or_default();
        Ok(Mount::kv(first, KvVersion::V2))
    }

    fn change_versions(
        &self,
        verb: &str,
        place: &Place<'_>,
        versions: &[Version],
    ) -> Result<(), StoreErrorKind> {
        let versions: Vec<u64> = versions.iter().map(|version| version.get()).collect();
        let body = Versions {
            versions: &versions,
        };
        let request = Request::post(&[&place.mount, verb, place.rest], &body)?.repeatable();
        self.send(&place.mount, &request).map(drop)
    }

    fn write_version(
        &self,
        place: &Place<'_>,
        request: Request,
        cas: Cas,
    ) -> Result<Version, StoreErrorKind> {
        // Done twice, the second is refused: nothing of another writer is lost.
        let request = match cas {
            Cas::Any => request,
            _ => request.repeatable(),
        };
        let answer = self.try_send(&request)?;
        if answer.status == 400 && answer.says("check-and-set parameter did not match") {
            let expected = match cas {
                Cas::Version(version) => Some(version),
                _ => None,
            };
            // A writer that may not look is told what it knows.
            let current = self
                .metadata_at(place)
                .ok()
                .map(|metadata| metadata.current);
            return Err(StoreErrorKind::CasMismatch { current, expected });
        }
        self.check(&place.mount, &request, &answer)?;
        answer.written_version()
    }

    fn read_at(
        &self,
        place: &Place<'_>,
        version: Option<Version>,
    ) -> Result<Secret, StoreErrorKind> {
        if place.version == KvVersion::V1 {
            if version.is_some() {
                place.must_have_versions("reading a version")?;
            }
            let answer = self.send(&place.mount, &Request::get(&[&place.mount, place.rest]))?;
            return Ok(Secret::new(answer.plain_secret()?, None));
        }
        let answer = self.ask_version(place, version);
        match (answer, version) {
            // The server answers the same for a missing path and a missing version.
            (Err(StoreErrorKind::NotFound), Some(version)) => {
                Err(match self.ask_version(place, None) {
                    Err(StoreErrorKind::NotFound) => StoreErrorKind::NotFound,
                    _ => StoreErrorKind::VersionNotFound { version },
                })
            }
            (answer, _) => answer?.versioned_secret(),
        }
    }

    fn ask_version(
        &self,
        place: &Place<'_>,
        version: Option<Version>,
    ) -> Result<Answer, StoreErrorKind> {
        self.send(&place.mount, &place.read(version))
    }

    /// The request that reads `path`, for whoever wants its answer in another form.
    pub(super) fn read_request(
        &self,
        path: &SecretPath,
        version: Option<Version>,
    ) -> Result<Request, StoreErrorKind> {
        let place = self.place(path)?;
        if place.version == KvVersion::V1 && version.is_some() {
            place.must_have_versions("reading a version")?;
        }
        Ok(place.read(version))
    }

    fn metadata_at(&self, place: &Place<'_>) -> Result<Metadata, StoreErrorKind> {
        place.must_have_versions("metadata")?;
        let request = Request::get(&[&place.mount, "metadata", place.rest]);
        self.send(&place.mount, &request)?.metadata()
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
        while let Some(folder) = folders.pop() {
            let at = join(place.rest, folder.trim_end_matches('/'));
            let mut after: Option<String> = None;
            loop {
                let keys = self.keys(place, &at, after.as_deref(), PAGE_KEYS)?;
                // A server without pages gives the same again.
                let is_new = keys.first() > after.as_ref() || after.is_none();
                let is_full = keys.len() == PAGE_KEYS;
                after = keys.last().cloned();
                for key in keys.into_iter().filter(|_| is_new) {
                    let key = format!("{folder}{key}");
                    let into = if key.ends_with('/') {
                        &mut folders
                    } else {
                        &mut found
                    };
                    into.push(key);
                }
                if found.len() + folders.len() > MAX_LISTED_PATHS {
                    return Err(StoreErrorKind::Refused {
                        reason: format!("a listing of more than {MAX_LISTED_PATHS} paths"),
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
        let odd = StoreErrorKind::UnexpectedAnswer {
            reason: "a path is listed that cannot be written",
        };
        let paths: Result<Vec<SecretPath>, _> = paths.iter().map(|path| path.parse()).collect();
        let mut paths = paths.map_err(|_| odd)?;
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

impl Place<'_> {
    fn must_have_versions(&self, operation: &'static str) -> Result<(), StoreErrorKind> {
        match self.version {
            KvVersion::V2 => Ok(()),
            KvVersion::V1 => Err(StoreErrorKind::Unsupported { operation }),
        }
    }

    fn read(&self, version: Option<Version>) -> Request {
        let request = match self.version {
            KvVersion::V1 => Request::get(&[&self.mount, self.rest]),
            KvVersion::V2 => Request::get(&[&self.mount, "data", self.rest]),
        };
        match version {
            Some(version) => request.with_query("version", &version.to_string()),
            None => request,
        }
    }

    /// Where `folder` is listed.
    fn listed<'a>(&'a self, folder: &'a str) -> Vec<&'a str> {
        match self.version {
            KvVersion::V1 => vec![&self.mount, folder],
            KvVersion::V2 => vec![&self.mount, "metadata", folder],
        }
    }
}

impl Store for OpenBao {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, path: &SecretPath, version: Option<Version>) -> Result<Secret, StoreError> {
        self.at(path, |place| self.read_at(&place, version))
    }

    /// In KV version 1, which has no versions, the first is always the one that was written, and `cas` must be [`Cas::Any`].
    fn write(&self, path: &SecretPath, data: &SecretData, cas: Cas) -> Result<Version, StoreError> {
        self.at(path, |place| {
            let texts: Result<BTreeMap<_, _>, _> = data
                .iter()
                .map(|(key, value)| Ok((key.as_str(), Some(text(key, value)?))))
                .collect();
            let data = texts?;
            if place.version == KvVersion::V1 {
                if cas != Cas::Any {
                    place.must_have_versions("check-and-set")?;
                }
                let request = Request::post(&[&place.mount, place.rest], &data)?;
                return self.send(&place.mount, &request).map(|_| Version::FIRST);
            }
            let body = WriteBody {
                data,
                options: options(cas),
            };
            let request = Request::post(&[&place.mount, "data", place.rest], &body)?;
            self.write_version(&place, request, cas)
        })
    }

    fn list(&self, prefix: Option<&SecretPath>) -> Result<Vec<SecretPath>, StoreError> {
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

    fn metadata(&self, path: &SecretPath) -> Result<Metadata, StoreError> {
        self.at(path, |place| self.metadata_at(&place))
    }
}

fn options(cas: Cas) -> Option<WriteOptions> {
    let cas = match cas {
        Cas::Any => return None,
        Cas::Absent => 0,
        Cas::Version(version) => version.get(),
    };
    Some(WriteOptions { cas })
}

/// A value as JSON can hold it.
pub(super) fn text<'a>(key: &str, value: &'a SecretBytes) -> Result<&'a str, StoreErrorKind> {
    str::from_utf8(value.expose()).map_err(|_| StoreErrorKind::Refused {
        reason: format!("the value under key {key:?} is not UTF-8; store it in base64"),
    })
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() || name.is_empty() {
        return format!("{folder}{name}");
    }
    format!("{folder}/{name}")
}

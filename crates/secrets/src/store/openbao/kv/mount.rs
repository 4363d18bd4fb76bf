//! Which KV engine is mounted where, and so what a path is within it.
//!
//! Source: `sys/internal/ui/mounts`, by which OpenBao's own command line learns what is mounted at a path.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::OpenBao;
use super::super::request::Request;
use crate::store::{SecretPath, StoreError, StoreErrorKind, Version};

/// Which KV engine is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KvVersion {
    /// Without versions.
    V1,
    /// With versions.
    V2,
}

/// What is known of a mount.
#[derive(Debug, Clone)]
pub(in super::super) struct Mount {
    path: String,
    /// `None`: no KV engine.
    kv: Option<KvVersion>,
}

/// A path by its mount and what is left of it, which is empty for the mount itself.
pub(super) struct Place<'a> {
    pub(super) mount: String,
    pub(super) version: KvVersion,
    pub(super) rest: &'a str,
}

/// What the server says of a mount.
#[derive(Deserialize)]
pub(super) struct MountPart {
    #[serde(default)]
    path: String,
    #[serde(rename = "type")]
    kind: String,
    options: Option<BTreeMap<String, String>>,
}

impl MountPart {
    pub(super) fn kv(&self) -> Option<KvVersion> {
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
    pub(in super::super) fn kv(path: &str, version: KvVersion) -> Self {
        Self {
            path: path.to_owned(),
            kv: Some(version),
        }
    }
}

impl OpenBao {
    /// Does `work` where `path` is.
    pub(super) fn at<T>(
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
    pub(super) fn at_any<T>(
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
    pub(super) fn place<'a>(&self, path: &'a SecretPath) -> Result<Place<'a>, StoreErrorKind> {
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
                let mount = match self.ask_for_mount(path)? {
                    Some(mount) => {
                        self.mounts().push(mount.clone());
                        mount
                    }
                    // For this once: who may not ask today may tomorrow.
                    None => Mount::kv(path.segments().next().unwrap_or_default(), KvVersion::V2),
                };
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

    /// `None` when the server does not say.
    fn ask_for_mount(&self, path: &SecretPath) -> Result<Option<Mount>, StoreErrorKind> {
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
                return Ok(Some(Mount {
                    path: mount.to_owned(),
                    kv: part.kv(),
                }));
            }
        }
        Ok(None)
    }
}

impl Place<'_> {
    pub(super) fn must_have_versions(&self, operation: &'static str) -> Result<(), StoreErrorKind> {
        match self.version {
            KvVersion::V2 => Ok(()),
            KvVersion::V1 => Err(StoreErrorKind::Unsupported { operation }),
        }
    }

    pub(super) fn read(&self, version: Option<Version>) -> Request {
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
    pub(super) fn listed<'a>(&'a self, folder: &'a str) -> Vec<&'a str> {
        match self.version {
            KvVersion::V1 => vec![&self.mount, folder],
            KvVersion::V2 => vec![&self.mount, "metadata", folder],
        }
    }
}

//! The KV engine, versions 1 and 2: reading, writing, deleting one path. [`mount`] says which is where, [`listing`] what
//! there is.
//!
//! Source: OpenBao's API documentation of the engine.

mod listing;
mod mount;

pub use listing::Entry;
pub use mount::KvVersion;
pub(super) use mount::Mount;
use mount::Place;

use std::collections::BTreeMap;

use serde::Serialize;

use super::OpenBao;
use super::answer::Answer;
use super::request::Request;
use crate::SecretBytes;
use crate::store::{
    Cas, Metadata, Secret, SecretData, SecretPath, Store, StoreError, StoreErrorKind, Version,
};

/// What [`OpenBao::patch`] changes: keys get a new value, or go.
pub type Changes = BTreeMap<String, Option<SecretBytes>>;

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
            self.write_version(&place, &request, cas)
        })
        .map_err(perhaps_written)
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
        request: &Request,
        cas: Cas,
    ) -> Result<Version, StoreErrorKind> {
        // Not repeated, with a check-and-set neither: what was done and its answer lost would be refused the second time.
        let answer = self.try_send(request)?;
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
        self.check(&place.mount, request, &answer)?;
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
            self.write_version(&place, &request, cas)
        })
        .map_err(perhaps_written)
    }

    fn list(&self, prefix: Option<&SecretPath>) -> Result<Vec<SecretPath>, StoreError> {
        self.list_below(prefix)
    }

    fn metadata(&self, path: &SecretPath) -> Result<Metadata, StoreError> {
        self.at(path, |place| self.metadata_at(&place))
    }
}

/// Says so of a write whose answer was lost.
fn perhaps_written(error: StoreError) -> StoreError {
    use StoreErrorKind as K;
    match error.kind() {
        K::Server { status: 500.. }
        | K::Timeout { .. }
        | K::TooLarge { .. }
        | K::UnexpectedAnswer { .. } => {
            error.with_hint("it may have been written all the same: read before writing again")
        }
        _ => error,
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

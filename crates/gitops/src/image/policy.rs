//! Which tags may be delivered: those that will mean the same image tomorrow.
//!
//! A tag that moves makes a commit lie: the repository says `latest` while the cluster runs
//! whatever `latest` was when a node pulled it, and a rollback to an earlier commit rolls nothing
//! back. A commit hash as tag never moves and leads from the running image to its source.

use super::ImageReference;

/// Words that registries and CI pipelines move from image to image by convention.
const MOVING: &[&str] = &[
    "alpha",
    "beta",
    "canary",
    "current",
    "dev",
    "develop",
    "development",
    "edge",
    "head",
    "latest",
    "lts",
    "main",
    "mainline",
    "master",
    "next",
    "nightly",
    "prod",
    "production",
    "qa",
    "rc",
    "release",
    "snapshot",
    "stable",
    "stage",
    "staging",
    "test",
    "testing",
    "trunk",
    "unstable",
];

/// What a delivered image must be pinned by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TagPolicy {
    /// A tag that is a commit hash (see [`is_commit_hash`]), with or without a digest.
    #[default]
    CommitHash,
    /// Any tag that is not known to move (see [`is_moving_tag`]), or a digest.
    Immutable,
}

impl TagPolicy {
    /// Whether `image` may be delivered.
    ///
    /// # Errors
    ///
    /// The reason it may not.
    pub fn check(self, image: &ImageReference) -> Result<(), Refusal> {
        let refuse = |reason: fn(String, String) -> Refusal| {
            Err(reason(
                image.to_string(),
                image.tag().unwrap_or_default().to_owned(),
            ))
        };
        match (self, image.tag(), image.digest()) {
            (Self::CommitHash, Some(tag), _) if is_commit_hash(tag) => Ok(()),
            (Self::Immutable, _, Some(_)) => Ok(()),
            (_, None, None) => refuse(|image, _| Refusal::NoTag { image }),
            (Self::CommitHash, None, Some(_)) => refuse(|image, _| Refusal::OnlyDigest { image }),
            (_, Some(tag), _) if is_moving_tag(tag) => {
                refuse(|image, tag| Refusal::MovingTag { image, tag })
            }
            (Self::CommitHash, Some(_), _) => {
                refuse(|image, tag| Refusal::NotCommitHash { image, tag })
            }
            (Self::Immutable, Some(_), None) => Ok(()),
        }
    }
}

/// What an environment asks of an image: the rule for its tag, and whether it must have a digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImagePolicy {
    tags: TagPolicy,
    is_digest_required: bool,
}

impl ImagePolicy {
    /// Tags as `tags` says, with or without a digest.
    #[must_use]
    pub fn new(tags: TagPolicy) -> Self {
        Self {
            tags,
            is_digest_required: false,
        }
    }

    /// The same, and a digest must be there.
    #[must_use]
    pub fn requiring_digest(self) -> Self {
        Self {
            is_digest_required: true,
            ..self
        }
    }

    /// Whether `image` may be delivered.
    ///
    /// # Errors
    ///
    /// The reason it may not.
    pub fn check(self, image: &ImageReference) -> Result<(), Refusal> {
        self.tags.check(image)?;
        match self.is_digest_required && image.digest().is_none() {
            true => Err(Refusal::NoDigest {
                image: image.to_string(),
            }),
            false => Ok(()),
        }
    }
}

/// Why an image may not be delivered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No tag, which container runtimes read as `latest`.
    #[error(
        "image `{image}` has no tag, which means `latest`: give it the commit hash it was built from"
    )]
    NoTag {
        /// The whole reference.
        image: String,
    },
    /// A digest alone, where a commit hash is asked for.
    #[error(
        "image `{image}` has a digest and no tag: give it the commit hash it was built from as well, `:3f2a9c1@sha256:…`"
    )]
    OnlyDigest {
        /// The whole reference.
        image: String,
    },
    /// A tag that points at another image after the next build.
    #[error(
        "image `{image}`: tag `{tag}` moves from build to build: give the commit hash it was built from"
    )]
    MovingTag {
        /// The whole reference.
        image: String,
        /// Its tag.
        tag: String,
    },
    /// No digest where one is required.
    #[error(
        "image `{image}` has no digest, which is required here: add `@sha256:…` as the registry reports it"
    )]
    NoDigest {
        /// The whole reference.
        image: String,
    },
    /// A tag that may well stay, but is not a commit hash.
    #[error(
        "image `{image}`: tag `{tag}` is not a commit hash: expected 7 to 40 hexadecimal digits"
    )]
    NotCommitHash {
        /// The whole reference.
        image: String,
        /// Its tag.
        tag: String,
    },
}

/// Whether `tag` has the form of an abbreviated or full commit hash: 7 to 40 lower-case
/// hexadecimal digits. (A date such as `20261121` has it too; only the repository could tell.)
///
/// ```
/// use narae_gitops::image::is_commit_hash;
///
/// assert!(is_commit_hash("3f2a9c1"));
/// assert!(!is_commit_hash("v1.4.2"));
/// ```
#[must_use]
pub fn is_commit_hash(tag: &str) -> bool {
    (7..=40).contains(&tag.len())
        && tag
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether `tag` is one of the words that move by convention (`latest`, `stable`, `main`, `prod`…,
/// in any case), or begins with `latest-` or ends in `-latest` or `-snapshot`.
///
/// ```
/// use narae_gitops::image::is_moving_tag;
///
/// assert!(is_moving_tag("latest") && is_moving_tag("Main") && is_moving_tag("1.4-SNAPSHOT"));
/// assert!(!is_moving_tag("main-3f2a9c1"));
/// ```
#[must_use]
pub fn is_moving_tag(tag: &str) -> bool {
    let tag = tag.to_ascii_lowercase();
    MOVING.contains(&tag.as_str())
        || tag.starts_with("latest-")
        || tag.ends_with("-latest")
        || tag.ends_with("-snapshot")
}

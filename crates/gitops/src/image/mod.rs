//! Image references: read, taken apart, changed, printed exactly as written.
//!
//! The grammar is the one of [distribution/reference], which Docker, containerd and Kubernetes
//! read by; nothing is filled in: `nginx` stays `nginx`, and does not become
//! `docker.io/library/nginx:latest`.
//!
//! ```text
//! reference   [registry "/"] repository [":" tag] ["@" digest]
//! registry    the first component, when it has a "." or a ":", an upper-case letter, or is "localhost"
//! repository  components of [a-z0-9]+ joined by ".", "_", "__" or dashes, separated by "/"
//! tag         [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}
//! digest      algorithm ":" at least 32 hexadecimal digits; sha256 has 64, sha384 96, sha512 128
//! ```
//!
//! Invariant: an [`ImageReference`] prints the text it was read from, and whatever it prints reads
//! back as an equal value.
//!
//! [distribution/reference]: https://github.com/distribution/reference

mod grammar;
mod policy;
mod select;

use std::fmt;
use std::str::FromStr;

pub use policy::{ImagePolicy, Refusal, TagPolicy, is_commit_hash, is_moving_tag};
pub use select::{Candidate, MAX_RULE_BYTES, SelectionError, SemverRange, TagOrder, TagSelection};

/// Longest accepted `registry/repository`, as distribution/reference has it.
pub const MAX_NAME_LENGTH: usize = 255;

/// `registry[:port]/repository[:tag][@digest]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    registry: Option<String>,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl ImageReference {
    /// Reads a reference.
    ///
    /// # Errors
    ///
    /// When a part is missing or breaks the grammar; the error names the part.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let wrong = |part, expected| ParseError {
            text: printable(text),
            part,
            expected,
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        if let Some(digest) = digest
            && !grammar::is_digest(digest)
        {
            return Err(wrong("digest", grammar::DIGEST));
        }
        // A colon before the last slash belongs to the registry's port.
        let name_end = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest.get(name_end..).and_then(|last| last.split_once(':')) {
            Some((last, tag)) => (rest.get(..name_end + last.len()).unwrap_or(rest), Some(tag)),
            None => (rest, None),
        };
        if let Some(tag) = tag
            && !grammar::is_tag(tag)
        {
            return Err(wrong("tag", grammar::TAG));
        }
        if name.len() > MAX_NAME_LENGTH {
            return Err(wrong("name", "at most 255 bytes before the tag"));
        }
        let (registry, repository) = match name.split_once('/') {
            Some((first, rest)) if grammar::names_registry(first) => (Some(first), rest),
            _ => (None, name),
        };
        if let Some(registry) = registry
            && !grammar::is_registry(registry)
        {
            return Err(wrong(
                "registry",
                "a host name or address, with or without `:port`",
            ));
        }
        if !grammar::is_repository(repository) {
            return Err(wrong(
                "repository",
                "lower-case letters and digits, joined by `.`, `_`, `-`, separated by `/`",
            ));
        }
        Ok(Self {
            registry: registry.map(str::to_owned),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// Host and port, when the reference names them.
    #[must_use]
    pub fn registry(&self) -> Option<&str> {
        self.registry.as_deref()
    }

    /// The path within the registry: `team/shop`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Registry and repository: everything before the tag.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.registry {
            Some(registry) => format!("{registry}/{}", self.repository),
            None => self.repository.clone(),
        }
    }

    /// The tag, without its colon.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest with its algorithm: `sha256:…`.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The same image at another tag. The digest goes: it belonged to the old tag.
    ///
    /// # Errors
    ///
    /// When `tag` is not a tag.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ParseError> {
        if !grammar::is_tag(tag) {
            return Err(ParseError {
                text: printable(tag),
                part: "tag",
                expected: grammar::TAG,
            });
        }
        Ok(Self {
            tag: Some(tag.to_owned()),
            digest: None,
            ..self.clone()
        })
    }

    /// The same image and tag, pinned to a digest.
    ///
    /// # Errors
    ///
    /// When `digest` is not a digest.
    pub fn with_digest(&self, digest: &str) -> Result<Self, ParseError> {
        if !grammar::is_digest(digest) {
            return Err(ParseError {
                text: printable(digest),
                part: "digest",
                expected: grammar::DIGEST,
            });
        }
        Ok(Self {
            digest: Some(digest.to_owned()),
            ..self.clone()
        })
    }

    /// The same image and tag without its digest.
    #[must_use]
    pub fn without_digest(&self) -> Self {
        Self {
            digest: None,
            ..self.clone()
        }
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(registry) = &self.registry {
            write!(f, "{registry}/")?;
        }
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for ImageReference {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

/// A text that is not an image reference, and which part of it is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("image reference `{text}`: bad {part}: expected {expected}")]
pub struct ParseError {
    text: String,
    part: &'static str,
    expected: &'static str,
}

impl ParseError {
    /// `registry`, `repository`, `name` (both together), `tag` or `digest`.
    #[must_use]
    pub fn part(&self) -> &'static str {
        self.part
    }
}

/// What a person typed, short enough and safe enough for a message.
fn printable(text: &str) -> String {
    const MAX_SHOWN: usize = 120;
    let mut shown: String = text
        .chars()
        .take(MAX_SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

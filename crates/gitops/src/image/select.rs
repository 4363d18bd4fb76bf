//! Which of a registry's tags to deliver, and which of two is newer.
//!
//! The rules are those of Flux's `ImagePolicy`: a pattern filters, what it extracts is ordered, and
//! the whole tag is what is written. Ranges are read as Masterminds/semver reads them: a bare
//! `1.2` is `1.2.x`, spaces and commas both mean "and", `||` means "or", and pre-releases count only
//! where the range names one (`>=1.0.0-0`). Linear in the tags' length; equal tags are told apart by their text.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use regex::Regex;
use semver::{Comparator, Op, Version, VersionReq};

/// Longest accepted pattern or range in bytes.
pub const MAX_RULE_BYTES: usize = 1024;

/// A tag as a registry lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "callers make these of what their registry says"
)]
pub struct Candidate<'a> {
    /// The tag.
    pub tag: &'a str,
    /// When its image was built, in seconds since 1970; only [`TagOrder::Newest`] asks for it.
    pub built: Option<i64>,
}

/// Which tags count and which of them is first.
///
/// ```
/// use narae_gitops::image::{TagOrder, TagSelection};
///
/// let selection = TagSelection::new("semver: >=1.2 <2".parse::<TagOrder>()?);
/// assert_eq!(selection.newest(["v1.2.0", "v1.10.3", "v2.0.0", "v1.11.0-rc.1", "latest"]), Some("v1.10.3"));
///
/// let by_build = TagSelection::new(TagOrder::Numeric)
///     .with_pattern(r"^main-[0-9a-f]{7}-(?P<time>\d+)$", "$time")?;
/// assert_eq!(by_build.newest(["main-3f2a9c1-99", "main-8c1d2e3-100", "dev-0-101"]), Some("main-8c1d2e3-100"));
/// # Ok::<(), narae_gitops::image::SelectionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TagSelection {
    order: TagOrder,
    filter: Option<(Regex, String)>,
}

/// What makes a tag newer than another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TagOrder {
    /// The highest version within a range, with or without a leading `v`.
    Semver(SemverRange),
    /// The highest number; only digits count as one, however many.
    Numeric,
    /// The last in the order of bytes.
    Alphabetical,
    /// The image built last, by the date given with it.
    Newest,
}

/// Alternatives, one of which a version must satisfy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SemverRange(Vec<VersionReq>);

impl TagSelection {
    /// Every tag that `order` can place.
    #[must_use]
    pub fn new(order: TagOrder) -> Self {
        Self {
            order,
            filter: None,
        }
    }

    /// Only tags that match `pattern`; what is ordered is `extract` with its `$name` and `$1`
    /// replaced by the groups, or the whole tag when `extract` is empty.
    ///
    /// # Errors
    ///
    /// When the pattern is not a regular expression, or too long or large.
    pub fn with_pattern(self, pattern: &str, extract: &str) -> Result<Self, SelectionError> {
        let wrong = |reason: String| SelectionError {
            what: "pattern",
            reason,
        };
        if pattern.len() > MAX_RULE_BYTES || extract.len() > MAX_RULE_BYTES {
            return Err(wrong(format!("it is longer than {MAX_RULE_BYTES} bytes")));
        }
        let regex = Regex::new(pattern).map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            filter: Some((regex, extract.to_owned())),
            ..self
        })
    }

    /// The newest of some tags.
    pub fn newest<'a>(&self, tags: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        self.select(tags.into_iter().map(|tag| Candidate { tag, built: None }))
    }

    /// The newest of some tags with their dates.
    pub fn select<'a>(
        &self,
        candidates: impl IntoIterator<Item = Candidate<'a>>,
    ) -> Option<&'a str> {
        let keyed = candidates
            .into_iter()
            .filter_map(|candidate| Some((self.key(candidate)?, candidate.tag)));
        keyed.max().map(|(_, tag)| tag)
    }

    /// How `ours` stands to `theirs`; `None` when one of them is not among what is selected.
    #[must_use]
    pub fn compare(&self, ours: Candidate<'_>, theirs: Candidate<'_>) -> Option<Ordering> {
        Some(self.key(ours)?.cmp(&self.key(theirs)?))
    }

    fn key(&self, candidate: Candidate<'_>) -> Option<Key> {
        let text = match &self.filter {
            None => candidate.tag.to_owned(),
            Some((regex, extract)) => {
                let captures = regex.captures(candidate.tag)?;
                let mut text = String::new();
                match extract.is_empty() {
                    true => text.push_str(candidate.tag),
                    false => captures.expand(extract, &mut text),
                }
                text
            }
        };
        match &self.order {
            TagOrder::Semver(range) => {
                let version = Version::parse(text.strip_prefix('v').unwrap_or(&text)).ok()?;
                range.matches(&version).then_some(Key::Version(version))
            }
            TagOrder::Numeric => {
                let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let digits = text.trim_start_matches('0');
                is_number.then(|| Key::Number(digits.len(), digits.to_owned()))
            }
            TagOrder::Alphabetical => Some(Key::Text(text)),
            TagOrder::Newest => candidate.built.map(Key::Built),
        }
    }
}

/// What is compared; all keys of one selection are of one kind.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Version(Version),
    /// Digits without leading zeros, more of them before greater ones.
    Number(usize, String),
    Text(String),
    Built(i64),
}

impl SemverRange {
    fn matches(&self, version: &Version) -> bool {
        self.0.iter().any(|range| match version.pre.is_empty() {
            true => range.matches(version),
            // Cargo would take a pre-release of the very version named, and no other.
            false => {
                let comparators = &range.comparators;
                comparators
                    .iter()
                    .any(|comparator| !comparator.pre.is_empty())
                    && comparators
                        .iter()
                        .all(|comparator| includes(comparator, version))
            }
        })
    }
}

/// Whether a pre-release is within one bound, in the order of versions alone.
fn includes(comparator: &Comparator, version: &Version) -> bool {
    let bound = Version {
        major: comparator.major,
        minor: comparator.minor.unwrap_or(0),
        patch: comparator.patch.unwrap_or(0),
        pre: comparator.pre.clone(),
        build: semver::BuildMetadata::EMPTY,
    };
    match (comparator.op, version.cmp_precedence(&bound)) {
        (Op::Greater, order) => order == Ordering::Greater,
        (Op::GreaterEq, order) => order != Ordering::Less,
        (Op::Less, order) => order == Ordering::Less,
        (Op::LessEq, order) => order != Ordering::Greater,
        _ => comparator.matches(version),
    }
}

impl FromStr for SemverRange {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let wrong = |reason: String| SelectionError {
            what: "semver range",
            reason,
        };
        if text.len() > MAX_RULE_BYTES {
            return Err(wrong(format!("it is longer than {MAX_RULE_BYTES} bytes")));
        }
        let alternatives = text.split("||").map(|alternative| {
            let bounds = joined(alternative).join(", ");
            VersionReq::parse(&bounds)
                .map_err(|error| wrong(format!("`{}`: {error}", alternative.trim())))
        });
        alternatives.collect::<Result<_, _>>().map(Self)
    }
}

/// The bounds of an alternative, each with its operator: `>= 1.2 <2` is `>=1.2` and `<2`.
fn joined(alternative: &str) -> Vec<String> {
    let mut bounds: Vec<String> = Vec::new();
    let is_operator = |c: char| matches!(c, '<' | '>' | '=' | '~' | '^');
    for word in alternative
        .split([' ', ',', '\t'])
        .filter(|word| !word.is_empty())
    {
        match bounds.last_mut() {
            Some(last) if last.chars().all(is_operator) => last.push_str(word),
            _ => bounds.push(word.to_owned()),
        }
    }
    for bound in &mut bounds {
        let version = bound.trim_start_matches(is_operator);
        let operator = bound.len() - version.len();
        let version = version.strip_prefix('v').unwrap_or(version);
        let operator = match bound.get(..operator) {
            // Bare, a version means itself and what it leaves open.
            Some("") if version.starts_with(|c: char| c.is_ascii_digit()) => "=",
            operator => operator.unwrap_or_default(),
        };
        *bound = format!("{operator}{version}");
    }
    bounds
}

impl fmt::Display for SemverRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.0.iter().enumerate() {
            write!(f, "{}{range}", if at > 0 { " || " } else { "" })?;
        }
        Ok(())
    }
}

impl FromStr for TagOrder {
    type Err = SelectionError;

    /// `semver: RANGE`, `numeric`, `alphabetical` or `newest`.
    fn from_str(text: &str) -> Result<Self, SelectionError> {
        match text.trim() {
            "numeric" => Ok(Self::Numeric),
            "alphabetical" => Ok(Self::Alphabetical),
            "newest" => Ok(Self::Newest),
            other => match other.split_once(':') {
                Some(("semver", range)) => Ok(Self::Semver(range.parse()?)),
                _ => Err(SelectionError {
                    what: "order of tags",
                    reason: "expected `semver: RANGE`, `numeric`, `alphabetical` or `newest`"
                        .to_owned(),
                }),
            },
        }
    }
}

impl fmt::Display for TagOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Semver(range) => write!(f, "semver: {range}"),
            Self::Numeric => f.write_str("numeric"),
            Self::Alphabetical => f.write_str("alphabetical"),
            Self::Newest => f.write_str("newest"),
        }
    }
}

/// A rule that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct SelectionError {
    what: &'static str,
    reason: String,
}

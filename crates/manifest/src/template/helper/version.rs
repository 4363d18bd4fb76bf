//! Semantic versions against constraints, in the notation of Helm's `semverCompare`
//! (Masterminds/semver): alternatives between `||`, in each of them comparisons that all hold.
//!
//! A comparison is an operator (`=`, `!=`, `<`, `<=`, `>`, `>=`, `~`, `^`, or none, which is `=`)
//! and a version whose minor and patch may be left out or be `x`, `X` or `*`; a range is `a - b`. A
//! version with a pre-release satisfies only comparisons that have one too, as there. Precedence is
//! that of SemVer 2.0.0 §11. Linear in the constraint.

use narae_yaml::Value;
use semver::{BuildMetadata, Version};

use super::{text, wrong_count};

pub(super) fn compare(arguments: &[&Value]) -> Result<Value, String> {
    let [version, constraint] = arguments else {
        return Err(wrong_count(arguments));
    };
    let (version, constraint) = (text(version)?, text(constraint)?);
    let version = match Partial::read(version.trim()) {
        Some(partial) => partial.lowest(),
        None => {
            return Err("takes a version such as `1.30.2`, and behind it a constraint".to_owned());
        }
    };
    let mut holds = false;
    for alternative in constraint.split("||") {
        let all = alternative_holds(alternative, &version)
            .ok_or("takes a constraint such as `>=1.28, <2`, found another text")?;
        holds |= all;
    }
    Ok(Value::Bool(holds))
}

/// Whether all comparisons of an alternative hold; `None` when it cannot be read.
fn alternative_holds(text: &str, version: &Version) -> Option<bool> {
    let text = match text.split_once(" - ") {
        Some((from, to)) => format!(">={},<={}", from.trim(), to.trim()),
        None => text.to_owned(),
    };
    let mut holds = true;
    let mut rest = text.as_str();
    let separators = |c: char| c == ',' || c.is_whitespace();
    rest = rest.trim_matches(separators);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let operator_end = rest
            .find(|c: char| !"=!<>~^".contains(c))
            .unwrap_or(rest.len());
        let (operator, behind) = rest.split_at_checked(operator_end)?;
        let behind = behind.trim_start();
        let end = behind.find(separators).unwrap_or(behind.len());
        let (wanted, behind) = behind.split_at_checked(end)?;
        holds &= Comparison {
            operator,
            wanted: Partial::read(wanted)?,
        }
        .holds(version)?;
        rest = behind.trim_start_matches(separators);
    }
    Some(holds)
}

struct Comparison<'t> {
    operator: &'t str,
    wanted: Partial,
}

impl Comparison<'_> {
    /// `None` for an operator that does not exist.
    fn holds(&self, version: &Version) -> Option<bool> {
        let (lowest, beyond) = (self.wanted.lowest(), self.wanted.beyond());
        let below = |limit: &Option<Version>| limit.as_ref().is_none_or(|limit| version < limit);
        let from = *version >= lowest;
        let holds = match self.operator {
            "" | "=" | "==" => from && below(&beyond),
            "!=" | "!" => !(from && below(&beyond)),
            "<" => *version < lowest,
            ">=" | "=>" => from,
            "<=" | "=<" if self.wanted.is_whole() => *version <= lowest,
            "<=" | "=<" => below(&beyond),
            ">" if self.wanted.is_whole() => *version > lowest,
            ">" => !below(&beyond),
            "~" | "~>" => from && below(&self.wanted.beyond_tilde()),
            "^" => from && below(&self.wanted.beyond_caret()),
            _ => return None,
        };
        let stable = version.pre.is_empty() || !self.wanted.pre.is_empty();
        Some(holds && (stable || self.operator == "!="))
    }
}

/// A version of which only the front may be said.
struct Partial {
    major: Option<u64>,
    minor: Option<u64>,
    patch: Option<u64>,
    pre: semver::Prerelease,
}

impl Partial {
    fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split('+').next()?;
        let (numbers, pre) = text.split_once('-').map_or((text, ""), |(n, pre)| (n, pre));
        let mut parts = numbers.split('.');
        let mut next = || match parts.next() {
            None | Some("x" | "X" | "*") => Some(None),
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().map(Some)
            }
            Some(_) => None,
        };
        let (major, minor, patch) = (next()?, next()?, next()?);
        if parts.next().is_some() || numbers.is_empty() {
            return None;
        }
        Some(Self {
            major,
            minor: major.and(minor),
            patch: major.and(minor).and(patch),
            pre: semver::Prerelease::new(pre).ok()?,
        })
    }

    fn is_whole(&self) -> bool {
        self.patch.is_some()
    }

    fn lowest(&self) -> Version {
        Version {
            major: self.major.unwrap_or(0),
            minor: self.minor.unwrap_or(0),
            patch: self.patch.unwrap_or(0),
            pre: self.pre.clone(),
            build: BuildMetadata::EMPTY,
        }
    }

    /// The first version that is not one of those meant; `None` when all later ones are.
    fn beyond(&self) -> Option<Version> {
        match (self.major?, self.minor, self.patch) {
            (major, None, _) => Some(Version::new(major.checked_add(1)?, 0, 0)),
            (major, Some(minor), None) => Some(Version::new(major, minor.checked_add(1)?, 0)),
            (major, Some(minor), Some(patch)) if self.pre.is_empty() => {
                Some(Version::new(major, minor, patch.checked_add(1)?))
            }
            // Nothing lies between a pre-release and itself with a zero behind it.
            _ => {
                let mut next = self.lowest();
                next.pre = semver::Prerelease::new(&format!("{}.0", self.pre)).ok()?;
                Some(next)
            }
        }
    }

    /// The patch may change; with only a major the minor as well.
    fn beyond_tilde(&self) -> Option<Version> {
        match (self.major?, self.minor) {
            (major, None) => Some(Version::new(major.checked_add(1)?, 0, 0)),
            (major, Some(minor)) => Some(Version::new(major, minor.checked_add(1)?, 0)),
        }
    }

    /// What stands behind the first number that is not zero may change.
    fn beyond_caret(&self) -> Option<Version> {
        match (self.major?, self.minor, self.patch) {
            (0, Some(0), Some(patch)) => Some(Version::new(0, 0, patch.checked_add(1)?)),
            (0, Some(minor), _) => Some(Version::new(0, minor.checked_add(1)?, 0)),
            (major, _, _) => Some(Version::new(major.checked_add(1)?, 0, 0)),
        }
    }
}

//! Semantic versions against constraints, as Helm's `semverCompare` has them: the notation and the
//! meaning of Masterminds/semver 3.5, which the tests ask.
//!
//! Alternatives stand between `||`; in each of them comparisons that all hold, apart by spaces or a
//! comma. A comparison is an operator (`=`, `!=`, `<`, `<=`, `>`, `>=`, `~`, `^`, or none, which is
//! `=`) and a version whose minor and patch may be left out or be `x`, `X` or `*`; `a - b` is a
//! range. A version with a pre-release satisfies only alternatives in which some comparison has one
//! too. Precedence is that of SemVer 2.0.0 §11. Linear in the constraint.

use narae_yaml::Value;
use semver::{BuildMetadata, Prerelease, Version};

use super::{text, wrong_count};

/// Bytes of a version, bytes of a constraint and alternatives in it.
const MAX_VERSION: usize = 256;
const MAX_CONSTRAINT: usize = 512;
const MAX_ALTERNATIVES: usize = 32;

pub(super) fn compare(arguments: &[&Value]) -> Result<Value, String> {
    let [version, constraint] = arguments else {
        return Err(wrong_count(arguments));
    };
    let (version, constraint) = (text(version)?, text(constraint)?);
    let version = Wanted::read(&version)
        .filter(|read| !read.has_wildcard && version.len() <= MAX_VERSION)
        .ok_or("takes a version such as `1.30.2`, and behind it a constraint")?;
    let alternatives = alternatives(&constraint)
        .ok_or("takes a constraint such as `>=1.28, <2`, found another text")?;
    let holds = |all: &Vec<Comparison>| all_hold(all, &version.version);
    Ok(Value::Bool(alternatives.iter().any(holds)))
}

fn alternatives(text: &str) -> Option<Vec<Vec<Comparison>>> {
    let count = text.split("||").count();
    let fits = text.len() <= MAX_CONSTRAINT && count <= MAX_ALTERNATIVES;
    fits.then(|| text.split("||").map(comparisons).collect())?
}

/// The comparisons of one alternative; `None` when it cannot be read, or there are none.
fn comparisons(text: &str) -> Option<Vec<Comparison>> {
    let mut all = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    let mut behind_comma = true;
    loop {
        let end = rest.find(|c| !"=!<>~^".contains(c)).unwrap_or(rest.len());
        let (operator, behind) = rest.split_at_checked(end)?;
        let (wanted, behind) = word(behind.trim_start_matches(is_space))?;
        rest = behind.trim_start_matches(is_space);
        match rest.strip_prefix('-').filter(|to| to.starts_with(is_space)) {
            // A range begins the alternative, or stands behind a comma.
            Some(to) if operator.is_empty() && behind_comma => {
                let (to, behind) = word(to.trim_start_matches(is_space))?;
                all.push(Comparison {
                    operator: Operator::AtLeast,
                    wanted,
                });
                all.push(Comparison {
                    operator: Operator::AtMost,
                    wanted: to,
                });
                rest = behind.trim_start_matches(is_space);
            }
            Some(_) => return None,
            None => all.push(Comparison {
                operator: Operator::read(operator)?,
                wanted,
            }),
        }
        if rest.is_empty() {
            return Some(all);
        }
        behind_comma = rest.starts_with(',');
        rest = rest
            .strip_prefix(',')
            .unwrap_or(rest)
            .trim_start_matches(is_space);
    }
}

/// The version in front, and what stands behind it.
fn word(text: &str) -> Option<(Wanted, &str)> {
    let end = text.find(|c| c == ',' || is_space(c)).unwrap_or(text.len());
    let (word, behind) = text.split_at_checked(end)?;
    Some((Wanted::read(word)?, behind))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

fn all_hold(all: &[Comparison], version: &Version) -> bool {
    let with_pre = all.iter().any(|one| !one.wanted.version.pre.is_empty());
    (version.pre.is_empty() || with_pre) && all.iter().all(|one| one.holds(version))
}

struct Comparison {
    operator: Operator,
    wanted: Wanted,
}

#[derive(Clone, Copy)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
    Tilde,
    Caret,
}

impl Operator {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "" | "=" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" | "=<" => Self::AtMost,
            ">" => Self::More,
            ">=" | "=>" => Self::AtLeast,
            "~" | "~>" => Self::Tilde,
            "^" => Self::Caret,
            _ => return None,
        })
    }
}

impl Comparison {
    fn holds(&self, version: &Version) -> bool {
        let (wanted, said) = (&self.wanted.version, self.wanted.said);
        // What counts where only the front is said: `>1.2` begins at 1.3, `<=1` ends before 2.
        let front = |version: &Version| match said {
            1 => (version.major, 0),
            _ => (version.major, version.minor),
        };
        match self.operator {
            Operator::Equal if said == 3 => version == wanted,
            Operator::Equal | Operator::Tilde => self.is_near(version),
            Operator::NotEqual => self.differs(version),
            Operator::Less => version < wanted,
            Operator::AtLeast => version >= wanted,
            Operator::AtMost if said == 3 => version <= wanted,
            Operator::AtMost => front(version) <= front(wanted),
            Operator::More if matches!(said, 1 | 2) => front(version) > front(wanted),
            Operator::More => version > wanted,
            Operator::Caret => version >= wanted && self.is_compatible(version),
        }
    }

    /// `~`: the patch may change; with only a major the minor as well. `~0.0.0` and `~*` are any.
    fn is_near(&self, version: &Version) -> bool {
        let (wanted, said) = (&self.wanted.version, self.wanted.said);
        let is_any = (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0);
        let is_any = is_any && matches!(said, 0 | 3);
        let minor = said == 1 || version.minor == wanted.minor;
        version >= wanted && (is_any || (version.major == wanted.major && minor))
    }

    /// `^`: what stands behind the first number that is not zero may change.
    fn is_compatible(&self, version: &Version) -> bool {
        let (wanted, said) = (&self.wanted.version, self.wanted.said);
        let minor = version.minor == wanted.minor;
        version.major == wanted.major
            && match (wanted.major, wanted.minor) {
                (1.., _) => true,
                _ if said == 1 => true,
                (0, 1..) => minor,
                (0, 0) => minor && (said == 2 || version.patch == wanted.patch),
            }
    }

    fn differs(&self, version: &Version) -> bool {
        let (wanted, said) = (&self.wanted.version, self.wanted.said);
        match said {
            1 => version.major != wanted.major,
            2 if (version.major, version.minor) == (wanted.major, wanted.minor) => {
                version.pre != wanted.pre
            }
            _ => version != wanted,
        }
    }
}

/// A version of which only the front may be said.
struct Wanted {
    /// With zeros for what is not said.
    version: Version,
    /// How many of its numbers are.
    said: usize,
    has_wildcard: bool,
}

impl Wanted {
    fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, build) = text
            .split_once('+')
            .map_or((text, None), |(t, b)| (t, Some(b)));
        let (numbers, pre) = text
            .split_once('-')
            .map_or((text, None), |(n, p)| (n, Some(p)));
        if pre == Some("")
            || build.is_some_and(|build| BuildMetadata::new(build).is_err() || build.is_empty())
        {
            return None;
        }
        let mut known = [0; 3];
        let (mut said, mut has_wildcard) = (0, false);
        let mut slots = known.iter_mut();
        for part in numbers.split('.') {
            let slot = slots.next()?;
            match part {
                "x" | "X" | "*" => has_wildcard = true,
                digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                    let number = digits.parse().ok()?;
                    // Behind a wildcard nothing is said.
                    if !has_wildcard {
                        *slot = number;
                        said += 1;
                    }
                }
                _ => return None,
            }
        }
        let [major, minor, patch] = known;
        let mut version = Version::new(major, minor, patch);
        version.pre = Prerelease::new(pre.unwrap_or_default()).ok()?;
        Some(Self {
            version,
            said,
            has_wildcard,
        })
    }
}

//! Files of users and hashes of their passwords, as Apache's `htpasswd` writes them.
//!
//! bcrypt and SHA-crypt (`$5$`, `$6$`) are verified by libraries that somebody keeps. `$apr1$` (MD5), `{SHA}`, DES and
//! plain text are refused: they have no such library, or protect nobody.

use std::collections::HashMap;

use sha_crypt::{PasswordVerifier as _, ShaCrypt};

/// The longest file, in bytes.
const MAX_BYTES: usize = 4 << 20;
/// The most that one password may cost: bcrypt's cost (2¹⁵ rounds, some seconds), and SHA-crypt's rounds.
const MAX_COST: u32 = 15;
const MAX_ROUNDS: u32 = 2_000_000;

/// Users and hashes. Without `Debug`: hashes can be guessed at.
#[derive(Default)]
pub(crate) struct Htpasswd {
    users: HashMap<String, Hash>,
    /// What somebody unknown costs: the first user's.
    decoy: Option<Hash>,
}

#[derive(Clone)]
enum Hash {
    Bcrypt(String),
    Sha(String),
}

impl Htpasswd {
    /// Reads `name:hash` line by line; `#` begins a comment. Of a user that stands twice the first counts, as in Apache.
    pub(crate) fn parse(text: &str) -> Result<Self, HtpasswdError> {
        if text.len() > MAX_BYTES {
            return Err(HtpasswdError::Size);
        }
        let mut all = Self::default();
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (user, hash) = line
                .split_once(':')
                .ok_or(HtpasswdError::Line { line: number })?;
            let hash = Hash::read(hash, number)?;
            all.decoy.get_or_insert_with(|| hash.clone());
            all.users.entry(user.to_owned()).or_insert(hash);
        }
        Ok(all)
    }

    /// Whether it is the user's password. Takes as long for a user who is unknown.
    pub(crate) fn verify(&self, user: &str, password: &str) -> bool {
        let known = self.users.get(user);
        let hash = known.or(self.decoy.as_ref());
        let same = hash.is_some_and(|hash| hash.is_of(password));
        same && known.is_some()
    }
}

impl Hash {
    fn read(text: &str, line: usize) -> Result<Self, HtpasswdError> {
        let costly = HtpasswdError::Cost { line };
        if ["$2y$", "$2b$", "$2a$"]
            .iter()
            .any(|id| text.starts_with(id))
        {
            let parts: bcrypt::HashParts =
                text.parse().map_err(|_| HtpasswdError::Line { line })?;
            return if parts.get_cost() > MAX_COST {
                Err(costly)
            } else {
                Ok(Self::Bcrypt(text.to_owned()))
            };
        }
        if text.starts_with("$5$") || text.starts_with("$6$") {
            let rounds = text
                .split('$')
                .find_map(|part| part.strip_prefix("rounds="));
            let rounds: u32 = rounds
                .map_or(Ok(5000), str::parse)
                .map_err(|_| HtpasswdError::Line { line })?;
            let hash =
                sha_crypt::PasswordHashRef::new(text).map_err(|_| HtpasswdError::Line { line })?;
            let hash = Self::Sha(hash.as_str().to_owned());
            return if rounds > MAX_ROUNDS {
                Err(costly)
            } else {
                Ok(hash)
            };
        }
        Err(HtpasswdError::Kind { line })
    }

    /// Both libraries compare in constant time.
    fn is_of(&self, password: &str) -> bool {
        match self {
            Self::Bcrypt(hash) => bcrypt::verify(password, hash).unwrap_or(false),
            Self::Sha(hash) => sha_crypt::PasswordHashRef::new(hash).is_ok_and(|hash| {
                ShaCrypt::default()
                    .verify_password(password.as_bytes(), hash)
                    .is_ok()
            }),
        }
    }
}

/// Why a file is not taken. Never quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HtpasswdError {
    #[error("more than 4 MiB")]
    Size,
    #[error("line {line}: expected NAME:HASH")]
    Line { line: usize },
    #[error(
        "line {line}: only bcrypt and SHA-crypt ($5$, $6$) are read; make it with `htpasswd -B`"
    )]
    Kind { line: usize },
    #[error("line {line}: a cost above 15, or more than 2000000 rounds, would stop everybody else")]
    Cost { line: usize },
}

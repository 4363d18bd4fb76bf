//! A look at everything that is about to be written: paths, contents, messages, names.
//!
//! What is looked for is the caller's: this crate knows no secrets. Nothing that is refused reaches the object
//! database, a signer or a remote.

use std::error::Error as StdError;

use super::{Commit, Error, ErrorKind};

/// Looks at bytes that are about to be written, and at what they are: a path, or `commit message`. An error
/// refuses them all.
pub type Check = dyn Fn(&str, &[u8]) -> Result<(), Box<dyn StdError + Send + Sync>> + Send + Sync;

/// Looks at everything in `commit` that is not in git yet.
pub(super) fn commit(commit: &Commit, check: &Check) -> Result<(), Error> {
    let refused = |error: Box<dyn StdError + Send + Sync>| {
        let message = format!("nothing was written: {error}");
        Error::new(ErrorKind::Refused, message)
    };
    check("commit message", commit.message().to_string().as_bytes()).map_err(refused)?;
    let (name, mail) = (commit.signature().name(), commit.signature().email());
    check("author", format!("{name} <{mail}>").as_bytes()).map_err(refused)?;
    for (path, content) in commit.changes().iter() {
        check("path", path.as_str().as_bytes()).map_err(refused)?;
        if let Some(content) = content {
            check(path.as_str(), content).map_err(refused)?;
        }
    }
    Ok(())
}

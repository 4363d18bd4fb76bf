//! A look at everything that is about to be written: paths, contents, messages, names.
//!
//! What is looked for is the caller's: this crate knows no secrets. Nothing that is refused reaches the object
//! database, a signer or a remote.

use std::error::Error as StdError;

use super::{Commit, Error, ErrorKind};

/// Looks at bytes that are about to be written, and at what they are: a path, or `commit message`. An error
/// refuses them all.
pub type Check = dyn Fn(&str, &[u8]) -> Result<(), Box<dyn StdError + Send + Sync>> + Send + Sync;

impl Commit {
    /// Shows `check` everything in it that is not in git yet: the message, the author, each file's path and content.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`], with what `check` says.
    pub fn check<E: Into<Box<dyn StdError + Send + Sync>>>(
        &self,
        check: impl Fn(&str, &[u8]) -> Result<(), E>,
    ) -> Result<(), Error> {
        let check = |what: &str, bytes: &[u8]| {
            let checked = check(what, bytes).map_err(Into::into);
            checked.map_err(|error| {
                Error::new(ErrorKind::Refused, format!("nothing was written: {error}"))
            })
        };
        check("commit message", self.message().to_string().as_bytes())?;
        let (name, mail) = (self.signature().name(), self.signature().email());
        check("author", format!("{name} <{mail}>").as_bytes())?;
        for (path, content) in self.changes().iter() {
            check("path", path.as_str().as_bytes())?;
            if let Some(content) = content {
                check(path.as_str(), content)?;
            }
        }
        Ok(())
    }
}

//! What is wrong with a command line that its parser cannot know.

use std::fmt;

/// A mistake on the command line: programs end with 2 for it, not with 1.
#[derive(Debug)]
pub struct UsageError(pub String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

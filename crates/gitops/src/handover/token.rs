//! A secret that is sent to a server.

use std::fmt;

use zeroize::Zeroizing;

/// A token or key. Not printed, and overwritten before its memory is given back.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// As it is, without line breaks around it, which files of secrets tend to end with.
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// The secret itself, for a header of a request.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

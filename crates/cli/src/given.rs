//! What a flag or its environment variable says.

use std::str::FromStr;

/// What a flag or its environment variable says; an empty text says nothing, since pipelines set variables they have no
/// value for. A parser's default is the empty text.
#[derive(Clone, Debug)]
pub struct Given<T>(Option<T>);

impl<T> Given<T> {
    /// What was said.
    pub fn as_ref(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T: FromStr> FromStr for Given<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        let given = (!text.is_empty()).then(|| text.parse());
        given.transpose().map(Self)
    }
}

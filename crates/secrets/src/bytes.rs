//! The one type plaintext lives in.
//!
//! What it promises: `Debug` shows the length and nothing else; there is no `Display`, no `Serialize`
//! and no `Clone`; comparison takes the same time wherever two values of equal length differ; the memory
//! is overwritten before it is given back. What it cannot promise: that no copy was made before the
//! bytes came here, nor that the operating system never wrote the page to swap.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Bytes that must not be printed, serialised or copied by accident.
///
/// ```
/// use narae_secrets::SecretBytes;
///
/// let password = SecretBytes::from("correct horse".to_owned());
/// assert_eq!(format!("{password:?}"), "[redacted; 13 bytes]");
/// assert_eq!(password.expose(), b"correct horse");
/// ```
///
/// It cannot be displayed, cloned or compared with plain bytes:
///
/// ```compile_fail
/// let password = narae_secrets::SecretBytes::from("correct horse".to_owned());
/// println!("{password}");
/// ```
/// ```compile_fail
/// let password = narae_secrets::SecretBytes::from("correct horse".to_owned());
/// let copy = password.clone();
/// ```
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes the bytes over; the vector's memory is wiped when this value is dropped.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Copies bytes that somebody else keeps.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self::new(bytes.to_vec())
    }

    /// The plaintext. Every use of it is a place to look at in a review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// A second copy, asked for by name because each copy is one more place to leak from.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::copy_of(&self.0)
    }

    /// How many bytes there are. Lengths are not treated as secret in this crate.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<String> for SecretBytes {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl PartialEq for SecretBytes {
    /// Constant time in the content; values of different lengths are told apart at once.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretBytes {}

/// By its only field.
impl ZeroizeOnDrop for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[redacted; {} bytes]", self.len())
    }
}

//! What an envelope is bound to.

/// Names what the data is, and where it belongs. Whoever opens an envelope must say the same: one that was put in another's
/// place does not open. It is no secret, and it is not in the envelope.
///
/// ```
/// use narae_secrets::envelope::Context;
///
/// let context = Context::new("backup", "shop/db", "2026-11-21");
/// assert_ne!(context, Context::new("backup", "shop/d", "b2026-11-21"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context(Vec<u8>);

impl Context {
    /// For a purpose, a resource and a part of it; what does not apply is empty.
    ///
    /// The bytes, which are Tink's associated data: ASCII `narae-secrets context v1`, then for each of the three its length as
    /// an unsigned 32-bit big-endian number, and its UTF-8. So no two contexts have the same bytes.
    #[must_use]
    pub fn new(purpose: &str, resource: &str, part: &str) -> Self {
        let mut bytes = b"narae-secrets context v1".to_vec();
        for text in [purpose, resource, part] {
            // Text of 4 GiB does not come here; it would only be bound less uniquely.
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Self(bytes)
    }

    /// Somebody else's associated data, as it is; `b""` for none.
    #[must_use]
    pub fn from_associated_data(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

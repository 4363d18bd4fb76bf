//! The values a guard knows, and which are too weak to be looked for.
//!
//! **The rule.** A value is looked for when it has at least [`MIN_VALUE_BYTES`] bytes and, below
//! [`MIN_WORD_BYTES`], is more than a word, number or name: it has letters and digits, capitals within, or
//! a sign that names, hosts and paths do not have. `true`, `5432`, `postgres`, `shop-app` and `20260101` stand in every
//! second file for reasons of their own; what is passed over is said by name
//! ([`KnownValues::passed_over`]). White space around a value is not part of it.

use crate::SecretBytes;

/// Shortest value that is looked for, in bytes.
pub const MIN_VALUE_BYTES: usize = 6;
/// Shortest value that may be a single word or number, in bytes.
pub const MIN_WORD_BYTES: usize = 12;
/// Bytes of a value that are looked for; the rest of a longer one is taken to follow.
pub const MAX_MATCHED_BYTES: usize = 1024;

/// Named plaintexts to look for.
///
/// Names are what findings show: references, `namespace/name/key`, file names; never anything secret.
#[derive(Debug, Default)]
pub struct KnownValues {
    values: Vec<KnownValue>,
    passed_over: Vec<String>,
}

/// One value: its bytes, and for one of several lines the form in which lines are compared.
#[derive(Debug)]
pub(super) struct KnownValue {
    pub(super) name: String,
    pub(super) bytes: SecretBytes,
    pub(super) lines: Option<SecretBytes>,
}

impl KnownValues {
    /// No values: a guard of these finds shapes only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value under a name. One that is there already, under whatever name, is not added
    /// again; one too weak to be looked for is [passed over](Self::passed_over).
    pub fn insert(&mut self, name: impl Into<String>, value: &SecretBytes) {
        let name = name.into();
        let bytes = value.expose().trim_ascii();
        if !is_distinctive(bytes) {
            self.passed_over.push(name);
            return;
        }
        let bytes = SecretBytes::copy_of(bytes.get(..MAX_MATCHED_BYTES).unwrap_or(bytes));
        if self.values.iter().any(|known| known.bytes == bytes) {
            return;
        }
        let lines = lines_of(bytes.expose());
        self.values.push(KnownValue { name, bytes, lines });
    }

    /// Adds every value that was resolved, under its reference.
    pub fn insert_resolved(&mut self, resolved: &crate::resolve::Resolved) {
        for (reference, found) in resolved.iter() {
            self.insert(reference.to_string(), &found.value);
        }
    }

    /// How many values are looked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether no value is looked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The names of the values that are too weak to be looked for, as they were added.
    #[must_use]
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    pub(super) fn take_passed_over(&mut self) -> Vec<String> {
        std::mem::take(&mut self.passed_over)
    }

    pub(super) fn into_values(self) -> Vec<KnownValue> {
        self.values
    }
}

fn is_distinctive(value: &[u8]) -> bool {
    if value.len() < MIN_VALUE_BYTES {
        return false;
    }
    if value
        .first()
        .is_some_and(|first| value.iter().all(|byte| byte == first))
    {
        return false;
    }
    if value.len() >= MIN_WORD_BYTES {
        return true;
    }
    let any = |class: fn(&u8) -> bool| value.iter().any(class);
    let letters = any(u8::is_ascii_alphabetic);
    let inner_capital =
        value.iter().skip(1).any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase);
    let sign = any(|byte| !byte.is_ascii_alphanumeric() && !b"-_./:@ ".contains(byte));
    (letters && any(u8::is_ascii_digit)) || inner_capital || sign
}

/// A value of several lines from its first line on that is long enough to be recognised by, without what
/// stands before lines.
fn lines_of(value: &[u8]) -> Option<SecretBytes> {
    use super::units::{Lines, Raw, Units as _};
    if !value.contains(&b'\n') {
        return None;
    }
    let mut units = Lines::new(Raw::new(value, 0));
    // As large as it can become: growing would leave copies behind.
    let mut lines = zeroize::Zeroizing::new(Vec::with_capacity(value.len()));
    let mut line = 0;
    while let Some(unit) = units.next() {
        let is_short = lines.len() - line < super::anchors::WINDOW;
        lines.push(unit);
        if unit == b'\n' && line == 0 && is_short {
            lines.clear();
        } else if unit == b'\n' {
            line = lines.len();
        }
    }
    (lines.len() >= MIN_WORD_BYTES).then(|| SecretBytes::copy_of(&lines))
}

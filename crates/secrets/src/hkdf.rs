//! HKDF-SHA-256 (RFC 5869), by aws-lc.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};

/// HKDF needs the length of its output as a type.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Fills `out` with what `key`, `salt` and `info` give. `out` has a fixed size in every caller: that of a key or an id.
pub(crate) fn derive<const N: usize>(key: &[u8], salt: &[u8], info: &[u8], out: &mut [u8; N]) {
    const { assert!(N <= 64) };
    Salt::new(HKDF_SHA256, salt)
        .extract(key)
        .expand(&[info], Length(N))
        .and_then(|okm| okm.fill(out))
        .expect("because HKDF-SHA-256 gives up to 8160 bytes, and at most 64 are asked for");
}

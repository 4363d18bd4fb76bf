//! FNV-1a (draft-eastlake-fnv), written down so that what is named by it keeps its name in every version and on every machine. Not for
//! input from somebody who gains by two that are equal.

/// 64 bits of hash of some bytes.
///
/// ```
/// assert_eq!(narae_logparse::hash::fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
/// ```
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// 128 bits, of pieces one after another.
pub(crate) fn fnv1a_128<'b>(pieces: impl Iterator<Item = &'b [u8]>) -> u128 {
    let hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    pieces.flatten().fold(hash, |hash: u128, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}

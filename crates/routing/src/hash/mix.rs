//! The hash behind keys and ids: FNV-1a spread by the finalizer of SplitMix64.
//!
//! FNV alone leaves the high bits of short keys alike; the finalizer (Steele, Lea, Flood, *Fast
//! splittable pseudorandom number generators*, 2014) is a bijection in which every bit depends on all.

pub(crate) fn hash(bytes: &[u8]) -> u64 {
    mix(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    }))
}

pub(crate) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

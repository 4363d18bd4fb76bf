//! Ketama as nginx has it (`hash … consistent`), point for point.

use crate::Backends;

/// Points on the ring per unit of weight.
const POINTS: u64 = 160;

/// The most points of a ring: 16 bytes each.
const MAX_POINTS: u64 = 1 << 22;

/// A ring of points, compatible with nginx, Pingora and Cache::Memcached::Fast: the points of a
/// backend are `crc32(HOST \0 PORT PREVIOUS)` over its address as configured.
///
/// A key moves only when its own backend leaves or shrinks, or another's point comes before it. Shares
/// are uneven (with 100 equal backends the busiest has 1.2 times the mean): take it to agree with
/// others, not for its balance.
#[derive(Clone, Debug)]
pub struct Ketama<K> {
    backends: Backends<K>,
    /// Sorted by hash, no hash twice; the first listed backend keeps one that two would have.
    ring: Box<[(u32, u16)]>,
}

/// Weights that make too large a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error(
    "weights that sum to {total}, at most {limit} for a ring: divide them all by the same number"
)]
pub struct KetamaError {
    /// The sum of weights.
    pub total: u64,
    /// The largest there may be.
    pub limit: u64,
}

impl<K: AsRef<str>> Ketama<K> {
    /// Ids are addresses as nginx is given them: `127.0.0.1:8080`, `example.com`, `unix:/path`.
    ///
    /// # Errors
    ///
    /// When the weights sum to more than a ring holds.
    pub fn new(backends: Backends<K>) -> Result<Self, KetamaError> {
        let total = backends.total();
        let limit = MAX_POINTS / POINTS;
        if total > limit {
            return Err(KetamaError { total, limit });
        }
        let mut ring: Vec<(u32, u16)> = Vec::new();
        for (index, (id, weight)) in backends.iter().enumerate() {
            let base = base(id.as_ref());
            // A list of backends has at most 4,096.
            let backend = u16::try_from(index).unwrap_or(u16::MAX);
            let mut previous = 0u32;
            for _ in 0..u64::from(weight.value()) * POINTS {
                previous = !crc32(base, &previous.to_le_bytes());
                ring.push((previous, backend));
            }
        }
        ring.sort_by_key(|(hash, _)| *hash);
        ring.dedup_by_key(|(hash, _)| *hash);
        let ring = ring.into_boxed_slice();
        Ok(Self { backends, ring })
    }
}

impl<K> Ketama<K> {
    /// The backend of a key.
    #[must_use]
    pub fn pick(&self, key: &[u8]) -> &K {
        let hash = !crc32(u32::MAX, key);
        let at = self.ring.partition_point(|(point, _)| *point < hash);
        let point = self.ring.get(at).or_else(|| self.ring.first());
        self.backends.id(point.map_or(0, |(_, backend)| *backend))
    }
}

/// The state of the checksum after host, zero byte and port, not yet finished.
fn base(address: &str) -> u32 {
    let unix = address
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("unix:"));
    let port = address
        .rsplit_once(':')
        .filter(|(_, port)| !unix && port.bytes().all(|b| b.is_ascii_digit()));
    let (host, port) = match port {
        Some((host, port)) => (host, port),
        None if unix => (address.get(5..).unwrap_or_default(), ""),
        None => (address, ""),
    };
    crc32(
        crc32(crc32(u32::MAX, host.as_bytes()), &[0]),
        port.as_bytes(),
    )
}

/// CRC-32 as in Ethernet and zlib, bits reflected; goes on from a state that is not complemented.
fn crc32(state: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(state, |state, byte| {
        let [low, ..] = (state ^ u32::from(*byte)).to_le_bytes();
        TABLE.get(usize::from(low)).copied().unwrap_or(0) ^ (state >> 8)
    })
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let mut bits = index as u32;
        let mut bit = 0;
        while bit < 8 {
            bits = if bits & 1 == 1 {
                bits >> 1 ^ 0xedb8_8320
            } else {
                bits >> 1
            };
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "below 256")]
        {
            table[index] = bits;
        }
        index += 1;
    }
    table
};

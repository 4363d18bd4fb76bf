//! Reading a pack from a stream that may lie about everything.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use flate2::bufread::ZlibDecoder;
use sha1::{Digest, Sha1};

use super::super::wire::ObjectId;
use super::{Kind, Object, delta};

const HEADER_BYTES: usize = 12;

/// How much a pack may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    max_objects: u32,
    max_object_bytes: usize,
    max_total_bytes: usize,
}

impl Limits {
    /// At most `max_objects` objects, `max_object_bytes` each and `max_total_bytes` together,
    /// uncompressed.
    #[must_use]
    pub const fn new(max_objects: u32, max_object_bytes: usize, max_total_bytes: usize) -> Self {
        Self {
            max_objects,
            max_object_bytes,
            max_total_bytes,
        }
    }
}

/// What a pack begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// How many objects follow.
    pub objects: u32,
}

impl Header {
    /// Reads the twelve bytes.
    ///
    /// # Errors
    ///
    /// [`PackError::Header`].
    pub fn parse(bytes: [u8; HEADER_BYTES]) -> Result<Self, PackError> {
        let [b'P', b'A', b'C', b'K', 0, 0, 0, 2 | 3, count @ ..] = bytes else {
            return Err(PackError::Header);
        };
        Ok(Self {
            objects: u32::from_be_bytes(count),
        })
    }
}

/// Why a pack cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// It does not begin as a pack.
    #[error("expected a pack of version 2 or 3, found something else")]
    Header,
    /// It ends too early.
    #[error("the pack ended early")]
    Ended,
    /// It has more objects than allowed.
    #[error("the pack has {objects} objects: at most {limit} are read")]
    TooMany {
        /// How many it says it has.
        objects: u32,
        /// How many are read.
        limit: u32,
    },
    /// An object, or all of them together, are larger than allowed.
    #[error("the pack has more than {limit} bytes to read")]
    TooLarge {
        /// How many are read.
        limit: usize,
    },
    /// An object's kind or size is not one.
    #[error("an object of the pack has no kind or size that git knows")]
    Entry,
    /// A difference does not fit its base.
    #[error("a difference in the pack does not fit the object it is from")]
    Delta,
    /// The object a difference is from is not here.
    #[error("a difference in the pack is from an object that is not there")]
    NoBase,
    /// The checksum at the end is not that of what came.
    #[error("the pack's checksum does not match")]
    Checksum,
    /// The stream failed, or its compression is damaged.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for PackError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::Ended
        } else {
            Self::Io(error)
        }
    }
}

/// Reads a whole pack. `known` gives objects from outside, for differences from them.
///
/// # Errors
///
/// When the stream is not a pack within `limits`; nothing of it is returned then.
pub fn read(
    input: impl BufRead,
    limits: &Limits,
    known: impl FnMut(&ObjectId) -> Option<Object>,
) -> Result<Vec<Object>, PackError> {
    let mut input = Counted {
        input,
        position: 0,
        hash: Sha1::new(),
    };
    let mut header = [0; HEADER_BYTES];
    input.read_exact(&mut header)?;
    let header = Header::parse(header)?;
    if header.objects > limits.max_objects {
        return Err(PackError::TooMany {
            objects: header.objects,
            limit: limits.max_objects,
        });
    }
    let mut reader = Reader {
        limits,
        known,
        budget: limits.max_total_bytes,
        objects: Vec::new(),
        places: HashMap::new(),
        waiting: HashMap::new(),
    };
    for _ in 0..header.objects {
        reader.entry(&mut input)?;
    }
    let computed: [u8; 20] = input.hash.finalize().into();
    let mut checksum = [0; 20];
    input.input.read_exact(&mut checksum)?;
    if checksum != computed {
        return Err(PackError::Checksum);
    }
    if reader.waiting.is_empty() {
        Ok(reader.objects)
    } else {
        Err(PackError::NoBase)
    }
}

/// A difference whose base has not come yet.
#[derive(Debug)]
struct Waiting {
    offset: u64,
    delta: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Base {
    Offset(u64),
    Id(ObjectId),
}

struct Reader<'a, K> {
    limits: &'a Limits,
    known: K,
    /// How many bytes may still come.
    budget: usize,
    objects: Vec<Object>,
    /// Which object begins at an offset of the pack, and which has an id.
    places: HashMap<Base, usize>,
    /// By what they wait for.
    waiting: HashMap<Base, Vec<Waiting>>,
}

impl<K: FnMut(&ObjectId) -> Option<Object>> Reader<'_, K> {
    fn entry(&mut self, input: &mut Counted<impl BufRead>) -> Result<(), PackError> {
        let offset = input.position;
        let (code, size) = entry_header(input)?;
        match code {
            6 => {
                let distance = distance(input)?;
                let base = offset.checked_sub(distance).ok_or(PackError::NoBase)?;
                let delta = self.inflate(input, size)?;
                self.resolve(offset, Base::Offset(base), delta)
            }
            7 => {
                let mut id = [0; 20];
                input.read_exact(&mut id)?;
                let delta = self.inflate(input, size)?;
                self.resolve(offset, Base::Id(ObjectId::from_bytes(id)), delta)
            }
            code => {
                let kind = Kind::from_code(code).ok_or(PackError::Entry)?;
                let bytes = self.inflate(input, size)?;
                self.keep(offset, Object::new(kind, bytes))
            }
        }
    }

    fn resolve(&mut self, offset: u64, base: Base, delta: Vec<u8>) -> Result<(), PackError> {
        match self.applied(base, &delta)? {
            Some(object) => self.keep(offset, object),
            None => {
                let waiting = Waiting { offset, delta };
                self.waiting.entry(base).or_default().push(waiting);
                Ok(())
            }
        }
    }

    fn applied(&mut self, base: Base, delta: &[u8]) -> Result<Option<Object>, PackError> {
        let place = self.places.get(&base);
        let outside;
        let base = match (place.and_then(|place| self.objects.get(*place)), base) {
            (Some(object), _) => object,
            (None, Base::Id(id)) => match (self.known)(&id) {
                Some(object) => {
                    outside = object;
                    &outside
                }
                None => return Ok(None),
            },
            (None, Base::Offset(_)) => return Ok(None),
        };
        let limit = self.limits.max_object_bytes.min(self.budget);
        let bytes = delta::apply(base.bytes(), delta, limit)?;
        self.budget -= bytes.len();
        Ok(Some(Object::new(base.kind(), bytes)))
    }

    /// Keeps the object, and those that waited for it, and those that waited for these.
    fn keep(&mut self, offset: u64, object: Object) -> Result<(), PackError> {
        let mut ready = vec![(offset, object)];
        while let Some((offset, object)) = ready.pop() {
            let names = [Base::Offset(offset), Base::Id(object.id())];
            self.places
                .extend(names.map(|name| (name, self.objects.len())));
            self.objects.push(object);
            for name in names {
                for Waiting { offset, delta } in self.waiting.remove(&name).unwrap_or_default() {
                    let object = self.applied(name, &delta)?.ok_or(PackError::NoBase)?;
                    ready.push((offset, object));
                }
            }
        }
        Ok(())
    }

    fn inflate(
        &mut self,
        input: &mut Counted<impl BufRead>,
        size: usize,
    ) -> Result<Vec<u8>, PackError> {
        // What a size may reserve before a byte of it has come.
        const FIRST: usize = 64 * 1024;
        let limit = self.limits.max_object_bytes.min(self.budget);
        if size > limit {
            return Err(PackError::TooLarge { limit });
        }
        self.budget -= size;
        let mut bytes = Vec::with_capacity(size.min(FIRST));
        // One more than it says: so the compression's own end, with its checksum, is read as well.
        let most = u64::try_from(size).unwrap_or(u64::MAX).saturating_add(1);
        ZlibDecoder::new(input).take(most).read_to_end(&mut bytes)?;
        if bytes.len() == size {
            Ok(bytes)
        } else {
            Err(PackError::Entry)
        }
    }
}

/// Code of the kind, and size.
fn entry_header(input: &mut impl Read) -> Result<(u8, usize), PackError> {
    let mut byte = next(input)?;
    let code = byte >> 4 & 0x07;
    let mut size = usize::from(byte & 0x0f);
    let mut shift = 4;
    while byte & 0x80 != 0 {
        byte = next(input)?;
        let part = usize::from(byte & 0x7f);
        let high = part
            .checked_shl(shift)
            .filter(|value| value >> shift == part)
            .ok_or(PackError::Entry)?;
        size |= high;
        shift += 7;
    }
    Ok((code, size))
}

/// How far back the base of a difference begins.
fn distance(input: &mut impl Read) -> Result<u64, PackError> {
    let mut byte = next(input)?;
    let mut distance = u64::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = next(input)?;
        distance = distance
            .checked_add(1)
            .and_then(|distance| distance.checked_mul(128))
            .ok_or(PackError::Entry)?
            | u64::from(byte & 0x7f);
    }
    Ok(distance)
}

fn next(input: &mut impl Read) -> Result<u8, PackError> {
    let mut byte = [0];
    input.read_exact(&mut byte)?;
    let [byte] = byte;
    Ok(byte)
}

/// Counts and hashes what is taken.
struct Counted<R> {
    input: R,
    position: u64,
    hash: Sha1,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(bytes)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if amount == 0 {
            return;
        }
        // The buffer is still there: `consume` follows `fill_buf`.
        if let Ok(buffer) = self.input.fill_buf() {
            self.hash.update(buffer.get(..amount).unwrap_or_default());
        }
        self.position = self
            .position
            .saturating_add(u64::try_from(amount).unwrap_or(u64::MAX));
        self.input.consume(amount);
    }
}

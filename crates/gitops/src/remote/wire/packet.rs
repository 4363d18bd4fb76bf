//! Packet lines: four hexadecimal digits of length, then that many bytes less four.
//!
//! Source: `gitprotocol-common`, "pkt-line Format". Lengths 0 to 2 are marks without bytes; 3 is invalid.

use std::io::{self, Read};

use super::shown;

/// Most bytes one packet may have, its length included.
pub const MAX_PACKET_BYTES: usize = 65_520;
const HEADER_BYTES: usize = 4;

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has these four")]
pub enum Packet<'a> {
    /// Bytes; perhaps none.
    Data(&'a [u8]),
    /// `0000`: the end of a message.
    Flush,
    /// `0001`: the end of a section.
    Delimiter,
    /// `0002`: the end of a response, where the connection does not tell.
    ResponseEnd,
}

/// Reads packets from a stream.
#[derive(Debug)]
pub struct PacketReader<R> {
    input: R,
    packet: Vec<u8>,
}

impl<R: Read> PacketReader<R> {
    /// Reads from `input`, a packet's bytes at a time.
    pub fn new(input: R) -> Self {
        Self {
            input,
            packet: Vec::new(),
        }
    }

    /// The next packet. Its bytes stay until the next call.
    ///
    /// # Errors
    ///
    /// [`WireError::Length`], [`WireError::Ended`], [`WireError::Said`] when the packet is the
    /// server's `ERR …`, [`WireError::Io`].
    pub fn read(&mut self) -> Result<Packet<'_>, WireError> {
        let mut header = [0; HEADER_BYTES];
        exactly(&mut self.input, &mut header)?;
        let length = std::str::from_utf8(&header)
            .ok()
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| usize::from_str_radix(digits, 16).ok());
        let length = match length {
            Some(0) => return Ok(Packet::Flush),
            Some(1) => return Ok(Packet::Delimiter),
            Some(2) => return Ok(Packet::ResponseEnd),
            Some(length @ HEADER_BYTES..=MAX_PACKET_BYTES) => length - HEADER_BYTES,
            _ => return Err(WireError::Length(shown(&header))),
        };
        self.packet.clear();
        self.packet.resize(length, 0);
        exactly(&mut self.input, &mut self.packet)?;
        match self.packet.strip_prefix(b"ERR ") {
            Some(words) => Err(WireError::Said(shown(words))),
            None => Ok(Packet::Data(&self.packet)),
        }
    }

    /// The next packet as a line without its newline; `None` at a flush.
    ///
    /// # Errors
    ///
    /// As [`PacketReader::read`], and [`WireError::Unexpected`] at any other mark.
    pub fn line(&mut self) -> Result<Option<&[u8]>, WireError> {
        match self.read()? {
            Packet::Data(line) => Ok(Some(line.strip_suffix(b"\n").unwrap_or(line))),
            Packet::Flush => Ok(None),
            Packet::Delimiter | Packet::ResponseEnd => {
                Err(WireError::unexpected("a line", b"a mark"))
            }
        }
    }

    /// The stream, at the end of the last packet.
    pub fn into_inner(self) -> R {
        self.input
    }
}

/// Makes a message of packets.
#[derive(Clone, Debug, Default)]
pub struct PacketWriter(Vec<u8>);

impl PacketWriter {
    /// An empty message.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a packet of `bytes`.
    ///
    /// # Errors
    ///
    /// [`WireError::TooLong`] when it does not fit in one.
    pub fn data(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let length = bytes.len() + HEADER_BYTES;
        if length > MAX_PACKET_BYTES {
            return Err(WireError::TooLong {
                length: bytes.len(),
            });
        }
        self.0.extend_from_slice(format!("{length:04x}").as_bytes());
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    /// Adds a packet of `text` and a newline.
    ///
    /// # Errors
    ///
    /// As [`PacketWriter::data`].
    pub fn line(&mut self, text: &str) -> Result<(), WireError> {
        self.data(format!("{text}\n").as_bytes())
    }

    /// Adds the mark `0000`.
    pub fn flush(&mut self) {
        self.0.extend_from_slice(b"0000");
    }

    /// Adds the mark `0001`.
    pub fn delimiter(&mut self) {
        self.0.extend_from_slice(b"0001");
    }

    /// The bytes to send.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// What came was not what the protocol says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A packet's length is not one.
    #[error("expected the length of a packet, found `{0}`: not a git server?")]
    Length(String),
    /// The stream ended within a message.
    #[error("the server ended the connection in the middle of a message")]
    Ended,
    /// A packet to send is too long.
    #[error("{length} bytes do not fit in a packet: at most 65516")]
    TooLong {
        /// How many bytes there were.
        length: usize,
    },
    /// The server refused, in its words.
    #[error("the server says: {0}")]
    Said(String),
    /// A message is not what it should be.
    #[error("expected {expected}, found `{found}`")]
    Unexpected {
        /// What should have come.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// Several references are to move, and the server cannot move them as one.
    #[error("the server cannot move several branches as one (`receive.advertiseAtomic`)")]
    NotAtomic,
    /// There is more of something than is read.
    #[error("more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are read.
        limit: usize,
    },
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl WireError {
    pub(crate) fn unexpected(expected: &'static str, found: &[u8]) -> Self {
        Self::Unexpected {
            expected,
            found: shown(found),
        }
    }
}

impl From<WireError> for io::Error {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Io(error) => error,
            other => Self::other(other),
        }
    }
}

fn exactly(input: &mut impl Read, bytes: &mut [u8]) -> Result<(), WireError> {
    input.read_exact(bytes).map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            WireError::Ended
        } else {
            recovered(error)
        }
    })
}

/// A wire error that went through a reader as an I/O error is that wire error again.
fn recovered(error: io::Error) -> WireError {
    match error.downcast::<WireError>() {
        Ok(inner) => inner,
        Err(error) => WireError::Io(error),
    }
}

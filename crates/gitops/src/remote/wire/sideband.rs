//! Three streams in one: bytes, what the server says to people, and its last words.
//!
//! Source: `gitprotocol-pack`, "Packfile Data" (`side-band-64k`).

use std::io::{self, BufRead, Read};

use super::{Packet, PacketReader, WireError, shown};

/// How much of what a server says to people is kept.
pub const MAX_SAID_BYTES: usize = 16 * 1024;

/// The bytes of band 1. What band 2 says goes to a listener, line by line.
pub struct Sideband<'a, R> {
    packets: &'a mut PacketReader<R>,
    chunk: Vec<u8>,
    position: usize,
    ended: bool,
    said: &'a mut Said,
}

impl<R> std::fmt::Debug for Sideband<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sideband")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl<'a, R: Read> Sideband<'a, R> {
    /// Reads from `packets` until a flush.
    pub fn new(packets: &'a mut PacketReader<R>, said: &'a mut Said) -> Self {
        Self {
            packets,
            chunk: Vec::new(),
            position: 0,
            ended: false,
            said,
        }
    }

    /// Reads on to the flush that ends the bands, past bytes nobody wants.
    ///
    /// # Errors
    ///
    /// As reading.
    pub fn finish(&mut self) -> io::Result<()> {
        while !self.fill_buf()?.is_empty() {
            self.position = self.chunk.len();
        }
        Ok(())
    }

    fn next_chunk(&mut self) -> Result<(), WireError> {
        while !self.ended && self.position == self.chunk.len() {
            match self.packets.read()? {
                Packet::Flush => self.ended = true,
                Packet::Data([1, bytes @ ..]) => {
                    self.chunk.clear();
                    self.chunk.extend_from_slice(bytes);
                    self.position = 0;
                }
                Packet::Data([2, words @ ..]) => self.said.hear(words),
                Packet::Data([3, words @ ..]) => return Err(WireError::Said(shown(words))),
                Packet::Data(other) => return Err(WireError::unexpected("a side band", other)),
                Packet::Delimiter | Packet::ResponseEnd => {
                    return Err(WireError::unexpected("a side band", b"a mark"));
                }
            }
        }
        Ok(())
    }
}

impl<R: Read> BufRead for Sideband<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.next_chunk()?;
        Ok(self.chunk.get(self.position..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.position = (self.position + amount).min(self.chunk.len());
    }
}

impl<R: Read> Read for Sideband<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(bytes)?;
        self.consume(count);
        Ok(count)
    }
}

/// What a server said to people: the first [`MAX_SAID_BYTES`] of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said(Vec<u8>);

impl Said {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn hear(&mut self, words: &[u8]) {
        let room = MAX_SAID_BYTES.saturating_sub(self.0.len());
        self.0
            .extend_from_slice(words.get(..room.min(words.len())).unwrap_or_default());
    }

    /// The lines, without control characters. Of a line that was overwritten (progress), the last
    /// state.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.0);
        text.split('\n')
            .map(|line| line.trim_end_matches('\r'))
            .map(|line| line.rsplit('\r').next().unwrap_or_default())
            .map(|line| shown(line.as_bytes()))
            .filter(|line| !line.is_empty())
            .collect()
    }
}

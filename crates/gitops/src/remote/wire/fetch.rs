//! Asking for objects (`fetch` of version 2).
//!
//! One round: every want is named, `done` is said at once, the answer is a pack. Negotiation would
//! cost trips and save nothing where single objects are asked for by their ids.

use std::io::Read;

use super::{AGENT, ObjectId, Packet, PacketReader, PacketWriter, Said, Sideband, WireError};

/// Which objects to ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchRequest {
    wants: Vec<ObjectId>,
    haves: Vec<ObjectId>,
    shallow: Vec<ObjectId>,
    depth: Option<u32>,
    filter: Option<String>,
}

impl FetchRequest {
    /// The objects named and, within depth and filter, what they refer to.
    #[must_use]
    pub fn new(wants: Vec<ObjectId>) -> Self {
        Self {
            wants,
            ..Self::default()
        }
    }

    /// Commits that are here with all they refer to, except for their parents: not sent again.
    #[must_use]
    pub fn with_shallow_haves(self, haves: Vec<ObjectId>) -> Self {
        Self {
            shallow: haves.clone(),
            haves,
            ..self
        }
    }

    /// Only so many commits deep.
    #[must_use]
    pub fn with_depth(self, depth: u32) -> Self {
        Self {
            depth: Some(depth),
            ..self
        }
    }

    /// Of what the wanted objects refer to, only what this filter lets through: `tree:0`.
    #[must_use]
    pub fn with_filter(self, filter: impl Into<String>) -> Self {
        Self {
            filter: Some(filter.into()),
            ..self
        }
    }

    pub(crate) fn has_haves(&self) -> bool {
        !self.haves.is_empty()
    }

    /// The bytes to send.
    ///
    /// # Errors
    ///
    /// [`WireError::TooLong`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let mut packets = PacketWriter::new();
        packets.line("command=fetch")?;
        packets.line(&format!("agent={AGENT}"))?;
        packets.line("object-format=sha1")?;
        packets.delimiter();
        packets.line("no-progress")?;
        packets.line("ofs-delta")?;
        if !self.haves.is_empty() {
            // Without it git leaves out nothing of what these have where there is a depth.
            packets.line("thin-pack")?;
        }
        for id in &self.shallow {
            packets.line(&format!("shallow {id}"))?;
        }
        if let Some(depth) = self.depth {
            packets.line(&format!("deepen {depth}"))?;
        }
        if let Some(filter) = &self.filter {
            packets.line(&format!("filter {filter}"))?;
        }
        for id in &self.wants {
            packets.line(&format!("want {id}"))?;
        }
        for id in &self.haves {
            packets.line(&format!("have {id}"))?;
        }
        packets.line("done")?;
        packets.flush();
        Ok(packets.into_bytes())
    }
}

/// The answer up to its pack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchResponse {
    /// Commits whose parents are not sent.
    pub shallow: Vec<ObjectId>,
    /// Commits whose parents are here now.
    pub unshallow: Vec<ObjectId>,
}

impl FetchResponse {
    /// Most shallow boundaries that are read.
    const MAX_BOUNDARIES: usize = 1_000_000;

    /// Reads the sections before the pack; what follows is the pack in a [`Sideband`].
    ///
    /// # Errors
    ///
    /// As [`PacketReader::read`]; [`WireError::Unexpected`]; [`WireError::TooMany`].
    pub fn read<R: Read>(packets: &mut PacketReader<R>) -> Result<Self, WireError> {
        let mut response = Self::default();
        loop {
            match packets.read()? {
                Packet::Data(b"packfile\n" | b"packfile") => return Ok(response),
                Packet::Data(b"shallow-info\n" | b"shallow-info") => {
                    response.boundaries(packets)?;
                }
                Packet::Data(b"acknowledgments\n" | b"acknowledgments") => {
                    while let Packet::Data(_) = packets.read()? {}
                }
                Packet::Data(other) => return Err(WireError::unexpected("a pack", other)),
                _ => return Err(WireError::unexpected("a pack", b"a mark")),
            }
        }
    }

    fn boundaries<R: Read>(&mut self, packets: &mut PacketReader<R>) -> Result<(), WireError> {
        while let Packet::Data(line) = packets.read()? {
            if self.shallow.len() + self.unshallow.len() == Self::MAX_BOUNDARIES {
                return Err(WireError::TooMany {
                    what: "shallow boundaries",
                    limit: Self::MAX_BOUNDARIES,
                });
            }
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let wrong = || WireError::unexpected("a shallow boundary", line);
            let (list, id) = if let Some(id) = line.strip_prefix(b"shallow ") {
                (&mut self.shallow, id)
            } else if let Some(id) = line.strip_prefix(b"unshallow ") {
                (&mut self.unshallow, id)
            } else {
                return Err(wrong());
            };
            list.push(ObjectId::parse(id).ok_or_else(wrong)?);
        }
        Ok(())
    }

    /// The pack that follows.
    pub fn pack<'a, R: Read>(
        packets: &'a mut PacketReader<R>,
        said: &'a mut Said,
    ) -> Sideband<'a, R> {
        Sideband::new(packets, said)
    }
}

//! What a server says first: its capabilities, and for a push where the branches stand.
//!
//! Sources: `gitprotocol-v2`, "Capability Advertisement"; `gitprotocol-pack`, "Reference
//! Discovery"; `gitprotocol-http`, "Smart Clients" for the line a web server puts before it.

use std::io::Read;

use super::{MAX_REFERENCES, ObjectId, Packet, PacketReader, WireError};

/// Most capabilities that are read; servers have about ten.
pub const MAX_CAPABILITIES: usize = 1_000;

/// What a server that speaks version 2 can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<(String, String)>);

impl Capabilities {
    /// Reads the advertisement of version 2; `None` when the server speaks another version, of
    /// which only the beginning has been read.
    ///
    /// # Errors
    ///
    /// As [`PacketReader::read`]; [`WireError::TooMany`] past [`MAX_CAPABILITIES`].
    pub fn read<R: Read>(packets: &mut PacketReader<R>) -> Result<Option<Self>, WireError> {
        let mut line = first_line(packets)?;
        if line.as_deref() != Some(b"version 2".as_slice()) {
            return Ok(None);
        }
        let mut capabilities = Vec::new();
        loop {
            line = packets.line()?.map(<[u8]>::to_vec);
            let Some(line) = &line else { break };
            if capabilities.len() == MAX_CAPABILITIES {
                return Err(WireError::TooMany {
                    what: "capabilities",
                    limit: MAX_CAPABILITIES,
                });
            }
            let text = String::from_utf8_lossy(line);
            let (name, value) = text.split_once('=').unwrap_or((&text, ""));
            capabilities.push((name.to_owned(), value.to_owned()));
        }
        Ok(Some(Self(capabilities)))
    }

    /// The value of the capability `name`; empty when it has none.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the command `command` has the feature `feature`: `fetch=shallow filter`.
    #[must_use]
    pub fn has(&self, command: &str, feature: &str) -> bool {
        self.value(command)
            .is_some_and(|value| value.split(' ').any(|found| found == feature))
    }
}

/// Where references stand for a push, and what the server can do then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushable {
    tips: Vec<(String, ObjectId)>,
    capabilities: Vec<String>,
}

impl Pushable {
    /// Reads the advertisement of `receive-pack`; of the references only those `wanted` are kept, and none where objects
    /// have another format than SHA-1.
    ///
    /// # Errors
    ///
    /// As [`PacketReader::read`]; [`WireError::TooMany`] past [`MAX_REFERENCES`];
    /// [`WireError::Unexpected`].
    pub fn read<R: Read>(
        packets: &mut PacketReader<R>,
        wanted: &[&str],
    ) -> Result<Self, WireError> {
        let mut found = Self::default();
        let mut line = first_line(packets)?;
        if line.as_deref() == Some(b"version 1".as_slice()) {
            line = packets.line()?.map(<[u8]>::to_vec);
        }
        for count in 0_usize.. {
            let Some(whole) = line else { break };
            if count == MAX_REFERENCES {
                return Err(WireError::TooMany {
                    what: "references",
                    limit: MAX_REFERENCES,
                });
            }
            let mut parts = whole.splitn(2, |byte| *byte == 0);
            let reference = parts.next().unwrap_or_default();
            if let Some(capabilities) = parts.next() {
                let text = String::from_utf8_lossy(capabilities);
                found.capabilities = text
                    .split_ascii_whitespace()
                    .take(MAX_CAPABILITIES)
                    .map(str::to_owned)
                    .collect();
            }
            // Ids of another length are none of ours.
            if matches!(found.value("object-format"), None | Some("sha1")) {
                found.take(reference, wanted)?;
            }
            line = packets.line()?.map(<[u8]>::to_vec);
        }
        Ok(found)
    }

    fn take(&mut self, reference: &[u8], wanted: &[&str]) -> Result<(), WireError> {
        if reference.starts_with(b"shallow ") {
            return Ok(());
        }
        let wrong = || WireError::unexpected("a reference", reference);
        let (id, rest) = reference.split_at_checked(40).ok_or_else(wrong)?;
        let id = ObjectId::parse(id).ok_or_else(wrong)?;
        let name = rest.strip_prefix(b" ").ok_or_else(wrong)?;
        if let Some(name) = wanted.iter().find(|wanted| wanted.as_bytes() == name)
            && self.tip(name).is_none()
        {
            self.tips.push(((*name).to_owned(), id));
        }
        Ok(())
    }

    /// Where a reference that was wanted stands; `None` when there is none.
    #[must_use]
    pub fn tip(&self, reference: &str) -> Option<ObjectId> {
        let mut tips = self.tips.iter();
        tips.find(|(name, _)| name == reference).map(|(_, id)| *id)
    }

    /// Whether the server can do `capability`.
    #[must_use]
    pub fn has(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|found| found == capability)
    }

    /// What follows `name=`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.capabilities
            .iter()
            .filter_map(|found| found.split_once('='))
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }
}

/// The first line; a web server's `# service=…` and the flush after it are passed over.
fn first_line<R: Read>(packets: &mut PacketReader<R>) -> Result<Option<Vec<u8>>, WireError> {
    let first = packets.line()?.map(<[u8]>::to_vec);
    if !first
        .as_deref()
        .is_some_and(|line| line.starts_with(b"# service="))
    {
        return Ok(first);
    }
    match packets.read()? {
        Packet::Flush => Ok(packets.line()?.map(<[u8]>::to_vec)),
        // Some servers leave the flush out, as the first text of the protocol did.
        Packet::Data(line) => Ok(Some(line.strip_suffix(b"\n").unwrap_or(line).to_vec())),
        Packet::Delimiter | Packet::ResponseEnd => {
            Err(WireError::unexpected("an advertisement", b"a mark"))
        }
    }
}

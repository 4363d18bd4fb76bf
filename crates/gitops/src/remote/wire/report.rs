//! Moving a branch (`receive-pack`), and the server's report about it.
//!
//! Sources: `gitprotocol-pack`, "Reference Update Request and Packfile Transfer" and "Report
//! Status"; `gitprotocol-capabilities` for `report-status-v2`, `atomic` and `push-options`.

use std::io::Read;

use super::{
    AGENT, MAX_REFERENCES, ObjectId, PacketReader, PacketWriter, Pushable, WireError, shown,
};

/// Branches to move, each from where it must stand: all of them, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushRequest {
    moves: Vec<Move>,
    options: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Move {
    reference: String,
    old: Option<ObjectId>,
    new: ObjectId,
}

impl PushRequest {
    /// `reference` from `old` (`None`: it must not exist) to `new`.
    #[must_use]
    pub fn new(reference: impl Into<String>, old: Option<ObjectId>, new: ObjectId) -> Self {
        Self::default().and(reference, old, new)
    }

    /// Another one with it.
    #[must_use]
    pub fn and(
        mut self,
        reference: impl Into<String>,
        old: Option<ObjectId>,
        new: ObjectId,
    ) -> Self {
        let reference = reference.into();
        self.moves.push(Move {
            reference,
            old,
            new,
        });
        self
    }

    /// Words for the server's hooks or its forge: `merge_request.create`.
    #[must_use]
    pub fn with_options(self, options: Vec<String>) -> Self {
        Self { options, ..self }
    }

    /// The bytes to send, before the pack.
    ///
    /// # Errors
    ///
    /// [`WireError::Unexpected`] when the server cannot report or cannot take the options; [`WireError::NotAtomic`];
    /// [`WireError::TooLong`].
    pub fn to_bytes(&self, server: &Pushable) -> Result<Vec<u8>, WireError> {
        let report = ["report-status-v2", "report-status"]
            .into_iter()
            .find(|capability| server.has(capability))
            .ok_or_else(|| WireError::unexpected("a server that reports", b"one that does not"))?;
        let mut capabilities = vec![report.to_owned()];
        for capability in ["side-band-64k", "atomic", "quiet"] {
            if server.has(capability) {
                capabilities.push(capability.to_owned());
            }
        }
        if self.moves.len() > 1 && !server.has("atomic") {
            return Err(WireError::NotAtomic);
        }
        if server.value("object-format").is_some() {
            capabilities.push("object-format=sha1".to_owned());
        }
        if !self.options.is_empty() {
            if !server.has("push-options") {
                return Err(WireError::unexpected(
                    "a server that takes push options (`receive.advertisePushOptions`)",
                    b"one that does not",
                ));
            }
            capabilities.push("push-options".to_owned());
        }
        capabilities.push(format!("agent={AGENT}"));
        let mut capabilities = format!("\0 {}", capabilities.join(" "));
        let mut packets = PacketWriter::new();
        for command in &self.moves {
            let old = command.old.unwrap_or(ObjectId::ZERO);
            let (new, reference) = (command.new, &command.reference);
            // They stand behind the first.
            let capabilities = std::mem::take(&mut capabilities);
            packets.data(format!("{old} {new} {reference}{capabilities}").as_bytes())?;
        }
        packets.flush();
        if !self.options.is_empty() {
            for option in &self.options {
                packets.data(option.as_bytes())?;
            }
            packets.flush();
        }
        Ok(packets.into_bytes())
    }
}

/// What the server says about each reference that was to move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    unpack: Option<String>,
    references: Vec<(String, Option<String>)>,
}

impl Report {
    /// Reads a report of either version.
    ///
    /// # Errors
    ///
    /// As [`PacketReader::read`]; [`WireError::Unexpected`]; [`WireError::TooMany`].
    pub fn read<R: Read>(packets: &mut PacketReader<R>) -> Result<Self, WireError> {
        let mut report = Self::default();
        match packets.line()? {
            Some(b"unpack ok") => {}
            Some(line) => match line.strip_prefix(b"unpack ") {
                Some(words) => report.unpack = Some(shown(words)),
                None => return Err(WireError::unexpected("`unpack …`", line)),
            },
            None => return Err(WireError::unexpected("`unpack …`", b"the end")),
        }
        while let Some(line) = packets.line()? {
            if report.references.len() == MAX_REFERENCES {
                return Err(WireError::TooMany {
                    what: "references",
                    limit: MAX_REFERENCES,
                });
            }
            if let Some(name) = line.strip_prefix(b"ok ") {
                let name = String::from_utf8_lossy(name).into_owned();
                report.references.push((name, None));
            } else if let Some(rest) = line.strip_prefix(b"ng ") {
                let text = String::from_utf8_lossy(rest);
                let (name, reason) = text.split_once(' ').unwrap_or((&text, "refused"));
                let reason = shown(reason.as_bytes());
                report.references.push((name.to_owned(), Some(reason)));
            } else if !line.starts_with(b"option ") {
                return Err(WireError::unexpected("`ok …` or `ng …`", line));
            }
        }
        Ok(report)
    }

    /// Why `reference` did not move; `None` when it did. A report that does not name it is a no.
    #[must_use]
    pub fn refusal(&self, reference: &str) -> Option<&str> {
        if let Some(words) = &self.unpack {
            return Some(words);
        }
        match self.references.iter().find(|(name, _)| name == reference) {
            Some((_, reason)) => reason.as_deref(),
            None => Some("the server does not say that it moved the branch"),
        }
    }
}

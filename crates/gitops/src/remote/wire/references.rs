//! Asking where branches stand (`ls-refs` of version 2).

use std::io::Read;

use super::{AGENT, ObjectId, PacketReader, PacketWriter, WireError};

/// Most references that are read. Servers have been seen with some ten thousand.
pub const MAX_REFERENCES: usize = 1_000_000;

/// A reference of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reference {
    /// The whole name: `refs/heads/main`; bytes that are not UTF-8 replaced.
    pub name: String,
    /// The object; `None` while it is unborn.
    pub id: Option<ObjectId>,
    /// The reference it stands for, if it is an alias: `HEAD`.
    pub target: Option<String>,
}

/// Which references to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferencesRequest(Vec<String>);

impl ReferencesRequest {
    /// References whose names begin with one of `prefixes`. A server may send more.
    pub fn new<T: Into<String>>(prefixes: impl IntoIterator<Item = T>) -> Self {
        Self(prefixes.into_iter().map(Into::into).collect())
    }

    /// The bytes to send.
    ///
    /// # Errors
    ///
    /// [`WireError::TooLong`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        let mut packets = PacketWriter::new();
        packets.line("command=ls-refs")?;
        packets.line(&format!("agent={AGENT}"))?;
        packets.line("object-format=sha1")?;
        packets.delimiter();
        packets.line("symrefs")?;
        for prefix in &self.0 {
            packets.line(&format!("ref-prefix {prefix}"))?;
        }
        packets.flush();
        Ok(packets.into_bytes())
    }

    /// Reads the answer and keeps what was asked for.
    ///
    /// # Errors
    ///
    /// As [`PacketReader::read`]; [`WireError::Unexpected`]; [`WireError::TooMany`].
    pub fn read<R: Read>(
        &self,
        packets: &mut PacketReader<R>,
    ) -> Result<Vec<Reference>, WireError> {
        let mut found = Vec::new();
        let mut count = 0;
        while let Some(line) = packets.line()? {
            if count == MAX_REFERENCES {
                return Err(WireError::TooMany {
                    what: "references",
                    limit: MAX_REFERENCES,
                });
            }
            count += 1;
            let reference =
                parse(line).ok_or_else(|| WireError::unexpected("a reference", line))?;
            if self
                .0
                .iter()
                .any(|prefix| reference.name.starts_with(prefix.as_str()))
            {
                found.push(reference);
            }
        }
        Ok(found)
    }
}

fn parse(line: &[u8]) -> Option<Reference> {
    let text = String::from_utf8_lossy(line);
    let mut parts = text.split(' ');
    let id = match parts.next()? {
        "unborn" => None,
        id => Some(ObjectId::parse(id.as_bytes())?),
    };
    let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
    let target = parts
        .find_map(|attribute| attribute.strip_prefix("symref-target:"))
        .map(str::to_owned);
    Some(Reference { name, id, target })
}

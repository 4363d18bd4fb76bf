//! Git's wire protocol as values and bytes: packet lines, advertisements, requests, reports.
//!
//! Nothing here opens a connection; readers take any [`std::io::Read`] or [`std::io::BufRead`], requests are bytes. Sources:
//! git's `gitprotocol-common`, `gitprotocol-pack` and `gitprotocol-v2`.
//!
//! Whatever comes from a server has a limit with a name: [`MAX_PACKET_BYTES`], [`MAX_CAPABILITIES`],
//! [`MAX_REFERENCES`], [`MAX_SAID_BYTES`].

mod advertisement;
mod fetch;
mod id;
mod packet;
mod references;
mod report;
mod sideband;

pub use advertisement::{Capabilities, MAX_CAPABILITIES, Pushable};
pub use fetch::{FetchRequest, FetchResponse};
pub use id::{ObjectId, ObjectIdError};
pub use packet::{MAX_PACKET_BYTES, Packet, PacketReader, PacketWriter, WireError};
pub use references::{MAX_REFERENCES, Reference, ReferencesRequest};
pub use report::{PushRequest, Report};
pub use sideband::{MAX_SAID_BYTES, Said, Sideband};

/// Who we are, to a server's log.
pub(crate) const AGENT: &str = concat!("narae-gitops/", env!("CARGO_PKG_VERSION"));

/// Text of a server, fit for a message: no control characters, not endless.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const MAX_SHOWN_CHARS: usize = 300;
    let text: String = String::from_utf8_lossy(bytes)
        .chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    let text = text.trim();
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

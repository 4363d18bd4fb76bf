//! HTTP/2 by hand, so that tests can say exactly which frames are sent.

use std::io::{Read, Write};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// `GET / http a`, by indices of HPACK's static table.
pub(crate) const REQUEST: [u8; 6] = [0x82, 0x86, 0x84, 0x41, 1, b'a'];

/// RFC 9113, 4.1.
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) flags: u8,
    pub(crate) payload: Vec<u8>,
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Reads one; `None` at the end of the connection.
pub(crate) fn read_frame(from: &mut impl Read) -> Option<Frame> {
    let mut head = [0; 9];
    from.read_exact(&mut head).ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    from.read_exact(&mut payload).ok()?;
    Some(Frame {
        kind: head[3],
        flags: head[4],
        stream: u32::from_be_bytes(head[5..].try_into().unwrap()),
        payload,
    })
}

/// Reads until a frame that is about more than the connection, all of which it answers.
pub(crate) fn next_frame(connection: &mut (impl Read + Write)) -> Option<Frame> {
    loop {
        let frame = read_frame(connection)?;
        let answer = match frame.kind {
            SETTINGS | PING if frame.flags & ACK != 0 => continue,
            SETTINGS => Vec::new(),
            PING => frame.payload,
            _ => return Some(frame),
        };
        let answer = self::frame(frame.kind, ACK, 0, &answer);
        connection.write_all(&answer).ok()?;
    }
}

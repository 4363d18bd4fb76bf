//! Bytes that somebody writes while they are read. A thread waits for them, so that nobody else does when nothing comes, and
//! unpacks them if they are compressed.

use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use crate::input::Compression;

/// Read at a time: what a pipe holds.
const CHUNK_BYTES: usize = 64 << 10;

/// What came.
pub(crate) enum Came {
    Bytes(Vec<u8>),
    /// Nothing yet.
    Nothing,
    End,
}

/// A pipe, a terminal or a socket.
pub(crate) struct Pipe(Receiver<io::Result<Vec<u8>>>);

impl Pipe {
    /// Begins to read. Two chunks at most wait to be taken.
    pub(crate) fn open(from: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, chunks) = sync_channel(1);
        std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || pass_on(from, &sender))?;
        Ok(Self(chunks))
    }

    /// What comes within this time.
    pub(crate) fn next(&self, patience: Duration) -> io::Result<Came> {
        match self.0.recv_timeout(patience) {
            Ok(chunk) => chunk.map(Came::Bytes),
            Err(RecvTimeoutError::Timeout) => Ok(Came::Nothing),
            Err(RecvTimeoutError::Disconnected) => Ok(Came::End),
        }
    }
}

/// Until the end, an error, or nobody takes it any more.
fn pass_on(mut from: impl Read, to: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let came = match from.read(&mut chunk) {
            Ok(0) => return,
            Ok(bytes) => {
                chunk.truncate(bytes);
                Ok(chunk)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = came.is_err();
        if to.send(came).is_err() || failed {
            return;
        }
    }
}

/// What comes through a pipe, unpacked if it begins as compressed files do.
pub(crate) enum Unpacked<R> {
    /// Nothing came yet.
    Closed(Option<R>),
    Open(Box<dyn Read + Send>),
}

impl<R: Read + Send + 'static> Unpacked<R> {
    pub(crate) const fn new(from: R) -> Self {
        Self::Closed(Some(from))
    }

    /// Waits for as many bytes as it takes to know: one, unless it could be the beginning of more.
    fn open(mut from: R) -> io::Result<Box<dyn Read + Send>> {
        const MOST: usize = 4;
        let mut start = Vec::with_capacity(MOST);
        let mut byte = [0];
        while start.len() < MOST && Compression::may_begin(&start) && from.read(&mut byte)? > 0 {
            start.extend(byte);
        }
        let compression = Compression::of_bytes(&start);
        let all = io::Cursor::new(start).chain(from);
        match compression {
            Some(how) => Ok(Box::new(how.decode(all)?)),
            None => Ok(Box::new(all)),
        }
    }
}

impl<R: Read + Send + 'static> Read for Unpacked<R> {
    fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::Open(bytes) => return bytes.read(chunk),
                Self::Closed(from) => match from.take() {
                    Some(from) => *self = Self::Open(Self::open(from)?),
                    None => return Ok(0),
                },
            }
        }
    }
}

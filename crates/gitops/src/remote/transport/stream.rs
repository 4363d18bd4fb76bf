//! Blocking streams that respect a deadline: each is read and written by a thread of its own, and
//! the operation waits for these threads no longer than it may.
//!
//! Pipes have no timeouts, and a socket's is per call, so that a server that sends a byte now and then
//! would never meet it. A thread that is left waiting ends when its pipe or socket is closed, which
//! happens when the conversation is dropped.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;

use super::super::watch::Watch;

const CHUNK_BYTES: usize = 32 * 1024;
/// How many chunks may wait to be looked at; then the server has to wait.
const CHUNKS: usize = 16;

/// Bytes from a server.
#[derive(Debug)]
pub(super) struct Incoming {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    position: usize,
    ended: bool,
    watch: Watch,
}

impl Incoming {
    /// Reads `input` on a thread of its own, until its end or until nobody listens.
    pub(super) fn pump(input: impl Read + Send + 'static, watch: Watch) -> Self {
        let (sender, chunks) = mpsc::sync_channel(CHUNKS);
        thread::spawn(move || pump(input, &sender));
        Self {
            chunks,
            chunk: Vec::new(),
            position: 0,
            ended: false,
            watch,
        }
    }

    fn wait(&mut self) -> io::Result<()> {
        while !self.ended && self.position == self.chunk.len() {
            match self.chunks.recv_timeout(self.watch.slice()?) {
                Ok(chunk) => {
                    self.chunk = chunk?;
                    self.position = 0;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.ended = true,
            }
        }
        Ok(())
    }
}

impl Read for Incoming {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.wait()?;
        let count = self
            .chunk
            .get(self.position..)
            .unwrap_or_default()
            .read(bytes)?;
        self.position += count;
        Ok(count)
    }
}

/// Bytes to a server.
#[derive(Debug)]
pub(super) struct Outgoing(Sender<Vec<u8>>);

impl Outgoing {
    /// Writes to `output` on a thread of its own, until it fails or nothing more can come.
    pub(super) fn pump(mut output: impl Write + Send + 'static) -> Self {
        let (sender, messages) = mpsc::channel::<Vec<u8>>();
        thread::spawn(move || {
            for message in messages {
                // The other end says why it closed, if it says anything: reading tells.
                if output
                    .write_all(&message)
                    .and_then(|()| output.flush())
                    .is_err()
                {
                    break;
                }
            }
        });
        Self(sender)
    }

    pub(super) fn send(&self, message: Vec<u8>) {
        // As above: reading tells.
        let _ = self.0.send(message);
    }
}

/// The beginning of a stream of words, read to its end on a thread of its own.
pub(super) fn collect(mut input: impl Read + Send + 'static, limit: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        let _ = (&mut input).take(limit).read_to_end(&mut kept);
        let _ = io::copy(&mut input, &mut io::sink());
        let _ = sender.send(kept);
    });
    receiver
}

fn pump(mut input: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK_BYTES];
        let message = match input.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => {
                chunk.truncate(count);
                Ok(chunk)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = message.is_err();
        if sender.send(message).is_err() || failed {
            return;
        }
    }
}

//! A socket whose other end must go on taking what is written.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::Stalled;

/// How much the system keeps of what the other end has no room for, in bytes. By default it is some megabytes for
/// each connection, and a slow reader looks as if it read nothing until a third of that is out.
const UNSENT_BYTES: u32 = 128 << 10;

/// Up to how many bytes in several parts are copied together: the system takes one part for less than several.
const GATHERED_BYTES: usize = 1 << 10;

/// A socket on which a write fails once nothing of it has gone on for a time.
pub(crate) struct Moving<S> {
    inner: S,
    limit: Duration,
    /// While a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

/// For as long as it lives, the system keeps little of what is to be sent over it.
pub(crate) fn keep_little_unsent(stream: &TcpStream) {
    // Where there is no such option, memory is the system's own to bound.
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES);
}

impl<S> Moving<S> {
    pub(crate) fn new(inner: S, limit: Duration) -> Self {
        Self {
            inner,
            limit,
            waiting: None,
        }
    }

    /// What a write came to, but for one that has waited too long.
    fn timed<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let limit = self.limit;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        waiting
            .as_mut()
            .poll(context)
            .map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, Stalled)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Moving<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Moving<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.timed(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut gathered = [0; GATHERED_BYTES];
        let inner = Pin::new(&mut self.inner);
        let written = match gather(parts, &mut gathered) {
            Some(all) => inner.poll_write(context, all),
            None => inner.poll_write_vectored(context, parts),
        };
        self.timed(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// All parts as one, if they have room there.
fn gather<'g>(parts: &[IoSlice<'_>], into: &'g mut [u8]) -> Option<&'g [u8]> {
    let mut length = 0;
    for part in parts {
        into.get_mut(length..)?
            .get_mut(..part.len())?
            .copy_from_slice(part);
        length += part.len();
    }
    into.get(..length)
}

//! A TCP relay between a client and a server on loopback, which loses connections as a test wants it to.

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// When a connection is lost, in both directions at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "for tests of this workspace")]
pub enum Cut {
    /// After so many bytes of the client's.
    Sent(u64),
    /// After so many bytes of the server's.
    Answered(u64),
}

/// A running relay.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    open: Mutex<Vec<TcpStream>>,
    is_stopping: AtomicBool,
}

impl Relay {
    /// Relays to `target` on loopback. `cut` is asked about each connection, by its number from 0.
    #[must_use]
    pub fn start(target: u16, cut: impl Fn(usize) -> Option<Cut> + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        let acceptor = thread::spawn(move || {
            for (number, client) in listener.incoming().flatten().enumerate() {
                if accepting.is_stopping.load(Ordering::SeqCst) {
                    return;
                }
                // Where nobody listens, the client's connection just ends.
                let _ = accepting.relay(client, target, cut(number));
            }
        });
        Self {
            port,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// Where it listens, on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then looks.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        for connection in self.shared.open().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn open(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn relay(&self, client: TcpStream, target: u16, cut: Option<Cut>) -> io::Result<()> {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, target))?;
        for socket in [&client, &server] {
            socket.set_nodelay(true)?;
            self.open().push(socket.try_clone()?);
        }
        let (sent, answered) = match cut {
            None => (u64::MAX, u64::MAX),
            Some(Cut::Sent(bytes)) => (bytes, u64::MAX),
            Some(Cut::Answered(bytes)) => (u64::MAX, bytes),
        };
        let (from, to) = (client.try_clone()?, server.try_clone()?);
        thread::spawn(move || copy(&from, &to, sent));
        thread::spawn(move || copy(&server, &client, answered));
        Ok(())
    }
}

/// Until its end, which is passed on, or so many bytes, after which both are lost.
fn copy(mut from: &TcpStream, mut to: &TcpStream, most: u64) {
    let copied = io::copy(&mut from.by_ref().take(most), &mut to);
    if matches!(copied, Ok(copied) if copied < most) {
        let _ = to.shutdown(Shutdown::Write);
    } else {
        for socket in [from, to] {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

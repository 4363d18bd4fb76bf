//! A TCP relay between a client and a server on loopback, which loses connections as a test wants it to.

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "for tests of this workspace")]
pub enum Cut {
    /// It is lost after so many bytes of the client's.
    Sent(u64),
    /// It is lost after so many bytes of the server's.
    Answered(u64),
    /// It stays, and nothing more of the server's passes after so many bytes of it.
    Silent(u64),
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
    is_silent: Mutex<bool>,
    fell_silent: Condvar,
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

    /// Returns when a connection has fallen silent.
    pub fn wait_for_silence(&self) {
        let mut is_silent = lock(&self.shared.is_silent);
        while !*is_silent {
            let woken = self.shared.fell_silent.wait(is_silent);
            is_silent = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which then looks.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        for connection in lock(&self.shared.open).drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn relay(self: &Arc<Self>, client: TcpStream, target: u16, cut: Option<Cut>) -> io::Result<()> {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, target))?;
        for socket in [&client, &server] {
            socket.set_nodelay(true)?;
            lock(&self.open).push(socket.try_clone()?);
        }
        let (sent, answered) = match cut {
            None => (u64::MAX, u64::MAX),
            Some(Cut::Sent(bytes)) => (bytes, u64::MAX),
            Some(Cut::Answered(bytes) | Cut::Silent(bytes)) => (u64::MAX, bytes),
        };
        let (from, to) = (client.try_clone()?, server.try_clone()?);
        thread::spawn(move || {
            if is_cut(&from, &to, sent) {
                end(&from, &to);
            }
        });
        let shared = Arc::clone(self);
        thread::spawn(move || {
            if !is_cut(&server, &client, answered) {
                return;
            }
            if matches!(cut, Some(Cut::Silent(_))) {
                *lock(&shared.is_silent) = true;
                shared.fell_silent.notify_all();
                // Until the client goes, and with it the server.
                let _ = io::copy(&mut &server, &mut io::sink());
            }
            end(&server, &client);
        });
        Ok(())
    }
}

/// Copies until the end, which is passed on, or so many bytes, or a failure: whether it was not the end.
fn is_cut(mut from: &TcpStream, mut to: &TcpStream, most: u64) -> bool {
    let copied = io::copy(&mut from.by_ref().take(most), &mut to);
    let has_ended = matches!(copied, Ok(copied) if copied < most);
    if has_ended {
        let _ = to.shutdown(Shutdown::Write);
    }
    !has_ended
}

fn end(one: &TcpStream, other: &TcpStream) {
    for socket in [one, other] {
        let _ = socket.shutdown(Shutdown::Both);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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

/// A connection that was lost, or fell silent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "for tests of this workspace")]
pub struct Lost {
    /// How.
    pub cut: Cut,
    /// The first bytes that the client sent, as text.
    pub began: String,
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
    lost: Mutex<Vec<Lost>>,
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

    /// The connections that were cut before they ended by themselves.
    #[must_use]
    pub fn lost(&self) -> Vec<Lost> {
        lock(&self.shared.lost).clone()
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
        let began = Arc::new(Mutex::new(String::new()));
        let (shared, begins) = (Arc::clone(self), Arc::clone(&began));
        thread::spawn(move || {
            let mut first = [0; 64];
            let length = from.peek(&mut first).unwrap_or_default();
            *lock(&begins) =
                String::from_utf8_lossy(first.get(..length).unwrap_or_default()).into_owned();
            match copied(&from, &to, sent) {
                Copied::All => return,
                Copied::Most => shared.note(cut, &begins),
                Copied::Failed => {}
            }
            end(&from, &to);
        });
        let shared = Arc::clone(self);
        thread::spawn(move || {
            match copied(&server, &client, answered) {
                Copied::All => return,
                Copied::Most => shared.note(cut, &began),
                Copied::Failed => {}
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

    fn note(&self, cut: Option<Cut>, began: &Mutex<String>) {
        let began = lock(began).clone();
        lock(&self.lost).extend(cut.map(|cut| Lost { cut, began }));
    }
}

/// What became of one direction.
enum Copied {
    /// It came to its end, which was passed on.
    All,
    /// It reached its limit.
    Most,
    Failed,
}

fn copied(mut from: &TcpStream, mut to: &TcpStream, most: u64) -> Copied {
    match io::copy(&mut from.by_ref().take(most), &mut to) {
        Ok(copied) if copied < most => {
            let _ = to.shutdown(Shutdown::Write);
            Copied::All
        }
        Ok(_) => Copied::Most,
        Err(_) => Copied::Failed,
    }
}

fn end(one: &TcpStream, other: &TcpStream) {
    for socket in [one, other] {
        let _ = socket.shutdown(Shutdown::Both);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Backends that do one thing each, and what they were sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use crate::client::{Message, read_message};

/// A backend that answers every request with what `answer` writes, and keeps what it was sent.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Message>>>,
    connections: Arc<AtomicUsize>,
}

impl Backend {
    pub(crate) fn answering(answer: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let received: Arc<Mutex<Vec<Message>>> = Arc::default();
        let connections: Arc<AtomicUsize> = Arc::default();
        let (kept, opened) = (Arc::clone(&received), Arc::clone(&connections));
        let address = listen(move |stream| {
            opened.fetch_add(1, Ordering::Relaxed);
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut writer = stream;
            while let Some(message) = read_message(&mut reader, false) {
                let response = answer(&message);
                kept.lock().unwrap().push(message);
                if response.is_empty() || writer.write_all(&response).is_err() {
                    return;
                }
            }
        });
        Self {
            address,
            received,
            connections,
        }
    }

    /// Answers 200 with its name.
    pub(crate) fn named(name: &'static str) -> Self {
        Self::answering(move |_| ok(name))
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn received(&self) -> Vec<Message> {
        self.received.lock().unwrap().clone()
    }
}

/// A backend that hands each connection to the test, its request head already read.
pub(crate) fn handing_over() -> (SocketAddr, mpsc::Receiver<BufReader<TcpStream>>) {
    let (sender, receiver) = mpsc::channel();
    let address = listen(move |stream| {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            line.clear();
        }
        let _ = sender.send(reader);
    });
    (address, receiver)
}

pub(crate) fn ok(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A backend that can die with all its connections, and come back at its address.
pub(crate) struct Mortal {
    pub(crate) address: SocketAddr,
    name: &'static str,
    life: Mutex<Arc<Life>>,
}

#[derive(Default)]
struct Life {
    over: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

impl Mortal {
    pub(crate) fn named(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let life = Mutex::new(live(listener, name));
        Self {
            address,
            name,
            life,
        }
    }

    pub(crate) fn kill(&self) {
        let life = self.life.lock().unwrap();
        life.over.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which lets go of the listener before this connection ends.
        let mut last = TcpStream::connect(self.address).unwrap();
        let _ = last.read_to_end(&mut Vec::new());
        for stream in life.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn revive(&self) {
        let listener = TcpListener::bind(self.address).unwrap();
        *self.life.lock().unwrap() = live(listener, self.name);
    }
}

fn live(listener: TcpListener, name: &'static str) -> Arc<Life> {
    let life: Arc<Life> = Arc::default();
    let own = Arc::clone(&life);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            if own.over.load(Ordering::SeqCst) {
                drop(listener);
                return;
            }
            own.streams
                .lock()
                .unwrap()
                .push(stream.try_clone().unwrap());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut writer = stream;
                while read_message(&mut reader, false).is_some() {
                    if writer.write_all(&ok(name)).is_err() {
                        return;
                    }
                }
            });
        }
    });
    life
}

fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, serve) = (stream.unwrap(), Arc::clone(&serve));
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

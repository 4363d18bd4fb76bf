//! `git://`: a TCP connection to `git daemon`. Nobody is asked who they are: for trusted networks.

use std::io::{self, Read};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};

use super::super::error::{Error, ErrorKind};
use super::super::watch::Watch;
use super::super::wire::PacketWriter;
use super::stream::{Incoming, Outgoing};
use super::{Conversation, Service};

/// A conversation over a socket.
#[derive(Debug)]
pub(super) struct Daemon {
    socket: TcpStream,
    to: Outgoing,
    from: Incoming,
}

impl Daemon {
    pub(super) fn connect(
        host: &str,
        port: u16,
        path: &str,
        service: Service,
        watch: &Watch,
    ) -> Result<Self, Error> {
        let doing = format!("cannot connect to {host}:{port}");
        let failed =
            |error: io::Error| Error::new(ErrorKind::Unreachable, format!("{doing}: {error}"));
        let socket =
            connect(host, port, watch).map_err(|error| match error.downcast::<Error>() {
                Ok(own) => own.during(&doing),
                Err(error) => failed(error),
            })?;
        let (input, output) = (
            socket.try_clone().map_err(failed)?,
            socket.try_clone().map_err(failed)?,
        );
        let daemon = Self {
            socket,
            to: Outgoing::pump(output),
            from: Incoming::pump(Prompt(input), watch.clone()),
        };
        let mut request = format!("{} {path}\0host={host}:{port}\0", service.name());
        if service == Service::UploadPack {
            request.push_str("\0version=2\0");
        }
        let mut packets = PacketWriter::new();
        packets.data(request.as_bytes())?;
        daemon.to.send(packets.into_bytes());
        Ok(daemon)
    }
}

impl Conversation for Daemon {
    fn greeting(&mut self) -> Result<Box<dyn Read + '_>, Error> {
        Ok(Box::new(&mut self.from))
    }

    fn ask(&mut self, request: Vec<u8>) -> Result<Box<dyn Read + '_>, Error> {
        self.to.send(request);
        Ok(Box::new(&mut self.from))
    }

    fn explain(&mut self, error: Error) -> Error {
        // The daemon says nothing when it knows no such repository, unless it is told to.
        if error.kind() == ErrorKind::Interrupted {
            error.hint("whether git daemon serves that path, and has that service enabled")
        } else {
            error
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Ends the two threads, which hold copies of it.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// Tries each address of the host.
fn connect(host: &str, port: u16, watch: &Watch) -> io::Result<TcpStream> {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in (name, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, watch.remaining()?) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Acknowledges what arrives at once.
///
/// `git daemon` leaves Nagle's algorithm on and writes its answers in pieces: it would wait for an
/// acknowledgement that the kernel holds back, 40 ms for each answer. The setting lasts until the
/// kernel thinks better of it, so it is made before every read.
struct Prompt(TcpStream);

impl Read for Prompt {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        #[cfg(target_os = "linux")]
        let _ = socket2::SockRef::from(&self.0).set_tcp_quickack(true);
        self.0.read(bytes)
    }
}

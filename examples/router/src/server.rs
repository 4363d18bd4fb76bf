//! Client connections: accepted, limited, given to a worker, TLS or not, served, drained.

use std::future::{pending, poll_fn};
use std::io;
use std::net::{self, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::arguments::Limits;
use crate::connections::Protocol;
use crate::deadline::Timer;
use crate::exchange::{Came, handle};
use crate::router::Router;
use crate::stall::{Moving, Streams, keep_little_unsent};
use crate::worker::{WorkerId, Workers};

/// How long to leave the listener alone when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait for more of a connection's first bytes before looking at them again.
const PEEK_PAUSE: Duration = Duration::from_millis(5);

/// One port that clients connect to.
pub(crate) struct Entrance {
    pub(crate) listener: TcpListener,
    /// The gateway's port that it stands for.
    pub(crate) port: u16,
    pub(crate) router: Arc<Router>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) draining: Draining,
}

impl Entrance {
    /// Accepts until it is dropped.
    pub(crate) async fn serve(self) {
        loop {
            match self.accept().await {
                Ok(connection) => self.workers.take(connection),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    async fn accept(&self) -> io::Result<Connection> {
        let place = Arc::clone(&self.connections)
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let (stream, client) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        keep_little_unsent(&stream);
        Ok(Connection {
            // It is for another event loop than this one.
            stream: stream.into_std()?,
            client,
            port: self.port,
            place,
            router: Arc::clone(&self.router),
            draining: self.draining.clone(),
        })
    }
}

/// One client connection, accepted.
pub(crate) struct Connection {
    stream: net::TcpStream,
    client: SocketAddr,
    port: u16,
    place: OwnedSemaphorePermit,
    router: Arc<Router>,
    draining: Draining,
}

impl Connection {
    /// Serves it on the thread of this worker.
    pub(crate) async fn serve(self, worker: WorkerId) {
        // It fails when the event loop cannot take more: the client sees its connection closed.
        let Ok(stream) = TcpStream::from_std(self.stream) else {
            return;
        };
        let client = Client {
            came: Came::new(self.client.ip(), self.port, self.place, worker),
            router: Arc::clone(&self.router),
            draining: self.draining,
        };
        let metrics = &self.router.metrics;
        metrics.connections.fetch_add(1, Ordering::Relaxed);
        client.open(stream).await;
        metrics.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One client connection on its way to being served.
struct Client {
    router: Arc<Router>,
    draining: Draining,
    came: Came,
}

impl Client {
    async fn open(mut self, stream: TcpStream) {
        let limits = Arc::clone(&self.router.limits);
        let Some((port, config)) = self.router.live().tls(self.came.port()) else {
            let protocol = tokio::select! {
                protocol = first_bytes(&stream, limits.header_timeout) => protocol,
                () = self.draining.begun() => None,
            };
            if let Some(protocol) = protocol {
                self.speak(Moving::new(stream, limits.stall_timeout), protocol)
                    .await;
            }
            return;
        };
        let handshake = TlsAcceptor::from(config).accept(Moving::new(stream, limits.stall_timeout));
        let Ok(Ok(stream)) = timeout(limits.header_timeout, handshake).await else {
            let failures = &self.router.metrics.handshake_failures;
            failures.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let (_, session) = stream.get_ref();
        let protocol = match session.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        let listener = port.listener(session.server_name());
        if let Some(listener) = listener {
            self.came.at_listener(&listener.name);
        }
        self.speak(stream, protocol).await;
    }

    /// Whatever becomes of the connection, who is on it has been answered by then if that was possible.
    async fn speak(
        self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        protocol: Protocol,
    ) {
        let Self {
            router,
            draining,
            came,
        } = self;
        let limits = Arc::clone(&router.limits);
        let stream = TokioIo::new(stream);
        let came = Arc::new(came);
        let service =
            service_fn(move |request| handle(Arc::clone(&router), Arc::clone(&came), request));
        match protocol {
            Protocol::Http1 => {
                let connection = http1(&limits).serve_connection(stream, service);
                let connection = pin!(connection.with_upgrades());
                // Between requests it has the time of a header section.
                let never = pending();
                draining
                    .run(connection, never, |c| c.graceful_shutdown())
                    .await;
            }
            Protocol::Http2 => {
                let streams = Streams::new(limits.stall_timeout);
                let unused = streams.unused();
                let connection = pin!(http2(&limits, streams).serve_connection(stream, service));
                draining
                    .run(connection, unused, |c| c.graceful_shutdown())
                    .await;
            }
        }
    }
}

/// Hears of the end: from then on connections take no further requests.
#[derive(Clone)]
pub(crate) struct Draining(pub(crate) watch::Receiver<()>);

impl Draining {
    /// Returns once the sender is gone.
    async fn begun(&mut self) {
        while self.0.changed().await.is_ok() {}
    }

    /// Runs a connection as a task of its own, and tells it when the end has begun, or nobody uses it.
    async fn run<C: Future>(
        mut self,
        mut connection: Pin<&mut C>,
        unused: impl Future<Output = ()>,
        stop: impl Fn(Pin<&mut C>),
    ) {
        let state = self.0.clone();
        let (mut begun, mut unused) = (pin!(self.begun()), pin!(unused));
        let (mut listening, mut stopped) = (false, false);
        poll_fn(|context| {
            // Listening takes a lock that all connections share, and once is enough: a task is woken by one waker
            // all its life. From then on a look at the state does.
            if !stopped && (!listening || state.has_changed().is_err()) {
                listening = true;
                stopped = begun.as_mut().poll(context).is_ready();
                if stopped {
                    stop(connection.as_mut());
                }
            }
            if !stopped && unused.as_mut().poll(context).is_ready() {
                stopped = true;
                stop(connection.as_mut());
            }
            connection.as_mut().poll(context).map(drop)
        })
        .await;
    }
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(Timer)
        .header_read_timeout(limits.header_timeout)
        .max_header_size(limits.max_header_bytes as usize);
    http
}

fn http2(limits: &Limits, streams: Streams) -> http2::Builder<Streams> {
    let mut http = http2::Builder::new(streams);
    http.timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams.get())
        .max_header_list_size(limits.max_header_bytes)
        .keep_alive_interval(limits.stall_timeout / 2)
        .keep_alive_timeout(limits.stall_timeout / 2);
    http
}

/// What a client without TLS speaks: HTTP/2 begins with `PRI`, which no method of HTTP/1.1 does. `None` if it
/// says nothing in time, or leaves.
async fn first_bytes(stream: &TcpStream, limit: Duration) -> Option<Protocol> {
    let deadline = Instant::now() + limit;
    let mut seen = [0; 3];
    loop {
        let read = timeout_at(deadline, stream.peek(&mut seen))
            .await
            .ok()?
            .ok()?;
        match seen.get(..read)? {
            [] => return None,
            b"PRI" => return Some(Protocol::Http2),
            b"P" | b"PR" if Instant::now() < deadline => tokio::time::sleep(PEEK_PAUSE).await,
            _ => return Some(Protocol::Http1),
        }
    }
}

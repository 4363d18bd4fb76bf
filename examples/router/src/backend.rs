//! One backend: its connections, its limits, and how a request to it fails.
//!
//! Connections are kept last-in first-out, so that under light load few stay warm and the rest age
//! out. A connection is back in the pool only when hyper says it is ready, which is after the last
//! byte of the response: a slow response never holds up another request.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{Either, Empty};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use crate::arguments::{BackendAddress, Serve};
use crate::body::{Companion, Passing, Stalled};

/// Unused connections kept per backend. More are closed as they come back.
const MAX_IDLE: usize = 256;

/// What goes to a backend: the client's body, or none.
type Outgoing = Either<Passing<Incoming, Sending>, Empty<Bytes>>;
type Connection = SendRequest<Outgoing>;

pub(crate) struct Backend {
    pub(crate) name: String,
    address: String,
    idle: Mutex<Vec<(Connection, Instant)>>,
    requests: Arc<Semaphore>,
    connect_timeout: Duration,
    response_timeout: Duration,
    stall_timeout: Duration,
    keep_alive: Duration,
    max_header_bytes: usize,
}

impl Backend {
    pub(crate) fn new(address: &BackendAddress, arguments: &Serve) -> Self {
        Self {
            name: address.name.clone(),
            address: address.address.clone(),
            idle: Mutex::default(),
            requests: Arc::new(Semaphore::new(arguments.max_requests.get() as usize)),
            connect_timeout: arguments.connect_timeout,
            response_timeout: arguments.response_timeout,
            stall_timeout: arguments.stall_timeout,
            keep_alive: arguments.keep_alive,
            max_header_bytes: arguments.max_header_bytes as usize,
        }
    }

    /// Sends a request that is fit to forward. The permit is the request's place among
    /// `--max-requests`; hold it until the response has passed.
    pub(crate) async fn send(
        self: &Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<(Response<Incoming>, OwnedSemaphorePermit), Failure> {
        let permit = Arc::clone(&self.requests)
            .try_acquire_owned()
            .map_err(|_| Failure::Busy)?;
        let (sending, sent) = oneshot::channel();
        let again = repeatable(&request);
        let request = request.map(|body| {
            if body.is_end_stream() {
                Either::Right(Empty::new())
            } else {
                Either::Left(Passing::new(
                    body,
                    self.stall_timeout,
                    Sending { _open: sending },
                ))
            }
        });
        let exchange = self.exchange(request, again);
        tokio::pin!(exchange);
        // The response is awaited from the end of the request on, however long an upload takes; an
        // upload that makes no progress is ended by its body.
        let response = tokio::select! {
            response = &mut exchange => response?,
            _ = sent => match timeout(self.connect_timeout + self.response_timeout, exchange).await {
                Ok(response) => response?,
                Err(_) => return Err(Failure::ResponseTimeout),
            },
        };
        Ok((response, permit))
    }

    async fn exchange(
        self: &Arc<Self>,
        request: Request<Outgoing>,
        again: Option<Request<Outgoing>>,
    ) -> Result<Response<Incoming>, Failure> {
        let unsent = match self.take_idle() {
            None => request,
            Some(mut connection) => match connection.try_send_request(request).await {
                Ok(response) => return Ok(self.keep(connection, response)),
                // The backend closed the connection meanwhile. Either nothing of the request left,
                // or repeating it is harmless.
                Err(mut error) => match error.take_message().or(again) {
                    Some(request) => request,
                    None => return Err(Failure::of(error.into_error())),
                },
            },
        };
        let mut connection = self.connect().await?;
        let response = connection.send_request(unsent).await.map_err(Failure::of)?;
        Ok(self.keep(connection, response))
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let stream = timeout(self.connect_timeout, TcpStream::connect(&self.address))
            .await
            .map_err(|_| Failure::ConnectTimeout)?
            .map_err(Failure::Connect)?;
        stream.set_nodelay(true).map_err(Failure::Connect)?;
        let (connection, driver) = http1::Builder::new()
            .max_header_size(self.max_header_bytes)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Failure::of)?;
        // Its errors reach whoever waits for the response.
        tokio::spawn(async move { drop(driver.await) });
        Ok(connection)
    }

    /// Puts the connection back once the response has passed through it.
    fn keep(
        self: &Arc<Self>,
        mut connection: Connection,
        response: Response<Incoming>,
    ) -> Response<Incoming> {
        let backend = Arc::clone(self);
        if connection.is_ready() {
            backend.put_idle(connection);
        } else {
            tokio::spawn(async move {
                if connection.ready().await.is_ok() {
                    backend.put_idle(connection);
                }
            });
        }
        response
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle();
        // The youngest is on top: once it is too old, so are all.
        while let Some((connection, since)) = idle.pop() {
            if since.elapsed() > self.keep_alive {
                idle.clear();
            } else if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    fn put_idle(&self, connection: Connection) {
        let mut idle = self.idle();
        let old = idle
            .iter()
            .take_while(|(_, since)| since.elapsed() > self.keep_alive)
            .count();
        idle.drain(..old);
        if idle.len() < MAX_IDLE {
            idle.push((connection, Instant::now()));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Connection, Instant)>> {
        // Connections are pushed and popped whole.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lives while the request's body is being sent.
struct Sending {
    _open: oneshot::Sender<()>,
}

impl Companion for Sending {
    fn passed(&mut self, _bytes: usize) {}
}

/// The same request once more, if sending it twice does what sending it once does (RFC 9110, 9.2.2)
/// and it has no body, which could be read only once.
fn repeatable(request: &Request<Incoming>) -> Option<Request<Outgoing>> {
    if !request.method().is_idempotent() || !request.body().is_end_stream() {
        return None;
    }
    let mut again = Request::new(Either::Right(Empty::new()));
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    again.headers_mut().clone_from(request.headers());
    Some(again)
}

/// Why there is no response from the backend.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("has as many requests as it may")]
    Busy,
    #[error("cannot be reached")]
    Connect(#[source] io::Error),
    #[error("did not accept the connection in time")]
    ConnectTimeout,
    #[error("did not answer in time")]
    ResponseTimeout,
    #[error("broke off")]
    Broken(#[source] hyper::Error),
    #[error("waited for a request body that stood still")]
    ClientStalled,
}

impl Failure {
    fn of(error: hyper::Error) -> Self {
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            if cause.is::<Stalled>() {
                return Self::ClientStalled;
            }
            source = cause.source();
        }
        Self::Broken(error)
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Connect(_) | Self::Broken(_) => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout | Self::ResponseTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::ClientStalled => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

//! Connections to one endpoint, and how a request over them fails.
//!
//! HTTP/1.1 connections are kept last-in first-out, so that under light load few stay warm and the rest age
//! out. A connection is back in the pool only when hyper says it is ready, which is after the last
//! byte of the response: a slow response never holds up another request. HTTP/2 has one connection for all.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use crate::arguments::Limits;
use crate::body::{Companion, Passing, Stalled};

/// Unused connections kept per endpoint. More are closed as they come back.
const MAX_IDLE: usize = 256;

/// What goes to an endpoint: the client's body as it comes, or one that is here whole.
pub(crate) type Outgoing = Either<Passing<Incoming, Sending>, Full<Bytes>>;

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    /// Without TLS, from the first byte on (h2c with prior knowledge).
    Http2,
}

pub(crate) struct Connections {
    address: Arc<str>,
    protocol: Protocol,
    idle: Mutex<Vec<(http1::SendRequest<Outgoing>, Instant)>>,
    shared: tokio::sync::Mutex<Option<http2::SendRequest<Outgoing>>>,
    requests: Arc<Semaphore>,
    limits: Arc<Limits>,
}

/// A request that is on its way, and the end of its sending if that takes time.
pub(crate) struct Parcel {
    pub(crate) request: Request<Outgoing>,
    pub(crate) sent: Option<oneshot::Receiver<()>>,
    /// The same once more, if sending it twice is harmless.
    pub(crate) again: Option<Request<Outgoing>>,
    /// How long the response may take to begin, once the request is sent.
    pub(crate) response_timeout: Duration,
}

/// A request without response; `unsent` if nothing of it left.
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    pub(crate) unsent: Option<Request<Outgoing>>,
}

impl Connections {
    pub(crate) fn new(address: Arc<str>, protocol: Protocol, limits: Arc<Limits>) -> Self {
        Self {
            address,
            protocol,
            idle: Mutex::default(),
            shared: tokio::sync::Mutex::default(),
            requests: Arc::new(Semaphore::new(limits.max_requests.get() as usize)),
            limits,
        }
    }

    /// Sends a request that is fit to forward. The permit is the request's place among
    /// `--max-requests`; hold it until the response has passed.
    pub(crate) async fn send(
        self: &Arc<Self>,
        parcel: Parcel,
    ) -> Result<(Response<Incoming>, OwnedSemaphorePermit), Failed> {
        let Parcel {
            request,
            sent,
            again,
            response_timeout,
        } = parcel;
        let Ok(permit) = Arc::clone(&self.requests).try_acquire_owned() else {
            return Err(Failed {
                failure: Failure::Busy,
                unsent: Some(request),
            });
        };
        let exchange = async {
            match self.protocol {
                Protocol::Http1 => self.over_http1(request, again).await,
                Protocol::Http2 => self.over_http2(request).await,
            }
        };
        tokio::pin!(exchange);
        // The response is awaited from the end of the request on, however long an upload takes; an
        // upload that makes no progress is ended by its body.
        if let Some(sent) = sent {
            tokio::select! {
                response = &mut exchange => return response.map(|response| (response, permit)),
                _ = sent => {}
            }
        }
        let limit = self.limits.connect_timeout.saturating_add(response_timeout);
        match timeout(limit, exchange).await {
            Ok(response) => response.map(|response| (response, permit)),
            Err(_) => Err(Failure::ResponseTimeout.into()),
        }
    }

    async fn over_http1(
        self: &Arc<Self>,
        request: Request<Outgoing>,
        again: Option<Request<Outgoing>>,
    ) -> Result<Response<Incoming>, Failed> {
        let unsent = match self.take_idle() {
            None => request,
            Some(mut connection) => match connection.try_send_request(request).await {
                Ok(response) => return Ok(self.keep(connection, response)),
                // The endpoint closed the connection meanwhile. Either nothing of the request left,
                // or repeating it is harmless.
                Err(mut error) => match error.take_message().or(again) {
                    Some(request) => request,
                    None => return Err(Failure::of(error.into_error()).into()),
                },
            },
        };
        let mut connection = match self.connect().await {
            Ok(stream) => self.handshake(stream).await?,
            Err(failure) => {
                return Err(Failed {
                    failure,
                    unsent: Some(unsent),
                });
            }
        };
        match connection.try_send_request(unsent).await {
            Ok(response) => Ok(self.keep(connection, response)),
            Err(error) => Err(Failed::of(error)),
        }
    }

    async fn handshake(&self, stream: TcpStream) -> Result<http1::SendRequest<Outgoing>, Failure> {
        let (connection, driver) = http1::Builder::new()
            .max_header_size(self.limits.max_header_bytes as usize)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Failure::of)?;
        // Its errors reach whoever waits for the response.
        tokio::spawn(async move { drop(driver.with_upgrades().await) });
        Ok(connection)
    }

    async fn over_http2(&self, request: Request<Outgoing>) -> Result<Response<Incoming>, Failed> {
        let mut connection = match self.shared_connection().await {
            Ok(connection) => connection,
            Err(failure) => {
                return Err(Failed {
                    failure,
                    unsent: Some(request),
                });
            }
        };
        connection
            .try_send_request(request)
            .await
            .map_err(Failed::of)
    }

    async fn shared_connection(&self) -> Result<http2::SendRequest<Outgoing>, Failure> {
        // Whoever comes while another connects waits for that one connection.
        let mut shared = self.shared.lock().await;
        if let Some(connection) = shared.as_ref().filter(|c| !c.is_closed()) {
            return Ok(connection.clone());
        }
        let stream = self.connect().await?;
        let (connection, driver) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_header_list_size(self.limits.max_header_bytes)
            .keep_alive_interval(self.limits.stall_timeout / 2)
            .keep_alive_timeout(self.limits.stall_timeout / 2)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Failure::of)?;
        tokio::spawn(async move { drop(driver.await) });
        *shared = Some(connection.clone());
        Ok(connection)
    }

    async fn connect(&self) -> Result<TcpStream, Failure> {
        let connecting = TcpStream::connect(&*self.address);
        let stream = timeout(self.limits.connect_timeout, connecting)
            .await
            .map_err(|_| Failure::ConnectTimeout)?
            .map_err(Failure::Connect)?;
        stream.set_nodelay(true).map_err(Failure::Connect)?;
        Ok(stream)
    }

    /// Puts the connection back once the response has passed through it.
    fn keep(
        self: &Arc<Self>,
        mut connection: http1::SendRequest<Outgoing>,
        response: Response<Incoming>,
    ) -> Response<Incoming> {
        let connections = Arc::clone(self);
        if connection.is_ready() {
            connections.put_idle(connection);
        } else {
            tokio::spawn(async move {
                if connection.ready().await.is_ok() {
                    connections.put_idle(connection);
                }
            });
        }
        response
    }

    fn take_idle(&self) -> Option<http1::SendRequest<Outgoing>> {
        let mut idle = self.idle();
        // The youngest is on top: once it is too old, so are all.
        while let Some((connection, since)) = idle.pop() {
            if since.elapsed() > self.limits.keep_alive {
                idle.clear();
            } else if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    fn put_idle(&self, connection: http1::SendRequest<Outgoing>) {
        let mut idle = self.idle();
        let old = idle
            .iter()
            .take_while(|(_, since)| since.elapsed() > self.limits.keep_alive)
            .count();
        idle.drain(..old);
        if idle.len() < MAX_IDLE {
            idle.push((connection, Instant::now()));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(http1::SendRequest<Outgoing>, Instant)>> {
        // Connections are pushed and popped whole.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lives while the request's body is being sent.
pub(crate) struct Sending {
    pub(crate) _open: oneshot::Sender<()>,
    pub(crate) received: crate::access::Received,
}

impl Companion for Sending {
    fn passed(&mut self, bytes: usize) {
        self.received.add(bytes);
    }
}

impl Failed {
    fn of(mut error: TrySendError<Request<Outgoing>>) -> Self {
        let unsent = error.take_message();
        let failure = Failure::of(error.into_error());
        Self { failure, unsent }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            unsent: None,
        }
    }
}

/// Why there is no response from an endpoint.
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
    #[error("waited for a request body that broke off")]
    ClientGone,
}

impl Failure {
    fn of(error: hyper::Error) -> Self {
        let by_user = error.is_user();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            if cause.is::<Stalled>() {
                return Self::ClientStalled;
            }
            source = cause.source();
        }
        // The body is the only thing of ours that can fail.
        if by_user {
            Self::ClientGone
        } else {
            Self::Broken(error)
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Connect(_) | Self::Broken(_) => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout | Self::ResponseTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::ClientStalled => StatusCode::REQUEST_TIMEOUT,
            Self::ClientGone => StatusCode::BAD_REQUEST,
        }
    }

    /// Envoy's response flag.
    pub(crate) fn flag(&self) -> &'static str {
        match self {
            Self::Busy => "UO",
            Self::Connect(_) | Self::ConnectTimeout => "UF",
            Self::ResponseTimeout => "UT",
            Self::Broken(_) => "UC",
            Self::ClientStalled | Self::ClientGone => "DPE",
        }
    }

    /// Whether it says something about the endpoint.
    pub(crate) fn is_the_endpoints(&self) -> bool {
        !matches!(self, Self::Busy | Self::ClientStalled | Self::ClientGone)
    }
}

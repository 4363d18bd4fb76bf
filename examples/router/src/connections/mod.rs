//! Connections to one endpoint, and how a request over them fails.
//!
//! Every worker has connections of its own, so that a request stays on one thread from client to endpoint.
//! HTTP/1.1 connections are kept last-in first-out: under light load few stay warm and the rest age
//! out. A connection is back in the pool after the last byte of the response, and given out when hyper says it is
//! ready: a slow response never holds up another request. HTTP/2 has one connection for all of a worker's requests.

mod failure;
mod shared;

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::Either;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::arguments::Limits;
use crate::body::Passing;
use crate::deadline::until;
use crate::outbound::Again;
use crate::stall::{Moving, Streams, keep_little_unsent};
use crate::upload::{Sending, Upload};
use crate::whole::Whole;
use crate::worker::{PerWorker, WorkerId};
use shared::Shared;

pub(crate) use failure::{Failed, Failure};

/// Unused connections kept per endpoint, over all workers. More are closed as they come back.
const MAX_IDLE: usize = 256;

/// How many unused connections are looked at for one that is ready.
const MAX_LOOKED_AT: usize = 8;

/// What goes to an endpoint: the client's body as it comes, or one that is here whole.
pub(crate) type Outgoing = Either<Box<Passing<Incoming, Sending>>, Whole>;

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
    /// By worker: a connection lives and is used on one thread.
    pools: PerWorker<WorkersPool>,
    /// That run, of all workers.
    requests: AtomicU32,
    limits: Arc<Limits>,
}

/// What one worker has. Nobody else takes these locks, but a change of configuration that closes them.
#[derive(Default)]
struct WorkersPool {
    /// The youngest last.
    idle: Mutex<Vec<(http1::SendRequest<Outgoing>, Instant)>>,
    shared: Shared,
}

/// A request that is on its way.
pub(crate) struct Parcel<'r> {
    pub(crate) request: Request<Outgoing>,
    /// How its sending goes, if that takes time.
    pub(crate) upload: Option<&'r mut Upload>,
    /// The same once more, if sending it twice is harmless.
    pub(crate) again: Option<Again<'r>>,
    pub(crate) patience: Patience,
}

/// How long a response may take to begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// When the attempt begins.
    pub(crate) from: Instant,
    /// Once the request is sent, besides connecting.
    pub(crate) response: Option<Duration>,
    /// With everything.
    pub(crate) end: Option<Instant>,
}

/// What a request holds until its response has passed: its place among `--max-requests`, and its connection.
pub(crate) struct Held {
    connections: Arc<Connections>,
    worker: WorkerId,
    connection: Option<http1::SendRequest<Outgoing>>,
}

impl Held {
    /// The response has passed whole: its connection is for others now.
    pub(crate) fn give_back(mut self, now: Instant) {
        if let Some(connection) = self.connection.take() {
            self.connections.put_idle(self.worker, connection, now);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.connections.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connections {
    pub(crate) fn new(address: Arc<str>, protocol: Protocol, limits: Arc<Limits>) -> Self {
        Self {
            address,
            protocol,
            pools: PerWorker::new(limits.workers()),
            requests: AtomicU32::new(0),
            limits,
        }
    }

    /// Sends a request that is fit to forward, from a task of this worker.
    pub(crate) async fn send(
        self: &Arc<Self>,
        worker: WorkerId,
        parcel: Parcel<'_>,
    ) -> Result<(Response<Incoming>, Held), Failed> {
        let Parcel {
            request,
            mut upload,
            again,
            patience,
        } = parcel;
        let Some(mut held) = self.place(worker) else {
            return Err(Failed {
                failure: Failure::Busy,
                unsent: Some(Box::new(request)),
            });
        };
        let exchange = async {
            let response = match self.protocol {
                Protocol::Http1 => {
                    let (response, connection) = self
                        .over_http1(worker, request, again, patience.from)
                        .await?;
                    held.connection = Some(connection);
                    response
                }
                Protocol::Http2 => self.over_http2(worker, request).await?,
            };
            Ok((response, held))
        };
        let answered = self.in_time(exchange, upload.as_deref_mut(), patience);
        let answered = match patience.end {
            None => return answered.await,
            Some(end) => until(end, answered).await,
        };
        // An endpoint that waits for the client has done nothing wrong.
        answered.unwrap_or_else(|| match upload {
            Some(upload) if upload.awaits_client() => Err(Failure::UploadTimeout.into()),
            _ => Err(Failure::ResponseTimeout.into()),
        })
    }

    /// The response is awaited from the end of the request on, however long an upload takes. One that makes no
    /// progress is ended by its body when that is the client's doing, and here when it is the endpoint's.
    async fn in_time<T>(
        &self,
        exchange: impl Future<Output = Result<T, Failed>>,
        upload: Option<&mut Upload>,
        patience: Patience,
    ) -> Result<T, Failed> {
        let mut exchange = pin!(exchange);
        let mut sent = patience.from;
        if let Some(upload) = upload {
            tokio::select! {
                response = &mut exchange => return response,
                all = upload.ends(self.limits.stall_timeout) => if !all {
                    return Err(Failure::NotReading.into());
                }
            }
            sent = Instant::now();
        }
        let Some(limit) = patience.response else {
            return exchange.await;
        };
        let limit = self.limits.connect_timeout.saturating_add(limit);
        match until(sent + limit, exchange).await {
            Some(response) => response,
            None => Err(Failure::ResponseTimeout.into()),
        }
    }

    /// A place among the requests that run, if there is one.
    fn place(self: &Arc<Self>, worker: WorkerId) -> Option<Held> {
        let most = self.limits.max_requests.get();
        let one_more = |running: u32| (running < most).then_some(running + 1);
        let counted = self
            .requests
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        counted.ok().map(|_| Held {
            connections: Arc::clone(self),
            worker,
            connection: None,
        })
    }

    async fn over_http1(
        &self,
        worker: WorkerId,
        request: Request<Outgoing>,
        again: Option<Again<'_>>,
        now: Instant,
    ) -> Result<(Response<Incoming>, http1::SendRequest<Outgoing>), Failed> {
        let unsent = match self.take_idle(worker, now) {
            None => request,
            Some(mut connection) => match connection.try_send_request(request).await {
                Ok(response) => return Ok((response, connection)),
                // The endpoint closed the connection meanwhile. Either nothing of the request left,
                // or repeating it is harmless.
                Err(mut error) => match (error.take_message(), again) {
                    (Some(unsent), _) => unsent,
                    (None, Some(again)) => again.request(),
                    (None, None) => return Err(Failure::of(error.into_error()).into()),
                },
            },
        };
        let mut connection = match self.connect().await {
            Ok(stream) => self.handshake(stream).await?,
            Err(failure) => {
                return Err(Failed {
                    failure,
                    unsent: Some(Box::new(unsent)),
                });
            }
        };
        match connection.try_send_request(unsent).await {
            Ok(response) => Ok((response, connection)),
            Err(error) => Err(Failed::of(error)),
        }
    }

    async fn handshake(
        &self,
        stream: Moving<TcpStream>,
    ) -> Result<http1::SendRequest<Outgoing>, Failure> {
        let (connection, driver) = http1::Builder::new()
            .max_header_size(self.limits.max_header_bytes as usize)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Failure::of)?;
        // Its errors reach whoever waits for the response.
        tokio::spawn(async move { drop(driver.with_upgrades().await) });
        Ok(connection)
    }

    async fn over_http2(
        self: &Arc<Self>,
        worker: WorkerId,
        request: Request<Outgoing>,
    ) -> Result<Response<Incoming>, Failed> {
        let connect = || {
            let own = Arc::clone(self);
            async move { own.handshake_http2(own.connect().await?).await }
        };
        let mut connection = match self.pools.of(worker).shared.connection(connect).await {
            Ok(connection) => connection,
            Err(failure) => {
                return Err(Failed {
                    failure,
                    unsent: Some(Box::new(request)),
                });
            }
        };
        connection
            .try_send_request(request)
            .await
            .map_err(Failed::of)
    }

    async fn handshake_http2(
        &self,
        stream: Moving<TcpStream>,
    ) -> Result<http2::SendRequest<Outgoing>, Failure> {
        // Who waits for a response sees an upload standing still before that; this is for those that go on beside one.
        let streams = Streams::new(self.limits.stall_timeout.saturating_mul(2));
        let (connection, driver) = http2::Builder::new(streams)
            .timer(TokioTimer::new())
            .max_header_list_size(self.limits.max_header_bytes)
            .keep_alive_interval(self.limits.stall_timeout / 2)
            .keep_alive_timeout(self.limits.stall_timeout / 2)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Failure::of)?;
        tokio::spawn(async move { drop(driver.await) });
        Ok(connection)
    }

    async fn connect(&self) -> Result<Moving<TcpStream>, Failure> {
        let connecting = TcpStream::connect(&*self.address);
        let stream = timeout(self.limits.connect_timeout, connecting)
            .await
            .map_err(|_| Failure::ConnectTimeout)?
            .map_err(Failure::to_connect)?;
        stream.set_nodelay(true).map_err(Failure::to_connect)?;
        keep_little_unsent(&stream);
        Ok(Moving::new(stream, self.limits.stall_timeout))
    }

    /// The youngest that is ready. One may not be yet: its response is over, but not the upload before it.
    fn take_idle(&self, worker: WorkerId, now: Instant) -> Option<http1::SendRequest<Outgoing>> {
        let mut idle = self.idle(worker);
        let mut at = idle.len();
        let least = at.saturating_sub(MAX_LOOKED_AT);
        while at > least {
            at -= 1;
            let (connection, since) = idle.get(at)?;
            // The older ones are below: once one is too old, so are they.
            if now.saturating_duration_since(*since) > self.limits.keep_alive {
                idle.drain(..=at);
                return None;
            }
            if connection.is_ready() {
                return Some(idle.remove(at).0);
            }
            if connection.is_closed() {
                idle.remove(at);
            }
        }
        None
    }

    fn put_idle(&self, worker: WorkerId, connection: http1::SendRequest<Outgoing>, now: Instant) {
        if connection.is_closed() {
            return;
        }
        let mut idle = self.idle(worker);
        let old = idle.iter().take_while(|(_, since)| {
            now.saturating_duration_since(*since) > self.limits.keep_alive
        });
        let old = old.count();
        idle.drain(..old);
        if idle.len() < MAX_IDLE.div_ceil(self.pools.count()) {
            idle.push((connection, now));
        }
    }

    fn idle(
        &self,
        worker: WorkerId,
    ) -> MutexGuard<'_, Vec<(http1::SendRequest<Outgoing>, Instant)>> {
        let idle = &self.pools.of(worker).idle;
        // Connections are pushed and popped whole.
        idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

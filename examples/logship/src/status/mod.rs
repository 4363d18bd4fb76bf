//! What a running `logship` says of itself over HTTP (`--metrics`): `/metrics` for Prometheus, `/healthz`, `/readyz`.
//!
//! One thread of its own, which only reads counts; it never keeps the work from going on.

mod counts;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub(crate) use counts::Status;

/// Connections at once; those who ask are few.
const MAX_CONNECTIONS: usize = 16;
/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Listens on an address and answers from then on. Says where, for an address with port 0.
pub(crate) fn serve(address: &str, status: Arc<Status>) -> anyhow::Result<std::net::SocketAddr> {
    let about = || format!("cannot listen on {address}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .with_context(about)?;
    let listener = runtime
        .block_on(TcpListener::bind(address))
        .with_context(about)?;
    let bound = listener.local_addr().with_context(about)?;
    std::thread::Builder::new()
        .name("status".to_owned())
        .spawn(move || runtime.block_on(answer_all(listener, status)))
        .with_context(about)?;
    Ok(bound)
}

async fn answer_all(listener: TcpListener, status: Arc<Status>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let status = Arc::clone(&status);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = answer(&request, &status);
                async move { Ok::<_, Infallible>(response) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, status: &Status) -> Response<Full<Bytes>> {
    let state = |good: bool| match good {
        true => (StatusCode::OK, "ok\n".to_owned()),
        false => (StatusCode::SERVICE_UNAVAILABLE, "no\n".to_owned()),
    };
    let (code, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, status.text()),
        (&Method::GET, "/healthz") => state(status.is_alive()),
        (&Method::GET, "/readyz") => state(status.is_ready()),
        _ => (
            StatusCode::NOT_FOUND,
            "GET /metrics, /healthz, /readyz\n".to_owned(),
        ),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = code;
    // The text format of Prometheus; also what plain text is.
    let kind = hyper::header::HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

//! For operators: health, metrics, the live state, and what can be decided by hand. A port of its own, which
//! belongs on loopback or behind something that asks who is there.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use narae_routing::Weight;
use narae_routing::failover::Latch;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::metrics;
use crate::router::Router;

const PAGE: &str = include_str!("admin.html");

/// Connections at once; operators are few.
const MAX_CONNECTIONS: usize = 64;

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, router: Arc<Router>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let router = Arc::clone(&router);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let router = Arc::clone(&router);
                async move { Ok::<_, Infallible>(answer(&router, &request)) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new())
                .header_read_timeout(router.limits.header_timeout);
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}

fn answer(router: &Router, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let now = router.now();
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => text(StatusCode::OK, "ok\n"),
        (&Method::GET, "/readyz") => text(StatusCode::OK, "ready\n"),
        (&Method::GET, "/metrics") => {
            let body = metrics::text(&router.metrics, &router.own, &router.live(), now);
            written(StatusCode::OK, "text/plain; version=0.0.4", body)
        }
        (&Method::GET, "/state") => written(
            StatusCode::OK,
            "application/json",
            state(router).to_string(),
        ),
        (&Method::GET, "/") => written(StatusCode::OK, "text/html; charset=utf-8", PAGE.to_owned()),
        (&Method::POST, path) => {
            // A page of another site can make a browser post, but not with a header of its own.
            if !request.headers().contains_key("x-router-admin") {
                let missing = "send the header X-Router-Admin, so that no web page can do this\n";
                return text(StatusCode::FORBIDDEN, missing);
            }
            decide(router, path, request.uri().query().unwrap_or_default())
        }
        _ => text(
            StatusCode::NOT_FOUND,
            "GET /, /healthz, /readyz, /metrics, /state; POST /drain, /latch, /weight, /reload\n",
        ),
    }
}

/// Carries out what was decided by hand.
fn decide(router: &Router, path: &str, query: &str) -> Response<Full<Bytes>> {
    if path == "/reload" {
        return match router.load() {
            Ok(notes) => text(StatusCode::OK, &format!("reloaded\n{}\n", notes.join("\n"))),
            Err(error) => text(StatusCode::CONFLICT, &format!("{error}\n")),
        };
    }
    // As a page's form is encoded.
    let asked = reqwest::Url::parse(&format!("http://localhost/?{query}"));
    let value = |name: &str| {
        let mut pairs = asked.as_ref().ok()?.query_pairs();
        let found = pairs.find(|(key, _)| key == name)?;
        Some(found.1.into_owned())
    };
    let live = router.live();
    let service = value("service").unwrap_or_default();
    let Some(upstream) = live.upstreams().iter().find(|u| u.name() == service) else {
        return text(StatusCode::NOT_FOUND, "no such service\n");
    };
    let now = router.now();
    let (site, to) = (
        value("site").unwrap_or_default(),
        value("to").unwrap_or_default(),
    );
    let done = match (path, to.as_str()) {
        ("/drain", "out") => {
            upstream
                .pool()
                .drain(&value("endpoint").unwrap_or_default(), true, now)
        }
        ("/drain", "in") => {
            upstream
                .pool()
                .drain(&value("endpoint").unwrap_or_default(), false, now)
        }
        ("/latch", "out") => upstream.pool().latch(&site, Latch::Out, now),
        ("/latch", "in") => upstream.pool().latch(&site, Latch::In, now),
        ("/latch", "released") => upstream.pool().latch(&site, Latch::Released, now),
        ("/weight", "policy") => upstream.pool().shift(&site, None, now),
        ("/weight", weight) => match weight.parse::<Weight>() {
            Ok(weight) => upstream.pool().shift(&site, Some(weight), now),
            Err(error) => return text(StatusCode::BAD_REQUEST, &format!("to: {error}\n")),
        },
        _ => {
            let usage = "POST /drain?service=&endpoint=&to=out|in, /latch?service=&site=&to=out|in|released, \
                         /weight?service=&site=&to=NUMBER|policy, /reload\n";
            return text(StatusCode::BAD_REQUEST, usage);
        }
    };
    if done {
        match router.save() {
            Ok(()) => text(StatusCode::OK, "done\n"),
            Err(error) => text(
                StatusCode::OK,
                &format!("done, and forgotten at the next start: {error}\n"),
            ),
        }
    } else {
        text(StatusCode::NOT_FOUND, "no such site or endpoint\n")
    }
}

/// Services with their sites and endpoints.
fn state(router: &Router) -> Value {
    let now = router.now();
    let live = router.live();
    let services = live.upstreams().iter().map(|upstream| {
        let sites = upstream.standing(now).into_iter().map(|site| {
            let endpoints = site.endpoints.into_iter().map(|e| {
                json!({
                    "address": &*e.address, "weight": e.weight.value(), "share": e.share, "lag": e.lag,
                    "available": e.available, "up": e.up, "ejected": e.ejected, "drained": e.drained,
                    "breaker": e.breaker.map(|state| state.to_string()),
                    "failure_rate": e.measures.and_then(|m| m.failure_rate),
                    "successes": e.successes, "failures": e.failures,
                })
            });
            json!({
                "name": &*site.name, "priority": site.priority, "weight": site.weight.value(),
                "share": site.share, "lag": site.lag,
                "phase": format!("{:?}", site.phase).split('(').next().unwrap_or_default(),
                "latch": format!("{:?}", site.latch),
                "endpoints": endpoints.collect::<Vec<_>>(),
            })
        });
        let statuses = upstream.counters.statuses();
        json!({
            "name": upstream.name(),
            "panic": upstream.pool().is_in_panic(),
            "sites": sites.collect::<Vec<_>>(),
            "statuses": statuses.map(|(status, count)| (status.to_string(), count.into())).collect::<serde_json::Map<String, Value>>(),
        })
    });
    json!({ "uptime_seconds": now.as_secs(), "services": services.collect::<Vec<_>>() })
}

fn text(status: StatusCode, body: &str) -> Response<Full<Bytes>> {
    written(status, "text/plain; charset=utf-8", body.to_owned())
}

fn written(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // The page runs its own script and nothing else, and nobody frames it.
    let policy = "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    headers.insert("content-security-policy", HeaderValue::from_static(policy));
    response
}

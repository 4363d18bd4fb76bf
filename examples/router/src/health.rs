//! Asking endpoints whether they are well. When, and what the answers mean, is the pool's to say.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, USER_AGENT};
use hyper_util::rt::{TokioExecutor, TokioIo};
use narae_routing::gateway::HealthCheckSpec;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::connections::Protocol;
use crate::router::Router;
use crate::upstream::Upstream;

/// How often it is looked whether a probe is due.
const TICK: Duration = Duration::from_millis(20);

/// The most that is read of an answer.
const ANSWER_BYTES: usize = 64 << 10;

/// When each endpoint of each service is asked next; `None` while it is being asked.
type Due = Arc<Mutex<HashMap<Key, Option<Duration>>>>;
type Key = (String, Arc<str>);

/// Probes all services until the router is gone.
pub(crate) async fn probe(router: Weak<Router>) {
    let all = Due::default();
    loop {
        tokio::time::sleep(TICK).await;
        let Some(router) = router.upgrade() else {
            return;
        };
        let now = router.now();
        let mut asked: HashSet<Key> = HashSet::new();
        for upstream in router.live().upstreams() {
            let mut pool = upstream.pool();
            if pool.is_due(now) {
                pool.look(now);
            }
            drop(pool);
            let Some(check) = upstream.settings().health.clone() else {
                continue;
            };
            for (address, wait) in upstream.probes() {
                let key = (upstream.name().to_owned(), address);
                asked.insert(key.clone());
                let mut due = lock(&all);
                let at = due.entry(key.clone()).or_insert(Some(now + wait));
                if at.is_some_and(|at| at <= now) {
                    *at = None;
                    tokio::spawn(once(
                        Arc::clone(&router),
                        Arc::clone(upstream),
                        check.clone(),
                        key,
                        Arc::clone(&all),
                    ));
                }
            }
        }
        lock(&all).retain(|key, _| asked.contains(key));
    }
}

fn lock(due: &Due) -> MutexGuard<'_, HashMap<Key, Option<Duration>>> {
    // Entries are written whole.
    due.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks one endpoint, and says when it is asked next.
async fn once(
    router: Arc<Router>,
    upstream: Arc<Upstream>,
    check: HealthCheckSpec,
    key: Key,
    due: Due,
) {
    let address = &key.1;
    let limit = check.timeout.map_or(Duration::from_secs(1), Duration::from);
    let asked = ask(&check, address, upstream.protocol());
    let status = timeout(limit, asked).await.ok().flatten();
    let well = status.is_some_and(|status| {
        if check.statuses.is_empty() {
            (200..300).contains(&status)
        } else {
            check.statuses.contains(&status)
        }
    });
    let now = router.now();
    let mut pool = upstream.pool();
    pool.probed(address, well, now);
    let next = pool.next_probe(address, fastrand::f64());
    drop(pool);
    lock(&due).insert(key, next.map(|wait| now + wait));
}

/// The status of an answer that came whole, over a connection of its own.
async fn ask(check: &HealthCheckSpec, address: &str, protocol: Protocol) -> Option<u16> {
    let stream = TokioIo::new(TcpStream::connect(address).await.ok()?);
    let path = check.path.as_deref().unwrap_or("/");
    let host = check.host.as_deref().unwrap_or(address);
    let request = Request::get(match protocol {
        Protocol::Http1 => path.to_owned(),
        Protocol::Http2 => format!("http://{host}{path}"),
    })
    .header(USER_AGENT, "router");
    let response = match protocol {
        Protocol::Http1 => {
            let (mut connection, driver) = http1::handshake(stream).await.ok()?;
            tokio::spawn(async move { drop(driver.await) });
            let request = request
                .header(HOST, host)
                .body(Empty::<Bytes>::new())
                .ok()?;
            connection.send_request(request).await.ok()?
        }
        Protocol::Http2 => {
            let (mut connection, driver) =
                http2::handshake(TokioExecutor::new(), stream).await.ok()?;
            tokio::spawn(async move { drop(driver.await) });
            let request = request.body(Empty::<Bytes>::new()).ok()?;
            connection.send_request(request).await.ok()?
        }
    };
    let status = response.status().as_u16();
    Limited::new(response.into_body(), ANSWER_BYTES)
        .collect()
        .await
        .ok()?;
    Some(status)
}

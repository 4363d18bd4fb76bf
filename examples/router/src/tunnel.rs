//! WebSocket: once both sides have switched, bytes pass both ways until one side ends or both are silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::access::Entry;
use crate::body::Companion as _;
use crate::connections::Held;
use crate::exchange::Came;
use crate::router::Router;
use crate::stall::stands_still;

/// Passes bytes in a task of its own. What it keeps: the log entry, the place among the endpoint's requests, and
/// the client's place among the connections.
pub(crate) fn open(
    router: &Arc<Router>,
    came: &Came,
    client: OnUpgrade,
    endpoint: OnUpgrade,
    kept: (Box<Entry>, Held),
) {
    let (router, place) = (Arc::clone(router), Arc::clone(&came.place));
    tokio::spawn(async move {
        let (mut entry, _held) = kept;
        let _place = place;
        let limit = router.limits.stall_timeout;
        let Ok((Ok(client), Ok(endpoint))) =
            timeout(limit, async { (client.await, endpoint.await) }).await
        else {
            return;
        };
        router.metrics.tunnels.fetch_add(1, Ordering::Relaxed);
        let (client_reader, client_writer) = tokio::io::split(TokioIo::new(client));
        let (endpoint_reader, endpoint_writer) = tokio::io::split(TokioIo::new(endpoint));
        let received = entry.received();
        let moved = AtomicU64::new(0);
        let up = pass(client_reader, endpoint_writer, |bytes| {
            moved.fetch_add(1, Ordering::Relaxed);
            received.add(bytes);
        });
        let down = pass(endpoint_reader, client_writer, |bytes| {
            moved.fetch_add(1, Ordering::Relaxed);
            entry.passed(bytes);
        });
        tokio::select! {
            () = async { tokio::join!(up, down); } => {}
            () = stands_still(limit, || Some(moved.load(Ordering::Relaxed))) => {}
        }
        router.metrics.tunnels.fetch_sub(1, Ordering::Relaxed);
    });
}

/// From one side to the other until the end, which is passed on as well.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut passed: impl FnMut(usize),
) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let Some(chunk) = buffer.get(..read) else {
            break;
        };
        if to.write_all(chunk).await.is_err() {
            break;
        }
        passed(read);
    }
    let _ = to.shutdown().await;
}

//! Client connections: accepted, limited, served, drained.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::arguments::Serve;
use crate::exchange::Router;

/// How long to leave the listener alone when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop`, then lets running requests end. Returns how many connections had to be cut.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Arc<Router>,
    arguments: &Serve,
    stop: impl Future<Output = ()>,
) -> usize {
    let most = arguments.max_connections.get() as usize;
    let connections = Arc::new(Semaphore::new(most));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(arguments.header_timeout)
        .max_header_size(arguments.max_header_bytes as usize);
    tokio::pin!(stop);
    loop {
        let (stream, client, permit) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&listener, &connections) => match accepted {
                Ok(accepted) => accepted,
                Err(_) => {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let router = Arc::clone(&router);
        let service = service_fn(move |request| {
            let router = Arc::clone(&router);
            async move { Ok::<_, Infallible>(router.handle(client.ip(), request).await) }
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A client that breaks off or talks nonsense has been answered by hyper, if it can be.
            let _ = connection.await;
            drop(permit);
        });
    }
    // Refuse newcomers at once; the router's own reference to the log goes with it.
    drop((listener, router));
    match tokio::time::timeout(arguments.drain_timeout, graceful.shutdown()).await {
        Ok(()) => 0,
        Err(_) => most - connections.available_permits(),
    }
}

async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, client) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, client, permit))
}

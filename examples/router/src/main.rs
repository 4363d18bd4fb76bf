//! A reverse proxy that does what Gateway API objects and traffic policies say, small enough to read:
//! `router --help`.
//!
//! One request: `server` accepts the connection, a `worker` takes it and `tls` opens it, `exchange` checks the request and asks the
//! table of `live` what becomes of it, after `identity` has verified who sent it, `forward` picks endpoints of an `upstream` and tries them with an `outbound`
//! request over `connections`, `body` streams both ways under a time limit, `stall` lets go what stands still, `access` logs it when its last byte is out.
//! Beside that, `state` keeps what operators decided for the next run, `cluster` watches one instead of files, `health` probes, `admin` shows and takes orders. Every decision is `narae-routing`'s.

mod access;
mod admin;
mod arguments;
mod body;
mod check;
#[cfg(feature = "kube")]
mod cluster;
mod connections;
mod deadline;
mod exchange;
mod explain;
mod flags;
mod forward;
mod headers;
mod health;
mod identity;
mod live;
mod metrics;
mod objects;
mod outbound;
mod router;
mod server;
mod simulate;
mod stall;
mod state;
mod tls;
mod tunnel;
mod upload;
mod upstream;
mod verdict;
mod weighed;
mod whole;
mod worker;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use access::AccessLog;
use arguments::{Arguments, Command, Serve};
use live::{LoadError, Source, Stamp};
use router::Router;
use server::{Draining, Entrance};
use state::{StateError, StateFile};
use worker::Workers;

/// The system's allocator was a tenth of the instructions that a request takes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Arguments { command, serve } = Arguments::parse();
    let done = match command {
        Some(Command::Explain(explain)) => explain::run(&explain).map_err(Failure::Explain),
        Some(Command::Simulate(simulate)) => simulate::run(&simulate).map_err(Failure::Simulate),
        Some(Command::Check(check)) => check::run(&check).map_err(Failure::Explain),
        None => run(&serve).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// With stderr gone too there is nobody left to tell; the exit code still says it.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "router: {line}");
}

/// This thread accepts, probes, reloads and answers operators; its workers serve.
#[tokio::main(flavor = "current_thread")]
async fn run(serve: &Serve) -> Result<(), Failure> {
    let source = source(serve).await?;
    let limits = Arc::new(serve.limits.clone());
    let (log, writer) = if serve.no_access_log {
        (None, None)
    } else {
        let (log, writer) = AccessLog::start(limits.workers()).map_err(Failure::Start)?;
        (Some(log), Some(writer))
    };
    // Before they are read: a change from then on is one to notice.
    let stamp = source.stamp();
    #[cfg(feature = "kube")]
    let cluster = source.cluster();
    let state = serve.state.as_deref().map(StateFile::open).transpose()?;
    let (router, notes) = Router::new(source, limits, log, state)?;
    notes.iter().for_each(|note| say(note));
    let router = Arc::new(router);
    let workers = Workers::start(router.limits.workers()).map_err(Failure::Start)?;
    let workers = Arc::new(workers);
    // Before the ready lines: who has read them may send a signal.
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Start)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Start)?;
    let reloading = reload(Arc::clone(&router), serve.watch, stamp)?;

    let most = serve.max_connections.get();
    let connections = Arc::new(Semaphore::new(most as usize));
    let (running, draining) = watch::channel(());
    let mut tasks = JoinSet::new();
    for (port, address) in serve.addresses(router.ports()) {
        let (listener, address) = listen(address).await?;
        let entrance = Entrance {
            listener,
            port,
            router: Arc::clone(&router),
            workers: Arc::clone(&workers),
            connections: Arc::clone(&connections),
            draining: Draining(draining.clone()),
        };
        let secure = router.live().ports.get(&port) == Some(&true);
        let scheme = if secure { "https" } else { "http" };
        tasks.spawn(entrance.serve());
        announce(&format!("router listening on {scheme}://{address}"))?;
    }
    if let Some(address) = serve.admin {
        let (listener, address) = listen(address).await?;
        tasks.spawn(admin::serve(listener, Arc::clone(&router)));
        announce(&format!("router admin on http://{address}"))?;
    }
    tasks.spawn(health::probe(Arc::downgrade(&router)));
    tasks.spawn(reloading);
    tasks.spawn(save(Arc::clone(&router)));
    #[cfg(feature = "kube")]
    if let Some(cluster) = cluster {
        tasks.spawn(cluster::serve(cluster, Arc::clone(&router)));
    }

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    // Refuse newcomers at once.
    tasks.shutdown().await;
    router
        .save()
        .unwrap_or_else(|error| say(&error.to_string()));
    drop((router, running));
    // Connections and tunnels alike keep a place.
    let drained = connections.acquire_many(most);
    let cut = match tokio::time::timeout(serve.drain_timeout, drained).await {
        Ok(_) => 0,
        Err(_) => most as usize - connections.available_permits(),
    };
    // What still runs is cut here, and logged; its lines are written out.
    drop(workers);
    if let Some(writer) = writer {
        writer.finish();
    }
    match cut {
        0 => Ok(()),
        connections => Err(Failure::Cut { connections }),
    }
}

/// Where the configuration comes from.
async fn source(serve: &Serve) -> Result<Source, Failure> {
    #[cfg(feature = "kube")]
    if serve.cluster {
        let (controller, policies) = (serve.controller_name.clone(), serve.config.clone());
        let cluster = cluster::Cluster::watch(controller, policies, serve.ports());
        return Ok(Source::Cluster(cluster.await?));
    }
    Ok(serve.source())
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let refused = |cause| Failure::Listen { address, cause };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(Failure::Start)?;
    Ok((listener, address))
}

fn announce(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout();
    writeln!(out, "{line}").map_err(Failure::Start)?;
    out.flush().map_err(Failure::Start)
}

/// Writes the state now and then, if there is a file for it.
async fn save(router: Arc<Router>) {
    loop {
        tokio::time::sleep(state::EVERY).await;
        let saving = Arc::clone(&router);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || saving.save()).await {
            say(&error.to_string());
        }
    }
}

/// Takes a new configuration when a file changes, and on SIGHUP.
fn reload(
    router: Arc<Router>,
    every: std::time::Duration,
    mut loaded: Stamp,
) -> Result<impl Future<Output = ()>, Failure> {
    let mut hangup = signal(SignalKind::hangup()).map_err(Failure::Start)?;
    let mut seen = loaded.clone();
    Ok(async move {
        loop {
            tokio::select! {
                _ = hangup.recv() => {}
                () = tokio::time::sleep(every) => {
                    // A file that is still being written changes again.
                    let last = std::mem::replace(&mut seen, router.stamp());
                    if seen == loaded || seen != last {
                        continue;
                    }
                }
            }
            loaded = router.stamp();
            let loading = Arc::clone(&router);
            match tokio::task::spawn_blocking(move || loading.load()).await {
                Ok(Ok(notes)) => notes.iter().for_each(|note| say(note)),
                Ok(Err(error)) => say(&format!("{error}; the last configuration goes on")),
                Err(_) => say("loading the configuration failed; the last one goes on"),
            }
        }
    })
}

/// Why the router ends with exit code 1.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Explain(explain::ExplainError),
    #[error(transparent)]
    Simulate(simulate::SimulateError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("{0}; move it away to begin without it")]
    State(#[from] StateError),
    #[cfg(feature = "kube")]
    #[error(transparent)]
    Cluster(#[from] cluster::ClusterError),
    #[error(
        "cannot listen on {address}: {cause}; is another process there? try --listen with another port"
    )]
    Listen {
        address: SocketAddr,
        cause: io::Error,
    },
    #[error("cannot start: {0}")]
    Start(io::Error),
    #[error("{connections} connections were still busy when --drain-timeout ended, and were cut")]
    Cut { connections: usize },
}

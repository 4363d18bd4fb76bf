//! A weighted HTTP reverse proxy, small enough to read: `router --help`.
//!
//! One request: `server` accepts the connection, `exchange` checks the request and asks the split
//! for a backend, `headers` makes it fit to forward, `backend` sends it over a pooled connection,
//! `body` streams both ways under a time limit, `access` logs it when its last byte is out.

mod access;
mod arguments;
mod backend;
mod body;
mod exchange;
mod explain;
mod headers;
mod objects;
mod server;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use access::AccessLog;
use arguments::{Arguments, Command, Serve};
use exchange::Router;

fn main() -> ExitCode {
    let Arguments { command, serve } = Arguments::parse();
    let done = match command {
        Some(Command::Explain(explain)) => explain::run(&explain).map_err(Failure::Explain),
        None => {
            let backends = serve.backends();
            run(&serve, backends).map(|()| true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // With stderr gone too there is nobody left to tell; the exit code still says it.
            let _ = writeln!(io::stderr(), "router: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: &Serve, backends: narae_routing::Backends<String>) -> Result<(), Failure> {
    let listener = TcpListener::bind(arguments.listen).await;
    let listener = listener.map_err(|cause| Failure::Listen {
        address: arguments.listen.to_string(),
        cause,
    })?;
    // Before the ready line: who has read it may send a signal.
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Start)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Start)?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };

    let address = listener.local_addr().map_err(Failure::Start)?;
    let mut out = io::stdout();
    writeln!(out, "router listening on http://{address}").map_err(Failure::Start)?;
    out.flush().map_err(Failure::Start)?;

    let (log, writer) = AccessLog::start().map_err(Failure::Start)?;
    let router = Arc::new(Router::new(arguments, backends, log));
    let cut = server::serve(listener, router, arguments, stop).await;
    // Every connection has let go of the log by now, or is being cut; its lines are written out.
    writer.finish();
    match cut {
        0 => Ok(()),
        connections => Err(Failure::Cut { connections }),
    }
}

/// Why the router ends with exit code 1.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Explain(explain::ExplainError),
    #[error(
        "cannot listen on {address}: {cause}; is another process there? try --listen with another port"
    )]
    Listen { address: String, cause: io::Error },
    #[error("cannot start: {0}")]
    Start(io::Error),
    #[error("{connections} connections were still busy when --drain-timeout ended, and were cut")]
    Cut { connections: usize },
}

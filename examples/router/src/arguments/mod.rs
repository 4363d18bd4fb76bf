//! The command line.

mod values;

#[cfg(feature = "kube")]
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use narae_routing::Backends;

use crate::live::Source;

pub(crate) use values::{BackendAddress, Client, Listen};

const EXAMPLE: &str = "\
Example: what people apply to a cluster, served here:
  router --config gateway.yaml routes.yaml policy.yaml --listen 80=0.0.0.0:8080 --admin 127.0.0.1:9901
Example: the Gateways of a cluster, by its API server:
  router --cluster --listen 80=0.0.0.0:8080 --listen 443=0.0.0.0:8443
Example: nine requests in ten to a, one to b, exactly:
  router --backend a=http://127.0.0.1:9001@90 --backend b=http://127.0.0.1:9002@10

What it does to a request:
  HTTP/1.1, HTTP/2 (TLS by ALPN, or from the first byte on) and WebSocket. A route decides where it goes and
  as what; Host is passed on as the client sent it unless a route says otherwise. X-Forwarded-For gets the
  client's address appended, X-Forwarded-Proto and Via are set; trace headers pass. What is about one
  connection ends here (RFC 9110, 7.6.1). Bodies and trailers stream both ways.
  What fails before anything was sent is tried at another endpoint, as is what may be repeated (GET, PUT …)
  with a body of at most 64 KiB, within the retry budget of its TrafficPolicy.

What a client gets when it cannot be served, besides what routes say (404, 500, 503):
  400 no or an ambiguous Host    408 its body stalled    431 its header section is too large
  501 CONNECT                    502 the backend failed  503 nobody can take it now
  504 the backend did not connect or answer in time

Stdout has a line for each address when it is ready, then the access log in Envoy's default format. What is
not HTTP is answered and not logged. Notes on the configuration go to stderr.

A configuration that cannot be read or compiled is refused whole: at the start the router ends, later it goes
on with the last one. Health, breakers, connections and shares outlive a change.

SIGHUP reads the files again. SIGTERM and SIGINT stop accepting, finish the requests that run, and end.
Exit codes: 0 stopped and drained, 1 error or connections cut, 2 usage.";

/// Divides HTTP requests between backends exactly by weight.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = EXAMPLE,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Says what Gateway API objects do to requests, without a cluster or a socket
    Explain(Explain),
    /// Plays Simulations against the TrafficPolicies they name, in virtual time
    Simulate(Simulate),
    /// Says what of a configuration will be regretted, without serving it
    Check(Check),
}

/// `router simulate`.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Simulations, and the Services and TrafficPolicies they are about (YAML)
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Write a timeline of the first simulation here (SVG)
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,

    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// `router check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Gateways, routes, Services, TrafficPolicies … as they are applied (YAML)
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

const EXPLAIN: &str = "\
Reads one request per line on stdin:
  {\"method\":\"GET\",\"host\":\"example.com\",\"path\":\"/a?b=c\",\"headers\":{\"x-env\":\"canary\"},
   \"gateway\":\"infra/public\",\"listener\":\"https\"}
Only `path` is needed; headers are values or lists of values. Without `gateway` or `listener`, the first
with a rule for the request decides.

Prints one line per request: as a sentence, or with --json
  status            what the client gets; 200 stands for whatever the backend answers
  backend, namespace, port, path, host, headers   where the request goes and as what; null if nowhere
  response_headers  changes to the answer: a name's new or added value, null if removed
  location          of a redirect        mirrors  who else gets a copy
  gateway, listener, rule, reason        who decided, and why it is refused
Repeated headers are joined by `,`. Weights and mirrored parts are counted exactly over the lines.

Endpoints count as ready unless EndpointSlices say otherwise. What of the objects cannot be taken as
written is said on stderr, with what it means for requests.
Exit codes: 0, 1 a file or line that cannot be read, 2 usage.";

/// `router explain`.
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN)]
pub(crate) struct Explain {
    /// One request instead of stdin, as 'METHOD URL', and everything that was weighed: each match and by what it
    /// lost, each site and endpoint
    #[arg(value_name = "REQUEST")]
    pub(crate) request: Option<String>,

    /// A header of REQUEST, as 'NAME: VALUE'; repeat for more. Credentials in Authorization are verified as the
    /// AccessPolicies say, with keys fetched where they are at a URL
    #[arg(short = 'H', value_name = "HEADER", requires = "request")]
    pub(crate) header: Vec<String>,

    /// Who sends REQUEST, taken as verified: a file with the claims of a token (JSON), or user:NAME
    #[arg(long = "as", value_name = "CLIENT", requires = "request")]
    pub(crate) client: Option<Client>,

    /// Gateways, HTTPRoutes, GRPCRoutes, Services, ReferenceGrants … as they are applied (YAML);
    /// repeat for more files
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) config: Vec<PathBuf>,

    /// Print JSON instead of sentences
    #[arg(long)]
    pub(crate) json: bool,
}

/// Without a command: serve.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Gateways, HTTPRoutes, Services, TrafficPolicies, TLS Secrets … to serve (YAML); read again when
    /// they change, and on SIGHUP
    #[cfg_attr(feature = "kube", arg(required_unless_present_any = ["backend", "cluster"]))]
    #[cfg_attr(not(feature = "kube"), arg(required_unless_present = "backend"))]
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) config: Vec<PathBuf>,

    /// Serve the Gateways of a cluster, with their routes, services and certificates, and write what becomes of
    /// them into their status. --config then only adds policies, and --listen says which ports are served. The
    /// cluster is that of KUBECONFIG, or the one whose pod this is
    #[cfg(feature = "kube")]
    #[arg(long, conflicts_with = "backend", requires = "listen")]
    pub(crate) cluster: bool,

    /// Whose GatewayClasses are served
    #[cfg(feature = "kube")]
    #[arg(long, value_name = "NAME", default_value = "narae.dev/router")]
    pub(crate) controller_name: String,

    /// Instead of --config, a backend, as NAME=http://HOST:PORT@WEIGHT; repeat for each. WEIGHT defaults
    /// to 1, and 0 drains
    #[arg(long = "backend", value_name = "BACKEND", conflicts_with = "config")]
    pub(crate) backend: Vec<BackendAddress>,

    /// Where to listen, as ADDRESS, or PORT=ADDRESS for a gateway's port; repeat for each. Other ports
    /// of gateways are listened to as they are, on loopback
    #[arg(long, value_name = "[PORT=]ADDRESS")]
    pub(crate) listen: Vec<Listen>,

    /// Where latches, drains, shifted weights and what was learned of services outlive a restart (JSON, written
    /// whole); nowhere if absent
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,

    /// Where operators and Prometheus look; not anywhere if absent
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) admin: Option<SocketAddr>,

    /// How often to look whether a file has changed
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) watch: Duration,

    /// Longest wait for running requests after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) drain_timeout: Duration,

    /// Most client connections at once; more wait in the listen queue
    #[arg(long, value_name = "COUNT", default_value = "4096")]
    pub(crate) max_connections: NonZeroU32,

    /// Write no access log
    #[arg(long)]
    pub(crate) no_access_log: bool,

    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// What bounds each request and connection.
#[derive(Clone, Debug, Args)]
pub(crate) struct Limits {
    /// Longest wait for a connection to a backend
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub(crate) connect_timeout: Duration,

    /// Longest wait for a response to begin, once the request is sent
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) response_timeout: Duration,

    /// Longest a body may stand still, in either direction
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) stall_timeout: Duration,

    /// Longest wait for a client's header section
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) header_timeout: Duration,

    /// Longest an unused connection to a backend is kept; stay below the backends' own limit
    #[arg(long, value_name = "SECONDS", default_value = "4", value_parser = seconds)]
    pub(crate) keep_alive: Duration,

    /// Largest header section, of requests and of responses
    #[arg(long, value_name = "BYTES", default_value = "32768", value_parser = clap::value_parser!(u32).range(1024..=1_048_576))]
    pub(crate) max_header_bytes: u32,

    /// Most requests at once per backend; more get 503
    #[arg(long, value_name = "COUNT", default_value = "1024")]
    pub(crate) max_requests: NonZeroU32,

    /// Most requests at once on one HTTP/2 connection
    #[arg(long, value_name = "COUNT", default_value = "128")]
    pub(crate) max_streams: NonZeroU32,

    /// Threads that serve; as many as there are processors if absent
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) workers: Option<u16>,
}

impl Limits {
    pub(crate) fn workers(&self) -> NonZeroUsize {
        let written = self
            .workers
            .and_then(|count| NonZeroUsize::new(count.into()));
        let processors = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        written.unwrap_or_else(processors)
    }
}

impl Serve {
    /// Where the configuration comes from; ends the process with a usage error if weights make no split.
    pub(crate) fn source(&self) -> Source {
        if !self.config.is_empty() {
            return Source::Files(self.config.clone());
        }
        let listed = self.backend.iter().map(|b| (b.name.clone(), b.weight));
        if let Err(error) = Backends::new(listed) {
            let message = format!("--backend: {error}");
            Arguments::command()
                .error(ErrorKind::ValueValidation, message)
                .exit()
        }
        Source::Flags(self.backend.clone())
    }

    /// Which ports of a cluster's gateways to serve where; ends the process with a usage error if that is not said.
    #[cfg(feature = "kube")]
    pub(crate) fn ports(&self) -> BTreeMap<u16, SocketAddr> {
        let named = |listen: &Listen| Some((listen.port?, listen.address));
        let ports: Option<_> = self.listen.iter().map(named).collect();
        ports.unwrap_or_else(|| {
            let message = "--listen: with --cluster, write GATEWAYPORT=IP:PORT";
            Arguments::command()
                .error(ErrorKind::ValueValidation, message)
                .exit()
        })
    }

    /// Where to listen for each port of the gateways.
    pub(crate) fn addresses(&self, ports: Vec<u16>) -> Vec<(u16, SocketAddr)> {
        let mut unnamed = self.listen.iter().filter(|listen| listen.port.is_none());
        let default: u16 = if self.config.is_empty() { 8080 } else { 0 };
        ports
            .into_iter()
            .map(|port| {
                let named = self.listen.iter().find(|listen| listen.port == Some(port));
                let own = if default == 0 { port } else { default };
                let address = named.or_else(|| unnamed.next()).map_or_else(
                    || SocketAddr::from(([127, 0, 0, 1], own)),
                    |listen| listen.address,
                );
                (port, address)
            })
            .collect()
    }
}

/// Seconds above zero, up to a day, as `5` or `0.25`.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    text.parse()
        .ok()
        .filter(|seconds| (0.001..=86_400.0).contains(seconds))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or("seconds from 0.001 to 86400")
}

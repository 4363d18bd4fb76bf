//! What is counted, and its Prometheus text (exposition format 0.0.4).

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use narae_routing::breaker::State;

use crate::live::Live;
use crate::worker::{PerWorker, WorkerId};

/// Upper bounds of the buckets of request times, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// Into how many parts counters are divided at most, at 5 KiB a part: with more workers, several count together.
const MAX_SHARDS: NonZeroUsize = NonZeroUsize::new(8).expect("eight is not zero");

/// Of one service, or of what the router answered itself.
pub(crate) struct Counters {
    /// Workers count apart; who reads adds up.
    workers: PerWorker<Shard>,
    pub(crate) retries: AtomicU64,
    pub(crate) mirrored: AtomicU64,
}

/// What one worker counted; not on a cache line of another's.
#[repr(align(128))]
struct Shard {
    /// By status; 0 for requests whose client left.
    statuses: Vec<AtomicU64>,
    buckets: [AtomicU64; BOUNDS.len()],
    nanoseconds: AtomicU64,
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            statuses: (0..600).map(|_| AtomicU64::new(0)).collect(),
            buckets: Default::default(),
            nanoseconds: AtomicU64::new(0),
        }
    }
}

impl Counters {
    pub(crate) fn new(workers: NonZeroUsize) -> Self {
        Self {
            workers: PerWorker::new(workers.min(MAX_SHARDS)),
            retries: AtomicU64::new(0),
            mirrored: AtomicU64::new(0),
        }
    }

    pub(crate) fn ended(&self, worker: WorkerId, status: u16, took: Duration) {
        let shard = self.workers.of(worker);
        if let Some(count) = shard.statuses.get(usize::from(status)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound);
        if let Some(bucket) = bucket.and_then(|at| shard.buckets.get(at)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        shard.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Status and count, of those that occurred.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = (usize, u64)> {
        let counts = (0..600).map(|status| (status, self.sum(|shard| shard.statuses.get(status))));
        counts.filter(|(_, count)| *count > 0)
    }

    fn sum<'c>(&'c self, of: impl Fn(&'c Shard) -> Option<&'c AtomicU64>) -> u64 {
        let counts = self.workers.iter().filter_map(of);
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn write(&self, out: &mut String, service: &str) {
        for (status, count) in self.statuses() {
            line(
                out,
                &format!("router_requests_total{{service=\"{service}\",code=\"{status}\"}}"),
                count,
            );
        }
        let (mut sum, all) = (0, self.statuses().map(|(_, count)| count).sum::<u64>());
        for (at, bound) in BOUNDS.iter().enumerate() {
            sum += self.sum(|shard| shard.buckets.get(at));
            let name =
                format!("router_request_seconds_bucket{{service=\"{service}\",le=\"{bound}\"}}");
            line(out, &name, sum);
        }
        let name = |part: &str| format!("router_request_seconds_{part}{{service=\"{service}\"");
        line(out, &format!("{},le=\"+Inf\"}}", name("bucket")), all);
        line(out, &format!("{}}}", name("count")), all);
        let seconds =
            Duration::from_nanos(self.sum(|shard| Some(&shard.nanoseconds))).as_secs_f64();
        line(out, &format!("{}}}", name("sum")), seconds);
        for (name, count) in [("retries", &self.retries), ("mirrored", &self.mirrored)] {
            let count = count.load(Ordering::Relaxed);
            line(
                out,
                &format!("router_{name}_total{{service=\"{service}\"}}"),
                count,
            );
        }
    }
}

/// Of the whole process.
#[derive(Default)]
pub(crate) struct Metrics {
    pub(crate) connections: AtomicI64,
    pub(crate) tunnels: AtomicI64,
    pub(crate) handshake_failures: AtomicU64,
    pub(crate) credentials_refused: AtomicU64,
    pub(crate) reloads: AtomicU64,
    pub(crate) reload_failures: AtomicU64,
}

const TYPES: [(&str, &str, &str); 13] = [
    ("router_connections", "gauge", "Open client connections."),
    ("router_tunnels", "gauge", "Open WebSocket tunnels."),
    (
        "router_tls_handshake_failures_total",
        "counter",
        "TLS handshakes that failed.",
    ),
    (
        "router_credentials_refused_total",
        "counter",
        "Requests whose token or password was wrong, or could not be verified.",
    ),
    ("router_reloads_total", "counter", "Configurations taken."),
    (
        "router_reload_failures_total",
        "counter",
        "Configurations refused.",
    ),
    (
        "router_requests_total",
        "counter",
        "Requests by service and status; 0 if the client left.",
    ),
    (
        "router_request_seconds",
        "histogram",
        "Time from request to the last byte of its answer.",
    ),
    (
        "router_retries_total",
        "counter",
        "Attempts beyond the first.",
    ),
    ("router_mirrored_total", "counter", "Copies sent."),
    (
        "router_site_share",
        "gauge",
        "Part of a service's requests that a site is due.",
    ),
    (
        "router_endpoint_available",
        "gauge",
        "1 if an endpoint can take traffic.",
    ),
    (
        "router_breaker_open",
        "gauge",
        "1 if an endpoint's breaker lets nothing through.",
    ),
];

/// Everything, as Prometheus reads it.
pub(crate) fn text(metrics: &Metrics, own: &Counters, live: &Live, now: Duration) -> String {
    let mut body = String::new();
    line(
        &mut body,
        "router_connections",
        metrics.connections.load(Ordering::Relaxed),
    );
    line(
        &mut body,
        "router_tunnels",
        metrics.tunnels.load(Ordering::Relaxed),
    );
    for (name, count) in [
        (
            "router_tls_handshake_failures_total",
            &metrics.handshake_failures,
        ),
        (
            "router_credentials_refused_total",
            &metrics.credentials_refused,
        ),
        ("router_reloads_total", &metrics.reloads),
        ("router_reload_failures_total", &metrics.reload_failures),
    ] {
        line(&mut body, name, count.load(Ordering::Relaxed));
    }
    own.write(&mut body, "");
    for upstream in live.upstreams() {
        let service = upstream.name();
        upstream.counters.write(&mut body, service);
        for site in upstream.standing(now) {
            let name = label(&site.name);
            let labels = format!("service=\"{service}\",site=\"{name}\"");
            line(
                &mut body,
                &format!("router_site_share{{{labels}}}"),
                site.share,
            );
            for endpoint in site.endpoints {
                let labels = format!("{labels},endpoint=\"{}\"", label(&endpoint.address));
                let available = u8::from(endpoint.available);
                line(
                    &mut body,
                    &format!("router_endpoint_available{{{labels}}}"),
                    available,
                );
                if let Some(state) = endpoint.breaker {
                    let open = u8::from(matches!(state, State::Open | State::ForcedOpen));
                    line(&mut body, &format!("router_breaker_open{{{labels}}}"), open);
                }
            }
        }
    }
    grouped(&body)
}

/// The format wants all lines of a metric together, under its type.
fn grouped(body: &str) -> String {
    let mut out = String::with_capacity(body.len() * 2);
    for (name, kind, help) in TYPES {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        let own = |line: &&str| {
            let written = line.split(['{', ' ']).next().unwrap_or_default();
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| written.strip_suffix(suffix))
                .filter(|_| kind == "histogram");
            base.unwrap_or(written) == name
        };
        for line in body.lines().filter(own) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

fn line(out: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = writeln!(out, "{name} {value}");
}

fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

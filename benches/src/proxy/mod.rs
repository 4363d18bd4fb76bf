//! What of a processor does one request through `router` take, against the proxies that people run?
//!
//! Each proxy has one worker, pinned to the first processor; endpoints and clients ([`load`]) are on the second.
//! 64 clients ask one request after the other on connections that are kept; the answer has 128 bytes; 80 of 100
//! requests go to the first endpoint. `router` matches 100 routes, measures for a breaker and counts; the others
//! do neither. The figure is processor time per request, which tells more than requests per second on a machine
//! whose other processor makes the load: all proxies are asked in turn, round by round, and each keeps its best.

mod load;
mod peers;

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::process;
use crate::report::Report;
use load::Round;
use peers::{PEERS, Ports, pinned};

pub use load::{LOAD, play};
#[cfg(feature = "pingora")]
pub use peers::{PINGORA, pingora};

const ROUNDS: usize = 11;
const ROUND: Duration = Duration::from_millis(1500);

/// How long a proxy may take to listen.
const START: Duration = Duration::from_secs(20);

/// A proxy that runs; it is ended with this.
struct Running {
    id: &'static str,
    name: &'static str,
    port: u16,
    process: Child,
    rounds: Vec<Round>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn run(report: &mut Report) {
    if !std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1) {
        report.skip(
            "other proxies",
            "they need a processor besides that of the load",
        );
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (free_port(), free_port());
    let ports = |own| Ports { own, first, second };
    let mut proxies = router(folder.path(), first, second);
    for peer in PEERS {
        let port = free_port();
        match peer.start(folder.path(), ports(port)) {
            Some(process) => proxies.push(Running {
                id: peer.id,
                name: peer.name,
                port,
                process,
                rounds: Vec::new(),
            }),
            None => report.skip(peer.name, "it is not on PATH"),
        }
    }
    #[cfg(not(feature = "pingora"))]
    report.skip(
        "pingora-proxy 0.9",
        "needs `--features pingora` (cmake, 157 crates)",
    );
    proxies.retain(|proxy| {
        let listens = listens(proxy.port);
        assert!(listens || !proxy.id.is_empty(), "router listens");
        if !listens {
            report.skip(proxy.name, "it did not start");
        }
        listens
    });
    measure(&mut proxies, first, second);
    tell(report, &proxies);
}

/// Ours, with and without what its peers are not asked for.
fn router(folder: &Path, first: u16, second: u16) -> Vec<Running> {
    let program = process::build("router").display().to_string();
    let config = folder.join("router.yaml");
    std::fs::write(&config, objects(first, second)).expect("a file");
    [("", "off"), ("logging", "on")]
        .map(|(id, log)| {
            let port = free_port();
            let listen = format!("80=127.0.0.1:{port}");
            let config = config.display().to_string();
            let words = ["--config", &config, "--listen", &listen, "--workers", "1"];
            let mut words: Vec<String> = words.iter().map(ToString::to_string).collect();
            if log == "off" {
                words.push("--no-access-log".to_owned());
            }
            Running {
                id,
                name: "router",
                port,
                process: pinned(&program, &words),
                rounds: Vec::new(),
            }
        })
        .into()
}

/// A hundred routes of ten hosts, and one service with a breaker.
fn objects(first: u16, second: u16) -> String {
    let mut text = format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{ name: gateway }}
spec: {{ listeners: [{{ name: http, port: 80, protocol: HTTP }}] }}
---
apiVersion: v1
kind: Service
metadata: {{ name: shop }}
spec: {{ ports: [{{ port: 80 }}] }}
---
apiVersion: narae.dev/v1alpha1
kind: TrafficPolicy
metadata: {{ name: shop }}
spec:
  targetRefs: [{{ name: shop }}]
  sites:
  - name: here
    endpoints:
    - {{ address: \"127.0.0.1:{first}\", weight: 80 }}
    - {{ address: \"127.0.0.1:{second}\", weight: 20 }}
  breaker: {{ failureRate: 50, calls: 100, minimumCalls: 20, waitInOpen: 1s }}
"
    );
    for at in 0..100 {
        let host = match at / 10 {
            4 => "shop".to_owned(),
            host => format!("team-{host}"),
        };
        let path = at % 10;
        text.push_str(&format!(
            "---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{ name: route-{at} }}
spec:
  parentRefs: [{{ name: gateway }}]
  hostnames: [{host}.example.com]
  rules: [{{ matches: [{{ path: {{ value: /api/v{path} }} }}], backendRefs: [{{ name: shop, port: 80 }}] }}]
"
        ));
    }
    text
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

fn listens(port: u16) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < START {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

/// Lets the load play, and hands its rounds to the proxies.
fn measure(proxies: &mut [Running], first: u16, second: u16) {
    let own = std::env::current_exe().expect("this program is a file");
    let mut command = Command::new("taskset");
    command.args(["-c", "1"]).arg(own).arg(LOAD);
    command.args([first, second].map(|port| port.to_string()));
    command.args([ROUND.as_millis().to_string(), ROUNDS.to_string()]);
    for proxy in &*proxies {
        command.arg(format!("{}/{}", proxy.port, proxy.process.id()));
    }
    let mut load = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("taskset, of util-linux");
    let lines = BufReader::new(load.stdout.take().expect("it is piped")).lines();
    for (at, line) in lines.enumerate() {
        let line = line.expect("text");
        let turn = at % proxies.len();
        let proxy = &mut proxies[turn];
        let round = Round::read(&line).expect("the numbers of a round");
        eprintln!(
            "  {:8} {:5.1} µs, {:6.0} requests/s, p50 {:?}, p99 {:?}, {:.1} % to the first, {} failed",
            if proxy.id.is_empty() {
                "router"
            } else {
                proxy.id
            },
            round.each().as_nanos() as f64 / 1e3,
            f64::from(round.requests) / round.took.as_secs_f64(),
            round.median,
            round.p99,
            f64::from(round.first) * 100.0 / f64::from(round.requests.max(1)),
            round.failed,
        );
        proxy.rounds.push(round);
    }
    assert!(
        load.wait().expect("it is our child").success(),
        "the load was played"
    );
}

impl Round {
    fn each(&self) -> Duration {
        self.cpu / self.requests.max(1)
    }
}

fn tell(report: &mut Report, proxies: &[Running]) {
    let best = |proxy: &Running| {
        let sound = proxy.rounds.iter().filter(|round| round.failed == 0);
        sound.min_by_key(|round| round.each()).copied()
    };
    let (ours, peers): (Vec<&Running>, Vec<&Running>) =
        proxies.iter().partition(|proxy| proxy.name == "router");
    for own in ours {
        let mine = best(own).expect("router answers all requests in some round");
        for peer in &peers {
            let Some(theirs) = best(peer) else {
                report.skip(peer.name, "it did not answer all requests in any round");
                continue;
            };
            let (name, log) = if own.id.is_empty() {
                (
                    format!("proxy.cpu_vs_{}", peer.id),
                    "neither has an access log",
                )
            } else {
                (
                    format!("proxy.cpu_logging_vs_{}", peer.id),
                    "only ours has an access log",
                )
            };
            let note = format!(
                "processor time of one request; {log}; p99 {:?} against {:?}",
                mine.p99, theirs.p99
            );
            report.record(&name, peer.name, &note, mine.each(), theirs.each());
        }
    }
}

//! The proxies, each with one worker and configured to do the same: two endpoints, 80 requests of 100 to the first,
//! connections kept on both sides, no access log.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The argument with which this program is the peer that is a library: then come its port and the endpoints'.
#[cfg(feature = "pingora")]
pub const PINGORA: &str = "--pingora";

/// How one proxy is started.
pub struct Peer {
    /// For the name of its ratio.
    pub id: &'static str,
    pub name: &'static str,
    program: &'static str,
    arguments: fn(config: &str, ports: Ports) -> Vec<String>,
    config: fn(folder: &str, ports: Ports) -> String,
}

/// Its own and the endpoints' ports.
#[derive(Clone, Copy)]
pub struct Ports {
    pub own: u16,
    pub first: u16,
    pub second: u16,
}

pub const PEERS: &[Peer] = &[
    Peer {
        id: "haproxy",
        name: "HAProxy, nbthread 1",
        program: "haproxy",
        arguments: |config, _| words(&["-db", "-f", config]),
        config: haproxy,
    },
    Peer {
        id: "nginx",
        name: "nginx, one process",
        program: "nginx",
        arguments: |config, _| words(&["-c", config]),
        config: nginx,
    },
    Peer {
        id: "envoy",
        name: "Envoy, --concurrency 1",
        program: "envoy",
        arguments: |config, _| {
            words(&[
                "-c",
                config,
                "--concurrency",
                "1",
                "-l",
                "error",
                "--disable-hot-restart",
            ])
        },
        config: envoy,
    },
    #[cfg(feature = "pingora")]
    Peer {
        id: "pingora",
        name: "pingora-proxy 0.9, one thread",
        program: "/proc/self/exe",
        arguments: |_, ports| {
            let ports = [ports.own, ports.first, ports.second].map(|port| port.to_string());
            std::iter::once(PINGORA.to_owned()).chain(ports).collect()
        },
        config: |_, _| String::new(),
    },
];

impl Peer {
    /// Starts it on the first processor; `None` if there is no such program.
    pub fn start(&self, folder: &Path, ports: Ports) -> Option<Child> {
        // Envoy goes by the ending.
        let config = folder.join(format!("{}.yaml", self.id));
        let text = (self.config)(&folder.display().to_string(), ports);
        fs::write(&config, text).expect("a file");
        let program = find(self.program)?;
        let arguments = (self.arguments)(&config.display().to_string(), ports);
        Some(pinned(&program, &arguments))
    }
}

/// A program as this machine's processor 0 runs it, silently.
pub fn pinned(program: &str, arguments: &[String]) -> Child {
    let mut command = Command::new("taskset");
    command.args(["-c", "0", program]).args(arguments);
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null());
    silent
        .stderr(Stdio::null())
        .spawn()
        .expect("taskset, of util-linux")
}

/// On PATH, or where Debian keeps servers.
fn find(program: &str) -> Option<String> {
    if program == "/proc/self/exe" {
        return Some(std::env::current_exe().ok()?.display().to_string());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    Some(found?.display().to_string())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn haproxy(_: &str, Ports { own, first, second }: Ports) -> String {
    format!(
        "global
    nbthread 1
    maxconn 4096
defaults
    mode http
    option http-keep-alive
    http-reuse always
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    no log
frontend f
    bind 127.0.0.1:{own}
    default_backend b
backend b
    balance roundrobin
    server s1 127.0.0.1:{first} weight 80
    server s2 127.0.0.1:{second} weight 20
"
    )
}

fn nginx(folder: &str, Ports { own, first, second }: Ports) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/nginx-{kind};"))
        .join(" ");
    format!(
        "worker_processes 1;
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log /dev/null crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    {temporary}
    upstream u {{
        server 127.0.0.1:{first} weight=80 max_fails=0;
        server 127.0.0.1:{second} weight=20 max_fails=0;
        keepalive 256;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{own};
        location / {{ proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection \"\"; }}
    }}
}}
"
    )
}

fn envoy(_: &str, Ports { own, first, second }: Ports) -> String {
    let endpoint = |port: u16, weight: u8| {
        format!(
            "        - {{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }} }}, load_balancing_weight: {weight} }}\n"
        )
    };
    let types = "type.googleapis.com/envoy.extensions.filters";
    format!(
        "static_resources:
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {own} }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": {types}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: i
          codec_type: HTTP1
          generate_request_id: false
          route_config:
            virtual_hosts:
            - name: v
              domains: [\"*\"]
              routes: [{{ match: {{ prefix: / }}, route: {{ cluster: u, timeout: 0s }} }}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{ \"@type\": {types}.http.router.v3.Router, suppress_envoy_headers: true, dynamic_stats: false }}
  clusters:
  - name: u
    type: STATIC
    lb_policy: ROUND_ROBIN
    connect_timeout: 2s
    circuit_breakers: {{ thresholds: [{{ max_connections: 4096, max_pending_requests: 4096, max_requests: 4096 }}] }}
    load_assignment:
      cluster_name: u
      endpoints:
      - lb_endpoints:
{}{}",
        endpoint(first, 80),
        endpoint(second, 20)
    )
}

/// A proxy of few lines, as its documentation has it.
#[cfg(feature = "pingora")]
pub mod pingora {
    use std::sync::Arc;

    use async_trait::async_trait;
    use pingora_core::Result;
    use pingora_core::server::Server;
    use pingora_core::server::configuration::ServerConf;
    use pingora_core::upstreams::peer::HttpPeer;
    use pingora_load_balancing::selection::RoundRobin;
    use pingora_load_balancing::{Backend, Backends, LoadBalancer, discovery};
    use pingora_proxy::{ProxyHttp, Session};

    struct Proxy(Arc<LoadBalancer<RoundRobin>>);

    #[async_trait]
    impl ProxyHttp for Proxy {
        type CTX = ();

        fn new_ctx(&self) {}

        async fn upstream_peer(&self, _: &mut Session, _: &mut ()) -> Result<Box<HttpPeer>> {
            let backend = self.0.select(b"", 8).expect("both are well");
            Ok(Box::new(HttpPeer::new(backend, false, String::new())))
        }
    }

    /// Serves until it is ended.
    pub fn serve(ports: &[String]) {
        let [own, first, second] = ports else {
            std::process::exit(2);
        };
        let configuration = ServerConf {
            threads: 1,
            upstream_keepalive_pool_size: 256,
            work_stealing: false,
            ..ServerConf::default()
        };
        let mut server = Server::new_with_opt_and_conf(None, configuration);
        server.bootstrap();
        let backend = |port: &String, weight| {
            Backend::new_with_weight(&format!("127.0.0.1:{port}"), weight).expect("an address")
        };
        let listed = [backend(first, 80), backend(second, 20)]
            .into_iter()
            .collect();
        let balancer = LoadBalancer::<RoundRobin>::from_backends(Backends::new(
            discovery::Static::new(listed),
        ));
        futures_executor::block_on(balancer.update()).expect("a fixed list cannot fail");
        let proxy = Proxy(Arc::new(balancer));
        let mut service = pingora_proxy::http_proxy_service(&server.configuration, proxy);
        service.add_tcp(&format!("127.0.0.1:{own}"));
        server.add_service(service);
        server.run_forever();
    }
}

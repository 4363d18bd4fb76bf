//! OpenSearch, one node in memory and a folder, without its security plugin.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use tempfile::TempDir;

use crate::git_daemon::wait_for;
use crate::process::{Process, free_port};
use crate::program::{is_missing, program};

/// A running OpenSearch.
#[derive(Debug)]
pub struct OpenSearch {
    // INVARIANT: dropped before the folder it runs in.
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl OpenSearch {
    /// Starts the major version `2` or `3`; `None` where it is not installed.
    #[must_use]
    pub fn start(version: u8, what: &str) -> Option<Self> {
        let name = format!("opensearch-{version}");
        if is_missing(&[&name], what) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let configuration = folder.path().join("node_1/config");
        fs::create_dir_all(&configuration).unwrap();
        // Else a disk that is nearly full makes every index read-only.
        let settings = format!(
            "cluster.routing.allocation.disk.threshold_enabled: false\ntransport.port: {}\n",
            free_port()
        );
        fs::write(configuration.join("opensearch.yml"), settings).unwrap();
        // HTTP, and nothing else.
        let transport = if version == 2 {
            "Netty4Plugin"
        } else {
            "Netty4ModulePlugin"
        };
        let port = port();
        let mut process = Process::start(
            Command::new(program(&name)?)
                .arg("-basePath")
                .arg(folder.path())
                // The first node takes the next one.
                .args(["-numOfNode", "1", "-baseHttpPort"])
                .arg((port - 1).to_string())
                // Two of one name would make one cluster.
                .args(["-clusterName", &format!("narae-{port}"), "-moduleTypes"])
                .arg(format!("org.opensearch.transport.{transport}")),
            &folder.path().join("log"),
        );
        wait_for(port, &mut process);
        Some(Self {
            process,
            port,
            _folder: folder,
        })
    }

    /// `http://127.0.0.1:…`
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }
}

/// Its runner refuses ports outside of this range.
fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(9201);
    let mut ports = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed));
    ports
        .by_ref()
        .take_while(|port| *port <= 9299)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one of a hundred ports is free")
}

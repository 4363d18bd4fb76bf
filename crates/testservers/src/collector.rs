//! An OpenTelemetry collector that takes OTLP over HTTP and prints every record it got.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::git_daemon::wait_for;
use crate::process::{Process, free_port};
use crate::program::{is_missing, program};

/// A running collector.
#[derive(Debug)]
pub struct Collector {
    // INVARIANT: dropped before the folder it runs in.
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl Collector {
    /// Starts it; `None` where it is not installed.
    #[must_use]
    pub fn start(what: &str) -> Option<Self> {
        if is_missing(&["otelcol"], what) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let configuration = folder.path().join("config.yaml");
        fs::write(&configuration, text(port)).unwrap();
        let mut process = Process::start(
            Command::new(program("otelcol")?)
                .arg(format!("--config=file:{}", configuration.display())),
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

    /// What it printed so far: every record, attribute by attribute (`-> NAME: Str(VALUE)`).
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }
}

fn text(port: u16) -> String {
    format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{port}'}}}}}}}}
exporters: {{debug: {{verbosity: detailed, use_internal_logger: false}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{logs: {{receivers: [otlp], exporters: [debug]}}}}
"
    )
}

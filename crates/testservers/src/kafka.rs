//! Kafka, one process that is broker and controller (KRaft).

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::git_daemon::wait_for;
use crate::process::{Process, free_port};
use crate::program::{is_missing, program};

/// A running Kafka. Topics are made when they are written to, with three partitions.
#[derive(Debug)]
pub struct Kafka {
    // INVARIANT: dropped before the folder it runs in.
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl Kafka {
    /// Formats a folder and starts it; `None` where it is not installed.
    #[must_use]
    pub fn start(what: &str) -> Option<Self> {
        if is_missing(
            &["kafka-server", "kafka-storage", "kafka-console-consumer"],
            what,
        ) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (port, controller) = (free_port(), free_port());
        let properties = folder.path().join("server.properties");
        let data = folder.path().join("data");
        let text = format!(
            "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
log.dirs={}
num.partitions=3
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
",
            data.display()
        );
        fs::write(&properties, text).unwrap();
        let formatted = Command::new(program("kafka-storage")?)
            .args(["format", "-t", "TmFyYWUncyB0ZXN0cyA6KQ", "-c"])
            .arg(&properties)
            .output()
            .unwrap();
        assert!(formatted.status.success(), "kafka-storage: {formatted:?}");
        let mut process = Process::start(
            Command::new(program("kafka-server")?).arg(&properties),
            &folder.path().join("log"),
        );
        wait_for(port, &mut process);
        Some(Self {
            process,
            port,
            _folder: folder,
        })
    }

    /// `127.0.0.1:…`
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Every record of a topic, as Kafka's own consumer reads it: key and value.
    ///
    /// # Panics
    ///
    /// If there is no such topic.
    #[must_use]
    pub fn records(&self, topic: &str) -> Vec<(String, String)> {
        let read = Command::new(program("kafka-console-consumer").unwrap())
            .args(["--bootstrap-server", &self.address(), "--topic", topic])
            .args(["--from-beginning", "--property", "print.key=true"])
            // It ends when nothing more comes.
            .args(["--timeout-ms", "20000"])
            .output()
            .unwrap();
        let text = String::from_utf8(read.stdout).unwrap();
        let pairs = text.lines().filter_map(|line| line.split_once('\t'));
        pairs
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    /// What it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.process.output()
    }
}

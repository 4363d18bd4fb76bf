//! Kafka, one process that is broker and controller (KRaft).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::git_daemon::wait_for;
use crate::git_http::make_certificate;
use crate::process::{Process, free_port};
use crate::program::{is_missing, program};

const SCRAM: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

/// A running Kafka. Topics are made when they are written to, with three partitions. Beside its open port it has one over TLS for who knows
/// the password (SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512).
#[derive(Debug)]
pub struct Kafka {
    // INVARIANT: dropped before the folder it runs in.
    process: Process,
    port: u16,
    secure_port: u16,
    folder: TempDir,
}

impl Kafka {
    /// The name that the secure port knows.
    pub const USER: &str = "shop";
    /// Its password.
    pub const PASSWORD: &str = "p4ssword-of-this-test";

    /// Formats a folder and starts it; `None` where it is not installed.
    #[must_use]
    pub fn start(what: &str) -> Option<Self> {
        if is_missing(
            &[
                "kafka-server",
                "kafka-storage",
                "kafka-console-consumer",
                "openssl",
            ],
            what,
        ) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (port, secure_port, controller) = (free_port(), free_port(), free_port());
        let properties = folder.path().join("server.properties");
        let data = folder.path().join("data");
        let text = format!(
            "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL
listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{secure_port},CONTROLLER://127.0.0.1:{controller}
log.dirs={}
num.partitions=3
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
{}",
            data.display(),
            security(folder.path())
        );
        fs::write(&properties, text).unwrap();
        let formatted = Command::new(program("kafka-storage")?)
            .args(["format", "-t", "TmFyYWUncyB0ZXN0cyA6KQ", "-c"])
            .arg(&properties)
            .args(SCRAM.iter().flat_map(|mechanism| {
                let (user, password) = (Self::USER, Self::PASSWORD);
                let known = format!("{mechanism}=[name={user},password={password}]");
                ["--add-scram".to_owned(), known]
            }))
            .output()
            .unwrap();
        assert!(formatted.status.success(), "kafka-storage: {formatted:?}");
        let mut process = Process::start(
            Command::new(program("kafka-server")?).arg(&properties),
            &folder.path().join("log"),
        );
        wait_for(port, &mut process);
        wait_for(secure_port, &mut process);
        Some(Self {
            process,
            port,
            secure_port,
            folder,
        })
    }

    /// The address over TLS, for who knows the password.
    #[must_use]
    pub fn secure_address(&self) -> String {
        format!("127.0.0.1:{}", self.secure_port)
    }

    /// The certificate to trust, PEM.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
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

/// Makes a certificate, and says what Kafka needs to be told to use it and to know the one user.
fn security(folder: &Path) -> String {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    make_certificate(&key, &certificate);
    let both = [fs::read(key).unwrap(), fs::read(certificate).unwrap()].concat();
    let store = folder.join("both.pem");
    fs::write(&store, both).unwrap();
    let jaas = |mechanism: &str, module: &str, more: &str| {
        let mechanism = mechanism.to_lowercase();
        let class = format!("org.apache.kafka.common.security.{module}LoginModule");
        format!("listener.name.sasl_ssl.{mechanism}.sasl.jaas.config={class} required{more};\n")
    };
    let (user, password) = (Kafka::USER, Kafka::PASSWORD);
    let plain = jaas(
        "PLAIN",
        "plain.Plain",
        &format!(" user_{user}=\"{password}\""),
    );
    let scram = SCRAM.map(|mechanism| jaas(mechanism, "scram.Scram", ""));
    format!(
        "sasl.enabled.mechanisms=PLAIN,{}
ssl.keystore.type=PEM
ssl.keystore.location={}
{plain}{}",
        SCRAM.join(","),
        store.display(),
        scram.concat()
    )
}

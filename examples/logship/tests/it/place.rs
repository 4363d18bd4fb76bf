//! A folder of one test's own with logs in it, a `logship` that runs there, and whether every line arrived.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A `logship` that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.0.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Asks it to end, and says how it did and what it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        self.wait()
    }

    /// Waits for it to say something.
    pub(crate) fn first_line(&mut self) -> String {
        let mut line = String::new();
        let mut said = std::io::BufReader::new(self.0.stderr.as_mut().unwrap());
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        line
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn wait(&mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        std::io::Read::read_to_string(&mut self.0.stderr.take().unwrap(), &mut said).unwrap();
        (self.0.wait().unwrap().code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder, and how `logship` is started in it.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    lines: std::cell::Cell<usize>,
    pub(crate) format: &'static str,
    pub(crate) environment: Vec<(&'static str, String)>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            lines: std::cell::Cell::new(0),
            format: "json",
            environment: Vec::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn append(&self, name: &str, text: &str) {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Appends numbered lines, whose numbers go on from file to file.
    pub(crate) fn write(&self, name: &str, count: usize) {
        let from = self.lines.get();
        let text: String = (from..from + count)
            .map(|n| format!("{{\"time\":\"2026-11-21T04:44:44Z\",\"n\":{n},\"msg\":\"line\"}}\n"))
            .collect();
        self.append(name, &text);
        self.lines.set(from + count);
    }

    pub(crate) fn start(&self, arguments: &[&str], pattern: &str) -> Running {
        let child = Command::new(env!("CARGO_BIN_EXE_logship"))
            .args(arguments)
            .arg("--state")
            .arg(self.path("state"))
            .args(["--format", self.format])
            .arg(pattern)
            .current_dir(self.folder.path())
            .envs(self.environment.iter().cloned())
            .stderr(Stdio::piped())
            .spawn();
        Running(child.unwrap())
    }
}

/// How often each number is there.
pub(crate) fn numbers(documents: &[Value]) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    for document in documents {
        let number = match document.get("n") {
            Some(number) => number.as_u64(),
            None => document["attributes"].as_array().and_then(|attributes| {
                let pair = attributes.iter().find(|pair| pair["key"] == "n")?;
                pair["value"]["intValue"].as_str()?.parse().ok()
            }),
        };
        *found.entry(number.unwrap()).or_default() += 1;
    }
    found
}

pub(crate) fn assert_each_once(documents: &[Value], lines: usize) {
    let found = numbers(documents);
    let missing = (0..lines as u64).filter(|n| !found.contains_key(n));
    let twice = found.iter().filter(|(_, count)| **count > 1);
    let (missing, twice): (Vec<_>, Vec<_>) = (missing.collect(), twice.collect());
    assert!(
        missing.is_empty() && twice.is_empty(),
        "{} missing {:?}, {} twice {:?}",
        missing.len(),
        missing.iter().take(9).collect::<Vec<_>>(),
        twice.len(),
        twice.iter().take(9).collect::<Vec<_>>()
    );
}

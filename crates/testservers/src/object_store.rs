//! An S3 server over a folder (versitygw), which checks every signature.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::git_daemon::wait_for;
use crate::process::{Process, free_port};
use crate::program::{is_missing, program};

/// A running S3 server with one bucket.
#[derive(Debug)]
pub struct ObjectStore {
    // INVARIANT: dropped before the folder it runs in.
    _process: Process,
    port: u16,
    folder: TempDir,
}

impl ObjectStore {
    /// The access key.
    pub const KEY: &str = "key-of-this-test";
    /// The secret key.
    pub const SECRET: &str = "secret-of-this-test";
    /// The bucket.
    pub const BUCKET: &str = "logs";

    /// Starts it; `None` where it is not installed.
    #[must_use]
    pub fn start(what: &str) -> Option<Self> {
        if is_missing(&["versitygw"], what) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join(Self::BUCKET)).unwrap();
        let mut process = Process::start(
            Command::new(program("versitygw")?)
                .args(["--port", &format!("127.0.0.1:{port}")])
                .args([
                    "--access",
                    Self::KEY,
                    "--secret",
                    Self::SECRET,
                    "--region",
                    "us-east-1",
                ])
                .args(["posix", "--sidecar"])
                .arg(sidecar(folder.path()))
                .arg(&root),
            &folder.path().join("log"),
        );
        wait_for(port, &mut process);
        Some(Self {
            _process: process,
            port,
            folder,
        })
    }

    /// `http://127.0.0.1:…`
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The bucket's folder: an object `a/b` is the file `a/b`.
    #[must_use]
    pub fn bucket(&self) -> PathBuf {
        self.folder.path().join("root").join(Self::BUCKET)
    }
}

/// Where what is known of objects goes; temporary folders often have no extended attributes.
fn sidecar(folder: &Path) -> PathBuf {
    let sidecar = folder.join("sidecar");
    fs::create_dir_all(&sidecar).unwrap();
    sidecar
}

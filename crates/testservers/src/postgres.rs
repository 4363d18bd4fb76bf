//! PostgreSQL on loopback, in a folder of its own. It refuses to run as root: there it runs as Debian's `postgres`, or as
//! `nobody`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::git_daemon::wait_for;
use crate::process::{Process, free_port};
use crate::program::{is_missing, program};

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    // INVARIANT: dropped before the folder it runs in.
    process: Process,
    port: u16,
    folder: TempDir,
}

impl Postgres {
    /// Its superuser, who needs no password here. Everybody else does.
    pub const SUPERUSER: &str = "postgres";

    /// Makes a cluster and starts it; `None` where it is not installed.
    #[must_use]
    pub fn start(what: &str) -> Option<Self> {
        if is_missing(&["initdb", "postgres", "psql"], what) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let user = user_of(folder.path());
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let made = command("initdb", user)
            .args(["--auth=trust", "--no-sync", "-U", Self::SUPERUSER, "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {made:?}");
        fs::write(
            data.join("pg_hba.conf"),
            "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
        )
        .unwrap();
        let port = free_port();
        let mut process = Process::start(
            command("postgres", user)
                .arg("-D")
                .arg(&data)
                .args(["-h", "127.0.0.1", "-p", &port.to_string()])
                // No socket elsewhere; its content ends with the test.
                .args(["-k", "", "-c", "fsync=off"]),
            &folder.path().join("postgres.log"),
        );
        wait_for(port, &mut process);
        let server = Self {
            process,
            port,
            folder,
        };
        // It listens before it lets anybody in.
        while server.query(Self::SUPERUSER, "", "select 1").is_err() {
            assert!(server.process_is_running(), "{}", server.process.output());
        }
        Some(server)
    }

    /// The port it listens on, at 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What a statement gives a user, as text; or why it gives nothing.
    ///
    /// # Errors
    ///
    /// The words of `psql`.
    ///
    /// # Panics
    ///
    /// If `psql` cannot be run.
    pub fn query(&self, user: &str, password: &str, statement: &str) -> Result<String, String> {
        let output = Command::new(program("psql").unwrap())
            .args(["-X", "-A", "-t", "-w", "-h", "127.0.0.1", "-U", user])
            .args([
                "-p",
                &self.port.to_string(),
                "-d",
                "postgres",
                "-c",
                statement,
            ])
            .env("PGPASSWORD", password)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }

    fn process_is_running(&self) -> bool {
        PathBuf::from(format!("/proc/{}", self.process.id())).exists()
    }
}

/// Another user to be, if this is root.
fn user_of(folder: &Path) -> Option<(u32, u32)> {
    if fs::metadata(folder).unwrap().uid() != 0 {
        return None;
    }
    let id = |user: &str, flag: &str| {
        let output = Command::new("id").args([flag, user]).output().unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .trim()
            .parse()
            .ok()
    };
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|user| Some((id(user, "-u")?, id(user, "-g")?)))
}

fn command(name: &str, user: Option<(u32, u32)>) -> Command {
    // A link elsewhere would look for its files beside itself.
    let mut command = Command::new(program(name).unwrap().canonicalize().unwrap());
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    // The folder it is started in may be closed to that user.
    command.current_dir("/").env("LC_ALL", "C");
    command
}

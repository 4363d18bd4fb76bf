//! Ends a server whose test is killed before it can.
//!
//! A shell waits for its standard input to end, which it does when this process ends, however that happens, and then
//! kills the server. (`PR_SET_PDEATHSIG` would be one call, but fires when the *thread* that started the server ends.)

use std::process::{Child, Command, Stdio};

/// Stands guard over one child, as long as it is kept.
#[derive(Debug)]
pub struct Watchdog(Child);

impl Watchdog {
    /// Kills `child` when this process is gone. Drop it before the child is waited for: later the id is another's.
    #[must_use]
    pub fn over(child: &Child) -> Self {
        let shell = Command::new("sh")
            .args(["-c", "read -r _; kill -KILL \"$1\"", "watchdog"])
            .arg(child.id().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(shell.unwrap())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

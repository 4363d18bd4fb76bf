//! Many at once, and killed in the middle: the repository is whole, and the next run just works.

use std::process::{Child, Stdio};

use crate::sandbox::Sandbox;

#[test]
fn six_deliveries_at_once_all_land() {
    let sandbox = Sandbox::new();
    // The keys are made first: making a 4096-bit key six times proves nothing here.
    sandbox.delivered(&["--dry-run"]);
    let mut running: Vec<(String, Child)> = Vec::new();
    for site in ["idc", "aws"] {
        for stage in ["dev", "rc", "prod"] {
            let child = sandbox
                .command(&["--site", site, "--stage", stage])
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            running.push((format!("{site}/{stage}"), child));
        }
    }
    for (name, child) in running {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(sandbox.commits(), 6);
    let merges = sandbox.repository(&["rev-list", "--merges", "--count", "main"]);
    assert_eq!(merges.trim(), "0", "history is linear");
    sandbox.repository(&["fsck", "--strict"]);
    for site in ["idc", "aws"] {
        for stage in ["dev", "rc", "prod"] {
            let shown = sandbox.delivered(&["--site", site, "--stage", stage]);
            assert!(shown.contains("Nothing to do"), "{shown}");
        }
    }
}

#[test]
fn two_first_runs_at_once_share_one_key_and_one_store() {
    let sandbox = Sandbox::new();
    let start = |stage| {
        sandbox
            .command(&["--stage", stage])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    for child in [start("dev"), start("rc")] {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    for stage in ["dev", "rc"] {
        let shown = sandbox.delivered(&["--stage", stage]);
        assert!(shown.contains("Nothing to do"), "{shown}");
    }
}

#[test]
fn a_killed_run_leaves_nothing_half_done() {
    let sandbox = Sandbox::new();
    let mut killed = 0;
    // Each round waits for a later sign of progress in the file system, then kills.
    let signs = [
        "keys/store.key",
        "secrets.store",
        "keys/sealing/tls.crt",
        "gitops.git/objects/pack",
    ];
    for round in 0..24 {
        let mut child = sandbox
            .command(&[])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let sign = sandbox.path(signs[round % signs.len()]);
        while !sign.exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        // A little further each time the sign is there from the start.
        for _ in 0..(round / signs.len()) * 2_000 {
            std::hint::spin_loop();
        }
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
        sandbox.repository(&["fsck", "--strict"]);
        assert!(sandbox.commits() <= 1);
    }
    assert!(killed >= 4, "only {killed} runs were killed");
    sandbox.delivered(&[]);
    assert_eq!(sandbox.commits(), 1);
    assert!(sandbox.delivered(&[]).contains("Nothing to do"));
}

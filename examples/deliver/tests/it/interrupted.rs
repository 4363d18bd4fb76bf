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
fn a_killed_first_run_leaves_keys_and_store_whole() {
    let sandbox = Sandbox::new();
    for sign in [
        "keys/store.key",
        "secrets.store",
        "keys/.sealing.new",
        "keys/sealing",
    ] {
        kill_when(&sandbox, &[], || sandbox.path(sign).exists());
    }
    sandbox.delivered(&[]);
    assert!(sandbox.delivered(&[]).contains("Nothing to do"));
    assert!(!sandbox.path("keys/.sealing.new").exists());
}

#[test]
fn a_killed_commit_leaves_the_branch_at_the_old_or_the_new_tip() {
    let sandbox = Sandbox::new();
    sandbox.delivered(&[]);
    let mut killed = 0;
    for round in 0..12 {
        // Each round has an image of its own to commit, and is killed as soon as git holds a new
        // object, or a little later: always before or within the moving of the branch.
        let image = format!("commerce/shop:{round:040x}");
        let (objects, commits) = (objects(&sandbox), sandbox.commits());
        killed += u32::from(kill_when(&sandbox, &["--image", &image], || {
            self::objects(&sandbox) > objects + round % 4
        }));
        sandbox.repository(&["fsck", "--strict"]);
        assert!([commits, commits + 1].contains(&sandbox.commits()));
        sandbox.delivered(&["--image", &image]);
        assert_eq!(sandbox.commits(), commits + 1);
    }
    assert!(
        killed > 0,
        "no run was still going when it was to be killed"
    );
}

/// Starts a delivery and kills it at the sign; whether it was still going then.
fn kill_when(sandbox: &Sandbox, arguments: &[&str], sign: impl Fn() -> bool) -> bool {
    let mut child = sandbox
        .command(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !sign() {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
    }
    let going = child.try_wait().unwrap().is_none();
    let _ = child.kill();
    child.wait().unwrap();
    going
}

/// How many loose objects there are.
fn objects(sandbox: &Sandbox) -> usize {
    let folders = std::fs::read_dir(sandbox.path("gitops.git/objects")).unwrap();
    folders
        .filter_map(|folder| std::fs::read_dir(folder.ok()?.path()).ok())
        .map(|files| {
            files
                .filter_map(Result::ok)
                .filter(|file| file.file_name().len() == 38)
                .count()
        })
        .sum()
}

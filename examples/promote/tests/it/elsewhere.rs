//! Repositories that a server serves.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use narae_testservers::GitDaemon;

use crate::sandbox::{IMAGE, Run, Sandbox, TO_MASTER, TO_RC};

#[test]
fn the_repository_that_is_named_goes_before_the_variable() {
    let sandbox = Sandbox::new();
    let image = format!("{IMAGE}:8c1d2e3");
    let set = ["set-image", "shop", &image, "--env", "dev"];
    let url = sandbox.url();
    for repository in [url.as_str(), "gitops.git"] {
        let arguments = [&["--repo", repository][..], &set, &["--dry-run"]].concat();
        let run = Run::of(&mut sandbox.command("nowhere.git", &arguments));
        assert_eq!(run.code, Some(0), "{run:#?}");
        let arguments = [&set[..], &["--dry-run", "--repo", repository]].concat();
        let run = Run::of(sandbox.command("", &arguments).env_remove("NARAE_REPO"));
        assert_eq!(run.code, Some(0), "{run:#?}");
        assert!(run.stdout.contains("8c1d2e3"), "{run:#?}");
    }
}

#[test]
fn a_repository_behind_git_daemon() {
    let sandbox = Sandbox::new();
    let log = sandbox.path("daemon.log");
    let Some(daemon) = GitDaemon::start(&sandbox.path(""), &log, "promotion over git://") else {
        return;
    };
    let url = daemon.address("gitops.git");
    let run = |arguments: &[&str]| {
        let run = sandbox.run_on(&url, arguments);
        assert_eq!(run.code, Some(0), "{run:#?}");
        run.stdout
    };
    let out = run(&[
        "set-image",
        "shop",
        &format!("{IMAGE}:8c1d2e3"),
        "--env",
        "dev",
    ]);
    assert!(out.contains("Committed"), "{out}");
    run(&TO_RC);
    // Without what was fetched before it is the same.
    std::fs::remove_dir_all(sandbox.path("home")).unwrap();
    run(&TO_MASTER);
    run(&["rollback", "shop", "--env", "master"]);
    assert!(
        sandbox
            .file("master", "idc", "shop/values.yaml")
            .contains("0000aaa")
    );
    assert!(
        sandbox
            .file("rc", "aws", "shop/values.yaml")
            .contains("8c1d2e3")
    );
    let out = run(&["history", "shop"]);
    assert_eq!(out.lines().count(), 5, "{out}");
    assert_eq!(sandbox.commits(), 5);
    sandbox.fsck();

    let gone = sandbox.run_on(&daemon.address("none.git"), &["history"]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
}

#[test]
fn a_server_that_says_nothing_is_waited_for_as_long_as_was_said() {
    let sandbox = Sandbox::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("git://{}/gitops.git", silent.local_addr().unwrap());
    let run = sandbox.run_on(&url, &["history", "--timeout", "1"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(run.stderr.contains("1s"), "{run:#?}");
    let none = sandbox.run_on(&url, &["history", "--timeout", "0"]);
    assert_eq!(none.code, Some(2), "{none:#?}");
}

#[test]
fn processes_at_once_share_a_cache() {
    let sandbox = Sandbox::new();
    let log = sandbox.path("daemon.log");
    let Some(daemon) = GitDaemon::start(&sandbox.path(""), &log, "a shared cache") else {
        return;
    };
    let url = daemon.address("gitops.git");
    let shop = format!("{IMAGE}:8c1d2e3");
    for round in 1..=3 {
        let cart = format!("shop/cart:8c1d2e{round}");
        let changes = [("shop", &shop), ("cart", &cart)].map(|(app, image)| {
            let arguments = ["set-image", app, image, "--env", "dev", "--cache", "shared"];
            let mut command = sandbox.command(&url, &arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        });
        for change in changes {
            let output = change.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        let found = sandbox.file("dev", "aws", "cart/values.yaml");
        assert!(found.contains(&format!("8c1d2e{round}")), "{found}");
        // The next ones begin without it.
        let mode = fs::metadata(sandbox.path("shared")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o700);
        fs::remove_dir_all(sandbox.path("shared")).unwrap();
    }
    let found = sandbox.file("dev", "idc", "shop/values.yaml");
    assert!(found.contains("8c1d2e3"), "{found}");
    // Of shop's, the later rounds found it done.
    assert_eq!(sandbox.commits(), 5);
    sandbox.fsck();
}

/// git, which deletes the cache before the `nth` conversation with the repository.
fn deletes_the_cache(sandbox: &Sandbox, nth: usize) -> String {
    let folder = sandbox.path("bin");
    fs::create_dir_all(&folder).unwrap();
    let path = std::env::var("PATH").unwrap();
    let script = format!(
        "#!/bin/sh\nPATH='{path}'\ncase \"$*\" in *-pack*)\n  echo >>'{0}/calls'\n  [ $(wc -l <'{0}/calls') -ne {nth} ] || rm -rf '{0}/shared'\nesac\nexec git \"$@\"\n",
        sandbox.path("").display()
    );
    fs::write(folder.join("git"), script).unwrap();
    fs::set_permissions(folder.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{path}", folder.display())
}

#[test]
fn a_cache_deleted_in_the_middle_of_a_run_does_not_end_it() {
    let sandbox = Sandbox::new();
    let url = format!("file://{}", sandbox.path("gitops.git").display());
    let run = |tag: &str, nth: usize| {
        let _ = fs::remove_file(sandbox.path("calls"));
        let image = format!("{IMAGE}:{tag}");
        let arguments = [
            "set-image",
            "shop",
            &image,
            "--env",
            "dev",
            "--cache",
            "shared",
        ];
        let mut command = sandbox.command(&url, &arguments);
        command.env("PATH", deletes_the_cache(&sandbox, nth));
        let output = command.output().unwrap();
        assert!(output.status.success(), "at {nth}: {output:?}");
        let found = sandbox.file("dev", "aws", "shop/values.yaml");
        assert!(found.contains(tag), "at {nth}: {found}");
        fs::read_to_string(sandbox.path("calls")).unwrap().len()
    };
    let conversations = run("8c1d2e0", 0);
    assert!(conversations > 1);
    let mut more = 0;
    for nth in 1..=conversations {
        more += run(&format!("8c1d2e{nth}"), nth).saturating_sub(conversations);
    }
    // At least one of them was run again.
    assert!(more > 0);
    assert_eq!(sandbox.commits(), conversations + 2);
    sandbox.fsck();
}

//! The lock file: what was read is delivered again, whatever is newer, until somebody says otherwise.

use std::fs;

use narae_secrets::SecretBytes;
use narae_secrets::store::{Cas, SecretData, Store as _};

use crate::openbao::Server;
use crate::sandbox::Sandbox;
use crate::sealing::store;

const LOCK: [&str; 2] = ["--lock", "secrets.lock"];
const RELOCK: [&str; 3] = ["--lock", "secrets.lock", "--relock"];

fn lock(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.path("secrets.lock")).unwrap()
}

#[test]
fn locked_versions_are_delivered_from_a_real_openbao() {
    let Some(mut server) = Server::start("a delivery by a lock file") else {
        return;
    };
    let put = |server: &Server, path: &str, pair: &str| {
        server.bao(&["kv", "put", "-mount=kv", path, "username=shop", pair]);
    };
    put(&server, "shop/dev/database", "password=canary-in-bao-1");
    put(&server, "shop/dev/payment", "api-key=canary-in-bao-2");
    let sandbox = Sandbox::new();
    let dry = server.deliver(&sandbox, &[&LOCK[..], &["--dry-run"]].concat());
    assert_eq!(dry.code, Some(0), "{dry:#?}");
    assert!(
        !sandbox.path("secrets.lock").exists(),
        "a dry run writes nothing"
    );

    let first = server.deliver(&sandbox, &LOCK);
    assert_eq!(first.code, Some(0), "{first:#?}");
    assert!(
        first.stdout.contains("lock file secrets.lock"),
        "{first:#?}"
    );
    let locked = lock(&sandbox);
    for path in ["kv/shop/dev/database", "kv/shop/dev/payment"] {
        let line = format!("commerce {path} version=1 stamp=");
        assert!(locked.contains(&line), "{locked}");
    }

    // Somebody writes a newer one: it is told, and not delivered.
    put(&server, "shop/dev/payment", "api-key=canary-in-bao-3");
    let again = server.deliver(&sandbox, &LOCK);
    assert!(again.stdout.contains("Nothing to do"), "{again:#?}");
    let newer = "commerce kv/shop/dev/payment: version 1 is locked, 2 is the newest";
    assert!(again.stdout.contains(newer), "{again:#?}");
    assert_eq!(lock(&sandbox), locked);

    let dry = server.deliver(&sandbox, &[&RELOCK[..], &["--dry-run"]].concat());
    assert!(
        dry.stdout.contains("kv/shop/dev/payment#api-key v2"),
        "{dry:#?}"
    );
    assert_eq!((lock(&sandbox), sandbox.commits()), (locked.clone(), 1));
    let relocked = server.deliver(&sandbox, &RELOCK);
    assert_eq!(relocked.code, Some(0), "{relocked:#?}");
    assert_eq!(sandbox.commits(), 2);
    let now = lock(&sandbox);
    assert!(
        now.contains("kv/shop/dev/payment version=2 stamp="),
        "{now}"
    );
    assert!(
        now.contains("kv/shop/dev/database version=1 stamp="),
        "{now}"
    );

    // What is locked is gone for good: an error that says what to try, and nothing happens.
    server.bao(&[
        "kv",
        "destroy",
        "-mount=kv",
        "-versions=2",
        "shop/dev/payment",
    ]);
    let gone = server.deliver(&sandbox, &LOCK);
    assert_eq!(gone.code, Some(1), "{gone:#?}");
    assert!(
        gone.stderr.contains("version 2 is destroyed") && gone.stderr.contains("--relock"),
        "{gone:#?}"
    );
    server.0.kill();
    let down = server.deliver(&sandbox, &LOCK);
    assert_eq!(down.code, Some(1), "{down:#?}");
    assert!(down.stderr.contains("check the address"), "{down:#?}");
    assert!(
        !down.stderr.contains("--relock"),
        "it would not help: {down:#?}"
    );
    assert_eq!((lock(&sandbox), sandbox.commits()), (now, 2));
    let all = format!(
        "{first:?}{again:?}{dry:?}{relocked:?}{gone:?}{down:?}{}",
        lock(&sandbox)
    );
    assert!(!all.contains("canary-in-bao"), "{all}");
}

#[test]
fn a_lock_file_holds_the_stages_it_was_used_for() {
    let sandbox = Sandbox::new();
    sandbox.delivered(&LOCK);
    sandbox.delivered(&[&LOCK[..], &["--stage", "rc"]].concat());
    let locked = lock(&sandbox);
    assert_eq!(locked.matches("version=1").count(), 4, "{locked}");
    let value = SecretBytes::from("rotated".to_owned());
    let data = SecretData::from([("api-key".to_owned(), value)]);
    let path = "kv/shop/dev/payment".parse().unwrap();
    store(&sandbox).write(&path, &data, Cas::Any).unwrap();
    // Not this stage's.
    sandbox.delivered(&[&RELOCK[..], &["--stage", "rc"]].concat());
    assert_eq!(lock(&sandbox), locked);
    sandbox.delivered(&RELOCK);
    assert!(lock(&sandbox).contains("kv/shop/dev/payment version=2"));
}

#[test]
fn a_lock_file_that_cannot_be_read_stops_everything() {
    let sandbox = Sandbox::new();
    let text = "# narae-secrets lock 1\ncommerce kv/shop/dev/payment version=x\n";
    fs::write(sandbox.path("secrets.lock"), text).unwrap();
    for arguments in [&LOCK[..], &RELOCK] {
        let run = sandbox.deliver(arguments);
        assert_eq!(run.code, Some(1), "{run:#?}");
        assert!(
            run.stderr
                .contains("secrets.lock:2:30: expected `version=`"),
            "{run:#?}"
        );
    }
    // Of a store that was made anew.
    let text = "# narae-secrets lock 1\ncommerce kv/shop/dev/payment version=1 stamp=another\n";
    fs::write(sandbox.path("secrets.lock"), text).unwrap();
    let run = sandbox.deliver(&LOCK);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        run.stderr.contains("another writing of it") && run.stderr.contains("--relock"),
        "{run:#?}"
    );
    assert_eq!((lock(&sandbox), sandbox.commits()), (text.to_owned(), 0));
    assert_eq!(
        sandbox.deliver(&["--relock"]).code,
        Some(2),
        "it needs a file"
    );
    sandbox.delivered(&RELOCK);
}

/// One lock file for several folders, by a link in each.
#[cfg(unix)]
#[test]
fn a_lock_file_behind_a_link_is_one_file() {
    let sandbox = Sandbox::new();
    let link = sandbox.path("secrets.lock");
    std::os::unix::fs::symlink("shared.lock", &link).unwrap();
    let run = sandbox.deliver(&LOCK);
    assert_eq!(run.code, Some(1), "it leads nowhere: {run:#?}");
    assert!(run.stderr.contains("secrets.lock is a link"), "{run:#?}");
    fs::write(sandbox.path("shared.lock"), "# narae-secrets lock 1\n").unwrap();
    sandbox.delivered(&LOCK);
    assert!(link.is_symlink());
    let shared = fs::read_to_string(sandbox.path("shared.lock")).unwrap();
    assert_eq!(shared.matches("version=1").count(), 2, "{shared}");
}

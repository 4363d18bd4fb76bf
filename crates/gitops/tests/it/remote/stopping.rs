//! Operations that end in the middle, by their deadline or because somebody cancels, over each way to reach a server.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use narae_gitops::remote::{Cancel, ErrorKind, Remote, SshOptions};
use narae_gitops::repository::Repository;
use narae_testservers::{Cut, Relay};

use super::fixture::{Served, cache, remote, write};
use super::site::{self, Start};
use crate::fixture::{advance, path};

const WHAT: &str = "a server that falls silent";
/// Longer than any of this takes on a machine that does much else.
const LONG: Duration = Duration::from_secs(600);

/// Waits until it is so; only the time between two looks is slept.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A server whose answers stop in the middle of a file.
struct Silent {
    _served: Served,
    relay: Arc<Relay>,
    connect: Box<dyn Fn() -> Remote>,
}

fn served_with_a_large_file() -> Served {
    let served = Served::new();
    let mut random: u64 = 1;
    // Six bits a byte that do not compress.
    let text: String = (0..400_000)
        .map(|_| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b'0' + u8::try_from(random >> 58).unwrap())
        })
        .collect();
    let theirs = Repository::open(served.path()).unwrap();
    advance(&theirs, &[("large", Some(&text))]);
    served
}

fn silent(port: u16) -> Arc<Relay> {
    Arc::new(Relay::start(port, |_| Some(Cut::Silent(60_000))))
}

fn over_tcp() -> Option<Silent> {
    let served = served_with_a_large_file();
    let server = site::daemon(&served, WHAT)?;
    let relay = silent(server.port());
    let address = server.address_at(relay.port(), "gitops.git");
    Some(Silent {
        _served: served,
        relay,
        connect: Box::new(move || {
            let _running = &server;
            remote(&address)
        }),
    })
}

fn over_ssh() -> Option<Silent> {
    let served = served_with_a_large_file();
    let server = site::sshd(WHAT)?;
    let relay = silent(server.port());
    let connect = site::over(&server, &served, relay.port());
    Some(Silent {
        _served: served,
        relay,
        connect: Box::new(move || {
            let _running = &server;
            connect()
        }),
    })
}

fn reads_the_large_file(remote: &Remote) -> ErrorKind {
    let (_directory, here) = cache();
    let read = remote
        .fetch(&here, "main")
        .and_then(|snapshot| snapshot.read(&path("large")));
    read.unwrap_err().kind()
}

fn a_fetch_is_cancelled(start: fn() -> Option<Silent>) {
    let Some(silent) = start() else { return };
    let cancel = Cancel::new();
    let (stop, relay) = (cancel.clone(), Arc::clone(&silent.relay));
    thread::spawn(move || {
        relay.wait_for_silence();
        stop.cancel();
    });
    let remote = (silent.connect)().with_deadline(LONG).with_cancel(cancel);
    assert_eq!(reads_the_large_file(&remote), ErrorKind::Cancelled);
}

fn a_fetch_meets_its_deadline(start: fn() -> Option<Silent>) {
    let Some(silent) = start() else { return };
    let remote = (silent.connect)().with_deadline(Duration::from_secs(2));
    assert_eq!(reads_the_large_file(&remote), ErrorKind::TimedOut);
}

/// While the server's hook runs, after everything was sent.
fn a_push_is_cancelled(start: Start) {
    let Some(site) = start(WHAT) else { return };
    let waits = site.served.path().join("waits");
    let script = "touch waits; while test -e waits; do sleep 0.05; done; exit 1";
    site.served.hook("pre-receive", script);
    let cancel = Cancel::new();
    let stop = cancel.clone();
    let error = thread::scope(|scope| {
        let looked = waits.clone();
        scope.spawn(move || {
            until("the hook runs", || looked.exists());
            stop.cancel();
        });
        let remote = site.remote().with_deadline(LONG).with_cancel(cancel);
        let (_directory, here) = cache();
        remote.land(&here, "main", 3, write("a", "x"), |_| {})
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    std::fs::remove_file(waits).unwrap();
    assert_eq!(site.served.commits(), 1);
}

macro_rules! in_mid_transfer {
    ($($server:ident)+) => {$(
        mod $server {
            #[test]
            fn a_fetch_is_cancelled() {
                super::a_fetch_is_cancelled(super::$server);
            }

            #[test]
            fn a_fetch_meets_its_deadline() {
                super::a_fetch_meets_its_deadline(super::$server);
            }

            #[test]
            fn a_push_is_cancelled() {
                super::a_push_is_cancelled(super::site::$server);
            }
        }
    )+};
}

in_mid_transfer!(over_tcp over_ssh);

#[test]
fn a_push_on_this_machine_is_cancelled() {
    a_push_is_cancelled(site::on_this_machine);
}

#[cfg(feature = "http")]
#[test]
fn a_push_over_tls_is_cancelled() {
    a_push_is_cancelled(site::over_tls_with_a_password);
}

/// Connections are made by the kernel; nobody takes them.
fn nobody() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[test]
fn a_server_that_never_answers_meets_the_deadline() {
    let (_listener, port) = nobody();
    let (_directory, here) = cache();
    for scheme in ["git", "ssh"] {
        if scheme == "ssh" && narae_testservers::is_missing(&["ssh"], WHAT) {
            return;
        }
        let remote = remote(&format!("{scheme}://127.0.0.1:{port}/x.git"))
            .with_ssh(SshOptions::new().with_configuration("/dev/null"))
            .with_deadline(Duration::from_millis(1_200));
        let error = remote.tip("main").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        let error = remote.land(&here, "main", 3, write("a", "x"), |_| {});
        assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
    }
}

#[test]
fn the_program_that_waits_for_a_silent_server_is_ended() {
    if narae_testservers::is_missing(&["ssh", "sh"], WHAT) {
        return;
    }
    let (_listener, port) = nobody();
    let (directory, _here) = cache();
    let (program, id) = (directory.path().join("ssh"), directory.path().join("id"));
    script(
        &program,
        &format!("echo $$ > '{}'; exec ssh \"$@\"", id.display()),
    );
    let ssh = SshOptions::new()
        .with_configuration("/dev/null")
        .with_program(program);
    let cancel = Cancel::new();
    let remote = remote(&format!("ssh://127.0.0.1:{port}/x.git"))
        .with_ssh(ssh)
        .with_deadline(LONG)
        .with_cancel(cancel.clone());
    thread::scope(|scope| {
        scope.spawn(|| {
            until("ssh runs", || process(&id).is_some());
            cancel.cancel();
        });
        let error = remote.tip("main").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    });
    let ssh = process(&id).unwrap();
    until("ssh is ended", || !is_running(&ssh));
}

fn script(file: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(file, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The number in the file, once it is there.
fn process(file: &PathBuf) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    Some(text.strip_suffix('\n')?.to_owned())
}

fn is_running(process: &str) -> bool {
    let output = Command::new("kill").args(["-0", process]).output();
    output.unwrap().status.success()
}

//! `sshd` on this machine, through the system's `ssh`.

use narae_gitops::remote::{ErrorKind, Remote, SshOptions};
use narae_testservers::Sshd;

use super::fixture::{Served, cache, committed, remote, replace, write};
use crate::fixture::fsck;

const WHAT: &str = "a remote over ssh";

/// With keys of the server's own, and nothing of the user's.
fn options(server: &Sshd) -> SshOptions {
    SshOptions::new()
        .with_configuration("/dev/null")
        .with_known_hosts(server.known_hosts())
        .with_identity(server.identity())
}

fn to(served: &Served, server: &Sshd) -> Remote {
    remote(&server.address(&served.path())).with_ssh(options(server))
}

#[test]
fn a_change_lands_over_ssh_whether_the_server_takes_the_version_or_not() {
    for configuration in ["", "AcceptEnv GIT_PROTOCOL\n"] {
        let served = Served::new();
        let Some(server) = Sshd::start(configuration, WHAT) else {
            return;
        };
        let (_directory, here) = cache();
        let decide = replace("apps/shop/values.yaml", "1", "2");
        let landed = to(&served, &server).land(&here, "main", 1, decide, |_| {});
        assert_eq!(committed(&landed.unwrap()), [served.tip()]);
        assert_eq!(served.file("apps/shop/values.yaml"), "tag: 2\n");
        fsck(&served.path());
    }
}

#[test]
fn the_words_of_a_hook_come_through() {
    let served = Served::new();
    served.hook("pre-receive", "echo 'not on Fridays' >&2; exit 1");
    let Some(server) = Sshd::start("", WHAT) else {
        return;
    };
    let (_directory, here) = cache();
    let error = to(&served, &server)
        .land(&here, "main", 3, write("a", "x"), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("not on Fridays"), "{error}");
}

#[test]
fn a_host_whose_key_is_not_known_is_refused() {
    let served = Served::new();
    let Some(server) = Sshd::start("", WHAT) else {
        return;
    };
    let error = remote(&server.address(&served.path()))
        .with_ssh(options(&server).with_known_hosts("/dev/null"))
        .tip("main")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
}

#[test]
fn a_known_host_that_shows_another_key_is_refused() {
    let served = Served::new();
    let Some(server) = Sshd::start("", WHAT) else {
        return;
    };
    let known = server.known_hosts_at(server.port(), "stranger");
    let options = options(&server).with_known_hosts(&known);
    let remote = remote(&server.address(&served.path())).with_ssh(options);
    let (_directory, here) = cache();
    let error = remote
        .land(&here, "main", 3, write("a", "x"), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
    let shown = std::process::Command::new("ssh-keygen")
        .arg("-lf")
        .arg(server.known_hosts())
        .output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    let shown = shown.split(' ').nth(1).unwrap();
    let known = format!("ED25519 key in {}:1", known.display());
    let text = error.to_string();
    for part in ["another key than the known one", shown, &known] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("@@@") && text.lines().count() == 2, "{text}");
    assert_eq!(served.commits(), 1);
}

#[test]
fn a_key_the_server_does_not_know_is_refused() {
    let served = Served::new();
    let Some(server) = Sshd::start("", WHAT) else {
        return;
    };
    let error = remote(&server.address(&served.path()))
        .with_ssh(options(&server).with_identity(server.stranger()))
        .tip("main")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
}

#[test]
fn a_path_is_a_path_and_not_a_command() {
    let served = Served::new();
    let Some(server) = Sshd::start("", WHAT) else {
        return;
    };
    let trap = served.folder().join("trap");
    let path = served
        .folder()
        .join(format!("x';touch {};'", trap.display()));
    let error = remote(&server.address(&path))
        .with_ssh(options(&server))
        .tip("main")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(!trap.exists());
}

#[test]
fn nobody_listening_and_no_program_are_told() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let address = format!("ssh://git@127.0.0.1:{port}/x.git");
    let none = SshOptions::new().with_program("narae-no-such-program");
    let error = remote(&address).with_ssh(none).tip("main").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoProgram, "{error}");
    if !narae_testservers::is_missing(&["ssh"], WHAT) {
        let options = SshOptions::new().with_configuration("/dev/null");
        let error = remote(&address).with_ssh(options).tip("main").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    }
}

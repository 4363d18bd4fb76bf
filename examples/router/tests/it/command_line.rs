//! Usage: what is refused before anything listens, and what the help says.

use std::net::TcpListener;

use crate::process::run;

#[test]
fn bad_flags_exit_2_and_say_what_to_write() {
    let backend = "--backend";
    let cases: [(&[&str], &str); 14] = [
        (&[], "--config"),
        (&[backend, "a"], "NAME=http://HOST:PORT@WEIGHT"),
        (&[backend, "=http://a:1"], "a name has"),
        (&[backend, "a b=http://a:1"], "a name has"),
        (&[backend, "a=https://a:1"], "http://HOST:PORT"),
        (&[backend, "a=http://a:1/path"], "without user or path"),
        (&[backend, "a=http://u@a:1@1"], "without user or path"),
        (&[backend, "a=http://a:1@x"], "a weight is a whole number"),
        (&[backend, "a=http://a:1@0"], "weight 0"),
        (
            &[backend, "a=http://a:1", backend, "a=http://a:2"],
            "same id",
        ),
        (
            &[backend, "a=http://a:1", "--listen", "nowhere"],
            "--listen",
        ),
        (
            &[backend, "a=http://a:1", "--connect-timeout", "0"],
            "seconds from",
        ),
        (
            &[
                backend,
                "a=http://a:1",
                "--max-requests",
                "18446744073709551615",
            ],
            "--max-requests",
        ),
        (
            &[backend, "a=http://a:1", "--max-header-bytes", "1"],
            "1024..=1048576",
        ),
    ];
    for (arguments, says) in cases {
        let output = run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn an_address_in_use_exits_1_and_says_so() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["--listen", &address, "--backend", "a=http://[::1]:1@1"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with(&format!("router: cannot listen on {address}: ")),
        "{said}"
    );
}

#[test]
fn help_says_what_it_does_and_how_it_ends() {
    let output = run(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for part in [
        "Example",
        "--backend",
        "X-Forwarded-For",
        "SIGTERM",
        "Exit codes",
        "504",
    ] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[cfg(feature = "kube")]
#[test]
fn a_token_that_cannot_be_sent_is_said_before_anything_listens() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(
        &kubeconfig,
        "apiVersion: v1
kind: Config
current-context: c
clusters: [{ name: c, cluster: { server: \"http://127.0.0.1:1\" } }]
contexts: [{ name: c, context: { cluster: c, user: u } }]
users: [{ name: u, user: { token: \"c4n4ry\\nt0ken\" } }]
",
    )
    .unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_router"))
        .args(["--cluster", "--listen", "80=127.0.0.1:0"])
        .env("KUBECONFIG", &kubeconfig)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("token in the kubeconfig"), "{said}");
    assert!(
        !said.contains("panicked") && !said.contains("c4n4ry"),
        "{said}"
    );
}

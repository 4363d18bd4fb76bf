//! A kubeconfig that cannot be used: what is wrong with it is said, and nothing that stands in it.

use std::fs;

use crate::program::{Program, Run};

const CANARY: &str = "c4n4ry-t0ken";

/// A kubeconfig of one cluster and one user, with these fields.
fn kubeconfig(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: c
clusters: [{{name: c, cluster: {{{cluster}}}}}]
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
users: [{{name: u, user: {{{user}}}}}]
"
    )
}

const SERVER: &str = "server: 'http://127.0.0.1:1'";

#[test]
fn what_is_wrong_with_a_kubeconfig_is_said_without_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let tls = |rest: &str| format!("server: 'https://127.0.0.1:1', {rest}");
    let exec = |script: &str| {
        kubeconfig(
            SERVER,
            &format!(
                "exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, {script:?}]}}"
            ),
        )
    };
    let cases = [
        (
            format!("users:\n- name: {CANARY}\n  user: [{CANARY}\n"),
            "line ",
        ),
        (CANARY.to_owned(), "line "),
        (format!("clusters: {CANARY}\n"), "line 1, column 11"),
        (
            format!("users:\n- name: u\n  user:\n    token: {{{CANARY}: 1}}\n"),
            "line 4, column 12",
        ),
        (
            format!("users:\n- name: u\n  user:\n    exec: {{args: {CANARY}}}\n"),
            "line 4",
        ),
        (format!("x: &a {CANARY}\ny: *b\n"), "line 2"),
        (
            kubeconfig(&format!("server: '{CANARY} {CANARY}'"), ""),
            "server",
        ),
        (
            kubeconfig(&format!("{SERVER}, proxy-url: '{CANARY} :{CANARY}'"), ""),
            "proxy",
        ),
        (
            kubeconfig(&format!("{SERVER}, proxy-url: 'ftp://{CANARY}:x@h'"), ""),
            "kubeconfig",
        ),
        (
            kubeconfig(&tls(&format!("certificate-authority-data: '{CANARY}'")), ""),
            "certificate",
        ),
        (
            kubeconfig(
                &tls(""),
                &format!("client-certificate-data: '{CANARY}', client-key-data: '{CANARY}'"),
            ),
            "client",
        ),
        // In base64, so that it gets as far as the library for TLS.
        (
            kubeconfig(
                &tls(""),
                "client-certificate-data: YzRuNHJ5LXQwa2Vu, client-key-data: YzRuNHJ5LXQwa2Vu",
            ),
            "certificates or the key",
        ),
        (
            kubeconfig(SERVER, &format!("token: \"{CANARY}\\n{CANARY}\"")),
            "characters that cannot be sent",
        ),
        (
            kubeconfig(
                SERVER,
                &format!("auth-provider: {{name: {CANARY}, config: {{}}}}"),
            ),
            "credentials",
        ),
        (
            exec(&format!("echo {CANARY}; echo {CANARY} >&2; exit 1")),
            "credential helper",
        ),
        (exec(&format!("echo {CANARY}")), "credential helper"),
        (
            exec(&format!(
                "echo '{{\"kind\": \"ExecCredential\", \"status\": \"{CANARY}\"}}'"
            )),
            "credential helper",
        ),
    ];
    for (number, (text, expected)) in cases.into_iter().enumerate() {
        let file = folder.path().join(number.to_string());
        fs::write(&file, &text).unwrap();
        let file = file.to_str().unwrap();
        let flag = Program::Seal.run(&["--fetch-cert", "--kubeconfig", file], b"");
        let variable = [("KUBECONFIG", file)];
        let context = Program::Seal.run_with(&variable, &["--fetch-cert", "--context", "c"], b"");
        let variable = Program::Seal.run_with(&variable, &["--fetch-cert"], b"");
        for Run {
            code,
            stdout,
            stderr,
        } in [flag, context, variable]
        {
            assert_eq!(code, Some(1), "{text}: {stderr}");
            assert!(stderr.contains(expected), "{text}: {stderr}");
            // What a helper says to the terminal itself is the helper's.
            let own: String = stderr.lines().filter(|line| *line != CANARY).collect();
            for part in ["c4n4ry", "t0ken", "YzRu"] {
                assert!(
                    !own.contains(part) && !stdout.contains(part),
                    "{text}: {stderr}"
                );
            }
        }
    }
}

//! The same delivery with the store swapped for a real OpenBao.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::sandbox::{Run, Sandbox};
use crate::sealing::found;

/// A development server on a free port; ends with the test.
struct Server {
    child: Child,
    address: String,
}

// Root tokens of a development server must not look like issued ones (`s.…`).
const TOKEN: &str = "root-of-this-test";

impl Server {
    fn start(sandbox: &Sandbox) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = format!("127.0.0.1:{port}");
        let mut child = Command::new("bao")
            .args([
                "server",
                "-dev",
                "-dev-no-store-token",
                "-dev-root-token-id",
                TOKEN,
                "-dev-listen-address",
                &address,
            ])
            .env("HOME", sandbox.path("."))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(
            lines
                .any(|line| line
                    .is_ok_and(|line| line.contains("Development mode should NOT be used"))),
            "the server did not start"
        );
        // Keep draining, or the server blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let server = Self {
            child,
            address: format!("http://{address}"),
        };
        server.bao(&["secrets", "enable", "-path=kv", "-version=2", "kv"]);
        server
    }

    fn bao(&self, arguments: &[&str]) {
        let output = Command::new("bao")
            .args(arguments)
            .env("BAO_ADDR", &self.address)
            .env("BAO_TOKEN", TOKEN)
            .output()
            .unwrap();
        assert!(output.status.success(), "bao {arguments:?}: {output:?}");
    }

    fn deliver(&self, sandbox: &Sandbox, arguments: &[&str]) -> Run {
        let mut command = sandbox.command(&[&["--store", "openbao"], arguments].concat());
        command
            .env("BAO_ADDR", &self.address)
            .env("BAO_TOKEN", TOKEN);
        Run::of(&command.output().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_same_delivery_from_a_real_openbao() {
    if !found(&["bao"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let run = server.deliver(&sandbox, &[]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        run.stderr.contains("kv/shop/dev/"),
        "the missing path is named: {run:#?}"
    );
    assert_eq!(sandbox.commits(), 0);

    server.bao(&[
        "kv",
        "put",
        "-mount=kv",
        "shop/dev/database",
        "username=shop",
        "password=canary-in-bao-1",
    ]);
    server.bao(&[
        "kv",
        "put",
        "-mount=kv",
        "shop/dev/payment",
        "api-key=canary-in-bao-2",
    ]);
    let run = server.deliver(&sandbox, &[]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(sandbox.commits(), 1);
    assert!(
        !sandbox.path("secrets.store").exists(),
        "the embedded store is not touched"
    );

    let again = server.deliver(&sandbox, &[]);
    assert!(again.stdout.contains("Nothing to do"), "{again:#?}");

    server.bao(&[
        "kv",
        "put",
        "-mount=kv",
        "shop/dev/payment",
        "api-key=canary-in-bao-3",
    ]);
    let rotated = server.deliver(&sandbox, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&rotated.stdout).unwrap();
    assert_eq!(
        json["plan"]["files"].as_array().unwrap().len(),
        1,
        "{json:#}"
    );
    assert_eq!(
        json["plan"]["files"][0]["fields"][0]["path"],
        "spec.encryptedData.PAYMENT_API_KEY"
    );
    for run in [&run, &again, &rotated] {
        assert!(!format!("{run:?}").contains("canary-in-bao"), "{run:#?}");
    }
    let objects = sandbox.repository(&["cat-file", "--batch", "--batch-all-objects"]);
    assert!(!objects.contains("canary-in-bao"));
}

#[test]
fn a_wrong_token_is_an_error_that_does_not_show_it() {
    if !found(&["bao"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    let mut command = sandbox.command(&["--store", "openbao"]);
    command
        .env("BAO_ADDR", &server.address)
        .env("BAO_TOKEN", "s.wrong-canary-token\n");
    let run = Run::of(&command.output().unwrap());
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        !format!("{run:?}").contains("wrong-canary-token"),
        "{run:#?}"
    );
    assert_eq!(sandbox.commits(), 0);
}

#[test]
fn another_store_behind_the_same_name_is_another_source() {
    if !found(&["bao"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox);
    sandbox.delivered(&[]);
    // The same paths, at the same version 1, with other values.
    server.bao(&[
        "kv",
        "put",
        "-mount=kv",
        "shop/dev/database",
        "username=other",
        "password=other",
    ]);
    server.bao(&[
        "kv",
        "put",
        "-mount=kv",
        "shop/dev/payment",
        "api-key=other",
    ]);
    let run = server.deliver(&sandbox, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        json["plan"]["files"][0]["fields"].as_array().unwrap().len(),
        3,
        "{json:#}"
    );
    for secret in json["secrets"].as_array().unwrap() {
        assert_eq!(
            secret["outcome"], "sealed again: its source changed",
            "{json:#}"
        );
    }
    assert!(
        server
            .deliver(&sandbox, &[])
            .stdout
            .contains("Nothing to do")
    );
}

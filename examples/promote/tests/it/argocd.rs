//! Waiting for Argo CD: a server on loopback that knows the repository's tip, and answers as Argo CD 3.2 does.
//! The real one is in `cluster`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::sandbox::{IMAGE, Run, Sandbox, words};

pub(crate) struct ArgoCd {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) const HEALTHY: &str = r#"{"metadata": {}, "status": {"sync": {"status": "Synced", "revision": "TIP"}, "health": {"status": "Healthy"}}}"#;

impl ArgoCd {
    /// Answers with `state`, in which `TIP` is the tip of `main` in `sandbox`.
    pub(crate) fn start(sandbox: &Sandbox, state: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (all, over) = (Arc::clone(&asked), Arc::clone(&is_over));
        let tip = sandbox.path("gitops.git/refs/heads/main");
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                let lines = BufReader::new(&stream).lines().map(Result::unwrap);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                all.lock().unwrap().push(head.join("\n"));
                let tip = std::fs::read_to_string(&tip).unwrap();
                let body = state.replace("TIP", tip.trim());
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
                );
            }
        });
        Self {
            port,
            asked,
            is_over,
            thread: Some(thread),
        }
    }

    /// Sets an image and waits.
    fn deliver(&self, sandbox: &Sandbox, more: &[&str]) -> Run {
        let image = format!("{IMAGE}:8c1d2e3");
        let arguments = ["set-image", "shop", &image, "--env", "dev"];
        self.run(sandbox, &[&arguments[..], more].concat())
    }

    /// Runs it and waits.
    pub(crate) fn run(&self, sandbox: &Sandbox, arguments: &[&str]) -> Run {
        let address = format!("http://127.0.0.1:{}", self.port);
        let arguments = [arguments, &["--wait-argocd", &address]].concat();
        let mut command = sandbox.command("gitops.git", &arguments);
        let run = Run::of(command.env("ARGOCD_AUTH_TOKEN", "s3cret"));
        assert!(!format!("{run:?}").contains("s3cret"));
        run
    }

    /// What it was asked, request by request.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for ArgoCd {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.thread.take().unwrap().join();
    }
}

#[test]
fn it_ends_when_the_commit_runs() {
    let sandbox = Sandbox::new();
    let argocd = ArgoCd::start(&sandbox, HEALTHY);
    let run = argocd.deliver(&sandbox, &["--argocd-app", "teams/shop-dev"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.stdout.contains("Synced and Healthy in teams/shop-dev"),
        "{run:?}"
    );
    let asked = argocd.asked().concat();
    assert!(
        asked.starts_with("GET /api/v1/applications/shop-dev?refresh=normal&appNamespace=teams ")
    );
    assert!(
        asked
            .to_lowercase()
            .contains("authorization: bearer s3cret"),
        "{asked}"
    );
}

#[test]
fn what_argocd_says_is_an_error_and_the_commit_stays() {
    let sandbox = Sandbox::new();
    let state = r#"{"metadata": {}, "status": {"sync": {"status": "OutOfSync", "revision": "TIP"}, "health": {"status": "Healthy"},
        "operationState": {"phase": "Failed", "message": "admission webhook denied it", "syncResult": {"revision": "TIP"}}}}"#;
    let argocd = ArgoCd::start(&sandbox, state);
    let before = sandbox.commits();
    let run = argocd.deliver(&sandbox, &["--json"]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert!(
        run.stderr.contains("admission webhook denied it"),
        "{run:?}"
    );
    assert_eq!(sandbox.commits(), before + 1);
    for part in [
        "\"running\": false",
        "\"commit\": \"",
        "admission webhook denied it",
    ] {
        assert!(run.stdout.contains(part), "{part}: {run:?}");
    }
}

#[test]
fn what_was_there_already_is_waited_for_all_the_same() {
    let sandbox = Sandbox::new();
    let state = r#"{"metadata": {}, "status": {"sync": {"status": "Synced", "revision": "TIP"},
        "health": {"status": "Degraded", "message": "exceeded its progress deadline"}}}"#;
    // A pipeline that runs again after it failed: nothing to do is not yet running.
    {
        let argocd = ArgoCd::start(&sandbox, state);
        let limit = ["--wait-seconds", "1"];
        assert_eq!(argocd.deliver(&sandbox, &limit).code, Some(4));
        let run = argocd.deliver(&sandbox, &limit);
        assert_eq!(run.code, Some(4), "{run:?}");
        assert!(run.stdout.contains("Nothing to do"), "{run:?}");
        assert!(run.stderr.contains("progress deadline"), "{run:?}");
    }
    let argocd = ArgoCd::start(&sandbox, HEALTHY);
    let run = argocd.deliver(&sandbox, &["--json"]);
    let said: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let field = |name: &str| said.get(name).cloned().unwrap_or_default();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        (field("commit"), field("running")),
        (().into(), true.into())
    );
    assert_eq!(sandbox.commits(), 2);
    // Not what is refused.
    let before = argocd.asked().len();
    let run = argocd.run(
        &sandbox,
        &words("set-image cart shop/cart:1111bbb --env dev --expect x"),
    );
    assert_eq!(run.code, Some(3), "{run:?}");
    assert_eq!(argocd.asked().len(), before);
}

#[test]
fn an_address_that_cannot_be_is_found_before_anything_is_written() {
    let sandbox = Sandbox::new();
    let before = sandbox.commits();
    let image = format!("{IMAGE}:8c1d2e3");
    let arguments = ["set-image", "shop", &image, "--env", "dev", "--wait-argocd"];
    let run = sandbox.run(&[&arguments[..], &["http://argocd.example.com"]].concat());
    assert_eq!((run.code, sandbox.commits()), (Some(2), before), "{run:?}");
    assert!(run.stderr.contains("not sent unencrypted"), "{run:?}");
}

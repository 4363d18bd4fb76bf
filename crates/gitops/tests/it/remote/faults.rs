//! Servers that die, dawdle, cut their answers short or refuse, over each way to reach one: the change is on the
//! branch once, or it is told that it is not.

use narae_gitops::remote::{ErrorKind, Remote};

use super::fixture::{Served, cache, committed, replace};
use super::site::{self, Start};
use crate::fixture::fsck;

const WHAT: &str = "a server that fails";

/// Lands a change that must be on the branch exactly once.
fn lands_once(served: &Served, remote: &Remote, attempts: u32) {
    let (_directory, here) = cache();
    let decide = replace("apps/shop/values.yaml", "1", "2");
    let landed = remote.land(&here, "main", 5, decide, |_| {}).unwrap();
    assert_eq!(landed.attempts, attempts);
    assert_eq!(committed(&landed), [served.tip()]);
    assert_eq!(served.file("apps/shop/values.yaml"), "tag: 2\n");
    assert_eq!(served.commits(), 2);
    fsck(&served.path());
}

/// The server's process is killed once, by its own hook.
fn dies(start: Start, hook: &str, attempts: u32) {
    let Some(site) = start(WHAT) else { return };
    let script = "test -e once || { touch once; echo 'half an ans' >&2; kill -9 $PPID; }";
    site.served.hook(hook, script);
    lands_once(&site.served, &site.remote(), attempts);
}

fn dies_before_the_branch_moves(start: Start) {
    dies(start, "pre-receive", 2);
}

/// Its answer is cut short, and the change is found on the branch.
fn dies_after_the_branch_moved(start: Start) {
    dies(start, "post-receive", 1);
}

fn dawdles(start: Start) {
    let Some(site) = start(WHAT) else { return };
    site.served.hook("pre-receive", "sleep 1");
    lands_once(&site.served, &site.remote(), 1);
}

fn refuses(start: Start) {
    let Some(site) = start(WHAT) else { return };
    site.served.hook(
        "update",
        "test -e open || { echo 'not on Fridays' >&2; exit 1; }",
    );
    let (_directory, here) = cache();
    let decide = replace("apps/shop/values.yaml", "1", "2");
    let error = site
        .remote()
        .land(&here, "main", 5, decide, |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("not on Fridays"), "{error}");
    assert_eq!(site.served.commits(), 1);
    std::fs::write(site.served.path().join("open"), "").unwrap();
    lands_once(&site.served, &site.remote(), 1);
}

macro_rules! a_server {
    ($($server:ident)+) => {$(
        mod $server {
            use super::site;

            #[test]
            fn dies_before_the_branch_moves() {
                super::dies_before_the_branch_moves(site::$server);
            }

            #[test]
            fn dies_after_the_branch_moved() {
                super::dies_after_the_branch_moved(site::$server);
            }

            #[test]
            fn dawdles() {
                super::dawdles(site::$server);
            }

            #[test]
            fn refuses() {
                super::refuses(site::$server);
            }
        }
    )+};
}

a_server!(on_this_machine over_tcp over_ssh);
#[cfg(feature = "http")]
a_server!(over_tls_with_a_password);

#[cfg(feature = "http")]
mod answers {
    use narae_testservers::{Fault, GitHttpOptions, Seen};

    use super::super::site::over_tls;
    use super::*;

    fn is_push(seen: &Seen) -> bool {
        seen.method == "POST" && seen.target.ends_with("/git-receive-pack")
    }

    fn refusals() -> [(Fault, ErrorKind); 3] {
        let answer = |status, headers: &str| Fault::Answer(status, headers.to_owned(), "");
        let elsewhere = "Location: https://elsewhere.example/gitops.git\r\n";
        [
            (answer("401 Unauthorized", ""), ErrorKind::Unauthorized),
            (answer("302 Found", elsewhere), ErrorKind::Protocol),
            (
                answer("503 Service Unavailable", "Retry-After: 7\r\n"),
                ErrorKind::Unavailable,
            ),
        ]
    }

    #[test]
    fn to_a_push_are_told_and_the_branch_stays() {
        for (fault, kind) in refusals() {
            let push = move |seen: &Seen| is_push(seen).then(|| fault.clone());
            let options = GitHttpOptions::new().with_faults(push);
            let Some(site) = over_tls(options, WHAT) else {
                return;
            };
            let (_directory, here) = cache();
            let decide = replace("apps/shop/values.yaml", "1", "2");
            let error = site
                .remote()
                .land(&here, "main", 5, decide, |_| {})
                .unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!(site.served.commits(), 1);
        }
    }
}

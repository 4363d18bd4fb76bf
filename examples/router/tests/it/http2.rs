//! HTTP/2 as RFC 9113 and RFC 7541 have it, asked by h2spec: what must be refused is refused.

use std::process::Command;

use narae_testservers::{is_missing, program};

use crate::backend::Backend;
use crate::process::Router;

/// What h2spec calls failed, and why it is none.
const KNOWN: [(&str, &str); 2] = [
    (
        "2: Sends invalid connection preface",
        "what does not begin as HTTP/2 may be HTTP/1.1 on this port, and gets its 400 before the connection is closed",
    ),
    (
        "9: closed: Sends a HEADERS frame after sending RST_STREAM frame",
        "the answer to the first request may be on its way already; the second is not answered",
    ),
];

#[test]
fn nothing_is_answered_that_must_be_refused() {
    if is_missing(&["h2spec"], "the cases of RFC 9113") {
        return;
    }
    let backend = Backend::named("a");
    let router = Router::start(&[("a", backend.address, 1)], &[]);
    let port = router.address.port().to_string();
    let output = Command::new(program("h2spec").unwrap())
        .args([
            "--strict",
            "--host",
            "127.0.0.1",
            "--timeout",
            "10",
            "--port",
            &port,
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, failures) = text.split_once("Failures:").unwrap_or((&text, ""));
    let failed: Vec<&str> = failures
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("× "))
        .filter(|case| !KNOWN.iter().any(|(known, _)| case == known))
        .collect();
    assert!(failed.is_empty(), "{failed:?}: {failures}");
    let count = text.lines().find(|line| line.contains(" tests, "));
    let passed = count.and_then(|line| {
        line.split_once(" tests, ")?
            .1
            .split(' ')
            .next()?
            .parse()
            .ok()
    });
    assert!(passed >= Some(143), "{count:?}");
}

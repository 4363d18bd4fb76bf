//! The page: what it says, that nothing in a log can become markup, and that a browser shows it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// An hour of requests with ten bad minutes, a scanner, and a line that would like to be a script.
fn log() -> String {
    let mut log = String::new();
    for n in 0..3600 {
        let is_bad = (1800..2400).contains(&n) && n % 5 == 0;
        let (status, latency) = if is_bad {
            (502, 900)
        } else {
            (200, 20 + n % 60)
        };
        let _ = writeln!(
            log,
            "{{\"time\":\"2026-11-21T04:{:02}:{:02}Z\",\"method\":\"GET\",\"path\":\"/cart/{n}\",\"status\":{status},\"duration_ms\":{latency}}}",
            n / 60,
            n % 60
        );
    }
    for path in ["/.env", "/wp-login.php", "/.git/<script>alert(1)</script>"] {
        let _ = writeln!(
            log,
            "{{\"time\":\"2026-11-21T04:59:59Z\",\"method\":\"GET\",\"path\":\"{path}\",\"client\":\"192.0.2.9\",\"status\":404,\"duration_ms\":1}}"
        );
    }
    log.push_str("<img src=x onerror=alert(1)>\n");
    log
}

fn page(folder: &Path) -> String {
    std::fs::write(folder.join("shop.log"), log()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_logship"))
        .args(["report", "shop.log", "-o", "page.html"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::read_to_string(folder.join("page.html")).unwrap()
}

#[test]
fn the_page_says_what_happened_and_nothing_in_it_acts() {
    let folder = tempfile::tempdir().unwrap();
    let page = page(folder.path());
    for said in [
        "<title>shop.log · log report</title>",
        "3\u{202F}603",
        "<span>99th percentile</span>",
        "every byte accounted for",
        "page, 2 % of the budget in 1 h",
        "A client asks for files that only scanners look for: 192.0.2.9",
        "GET /cart/<em>∗</em> server error",
        "&lt;img src=x onerror=alert(<em>∗</em>)&gt;",
    ] {
        assert!(page.contains(said), "{said}");
    }
    for never in ["<script", "<img", "http://", "https://", "url(", "@import"] {
        assert!(!page.contains(never), "{never}");
    }
    assert!(page.len() < 400_000, "{} bytes", page.len());
}

#[test]
fn a_browser_shows_both_charts() {
    let chromium = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| {
            let mut version = Command::new(name);
            version
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            version.status().is_ok_and(|status| status.success())
        });
    let Some(chromium) = chromium else {
        assert!(
            std::env::var_os("NARAE_REQUIRE_SERVERS").is_none(),
            "chromium is not on PATH"
        );
        eprintln!("skipped a_browser_shows_both_charts: chromium is not on PATH");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    page(folder.path());
    let output = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg("--dump-dom")
        .arg(format!(
            "file://{}",
            folder.path().join("page.html").display()
        ))
        .output()
        .unwrap();
    // As the browser understood it: both charts are there, and nothing else that could load or run.
    let dom = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        dom.matches("<svg").count(),
        2,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(dom.matches("<section").count(), 5);
    assert!(dom.matches("class=\"heat\"").count() > 50);
    assert!(!dom.contains("<script") && !dom.contains("<img"));
}

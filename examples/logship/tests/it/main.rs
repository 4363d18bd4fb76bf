//! Runs the real binary on case files and on what is too large or too wild to keep as a file.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod folder;
mod kills;
mod lines;
mod pipe;
mod place;
mod real;
mod report;
mod rotation;
mod server;
mod ship;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::Value;

fn logship(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_logship"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A run that fails at once does not read its input.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn records(output: &Output) -> Vec<Value> {
    output
        .stdout
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The exact bytes of a text member.
fn exact(record: &Value, name: &str) -> Vec<u8> {
    match record.get(format!("{name}.base64")) {
        Some(encoded) => base64::engine::general_purpose::STANDARD
            .decode(encoded.as_str().unwrap())
            .unwrap(),
        None => record[name].as_str().unwrap().as_bytes().to_vec(),
    }
}

/// Each `NAME.log` beside `NAME.ndjson` and `NAME.stats`: what the two commands print for it.
#[test]
fn case_files_become_what_stands_beside_them() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let mut cases: Vec<String> = std::fs::read_dir(data)
        .unwrap()
        .filter_map(|entry| {
            entry
                .unwrap()
                .file_name()
                .into_string()
                .unwrap()
                .strip_suffix(".log")
                .map(str::to_owned)
        })
        .collect();
    cases.sort();
    assert!(cases.len() >= 4, "only {cases:?} were found");
    let mut failures = Vec::new();
    for case in cases {
        let file = format!("{case}.log");
        let ship = logship(&[&file], b"");
        let stats = logship(&["stats", &file], b"");
        assert!(ship.status.success() && stats.status.success(), "{case}");
        assert!(
            text(&stats.stdout).starts_with(&text(&ship.stderr)),
            "{case}: both commands give one summary"
        );
        for (extension, found) in [("ndjson", &ship.stdout), ("stats", &stats.stdout)] {
            let path = format!("{data}/{case}.{extension}");
            let expected = std::fs::read_to_string(&path).unwrap_or_default();
            if expected != text(found) {
                failures.push(format!("{path}\n--- found\n{}", text(found)));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What a person sees who runs this.
fn on_a_terminal(command: &str) -> String {
    let shown = Command::new("script")
        .args(["-qec", command, "/dev/null"])
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output();
    text(&shown.unwrap().stdout)
}

#[test]
fn a_bar_says_how_far_it_is_where_a_person_looks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    std::fs::write(&path, "{\"a\":1}\n".repeat(50_000)).unwrap();
    let path = path.to_str().unwrap();
    let piped = logship(&["stats", path], b"");
    assert!(piped.status.success());
    assert!(!text(&piped.stderr).contains('█'));

    if narae_testservers::is_missing(&["script"], "a bar on a terminal") {
        return;
    }
    let command = format!("{} stats {path}", env!("CARGO_BIN_EXE_logship"));
    let shown = on_a_terminal(&command);
    let full = format!("\r{} 0.4/0.4 MB\r\x1b[K", "█".repeat(30));
    assert!(shown.contains(&full), "{shown:?}");
    assert!(shown.contains("records   50000 (json 50000)"), "{shown:?}");

    // Also for what is shipped, and of what is read on only the rest is left.
    let out = folder.path().join("out").display().to_string();
    let state = folder.path().join("state").display().to_string();
    for arrived in [50_000, 0] {
        let to = format!("--to file {out} --state {state}");
        let command = format!("{} {to} {path}", env!("CARGO_BIN_EXE_logship"));
        let shown = on_a_terminal(&command);
        assert!(shown.contains(&full), "{shown:?}");
        let shipped = format!("\r\x1b[Kshipped   {arrived} arrived");
        assert!(shown.contains(&shipped), "{shown:?}");
    }
}

/// Asks again and again until the answer is yes.
pub(crate) fn until(what: &str, mut yes: impl FnMut() -> bool) {
    let since = Instant::now();
    while !yes() {
        let patient = since.elapsed() < Duration::from_secs(120);
        assert!(patient, "waited two minutes in vain for {what}");
        std::thread::yield_now();
    }
}

/// What a process held at most so far, in bytes.
pub(crate) fn peak_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() << 10
}

#[test]
fn every_byte_of_garbage_comes_out_again() {
    // A linear congruence: every byte value, newlines and half characters included.
    let mut state = 1_u32;
    let garbage: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(100_000)
    .collect();
    for format in ["json", "combined", "cri"] {
        let output = logship(&["--format", format], &garbage);
        assert!(output.status.success());
        let mut rebuilt = Vec::new();
        for record in records(&output) {
            assert!(record.get("@format").is_none() && record["reason"].is_string());
            // The bytes between the end of one line and the next are its ending.
            let offset = usize::try_from(record["offset"].as_u64().unwrap()).unwrap();
            rebuilt.extend_from_slice(&garbage[rebuilt.len()..offset]);
            rebuilt.extend(exact(&record, "raw"));
        }
        rebuilt.extend_from_slice(&garbage[rebuilt.len()..]);
        assert_eq!(rebuilt, garbage, "{format}");
        assert!(
            text(&output.stderr).contains("bytes     100000 read, 100000 accounted for\n"),
            "{format}"
        );
    }
    let output = logship(&["--format", "plain"], &garbage);
    let newlines = garbage.iter().filter(|byte| **byte == b'\n').count();
    assert!(records(&output).len() - newlines <= 1);
}

#[test]
fn a_huge_line_does_not_end_the_file() {
    let good = r#"{"level":"error","msg":"after"}"#;
    let mut input = format!("{good}\n").into_bytes();
    input.extend(vec![b'x'; 3 << 20]);
    input.extend(format!("\n{good}").bytes());
    let output = logship(&["--format=json", "-"], &input);
    let found = records(&output);
    let reasons: Vec<_> = found
        .iter()
        .map(|record| (record["@part"].as_str(), record["reason"].as_str()))
        .collect();
    let long = Some("line_too_long");
    assert_eq!(
        reasons,
        [
            (None, None),
            (Some("head"), long),
            (Some("middle"), long),
            (Some("tail"), long),
            (None, None)
        ]
    );
    assert_eq!(found[4]["msg"], "after");
    assert!(text(&output.stderr).contains(&format!("{0} read, {0} accounted for", input.len())));
}

#[test]
fn auto_decides_for_each_file() {
    let output = logship(&["access.log", "containers.log", "-"], b"{\"a\":1}\n");
    assert!(output.status.success());
    let formats: std::collections::BTreeSet<String> = records(&output)
        .iter()
        .filter_map(|record| {
            Some(format!(
                "{}:{}",
                record["@file"].as_str()?,
                record["@format"].as_str()?
            ))
        })
        .collect();
    assert_eq!(
        formats.into_iter().collect::<Vec<_>>(),
        ["-:json", "access.log:combined", "containers.log:cri"]
    );
}

#[test]
fn a_file_that_is_not_there_is_named_and_the_others_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let gone = directory.path().join("gone.log");
    let output = logship(&[gone.to_str().unwrap(), "access.log"], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stdout.is_empty());
    let complaint = text(&output.stderr);
    assert!(
        complaint.starts_with("logship: cannot open ")
            && complaint.contains("gone.log: No such file"),
        "{complaint}"
    );
    let output = logship(&["stats", directory.path().to_str().unwrap()], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot read"));
}

#[test]
fn wrong_usage_exits_2() {
    let output = logship(&["--format", "xml"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cri"));
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1000));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("many.log");
    std::fs::write(&file, line.repeat(2000)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_logship"))
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(0), String::new())
    );
}

#[test]
fn nothing_is_read_as_nothing() {
    let output = logship(&[], b"");
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(text(&output.stderr).contains("bytes     0 read, 0 accounted for"));
}

#[test]
fn traces_zone_and_year_are_the_caller_s_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    std::fs::write(
        &path,
        "2026-11-21 04:44:44,123 ERROR [main] a.B - failed\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\n",
    )
    .unwrap();
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_logship"))
            .args(arguments)
            .arg(&path)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect::<Vec<serde_json::Value>>()
    };
    let [record] = run(&["--multiline", "traces", "--zone", "+09:00"])
        .try_into()
        .unwrap();
    assert_eq!(record["@format"], "log4j");
    assert_eq!(record["time"], "2026-11-20T19:44:44.123Z");
    assert!(
        record["message"]
            .as_str()
            .unwrap()
            .ends_with("\tat a.B.c(B.java:1)")
    );
    assert_eq!(run(&[]).len(), 3);
}

#[test]
fn files_in_gzip_and_zstd_are_read_in_all_their_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let pieces = ["{\"n\":1}\n{\"n\"", ":2}\n"];
    let zstd = pieces.map(|piece| zstd::encode_all(piece.as_bytes(), 3).unwrap());
    let gzip = pieces.map(|piece| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(piece.as_bytes()).unwrap();
        encoder.finish().unwrap()
    });
    for (name, bytes) in [
        ("app.log.1.gz", gzip.concat()),
        ("app.log.2.zst", zstd.concat()),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        for (input, through_pipe) in [(path.to_str().unwrap(), &[][..]), ("-", &bytes)] {
            let output = logship(&["--format=json", input], through_pipe);
            let numbers: Vec<_> = records(&output)
                .iter()
                .map(|record| record["n"].clone())
                .collect();
            assert_eq!(numbers, [1, 2], "{name} as {input}");
        }
    }
    // What only begins like one.
    let output = logship(&["--format=plain", "-"], b"(\n");
    assert_eq!(records(&output)[0]["message"], "(");
}

#[cfg(feature = "kube")]
#[test]
fn a_token_that_cannot_be_sent_is_said_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(
        path("kubeconfig"),
        "apiVersion: v1
kind: Config
current-context: c
clusters: [{ name: c, cluster: { server: \"http://127.0.0.1:1\" } }]
contexts: [{ name: c, context: { cluster: c, user: u } }]
users: [{ name: u, user: { token: \"c4n4ry\\nt0ken\" } }]
",
    )
    .unwrap();
    std::fs::write(path("a.log"), "line\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_logship"))
        .args([
            "--kubernetes",
            "--state",
            &path("state"),
            "--to",
            "file",
            &path("out"),
        ])
        .arg(path("a.log"))
        .env("KUBECONFIG", path("kubeconfig"))
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("token in the kubeconfig"), "{said}");
    assert!(
        !said.contains("panicked") && !said.contains("c4n4ry"),
        "{said}"
    );
}

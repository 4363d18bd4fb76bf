//! Every line arrives once, under whatever a server does; and what a running `logship` says of itself.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::place::{Place, Running, assert_each_once};
use crate::server::{Does, Server};
use crate::until;

/// What succeeds in between keeps the pauses short.
const FAULTS: [Does; 14] = [
    Does::Status(413),
    Does::Shuffled,
    Does::Status(503),
    Does::CutsAfterTaking,
    Does::Shuffled,
    Does::Status(429),
    Does::HalfBusy,
    Does::Takes,
    Does::Short,
    Does::CutsBefore,
    Does::Takes,
    Does::Babbles,
    Does::Status(401),
    Does::CutsAfterTaking,
];

#[test]
fn a_faulty_server_gets_every_line_once() {
    let place = Place::new();
    place.write("app.log", 12000);
    let server = Server::start(&FAULTS);
    let (code, said) = place
        .start(
            &["--to", "opensearch", &server.url, "--name", "logs-shop"],
            "app.log",
        )
        .wait();
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("shipped   12000 arrived, 0 refused, 0 did not arrive"),
        "{said}"
    );
    assert_each_once(&server.documents(), 12000);
    assert!(server.requests() > FAULTS.len());
    assert!(
        server
            .headers()
            .contains(&"content-encoding: gzip".to_owned())
    );
    // Again: nothing is left to send.
    let before = server.requests();
    let (code, said) = place
        .start(&["--to", "opensearch", &server.url], "app.log")
        .wait();
    assert_eq!((code, server.requests()), (Some(0), before), "{said}");
}

#[test]
fn opentelemetry_and_loki_get_every_line_once() {
    for (kind, faults) in [
        (
            "otlp-json",
            &[Does::Status(503), Does::CutsBefore, Does::Status(429)][..],
        ),
        ("loki", &[Does::Status(500), Does::CutsAfterTaking][..]),
    ] {
        let place = Place::new();
        place.write("app.log", 300);
        let server = Server::start(faults);
        let (code, said) = place.start(&["--to", kind, &server.url], "app.log").wait();
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(server.documents().len(), 300, "{kind}");
        if kind == "otlp-json" {
            assert_each_once(&server.documents(), 300);
        }
    }
}

#[test]
fn a_refused_line_is_kept_with_the_reason_and_the_others_arrive() {
    let place = Place::new();
    place.write("app.log", 10);
    let server = Server::start(&[Does::RefusesFirst]);
    let (code, said) = place
        .start(&["--to", "opensearch", &server.url], "app.log")
        .wait();
    assert_eq!(code, Some(1));
    assert!(said.contains("9 arrived, 1 refused"), "{said}");
    let letters = fs::read_to_string(place.path("state/dead-letters.ndjson")).unwrap();
    let letter: Value = serde_json::from_str(letters.trim()).unwrap();
    assert_eq!(letter["reason"], "400 told_so: because");
    assert!(letter["body"].as_str().unwrap().contains("\"n\":0"));
}

#[test]
fn lines_that_may_not_be_written_yet_wait_and_the_reason_is_said() {
    let place = Place::new();
    place.write("app.log", 10);
    let server = Server::start(&[Does::Forbids]);
    let (code, said) = place
        .start(&["--to", "opensearch", &server.url], "app.log")
        .wait();
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("the destination: 403 told_so: because\n"),
        "{said}"
    );
    assert!(said.contains("10 arrived, 0 refused"), "{said}");
    assert_each_once(&server.documents(), 10);
}

#[test]
fn half_a_first_line_decides_no_format() {
    let place = Place::new();
    let server = Server::start(&[]);
    fs::write(place.path("app.log"), "{\"n\":0,").unwrap();
    place.write("other.log", 1);
    let child = Command::new(env!("CARGO_BIN_EXE_logship"))
        .args(["--follow", "--to", "opensearch", &server.url, "*.log"])
        .current_dir(place.folder.path())
        .stderr(Stdio::piped())
        .spawn();
    let running = Running(child.unwrap());
    // The other file was read, so this one was looked at.
    server.wait(|documents| documents.len() == 1);
    let mut file = OpenOptions::new()
        .append(true)
        .open(place.path("app.log"))
        .unwrap();
    file.write_all(b"\"msg\":\"whole\"}\n").unwrap();
    let documents = server.wait(|documents| documents.len() == 2);
    assert!(
        documents
            .iter()
            .all(|document| document["@format"] == "json")
    );
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn reading_waits_for_a_server_that_takes_nothing() {
    let place = Place::new();
    let line = format!("{{\"n\":0,\"msg\":\"{}\"}}\n", "x".repeat(1000));
    fs::write(place.path("app.log"), line.repeat(20_000)).unwrap();
    let server = Server::start(&[Does::Status(503); 1000]);
    let running = place.start(
        &[
            "--follow",
            "--to",
            "opensearch",
            &server.url,
            "--buffer",
            "2",
        ],
        "app.log",
    );
    server.wait(|_| server.requests() >= 3);
    let peak = crate::peak_memory(running.id());
    assert!(
        peak < 64 << 20,
        "{peak} with a buffer of 2 MiB and a file of 20 MB"
    );
    let state = fs::read_to_string(place.path("state/state.json")).unwrap();
    let state: Value = serde_json::from_str(&state).unwrap();
    let offsets: Vec<_> = state["sources"]
        .as_object()
        .unwrap()
        .values()
        .map(|known| known["offset"].clone())
        .collect();
    assert_eq!(offsets, [0]);
    running.signal("-KILL");
}

#[test]
fn container_logs_say_their_pod() {
    let place = Place::new();
    let folder =
        place.path("pods/shop_web-5d78c9869d-x7k2p_0a7c2b9e-8f3d-4c55-9e21-6b1f0d2a3c44/nginx");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("3.log"),
        "2026-11-21T04:44:44Z stdout P one \n2026-11-21T04:44:44Z stdout F message\n",
    )
    .unwrap();
    let server = Server::start(&[]);
    let child = Command::new(env!("CARGO_BIN_EXE_logship"))
        .args(["--to", "opensearch", &server.url])
        .arg(format!("{}/pods/*/*/*.log", place.folder.path().display()))
        .env("LOGSHIP_AUTHORIZATION", "Basic c2VjcmV0")
        .output()
        .unwrap();
    assert!(child.status.success());
    let [document] = server.documents().try_into().unwrap();
    assert_eq!(document["message"], "one message");
    assert_eq!(document["k8s.deployment.name"], "web");
    assert_eq!(document["k8s.container.restart_count"], 3);
    assert!(
        server
            .headers()
            .contains(&"authorization: basic c2vjcmv0".to_owned())
    );
    assert!(!String::from_utf8_lossy(&child.stderr).contains("c2VjcmV0"));
}

#[test]
fn a_second_logship_on_one_state_is_refused() {
    let place = Place::new();
    place.write("app.log", 1);
    let server = Server::start(&[]);
    let arguments = ["--follow", "--to", "opensearch", &server.url];
    let running = place.start(&arguments, "app.log");
    server.wait(|documents| documents.len() == 1);
    let (code, said) = place.start(&arguments, "app.log").wait();
    assert_eq!(code, Some(1));
    assert!(said.contains("another logship uses it"), "{said}");
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn it_says_how_it_does_and_sends_what_is_queued_when_it_is_asked_to_end() {
    let place = Place::new();
    place.write("app.log", 100);
    OpenOptions::new()
        .append(true)
        .open(place.path("app.log"))
        .and_then(|mut file| file.write_all(b"no json\n"))
        .unwrap();
    let server = Server::start(&[]);
    let arguments = ["--follow", "--metrics", "127.0.0.1:0"];
    let to = ["--to", "opensearch", &server.url];
    let mut running = place.start(&[&arguments[..], &to].concat(), "app.log");
    let line = running.first_line();
    let (_, address) = line.trim().split_once("http://127.0.0.1:").unwrap();
    let port = address.trim_end_matches("/metrics").parse().unwrap();
    let get = |path: &str| {
        let answer = narae_testservers::request(port, "GET", path, "", "");
        (answer.status, answer.body)
    };
    // What is asked for takes a request each time, which is no busy loop.
    until("101 lines to be counted", || {
        let (_, text) = get("/metrics");
        text.contains("\nlogship_acknowledged_total 101\n")
    });
    let (_, text) = get("/metrics");
    let lag = "logship_file_lag_bytes{file=\"app.log\"} 0";
    for line in [
        "logship_records_total{format=\"json\"} 100",
        "logship_raw_total{reason=\"not_an_object\"} 1",
        "logship_dead_letters_total 0",
        "logship_queue_events 0",
        lag,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert_eq!((get("/healthz").0, get("/readyz").0), (200, 200));

    server.tell(Does::Status(503));
    server.tell(Does::Status(503));
    place.write("app.log", 100);
    until("it not to be ready", || get("/readyz").0 == 503);
    assert_eq!(get("/healthz").0, 200);
    let (code, said) = running.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("201 arrived, 0 refused, 0 did not arrive"),
        "{said}"
    );
    assert_eq!(server.documents().len(), 201);
}

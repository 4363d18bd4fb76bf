//! Every line arrives once: under faults of the server, kills, and whatever becomes of the files.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::server::{Does, Server};

pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.0.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Asks it to end, and says how it did and what it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        self.signal("-TERM");
        self.wait()
    }

    /// Waits for it to say something.
    pub(crate) fn first_line(&mut self) -> String {
        let mut line = String::new();
        let mut said = std::io::BufReader::new(self.0.stderr.as_mut().unwrap());
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        line
    }

    pub(crate) fn wait(&mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        std::io::Read::read_to_string(&mut self.0.stderr.take().unwrap(), &mut said).unwrap();
        (self.0.wait().unwrap().code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) struct Place {
    folder: TempDir,
    lines: std::cell::Cell<usize>,
    pub(crate) format: &'static str,
    pub(crate) environment: Vec<(&'static str, String)>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            lines: std::cell::Cell::new(0),
            format: "json",
            environment: Vec::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn append(&self, name: &str, text: &str) {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Appends numbered lines, whose numbers go on from file to file.
    pub(crate) fn write(&self, name: &str, count: usize) {
        let from = self.lines.get();
        let text: String = (from..from + count)
            .map(|n| format!("{{\"time\":\"2026-11-21T04:44:44Z\",\"n\":{n},\"msg\":\"line\"}}\n"))
            .collect();
        self.append(name, &text);
        self.lines.set(from + count);
    }

    pub(crate) fn start(&self, arguments: &[&str], pattern: &str) -> Running {
        let child = Command::new(env!("CARGO_BIN_EXE_logship"))
            .args(arguments)
            .arg("--state")
            .arg(self.path("state"))
            .args(["--format", self.format])
            .arg(pattern)
            .current_dir(self.folder.path())
            .envs(self.environment.iter().cloned())
            .stderr(Stdio::piped())
            .spawn();
        Running(child.unwrap())
    }
}

/// How often each number is there.
fn numbers(documents: &[Value]) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    for document in documents {
        let number = match document.get("n") {
            Some(number) => number.as_u64(),
            None => document["attributes"].as_array().and_then(|attributes| {
                let pair = attributes.iter().find(|pair| pair["key"] == "n")?;
                pair["value"]["intValue"].as_str()?.parse().ok()
            }),
        };
        *found.entry(number.unwrap()).or_default() += 1;
    }
    found
}

pub(crate) fn assert_each_once(documents: &[Value], lines: usize) {
    let found = numbers(documents);
    let missing = (0..lines as u64).filter(|n| !found.contains_key(n));
    let twice = found.iter().filter(|(_, count)| **count > 1);
    let (missing, twice): (Vec<_>, Vec<_>) = (missing.collect(), twice.collect());
    assert!(
        missing.is_empty() && twice.is_empty(),
        "{} missing {:?}, {} twice {:?}",
        missing.len(),
        missing.iter().take(9).collect::<Vec<_>>(),
        twice.len(),
        twice.iter().take(9).collect::<Vec<_>>()
    );
}

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
fn lines_survive_kills_at_any_moment() {
    let place = Place::new();
    let server = Server::start(&[]);
    let arguments = ["--follow", "--to", "opensearch", &server.url];
    for round in 0..8 {
        place.write("app.log", 400);
        // The kill comes with the first request of the round: taken or not, answered or not.
        if round % 2 == 0 {
            server.tell(Does::CutsAfterTaking);
        }
        let seen = server.requests();
        let running = place.start(&arguments, "app.log*");
        server.wait(|_| server.requests() > seen);
        running.signal("-KILL");
    }
    let running = place.start(&arguments, "app.log*");
    let documents = server.wait(|documents| numbers(documents).len() == 3200);
    let (code, said) = running.end();
    assert_eq!(code, Some(0), "{said}");
    assert_each_once(&documents, 3200);
}

/// What stands in a folder of NDJSON, without what is being written.
fn written(folder: &Path) -> Vec<Value> {
    let mut documents = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let lines = text.lines();
        documents.extend(lines.filter_map(|line| serde_json::from_str(line).ok()));
    }
    documents
}

/// Ships a container's log whose stdout has a message that never ends, in front of lines of stderr, with a kill in each round: once as soon
/// as the state knows of lines behind the message, once after some number of lines. Then the message ends. `read` is what arrived.
pub(crate) fn behind_a_message(place: &mut Place, to: &[&str], read: impl Fn() -> Vec<Value>) {
    const ROUNDS: usize = 6;
    const LINES: usize = 3000;
    place.format = "cri";
    let time = "2026-11-21T04:44:44Z";
    let (mut text, mut moments) = (String::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut log = format!("{time} stdout P part {round} \n");
        text.push_str(&format!("part {round} "));
        for n in 0..LINES {
            log.push_str(&format!("{time} stderr F {}\n", round * LINES + n));
        }
        place.append("0.log", &log);
        let mut running = place.start(&[to, &["--follow"]].concat(), "0.log");
        let before = read().len();
        let chance = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), round);
        let lines = usize::try_from(chance % LINES as u64).unwrap();
        moments.push(lines);
        let settled = || {
            let state = fs::read(place.path("state/state.json")).unwrap_or_default();
            let state: Value = serde_json::from_slice(&state).unwrap_or_default();
            let mut sources = state["sources"].as_object().into_iter().flatten();
            let known = sources.next().map(|(_, known)| known.clone());
            known.map(|known| (known["offset"].as_u64(), known["ahead"].clone()))
        };
        let saved = settled();
        while match round % 2 {
            0 => {
                settled().is_none_or(|now| now.0 == Some(0) && now.1.is_null())
                    || settled() == saved
            }
            _ => read().len() < before + lines,
        } {
            assert!(running.0.try_wait().unwrap().is_none(), "it ended");
            std::thread::yield_now();
        }
        running.signal("-KILL");
    }
    place.append("0.log", &format!("{time} stdout F end\n"));
    let (code, said) = place.start(to, "0.log").wait();
    assert_eq!(code, Some(0), "{said}");

    let (mut numbers, mut parts) = (BTreeMap::<u64, usize>::new(), Vec::new());
    for document in read() {
        let message = document["message"].as_str().unwrap().to_owned();
        match message.parse() {
            Ok(number) => *numbers.entry(number).or_default() += 1,
            Err(_) => parts.push((document["@offset"].as_u64(), message)),
        }
    }
    let twice: Vec<_> = numbers.iter().filter(|(_, times)| **times > 1).collect();
    let found = (numbers.len(), twice.len());
    assert_eq!(found, (ROUNDS * LINES, 0), "killed after {moments:?}");
    // Silence may have cut the message; its parts are all there, once.
    parts.sort();
    let parts: String = parts.into_iter().map(|(_, part)| part).collect();
    assert_eq!(parts, text + "end");
}

#[test]
fn a_folder_has_what_stands_behind_an_unfinished_message_once_after_kills() {
    let mut place = Place::new();
    let out = place.path("out");
    let read = || written(&out);
    behind_a_message(&mut place, &["--to", "file", out.to_str().unwrap()], read);
}

#[test]
fn a_folder_of_files_has_every_line_once_also_after_kills() {
    let place = Place::new();
    place.write("app.log", 20_000);
    let read = || written(&place.path("out"));
    let out = place.path("out");
    let arguments = ["--to", "file", out.to_str().unwrap()];
    for _ in 0..3 {
        let mut running = place.start(&arguments, "app.log");
        // Killed as soon as something was written, in the middle of it or at the end.
        while read().is_empty() && running.0.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        running.signal("-KILL");
    }
    let (code, said) = place.start(&arguments, "app.log").wait();
    assert_eq!(code, Some(0), "{said}");
    assert_each_once(&read(), 20_000);
    assert!(place.path("out/logs-2026-11-21T04.ndjson").exists());
}

fn compress(from: &Path, to: &Path) {
    let mut encoder =
        flate2::write::GzEncoder::new(fs::File::create(to).unwrap(), flate2::Compression::fast());
    encoder.write_all(&fs::read(from).unwrap()).unwrap();
    encoder.finish().unwrap();
    fs::remove_file(from).unwrap();
}

#[test]
fn rotation_by_name_copy_and_link_loses_nothing_and_repeats_nothing() {
    let place = Place::new();
    let server = Server::start(&[]);
    let arrived = |lines: usize| server.wait(|documents| numbers(documents).len() >= lines);
    let arguments = ["--follow", "--to", "opensearch", &server.url];
    place.write("app.log", 100);
    let running = place.start(&arguments, "app.log*");
    arrived(100);

    // Renamed, with lines nobody may have read yet, and begun anew.
    place.write("app.log", 50);
    fs::rename(place.path("app.log"), place.path("app.log.1")).unwrap();
    place.write("app.log", 30);
    arrived(180);

    // Written to under the old name, then compressed.
    place.write("app.log.1", 20);
    arrived(200);
    compress(&place.path("app.log.1"), &place.path("app.log.2.gz"));

    // Copied and cut, and it grows beyond what it was.
    place.write("app.log", 40);
    fs::copy(place.path("app.log"), place.path("app.log.1")).unwrap();
    OpenOptions::new()
        .write(true)
        .open(place.path("app.log"))
        .unwrap()
        .set_len(0)
        .unwrap();
    place.write("app.log", 200);
    arrived(440);
    let (code, said) = running.end();
    assert_eq!(code, Some(0), "{said}");

    // While nobody looks: more lines, renamed, compressed, begun anew.
    place.write("app.log", 25);
    compress(&place.path("app.log"), &place.path("app.log-20261121.gz"));
    place.write("app.log", 35);
    let running = place.start(&arguments, "app.log*");
    let documents = arrived(500);
    assert_eq!(running.end().0, Some(0));
    assert_each_once(&documents, 500);
}

#[test]
fn a_link_is_followed_where_it_leads() {
    let place = Place::new();
    let server = Server::start(&[]);
    place.write("one", 10);
    std::os::unix::fs::symlink("one", place.path("current")).unwrap();
    let running = place.start(&["--follow", "--to", "opensearch", &server.url], "current");
    server.wait(|documents| documents.len() == 10);
    place.write("two", 10);
    fs::remove_file(place.path("current")).unwrap();
    std::os::unix::fs::symlink("two", place.path("current")).unwrap();
    // The last lines of the old file come after the link has moved.
    place.write("one", 5);
    let documents = server.wait(|documents| documents.len() == 25);
    assert_eq!(running.end().0, Some(0));
    assert_each_once(&documents, 25);
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
    let peak = crate::peak_memory(running.0.id());
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
    let until = |yes: &dyn Fn() -> bool| while !yes() {};
    until(&|| {
        get("/metrics")
            .1
            .contains("\nlogship_acknowledged_total 101\n")
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
    until(&|| get("/readyz").0 == 503);
    assert_eq!(get("/healthz").0, 200);
    let (code, said) = running.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("201 arrived, 0 refused, 0 did not arrive"),
        "{said}"
    );
    assert_eq!(server.documents().len(), 201);
}

//! Kills at any moment lose nothing and repeat nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::place::{Place, assert_each_once, numbers};
use crate::server::{Does, Server};
use crate::until;

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
        until("lines to arrive behind a message", || {
            assert!(!running.has_ended(), "it ended");
            match round % 2 {
                0 => {
                    let now = settled();
                    let begun = now
                        .as_ref()
                        .is_some_and(|now| now.0 != Some(0) || !now.1.is_null());
                    begun && now != saved
                }
                _ => read().len() >= before + lines,
            }
        });
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
        until("something to be written", || {
            !read().is_empty() || running.has_ended()
        });
        if !running.has_ended() {
            running.signal("-KILL");
        }
    }
    let (code, said) = place.start(&arguments, "app.log").wait();
    assert_eq!(code, Some(0), "{said}");
    assert_each_once(&read(), 20_000);
    assert!(place.path("out/logs-2026-11-21T04.ndjson").exists());
}

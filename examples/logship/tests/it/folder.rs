//! A folder of NDJSON belongs to one state, which cuts nothing that it did not write.

use std::fs;

use crate::place::{Place, assert_each_once};

/// The file of the lines that a [`Place`] writes.
const FILE: &str = "out/logs-2026-11-21T04.ndjson";

#[test]
fn what_others_wrote_into_a_folder_stays() {
    let place = Place::new();
    let theirs = "{\"n\":0,\"of\":\"somebody else\"}\n".repeat(50);
    fs::create_dir(place.path("out")).unwrap();
    fs::write(place.path(FILE), &theirs).unwrap();
    let theirs_too = place.path("out/logs-2020-01-01T00.ndjson");
    fs::write(&theirs_too, &theirs).unwrap();
    let arguments = ["--to", "file", "out"];
    for _ in 0..3 {
        place.write("app.log", 10);
        let (code, said) = place.start(&arguments, "app.log").wait();
        assert_eq!(code, Some(0), "{said}");
    }
    let text = fs::read_to_string(place.path(FILE)).unwrap();
    let ours = text.strip_prefix(&theirs).unwrap();
    let ours: Vec<_> = ours
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_each_once(&ours, 30);
    assert_eq!(fs::read_to_string(theirs_too).unwrap(), theirs);
}

#[test]
fn a_folder_that_another_state_writes_into_is_refused() {
    let (place, other) = (Place::new(), Place::new());
    let out = place.path("out");
    let arguments = ["--to", "file", out.to_str().unwrap()];
    place.write("app.log", 10);
    other.write("app.log", 10);
    let (code, said) = place.start(&arguments, "app.log").wait();
    assert_eq!(code, Some(0), "{said}");
    let before = fs::read(place.path(FILE)).unwrap();
    let (code, said) = other.start(&arguments, "app.log").wait();
    assert_eq!(code, Some(1));
    assert!(said.contains("another --state"), "{said}");
    assert_eq!(fs::read(place.path(FILE)).unwrap(), before);
}

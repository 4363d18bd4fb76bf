//! Files that are renamed, copied and cut, compressed, and links that move: every line is read once.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use crate::place::{Place, assert_each_once, numbers};
use crate::server::Server;

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

//! What becomes of files between two looks at them, which nobody can time from outside.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Parser;
use flate2::write::GzEncoder;
use narae_logparse::deliver::{Answer, Outcome};
use narae_logparse::encode::{Item, Origin, bulk};
use narae_logparse::{Event, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::ship::Sink;
use crate::ship::state::State;

const DAY: u64 = 86_400;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    inputs: Inputs,
}

/// Takes everything.
struct Memory(Rc<RefCell<Vec<Value>>>);

impl Sink for Memory {
    fn encode(&self, event: &Event<'_>, origin: &Origin<'_>) -> Item {
        bulk::document(event, origin)
    }

    fn send(&mut self, items: &[&Item]) -> Answer {
        let documents = items.iter().map(|item| serde_json::from_slice(item.body()));
        self.0.borrow_mut().extend(documents.filter_map(Result::ok));
        Answer::Each(vec![Outcome::Done; items.len()])
    }
}

/// A folder of logs, and what arrived of them.
struct Place {
    folder: TempDir,
    inputs: Inputs,
    arrived: Rc<RefCell<Vec<Value>>>,
}

impl Place {
    fn new(pattern: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let pattern = folder.path().join(pattern).display().to_string();
        Ok(Self {
            inputs: Arguments::try_parse_from(["logship", &pattern])?.inputs,
            folder,
            arrived: Rc::default(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, text: &str) -> anyhow::Result<File> {
        let path = self.path(name);
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(text.as_bytes())?;
        Ok(file)
    }

    /// A logship begins, with what the one before remembered.
    fn shipper(&self) -> anyhow::Result<Shipper> {
        let sink = Box::new(Memory(Rc::clone(&self.arrived)));
        let state = State::open(&self.path("state"))?;
        Shipper::new(sink, state, 1 << 20, Arc::default())
    }

    /// To which a file that is gone has ended as soon as nothing comes of it.
    fn follower(&self) -> Follower<'_> {
        let mut follower = Follower::new(&self.inputs, true, &());
        follower.silence = Duration::ZERO;
        follower
    }

    /// The fields of what arrived.
    fn fields(&self, name: &str) -> Vec<Value> {
        let arrived = self.arrived.borrow();
        arrived
            .iter()
            .map(|document| document[name].clone())
            .collect()
    }
}

/// Looks for files and reads what there is, and all of it arrives.
fn look(follower: &mut Follower<'_>, shipper: &mut Shipper, now: u64) -> anyhow::Result<()> {
    follower.scan(shipper, now)?;
    while follower.read(shipper)? {
        if !follower.cut.is_empty() {
            follower.scan(shipper, now)?;
        }
    }
    shipper.drain()?;
    Ok(())
}

fn now() -> u64 {
    state::seconds()
}

#[test]
fn a_file_that_is_gone_is_read_to_its_end() -> anyhow::Result<()> {
    let place = Place::new("app.log")?;
    let text = "x".repeat(30_000);
    for n in 0..50 {
        place.append("app.log", &format!("{{\"n\":{n},\"text\":\"{text}\"}}\n"))?;
    }
    let (mut follower, mut shipper) = (place.follower(), place.shipper()?);
    follower.scan(&mut shipper, now())?;
    fs::remove_file(place.path("app.log"))?;
    // More than a buffer is still to be read.
    look(&mut follower, &mut shipper, now())?;
    assert_eq!(
        place.fields("n"),
        (0..50).map(Value::from).collect::<Vec<_>>()
    );
    assert!(follower.tails.is_empty());
    Ok(())
}

#[test]
fn times_without_a_year_are_near_the_moment_the_file_was_last_written() -> anyhow::Result<()> {
    let place = Place::new("auth.log")?;
    let (mut follower, mut shipper) = (place.follower(), place.shipper()?);
    for date in ["2026-11-20", "2026-11-23"] {
        let day = date.rsplit('-').next().unwrap_or_default();
        let line = format!("<38>Nov {day} 10:00:00 web-1 sshd[9]: hello\n");
        let file = place.append("auth.log", &line)?;
        let written = Timestamp::from_rfc3339(format!("{date}T10:00:01Z").as_bytes());
        let written = written.context("no date")?.unix_seconds();
        let written = Duration::from_secs(written.unsigned_abs());
        file.set_modified(SystemTime::UNIX_EPOCH + written)?;
        look(&mut follower, &mut shipper, now())?;
    }
    let times = place.fields("@timestamp");
    assert_eq!(times, ["2026-11-20T10:00:00Z", "2026-11-23T10:00:00Z"]);
    Ok(())
}

#[test]
fn a_word_before_the_log_does_not_decide_its_format() -> anyhow::Result<()> {
    let place = Place::new("app.log")?;
    let (mut follower, mut shipper) = (place.follower(), place.shipper()?);
    for text in [
        "Starting shop 1.2\n",
        "{\"n\":1}\n{\"n\":",
        "2}\n{\"n\":3}\n",
    ] {
        place.append("app.log", text)?;
        look(&mut follower, &mut shipper, now())?;
    }
    assert_eq!(place.fields("@format"), ["plain", "json", "json", "json"]);
    let known = shipper
        .state()
        .sources()
        .next()
        .map(|(_, known)| known.formats.clone());
    assert_eq!(known.unwrap_or_default(), ["json"]);
    Ok(())
}

/// A log whose last line is half there, and the other half.
fn half_a_line() -> (String, &'static str) {
    let first = format!("{{\"n\":0,\"text\":\"{}\"}}\n", "x".repeat(100));
    (first + "{\"n\":1,\"text\":\"ha", "lf\"}\n")
}

#[test]
fn a_line_read_in_part_when_its_file_is_copied_and_cut_is_read_whole_from_the_copy()
-> anyhow::Result<()> {
    let place = Place::new("app.log*")?;
    let (mut follower, mut shipper) = (place.follower(), place.shipper()?);
    let (begun, rest) = half_a_line();
    place.append("app.log", &begun)?;
    look(&mut follower, &mut shipper, now())?;
    fs::write(place.path("app.log.1"), begun + rest)?;
    fs::write(place.path("app.log"), "{\"n\":2}\n")?;
    look(&mut follower, &mut shipper, now())?;
    let numbers: BTreeSet<String> = place.fields("n").iter().map(Value::to_string).collect();
    assert_eq!(numbers, ["0", "1", "2"].map(str::to_owned).into());
    assert_eq!(place.arrived.borrow().len(), 3);
    Ok(())
}

#[test]
fn of_a_line_that_was_cut_off_without_a_copy_the_part_that_was_read_is_kept() -> anyhow::Result<()>
{
    let place = Place::new("app.log*")?;
    let (mut follower, mut shipper) = (place.follower(), place.shipper()?);
    let (begun, _) = half_a_line();
    place.append("app.log", &begun)?;
    look(&mut follower, &mut shipper, now())?;
    fs::write(place.path("app.log"), "{\"n\":2}\n")?;
    look(&mut follower, &mut shipper, now())?;
    let numbers = place.fields("n");
    assert_eq!(numbers, [Value::from(0), Value::Null, Value::from(2)]);
    assert_eq!(
        place.fields("message").get(1),
        Some(&"{\"n\":1,\"text\":\"ha".into())
    );
    Ok(())
}

#[test]
fn a_file_met_compressed_is_not_sent_again_under_any_name() -> anyhow::Result<()> {
    let place = Place::new("app.log*")?;
    let text = format!("{{\"n\":0,\"text\":\"{}\"}}\n", "x".repeat(100));
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes())?;
    fs::write(place.path("app.log.2.gz"), encoder.finish()?)?;
    for _ in 0..2 {
        look(&mut place.follower(), &mut place.shipper()?, now())?;
    }
    fs::rename(place.path("app.log.2.gz"), place.path("app.log.3.gz"))?;
    look(&mut place.follower(), &mut place.shipper()?, now())?;
    assert_eq!(place.arrived.borrow().len(), 1);
    Ok(())
}

#[test]
fn what_is_there_is_remembered_however_long_nobody_writes_to_it() -> anyhow::Result<()> {
    let place = Place::new("*.log*")?;
    let text = format!("{{\"n\":0,\"text\":\"{}\"}}\n", "x".repeat(100));
    place.append("idle.log", &text)?;
    let encoder = GzEncoder::new(
        File::create(place.path("old.log.gz"))?,
        flate2::Compression::fast(),
    );
    let mut encoder = encoder;
    encoder.write_all(text.replace('x', "y").as_bytes())?;
    encoder.finish()?;
    let (mut follower, mut shipper) = (place.follower(), place.shipper()?);
    look(&mut follower, &mut shipper, now())?;
    look(&mut follower, &mut shipper, now() + 40 * DAY)?;
    assert_eq!(shipper.state().sources().count(), 2);
    drop((follower, shipper));
    look(
        &mut place.follower(),
        &mut place.shipper()?,
        now() + 40 * DAY,
    )?;
    assert_eq!(place.arrived.borrow().len(), 2);
    Ok(())
}

#[test]
fn what_is_gone_and_settled_is_forgotten_after_a_day() -> anyhow::Result<()> {
    let place = Place::new("*.log")?;
    for n in 0..5 {
        place.append(&format!("{n}.log"), &format!("{{\"n\":{n}}}\n"))?;
    }
    let (mut follower, mut shipper) = (place.follower(), place.shipper()?);
    follower.scan(&mut shipper, now())?;
    for n in 0..5 {
        fs::remove_file(place.path(&format!("{n}.log")))?;
    }
    follower.scan(&mut shipper, now())?;
    while follower.read(&mut shipper)? {}
    assert!(follower.tails.is_empty());
    // Queued is not settled.
    follower.scan(&mut shipper, now() + 2 * DAY)?;
    assert_eq!(shipper.state().sources().count(), 5);
    shipper.drain()?;
    follower.scan(&mut shipper, now() + DAY / 2)?;
    assert_eq!(shipper.state().sources().count(), 5);
    follower.scan(&mut shipper, now() + 2 * DAY)?;
    assert_eq!(shipper.state().sources().count(), 0);
    assert_eq!(place.arrived.borrow().len(), 5);
    Ok(())
}

//! A folder of NDJSON, one file an hour of the events' time.
//!
//! Each line is there once, also after a kill: the files' lengths are saved with the offsets, and what was written beyond them is cut off
//! at the next start, because it will be read again. Only files that this state wrote to are cut: a name is saved before it is written to, and
//! the folder says whose it is, so that no two states write to one.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use narae_logparse::Event;
use narae_logparse::deliver::{Answer, Outcome};
use narae_logparse::encode::{Item, Origin};

use super::{Sink, State};
use crate::output;

const PREFIX: &str = "logs-";
const SUFFIX: &str = ".ndjson";
/// Says whose the folder is.
const OWNER: &str = ".logship";

/// A folder that grows.
pub(crate) struct Files {
    folder: PathBuf,
    /// What it is called in the state.
    name: String,
    /// Of the files written to.
    lengths: BTreeMap<String, u64>,
}

impl Files {
    /// Uses a folder, which is made if need be, as the state left it.
    pub(crate) fn open(folder: &Path, state: &mut State) -> anyhow::Result<Self> {
        let about = || format!("cannot write into {}", folder.display());
        fs::create_dir_all(folder).with_context(about)?;
        claim(folder, state).with_context(about)?;
        let path = folder.canonicalize().with_context(about)?;
        let name = format!("file {}", path.display());
        let mut lengths = BTreeMap::new();
        for (name, known) in state.written(&name) {
            let length = match OpenOptions::new().write(true).open(folder.join(&name)) {
                Ok(file) => cut(&file, known).with_context(about)?,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(about),
            };
            lengths.insert(name, length);
        }
        Ok(Self {
            folder: folder.to_owned(),
            name,
            lengths,
        })
    }

    fn write(&mut self, name: &str, lines: &[u8]) -> io::Result<()> {
        let path = self.folder.join(name);
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        let length = self.lengths.entry(name.to_owned()).or_default();
        let written = file.write_all(lines).and_then(|()| file.sync_data());
        match written {
            Ok(()) => {
                *length += lines.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Half a batch must not stand before the whole one.
                file.set_len(*length)?;
                Err(error)
            }
        }
    }
}

impl Sink for Files {
    fn encode(&self, event: &Event<'_>, origin: &Origin<'_>) -> Item {
        let mut line = Vec::with_capacity(256);
        output::write(origin.path(), event, &mut line);
        let group = format!("{PREFIX}{}{SUFFIX}", hour(event, origin));
        Item::new(origin.id(event), group.into_bytes(), line)
    }

    fn announce(&mut self, items: &[&Item]) -> bool {
        let mut is_new = false;
        for item in items {
            let name = String::from_utf8_lossy(item.group());
            if !self.lengths.contains_key(&*name) {
                let data = fs::metadata(self.folder.join(&*name));
                // What somebody else wrote before stays.
                let length = data.map_or(0, |data| data.len());
                self.lengths.insert(name.into_owned(), length);
                is_new = true;
            }
        }
        is_new
    }

    fn send(&mut self, items: &[&Item]) -> Answer {
        let mut files: BTreeMap<&[u8], (Vec<u8>, Vec<usize>)> = BTreeMap::new();
        for (at, item) in items.iter().enumerate() {
            let (lines, positions) = files.entry(item.group()).or_default();
            lines.extend_from_slice(item.body());
            positions.push(at);
        }
        let mut outcomes = vec![Outcome::Later(String::new()); items.len()];
        let mut failed = None;
        for (name, (lines, positions)) in files {
            match self.write(&String::from_utf8_lossy(name), &lines) {
                Ok(()) => positions.iter().for_each(|at| {
                    if let Some(outcome) = outcomes.get_mut(*at) {
                        *outcome = Outcome::Done;
                    }
                }),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if !outcomes.contains(&Outcome::Done) => Answer::unknown(error.to_string()),
            _ => Answer::Each(outcomes),
        }
    }

    fn remember(&self, state: &mut State) {
        state.set_written(&self.name, &self.lengths);
    }
}

/// Makes the folder this state's, unless it is another's.
fn claim(folder: &Path, state: &mut State) -> anyhow::Result<()> {
    let path = folder.join(OWNER);
    let owner = match fs::read_to_string(&path) {
        Ok(owner) => owner,
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        Err(_) if state.folder().is_none() => return Ok(()),
        Err(_) => {
            state.save()?;
            let file = OpenOptions::new().write(true).create_new(true).open(&path);
            let mut file = file?;
            file.write_all(state.owner().as_bytes())?;
            file.sync_all()?;
            return Ok(());
        }
    };
    if owner != state.owner() {
        bail!(
            "a logship with another --state writes into it: take another folder or, if that one is no more, remove {}",
            path.display()
        );
    }
    Ok(())
}

/// Cuts off what is beyond this length, and says how long the file is.
fn cut(file: &File, most: u64) -> io::Result<u64> {
    let length = file.metadata()?.len();
    if length > most {
        file.set_len(most)?;
    }
    Ok(length.min(most))
}

/// The hour of an event, UTC, or of when it was read: `2026-11-21T04`.
pub(super) fn hour(event: &Event<'_>, origin: &Origin<'_>) -> String {
    let time = match event {
        Event::Record(record) => record.time(),
        Event::Raw(_) => None,
    };
    let text = time.unwrap_or_else(|| origin.observed()).to_string();
    text.split_once(':')
        .map_or(text.clone(), |(hour, _)| hour.to_owned())
}

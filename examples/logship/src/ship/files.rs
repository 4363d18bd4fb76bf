//! A folder of NDJSON, one file an hour of the events' time.
//!
//! Each line is there once, also after a kill: the files' lengths are saved with the offsets, and what was written beyond them is cut off
//! at the next start, because it will be read again.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use narae_logparse::Event;
use narae_logparse::deliver::{Answer, Outcome};
use narae_logparse::encode::{Item, Origin};

use super::{Sink, State};
use crate::output;

const PREFIX: &str = "logs-";
const SUFFIX: &str = ".ndjson";

/// A folder that grows.
pub(crate) struct Files {
    folder: PathBuf,
    lengths: BTreeMap<String, u64>,
}

impl Files {
    /// Uses a folder, which is made if need be, as the state left it.
    pub(crate) fn open(folder: &Path, state: &State) -> anyhow::Result<Self> {
        let about = || format!("cannot write into {}", folder.display());
        fs::create_dir_all(folder).with_context(about)?;
        let mut lengths = BTreeMap::new();
        for entry in fs::read_dir(folder).with_context(about)? {
            let entry = entry.with_context(about)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if !(name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
                continue;
            }
            let mut length = entry.metadata().with_context(about)?.len();
            if state.existed() {
                let known = state.outputs().get(&name).copied().unwrap_or(0);
                if length > known {
                    let file = OpenOptions::new().write(true).open(entry.path());
                    file.and_then(|file| file.set_len(known))
                        .with_context(about)?;
                    length = known;
                }
            }
            lengths.insert(name, length);
        }
        Ok(Self {
            folder: folder.to_owned(),
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
        state.set_outputs(&self.lengths);
    }
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

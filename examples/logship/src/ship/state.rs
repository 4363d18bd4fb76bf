//! How far each source is settled, on disk: one JSON file that is replaced whole, so that a kill leaves the old or the new one.
//!
//! A source is the content of a file, whatever it is called meanwhile. Its name is made when it is found and kept here from then on,
//! because ids are made of it; a name is therefore saved before anything of the source is sent.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use narae_logparse::ledger::Ledger;
use serde::{Deserialize, Serialize};

/// Sources whose file was not met for so long are forgotten.
const KEEP: Duration = Duration::from_secs(30 * 86_400);
/// Those of which all that was read is settled: of a container, when its log is gone.
const KEEP_SETTLED: Duration = Duration::from_secs(86_400);
/// How old the note of when a source was met may be, so that the state is not written for it alone every second.
const MET_EVERY: Duration = Duration::from_secs(3600);

/// What is known of a source.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub(crate) struct Known {
    /// Where it was found first; a copy made by rotation has a longer name.
    pub(crate) path: PathBuf,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Every byte below is settled.
    pub(crate) offset: u64,
    /// What is settled beyond, in order: it stands behind the beginning of something unfinished.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ahead: Vec<Range<u64>>,
    /// A hash of its first bytes, and how many.
    pub(crate) head: String,
    pub(crate) head_bytes: usize,
    /// How far it was read when this was saved, and a hash of the bytes before that: whether a file with such a head is really it.
    pub(crate) mark_at: u64,
    pub(crate) mark: String,
    /// What it is read as.
    pub(crate) formats: Vec<String>,
    /// When it was met last, in seconds since 1970.
    pub(crate) met: u64,
}

impl Known {
    /// A source that nothing was read of.
    pub(crate) fn new(
        path: &Path,
        (device, inode): (u64, u64),
        head: String,
        head_bytes: usize,
    ) -> Self {
        Self {
            path: path.to_owned(),
            device,
            inode,
            offset: 0,
            ahead: Vec::new(),
            head,
            head_bytes,
            mark_at: 0,
            mark: String::new(),
            formats: Vec::new(),
            met: 0,
        }
    }
}

/// A name for a source found now, of a file with this device and inode. No other source has it.
pub(crate) fn new_name((device, inode): (u64, u64)) -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanoseconds = since.map_or(0, |since| since.as_nanos());
    format!("{device:x}-{inode:x}-{nanoseconds:x}")
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    version: u32,
    sources: BTreeMap<String, Known>,
    /// Who this is, to those who might write to the same place.
    #[serde(default)]
    owner: String,
    /// What must be undone after a kill, by destination: names of files with their lengths, or of objects.
    #[serde(default)]
    written: BTreeMap<String, BTreeMap<String, u64>>,
}

/// The sources, and where they are kept.
#[derive(Debug, Default)]
pub(crate) struct State {
    folder: Option<PathBuf>,
    content: Content,
    changed: bool,
    /// When it was read, in seconds since 1970.
    opened: u64,
    // Held open while we run: a second `logship` on the same state would send everything twice.
    _lock: Option<File>,
}

impl State {
    /// Reads what is kept in a folder, which is made if need be.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let about = || format!("cannot use the state in {}", folder.display());
        fs::create_dir_all(folder).with_context(about)?;
        let lock = File::create(folder.join("lock")).with_context(about)?;
        if lock.try_lock().is_err() {
            bail!("{}: another logship uses it", about());
        }
        let mut content = match fs::read(folder.join("state.json")) {
            Ok(text) => serde_json::from_slice(&text).with_context(about)?,
            Err(error) if error.kind() == ErrorKind::NotFound => Content::default(),
            Err(error) => return Err(error).with_context(about),
        };
        if content.version > 1 {
            bail!("{}: a newer logship wrote it", about());
        }
        let is_new = content.owner.is_empty();
        if is_new {
            content.owner = new_name((0, u64::from(std::process::id())));
        }
        Ok(Self {
            folder: Some(folder.to_owned()),
            content,
            changed: is_new,
            opened: seconds(),
            _lock: Some(lock),
        })
    }

    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// A name that no other state has; the same for as long as this one is there.
    pub(crate) fn owner(&self) -> &str {
        &self.content.owner
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &Known)> {
        self.content
            .sources
            .iter()
            .map(|(name, known)| (&name[..], known))
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.content.sources.contains_key(name)
    }

    /// Begins or goes on with a source.
    pub(crate) fn meet(&mut self, name: &str, mut known: Known) {
        known.met = seconds();
        self.content.sources.insert(name.to_owned(), known);
        self.changed = true;
    }

    /// Changes what is known of a source.
    pub(crate) fn update(&mut self, name: &str, change: impl FnOnce(&mut Known)) {
        if let Some(known) = self.content.sources.get_mut(name) {
            let before = known.clone();
            change(known);
            known.met = seconds();
            self.changed |= *known != before;
        }
    }

    /// How far a source is settled.
    pub(crate) fn position(&self, name: &str) -> Ledger {
        let known = self.content.sources.get(name);
        let mut position = Ledger::starting_at(known.map_or(0, |known| known.offset));
        let ahead = known.map_or(&[][..], |known| &known.ahead);
        ahead.iter().for_each(|span| position.pass(span.clone()));
        position
    }

    /// A source is settled so far.
    pub(crate) fn settled(&mut self, name: &str, position: &Ledger) {
        self.update(name, |known| {
            known.offset = position.frontier();
            known.ahead = position.ahead().collect();
        });
    }

    /// The file of a source, or a copy of it, is there.
    pub(crate) fn saw(&mut self, name: &str, now: u64) {
        if let Some(known) = self.content.sources.get_mut(name)
            && known.met.saturating_add(MET_EVERY.as_secs()) <= now
        {
            known.met = now;
            self.changed = true;
        }
    }

    /// Forgets sources that were not met for long, unless they are in use.
    pub(crate) fn retire(&mut self, now: u64, is_used: impl Fn(&str) -> bool) {
        let opened = self.opened;
        let before = self.content.sources.len();
        self.content.sources.retain(|name, known| {
            let settled = known.ahead.is_empty() && known.offset >= known.mark_at;
            let (since, keep) = match settled {
                // Where nobody looked, nothing is gone.
                true => (known.met.max(opened), KEEP_SETTLED),
                false => (known.met, KEEP),
            };
            is_used(name) || since.saturating_add(keep.as_secs()) >= now
        });
        self.changed |= self.content.sources.len() < before;
    }

    /// What is to be undone of a destination.
    pub(crate) fn written(&self, destination: &str) -> BTreeMap<String, u64> {
        let written = self.content.written.get(destination);
        written.cloned().unwrap_or_default()
    }

    pub(crate) fn set_written(&mut self, destination: &str, written: &BTreeMap<String, u64>) {
        if self.content.written.get(destination) != Some(written) {
            let destination = destination.to_owned();
            self.content.written.insert(destination, written.clone());
            self.changed = true;
        }
    }

    /// Writes it, if there is a folder and something changed.
    pub(crate) fn save(&mut self) -> anyhow::Result<()> {
        let Some(folder) = self.folder.clone().filter(|_| self.changed) else {
            return Ok(());
        };
        self.content.version = 1;
        let write = || -> anyhow::Result<()> {
            let new = folder.join("state.json.new");
            let mut file = File::create(&new)?;
            file.write_all(&serde_json::to_vec(&self.content)?)?;
            file.sync_all()?;
            fs::rename(&new, folder.join("state.json"))?;
            Ok(File::open(&folder)?.sync_all()?)
        };
        write().with_context(|| format!("cannot write the state in {}", folder.display()))?;
        self.changed = false;
        Ok(())
    }
}

/// Since 1970.
pub(crate) fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

//! Reads files into a [`Shipper`], once or for ever: finds them, and follows them as they grow, are renamed, cut and compressed.
//!
//! A file is known by device and inode while it is open, and by its first bytes across restarts. A file that
//! begins like a known one and whose name begins like its name (`app.log.1`, `app.log-20261121.gz`, the kubelet's `0.log.20261121-044444.gz`) is its
//! rotated copy: it is read on where the original was left, not again.
//!
//! Nothing is watched by the kernel: four times a second lengths are compared. That works on every file system, and a file that nobody
//! writes to costs one `fstat`.

mod tail;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use narae_logparse::kubernetes::{self, Source};

use crate::lines::Inputs;
use crate::progress::Bar;
use crate::ship::Shipper;
use crate::ship::state::{self, Known, new_name};
use tail::{Head, Opened, Progress, Tail};

const POLL: Duration = Duration::from_millis(250);
/// How long sending may keep from looking for more.
pub(crate) const RESCAN: Duration = Duration::from_secs(1);
/// How long a file that is gone or replaced must be silent before it is taken to have ended.
const SILENCE: Duration = Duration::from_secs(5);

/// Device, inode and, of files that do not grow, length.
type Seen = (u64, u64, u64);

/// What is known of pods besides what the paths of their logs say.
pub(crate) trait Pods {
    /// The pod of a log.
    fn find(&self, source: &Source) -> Option<kubernetes::Metadata>;

    /// A number that changes with what is known.
    fn changes(&self) -> u64;
}

/// Nothing is.
impl Pods for () {
    fn find(&self, _: &Source) -> Option<kubernetes::Metadata> {
        None
    }

    fn changes(&self) -> u64 {
        0
    }
}

/// Reads all that the patterns match; to the end, or with `follow` until a signal. Says whether all could be read.
pub(crate) fn run(
    inputs: &Inputs,
    follow: bool,
    pods: &dyn Pods,
    shipper: &mut Shipper,
) -> anyhow::Result<bool> {
    let mut follower = Follower::new(inputs, follow, pods);
    if !follow {
        follower.bar = Bar::of(&follower.paths()?);
    }
    let mut scanned: Option<Instant> = None;
    while !shipper.must_stop() {
        let due = scanned.is_none_or(|at| follow && at.elapsed() >= RESCAN);
        if due || !follower.cut.is_empty() {
            follower.scan(shipper, state::seconds())?;
            scanned = Some(Instant::now());
        }
        let progressed = follower.read(shipper)?;
        if !progressed {
            // Nothing new: what is queued goes out, also if it is little; but files are looked for meanwhile.
            shipper.pump_for(RESCAN)?;
            if follower.tails.is_empty() && !follow {
                // A copy waits for its original.
                follower.scan(shipper, state::seconds())?;
                if follower.tails.is_empty() {
                    break;
                }
            }
            if follow {
                std::thread::sleep(POLL);
            }
        }
    }
    if shipper.state().folder().is_none() {
        // Nobody will read on: what waits for more is all there will be.
        for tail in &mut follower.tails {
            tail.finish(shipper)?;
        }
    }
    for tail in &mut follower.cut {
        tail.finish(shipper)?;
    }
    Ok(follower.all_read)
}

struct Follower<'i> {
    inputs: &'i Inputs,
    pods: &'i dyn Pods,
    follow: bool,
    tails: Vec<Tail>,
    /// Files that were cut, with what was read of them and waits for more: the rest of it is in a copy, if there is one.
    cut: Vec<Tail>,
    /// Compressed files that were read to their end, and which sources they are.
    finished: HashMap<Seen, String>,
    /// Files whose trouble was told.
    complained: HashSet<PathBuf>,
    all_read: bool,
    bar: Bar,
    /// How long a file that is gone must be silent before it is taken to have ended.
    silence: Duration,
}

impl<'i> Follower<'i> {
    fn new(inputs: &'i Inputs, follow: bool, pods: &'i dyn Pods) -> Self {
        Self {
            inputs,
            pods,
            follow,
            tails: Vec::new(),
            cut: Vec::new(),
            finished: HashMap::new(),
            complained: HashSet::new(),
            all_read: true,
            bar: Bar::default(),
            silence: SILENCE,
        }
    }

    /// Looks for files that are not being read yet, and for those being read that are gone. `now` is in seconds since 1970.
    fn scan(&mut self, shipper: &mut Shipper, now: u64) -> anyhow::Result<()> {
        let mut present = HashMap::new();
        for path in self.paths()? {
            match fs::metadata(&path) {
                Ok(data) if data.is_file() => {
                    present.insert((data.dev(), data.ino()), data.len());
                    if let Err(error) = self.meet(&path, &data, shipper) {
                        self.complain(&path, &error);
                    }
                }
                Ok(_) => {}
                Err(error) => self.complain(&path, &error.into()),
            }
        }
        for tail in &mut self.tails {
            tail.gone = !present.contains_key(&tail.identity());
        }
        self.finished
            .retain(|(device, inode, length), _| present.get(&(*device, *inode)) == Some(length));
        let tails = self.tails.iter().map(Tail::source);
        let sources = tails.chain(self.finished.values().map(|source| &source[..]));
        let sources: HashSet<&str> = sources.collect();
        // A copy is there before its original is cut, and has all of what was read in part.
        for mut tail in std::mem::take(&mut self.cut) {
            if !sources.contains(tail.source()) {
                tail.finish(shipper)?;
            }
        }
        shipper.retire(&sources, now);
        // Names of sources must be on disk before anything is sent under them.
        shipper.save()
    }

    fn paths(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for pattern in &self.inputs.files {
            // A name with brackets in it is a name if there is such a file.
            if !pattern.contains(['*', '?', '[']) || Path::new(pattern).exists() {
                paths.push(PathBuf::from(pattern));
                continue;
            }
            let found = glob::glob(pattern).with_context(|| format!("not a pattern: {pattern}"))?;
            paths.extend(found.filter_map(Result::ok));
        }
        Ok(paths)
    }

    fn meet(&mut self, path: &Path, data: &Metadata, shipper: &mut Shipper) -> anyhow::Result<()> {
        let identity = (data.dev(), data.ino());
        if let Some(tail) = self
            .tails
            .iter_mut()
            .find(|tail| tail.identity() == identity)
        {
            path.clone_into(&mut tail.path);
            return Ok(());
        }
        if self
            .finished
            .contains_key(&(data.dev(), data.ino(), data.len()))
        {
            return Ok(());
        }
        let Some(opened) = Opened::open(path)? else {
            return Ok(());
        };
        let (source, known) = match self.known(path, &opened, shipper)? {
            Match::BeingRead => return Ok(()),
            Match::Source(source, known) => (source, known),
            Match::None => {
                let (hash, bytes) = (opened.head.hash(), opened.head.len());
                let known = Known::new(path, identity, hash, bytes);
                let source = new_name(identity);
                (source, known)
            }
        };
        shipper.state().meet(&source, known.clone());
        let tail = Tail::start(path, opened, &source, &known, &self.bar, shipper)?;
        self.tails.push(tail);
        Ok(())
    }

    /// The source that a file's content is, if it was met before.
    fn known(&self, path: &Path, opened: &Opened, shipper: &mut Shipper) -> io::Result<Match> {
        for (source, known) in shipper.state().sources() {
            let same_file = (known.device, known.inode) == opened.identity;
            let copy = known.head_bytes >= Head::TELLING && is_copy(path, &known.path);
            if !(same_file || copy) || !opened.head.begins(known.head_bytes, &known.head) {
                continue;
            }
            // The original first; when it was cut, the copy has what was not read of it.
            if self.tails.iter().any(|tail| tail.source() == source) {
                return Ok(Match::BeingRead);
            }
            if opened.goes_on(path, known.mark_at, &known.mark)? {
                return Ok(Match::Source(source.to_owned(), known.clone()));
            }
        }
        Ok(Match::None)
    }

    fn read(&mut self, shipper: &mut Shipper) -> anyhow::Result<bool> {
        let mut progressed = false;
        let mut ended = Vec::new();
        for (at, tail) in self.tails.iter_mut().enumerate() {
            tail.describe(self.pods);
            match tail.read(self.inputs, self.follow, shipper) {
                Ok(Progress::More) => progressed = true,
                Ok(Progress::Nothing) => {
                    let over = match (self.follow, tail.is_compressed()) {
                        (false, _) | (_, true) => true,
                        (true, false) => tail.gone && tail.silent_for() >= self.silence,
                    };
                    if over {
                        tail.finish(shipper)?;
                        ended.push((at, End::Read));
                    }
                }
                Ok(Progress::Cut) => {
                    progressed = true;
                    ended.push((at, End::Cut));
                }
                Err(error) => ended.push((at, End::Failed(error))),
            }
            if shipper.must_stop() {
                break;
            }
        }
        for (at, end) in ended.into_iter().rev() {
            let tail = self.tails.remove(at);
            shipper.status().counts().forget(&tail.path);
            match end {
                End::Cut => {
                    self.cut.push(tail);
                    continue;
                }
                End::Failed(error) => self.complain(&tail.path, &error),
                End::Read => {}
            }
            if tail.is_compressed() || !self.follow {
                self.finished.insert(tail.seen(), tail.source().to_owned());
            }
        }
        Ok(progressed)
    }

    fn complain(&mut self, path: &Path, error: &anyhow::Error) {
        self.all_read = false;
        if self.complained.insert(path.to_owned()) {
            crate::complain(&anyhow::anyhow!(
                "cannot read {}: {error:#}",
                path.display()
            ));
        }
    }
}

/// Why a file is no longer read.
enum End {
    Read,
    Cut,
    Failed(anyhow::Error),
}

enum Match {
    None,
    Source(String, Known),
    /// Its source is being read from another file.
    BeingRead,
}

/// Whether a name is what rotation makes of another.
fn is_copy(path: &Path, original: &Path) -> bool {
    let (Some(name), Some(original_name)) = (path.file_name(), original.file_name()) else {
        return false;
    };
    let rest = name
        .as_encoded_bytes()
        .strip_prefix(original_name.as_encoded_bytes());
    path.parent() == original.parent()
        && rest.is_some_and(|rest| matches!(rest.first(), Some(b'.' | b'-')))
}

//! One file being read.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use narae_logparse::encode::Origin;
use narae_logparse::hash::fnv1a;
use narae_logparse::kubernetes::Source;
use narae_logparse::record::Field;
use narae_logparse::{Format, Reader};

use super::Pods;
use crate::input::{self, Compression, FLUSH_AFTER, timestamp};
use crate::lines::Inputs;
use crate::progress::Bar;
use crate::ship::Shipper;
use crate::ship::state::Known;

/// Read at a time, and looked at to decide on a format.
const CHUNK_BYTES: usize = 256 << 10;
/// How long the first line of a file may take.
const FIRST_LINE: Duration = Duration::from_secs(5);

/// The first bytes of a file.
#[derive(Clone, Default)]
pub(super) struct Head(Vec<u8>);

impl Head {
    const MOST: usize = 256;
    /// So many bytes tell a file from others with a name like its.
    pub(super) const TELLING: usize = 64;

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn hash(&self) -> String {
        hash(&self.0)
    }

    /// Whether it begins with as many bytes of this hash.
    pub(super) fn begins(&self, bytes: usize, known: &str) -> bool {
        self.0.get(..bytes).is_some_and(|head| hash(head) == known)
    }
}

fn hash(bytes: &[u8]) -> String {
    format!("{:016x}", fnv1a(bytes))
}

/// A file just opened.
pub(super) struct Opened {
    file: File,
    pub(super) identity: (u64, u64),
    pub(super) length: u64,
    pub(super) compression: Option<Compression>,
    pub(super) head: Head,
    modified: SystemTime,
}

impl Opened {
    /// Opens a file; `None` if nothing is in it yet.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let data = file.metadata()?;
        let compression = Compression::of(&file)?;
        let mut head = vec![0; Head::MOST];
        let filled = match compression {
            Some(how) => input::fill(&mut how.decode(File::open(path)?)?, &mut head)?.len(),
            None => read_at(&file, &mut head, 0)?,
        };
        head.truncate(filled);
        let opened = Self {
            identity: (data.dev(), data.ino()),
            length: data.len(),
            modified: data.modified().unwrap_or_else(|_| SystemTime::now()),
            file,
            compression,
            head: Head(head),
        };
        Ok((filled > 0).then_some(opened))
    }

    /// Whether the bytes before this place have this hash.
    pub(super) fn goes_on(&self, path: &Path, at: u64, mark: &str) -> io::Result<bool> {
        if at == 0 {
            return Ok(true);
        }
        let bytes = at.min(Head::MOST as u64);
        let mut before = Vec::new();
        if let Some(how) = self.compression {
            let mut decoder = how.decode(File::open(path)?)?;
            io::copy(&mut (&mut decoder).take(at - bytes), &mut io::sink())?;
            decoder.take(bytes).read_to_end(&mut before)?;
        } else {
            before.resize(Head::MOST.min(usize::try_from(at).unwrap_or(Head::MOST)), 0);
            let filled = read_at(&self.file, &mut before, at - bytes)?;
            before.truncate(filled);
        }
        Ok(before.len() as u64 == bytes && hash(&before) == mark)
    }
}

fn read_at(file: &File, head: &mut [u8], from: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(space) = head.get_mut(filled..).filter(|space| !space.is_empty()) {
        match file.read_at(space, from + filled as u64)? {
            0 => break,
            bytes => filled += bytes,
        }
    }
    Ok(filled)
}

/// What came of reading on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Progress {
    More,
    Nothing,
    /// What was read is no longer there.
    Cut,
}

/// What a format was decided by that more of it may change.
struct Sample {
    /// Where it begins in the file.
    start: u64,
    bytes: Vec<u8>,
    /// How much of it was looked at.
    seen: usize,
}

enum Bytes {
    Plain,
    Compressed(Box<dyn io::Read>),
}

/// A file being read.
pub(super) struct Tail {
    pub(super) path: PathBuf,
    /// The path leads to another file or to none.
    pub(super) gone: bool,
    file: File,
    bytes: Bytes,
    identity: (u64, u64),
    length: u64,
    head: Head,
    /// The last bytes read.
    last: Vec<u8>,
    source: String,
    number: usize,
    /// How much was read.
    offset: u64,
    /// What need not be read beyond that: it was sent before something that stands before it was finished.
    ahead: VecDeque<Range<u64>>,
    formats: Vec<Format>,
    /// Until that is firm.
    sample: Option<Sample>,
    reader: Option<Reader>,
    /// What all records have, and as of which change of what is known of pods.
    resource: Vec<Field<'static>>,
    described: Option<u64>,
    modified: SystemTime,
    last_read: Instant,
    flushed: bool,
    bar: Bar,
}

impl Tail {
    /// Begins where reading of the source ended, in this run or as what was settled in the one before.
    pub(super) fn start(
        path: &Path,
        opened: Opened,
        source: &str,
        known: &Known,
        bar: &Bar,
        shipper: &mut Shipper,
    ) -> anyhow::Result<Self> {
        let (number, position) = shipper.source(source);
        let (offset, ahead) = (position.frontier(), position.ahead().collect());
        let mut bytes = Bytes::Plain;
        if let Some(how) = opened.compression {
            let mut decoder = how.decode(bar.watch(File::open(path)?))?;
            io::copy(&mut (&mut decoder).take(offset), &mut io::sink())?;
            bytes = Bytes::Compressed(Box::new(decoder));
        } else {
            bar.add(offset);
        }
        let formats = known.formats.iter().filter_map(|name| name.parse().ok());
        Ok(Self {
            path: path.to_owned(),
            gone: false,
            file: opened.file,
            bytes,
            identity: opened.identity,
            length: opened.length,
            head: opened.head,
            last: Vec::new(),
            source: source.to_owned(),
            number,
            offset,
            ahead,
            formats: formats.collect(),
            sample: None,
            reader: None,
            resource: Vec::new(),
            described: None,
            modified: opened.modified,
            last_read: Instant::now(),
            flushed: true,
            bar: bar.clone(),
        })
    }

    pub(super) const fn identity(&self) -> (u64, u64) {
        self.identity
    }

    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) const fn is_compressed(&self) -> bool {
        matches!(self.bytes, Bytes::Compressed(_))
    }

    pub(super) const fn seen(&self) -> (u64, u64, u64) {
        (self.identity.0, self.identity.1, self.length)
    }

    pub(super) fn silent_for(&self) -> Duration {
        self.last_read.elapsed()
    }

    /// Reads a chunk, if there is more. A `patient` reader waits a while for the end of the first line, by which
    /// the format is decided.
    pub(super) fn read(
        &mut self,
        inputs: &Inputs,
        patient: bool,
        shipper: &mut Shipper,
    ) -> anyhow::Result<Progress> {
        if matches!(self.bytes, Bytes::Plain) && self.is_cut(shipper)? {
            return Ok(Progress::Cut);
        }
        while self
            .ahead
            .front()
            .is_some_and(|span| span.end <= self.offset)
        {
            self.ahead.pop_front();
        }
        let next = self.ahead.front();
        let passing = next.is_some_and(|span| span.start <= self.offset);
        let until = next.map(|span| if passing { span.end } else { span.start });
        let room = until.and_then(|until| usize::try_from(until - self.offset).ok());
        let room = room.map_or(CHUNK_BYTES, |room| room.min(CHUNK_BYTES));
        let mut chunk = vec![0; room];
        let filled = match &mut self.bytes {
            Bytes::Plain => self.file.read_at(&mut chunk, self.offset)?,
            Bytes::Compressed(decoder) => input::fill(decoder, &mut chunk)?.len(),
        };
        let bytes = chunk.get(..filled).unwrap_or_default();
        if bytes.is_empty() {
            self.flush(shipper)?;
            return Ok(Progress::Nothing);
        }
        if self.reader.is_none() {
            let may_grow = matches!(self.bytes, Bytes::Plain) && filled < room && !self.gone;
            if patient && may_grow && !bytes.contains(&b'\n') && self.silent_for() < FIRST_LINE {
                return Ok(Progress::Nothing);
            }
        }
        self.decide(inputs, bytes, shipper);
        self.offset += filled as u64;
        let mut counts = shipper.status().counts();
        counts.bytes += filled as u64;
        if matches!(self.bytes, Bytes::Plain) {
            counts.lag(&self.path, self.length.saturating_sub(self.offset));
            self.bar.add(filled as u64);
        }
        drop(counts);
        self.flushed = false;
        if let Some(reader) = &mut self.reader
            && !(passing && reader.skip(filled as u64))
        {
            if let Some(modified) = timestamp(self.modified) {
                reader.set_reference(modified);
            }
            reader.push(bytes);
        }
        self.mark(bytes, shipper);
        self.emit(shipper)?;
        // Waiting for the destination is not the file's silence.
        self.last_read = Instant::now();
        Ok(Progress::More)
    }

    /// Says of whose pod the records are, if that changed.
    pub(super) fn describe(&mut self, pods: &dyn Pods) {
        let changes = pods.changes();
        if self.described != Some(changes) {
            let (resource, found) = resource(&self.path, pods);
            // A pod that is gone was what it was.
            if found || self.described.is_none() {
                self.resource = resource;
            }
            self.described = Some(changes);
        }
    }

    /// Notes what stands before the place where reading goes on.
    fn mark(&mut self, read: &[u8], shipper: &mut Shipper) {
        let end = read.len().saturating_sub(Head::MOST);
        self.last
            .extend_from_slice(read.get(end..).unwrap_or_default());
        let excess = self.last.len().saturating_sub(Head::MOST);
        self.last.drain(..excess);
        if (self.last.len() as u64) < self.offset.min(Head::MOST as u64) {
            // Read on in the middle: the mark of before holds until there is enough.
            return;
        }
        let (at, mark) = (self.offset, hash(&self.last));
        shipper.state().update(&self.source, |known| {
            known.mark_at = at;
            known.mark = mark;
        });
    }

    /// Takes what was read for all there is.
    pub(super) fn finish(&mut self, shipper: &mut Shipper) -> anyhow::Result<()> {
        if let Some(reader) = &mut self.reader {
            reader.finish();
        }
        self.emit(shipper)
    }

    /// Decides on formats by the first bytes, unless they are known, and begins a reader where the file stands. What looks like plain text
    /// is looked at again as more of it comes: programs say a word or two before they begin to log.
    fn decide(&mut self, inputs: &Inputs, read: &[u8], shipper: &mut Shipper) {
        if self.reader.is_none() {
            // What the user says holds also for a file that was met before.
            if !self.formats.is_empty() && !inputs.is_decided() {
                return self.begin(inputs, self.offset);
            }
            self.sample = Some(Sample {
                start: self.offset,
                bytes: Vec::new(),
                seen: 0,
            });
        }
        let Some(mut sample) = self.sample.take() else {
            return;
        };
        let before = sample.bytes.len();
        sample.bytes.extend_from_slice(read);
        let enough = sample.bytes.len() >= CHUNK_BYTES;
        // Looked at when an eighth came with it, each byte is looked at a few times only.
        if self.reader.is_some() && !enough && sample.bytes.len() < sample.seen + sample.seen / 8 {
            self.sample = Some(sample);
            return;
        }
        let formats = inputs.formats(&sample.bytes);
        sample.seen = sample.bytes.len();
        let firm =
            enough || inputs.is_decided() || !self.ahead.is_empty() || formats != [Format::Plain];
        if self.reader.is_none() || formats != self.formats {
            self.formats = formats;
            let reader = self.reader.as_ref();
            let start = reader.map_or(self.offset, |reader| reader.ledger().frontier());
            self.begin(inputs, start);
            let handed_over = usize::try_from(start - sample.start).unwrap_or(before);
            let waiting = sample.bytes.get(handed_over..before).unwrap_or_default();
            self.reader
                .iter_mut()
                .for_each(|reader| reader.push(waiting));
        }
        if firm {
            let names = self.formats.iter().map(|format| format.name().to_owned());
            let names: Vec<String> = names.collect();
            shipper
                .state()
                .update(&self.source, |known| known.formats = names);
        } else {
            self.sample = Some(sample);
        }
    }

    fn begin(&mut self, inputs: &Inputs, start: u64) {
        let mut formats = self.formats.iter().copied();
        let first = formats.next().unwrap_or(Format::Plain);
        let options = inputs
            .options(self.modified)
            .with_other_formats(formats)
            .with_start(start);
        self.reader = Some(Reader::with_options(first, &options));
    }

    /// Whether the file became shorter or begins otherwise than what was read.
    fn is_cut(&mut self, shipper: &mut Shipper) -> io::Result<bool> {
        let data = self.file.metadata()?;
        let length = data.len();
        self.modified = data.modified().unwrap_or(self.modified);
        if length == self.length && self.head.len() >= Head::MOST {
            return Ok(false);
        }
        let mut head = vec![0; Head::MOST];
        let filled = read_at(&self.file, &mut head, 0)?;
        head.truncate(filled);
        let head = Head(head);
        self.length = length;
        if length < self.offset || !head.begins(self.head.len(), &self.head.hash()) {
            return Ok(true);
        }
        if head.len() > self.head.len() {
            self.head = head;
            let (hash, bytes) = (self.head.hash(), self.head.len());
            shipper.state().update(&self.source, |known| {
                known.head = hash;
                known.head_bytes = bytes;
            });
        }
        Ok(false)
    }

    /// What waited long enough goes on its way.
    fn flush(&mut self, shipper: &mut Shipper) -> anyhow::Result<()> {
        if self.flushed || self.last_read.elapsed() < FLUSH_AFTER {
            return Ok(());
        }
        self.flushed = true;
        if let Some(reader) = &mut self.reader {
            reader.flush();
        }
        self.emit(shipper)
    }

    fn emit(&mut self, shipper: &mut Shipper) -> anyhow::Result<()> {
        let Some(reader) = &mut self.reader else {
            return Ok(());
        };
        let path = self.path.to_string_lossy();
        let origin = Origin::new(&self.source, &path, input::now()).with_resource(&self.resource);
        while let Some(event) = reader.next_event() {
            let item = shipper.encode(&event, &origin);
            if !shipper.offer(item, self.number, event.spans())? {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// What Kubernetes knows of a container's log, by its path or that of the file a link leads to, and whether its pod was found.
fn resource(path: &Path, pods: &dyn Pods) -> (Vec<Field<'static>>, bool) {
    let of = |path: &Path| Source::from_path(path.to_str()?).ok();
    let link = || std::fs::read_link(path).ok().and_then(|target| of(&target));
    let Some(source) = link().or_else(|| of(path)) else {
        return (Vec::new(), false);
    };
    let pod = pods.find(&source);
    let found = pod.is_some();
    (source.describe(|_| pod), found)
}

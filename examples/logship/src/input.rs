//! Files and pipes, chunk by chunk, through a reader. What comes through a pipe is passed on when nothing more comes.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use narae_logparse::ledger::{Imbalance, Ledger};
use narae_logparse::{Event, Format, Reader, Timestamp};

use crate::lines::Inputs;
use crate::pipe::{Came, Pipe, Unpacked};
use crate::progress::Bar;

/// Read at a time, and looked at to decide on a format.
const CHUNK_BYTES: usize = 256 << 10;
/// How long a pipe is listened to for that, once a line came; and for how long until one does.
const SAMPLE: Duration = Duration::from_millis(500);
const FIRST_LINE: Duration = Duration::from_secs(5);
/// How long groups of lines and parts of messages wait for more.
pub(crate) const FLUSH_AFTER: Duration = Duration::from_secs(2);
/// How long to wait for a pipe at a time.
const POLL: Duration = Duration::from_millis(250);

/// One input, read.
pub(crate) struct Finished {
    pub(crate) format: Format,
    pub(crate) bytes: u64,
    pub(crate) ledger: Ledger,
    pub(crate) balance: Result<(), Imbalance>,
    /// Why it was not read to its end; what came before it was.
    pub(crate) failed: Option<io::Error>,
    /// It went on, but whoever took the events did not.
    pub(crate) stopped: bool,
}

/// Where bytes come from.
pub(crate) enum Input {
    File(Box<dyn Read>),
    /// Whoever writes may take their time.
    Pipe(Pipe),
}

/// What reading comes to.
pub(crate) enum Step<'s> {
    Event(&'s Event<'s>),
    /// Nothing comes just now: the moment to pass on what was taken.
    Pause,
}

/// Opens a file, or standard input for `-`, and says when it was last written.
pub(crate) fn open(name: &str, bar: &Bar) -> anyhow::Result<(Input, SystemTime)> {
    let about = || format!("cannot read {name}");
    if name == "-" {
        let pipe = Pipe::open(Unpacked::new(io::stdin())).with_context(about)?;
        return Ok((Input::Pipe(pipe), SystemTime::now()));
    }
    let file = File::open(name).with_context(|| format!("cannot open {name}"))?;
    let data = file.metadata().with_context(about)?;
    let written = data.modified().unwrap_or_else(|_| SystemTime::now());
    if data.file_type().is_fifo() {
        return Ok((
            Input::Pipe(Pipe::open(Unpacked::new(file)).with_context(about)?),
            written,
        ));
    }
    // What is no file, such as a device, cannot be looked into and is read as it is.
    let bytes: Box<dyn Read> = match Compression::of(&file).unwrap_or(None) {
        Some(how) => Box::new(how.decode(bar.watch(file)).with_context(about)?),
        None => Box::new(bar.watch(file)),
    };
    Ok((Input::File(bytes), written))
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// By how the file begins (RFC 1952, RFC 8878).
    pub(crate) fn of(file: &File) -> io::Result<Option<Self>> {
        let mut magic = [0; 4];
        let filled = file.read_at(&mut magic, 0)?;
        Ok(Self::of_bytes(magic.get(..filled).unwrap_or_default()))
    }

    /// Whether bytes that begin so can become compressed ones, by what comes next.
    pub(crate) fn may_begin(start: &[u8]) -> bool {
        let magics: [&[u8]; 2] = [&[0x1F, 0x8B], &[0x28, 0xB5, 0x2F, 0xFD]];
        magics
            .iter()
            .any(|magic| magic.len() > start.len() && magic.starts_with(start))
    }

    pub(crate) const fn of_bytes(start: &[u8]) -> Option<Self> {
        match start {
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// What was compressed, also if in several pieces. Memory is zstd's window, 128 MiB at most.
    pub(crate) fn decode<R: Read>(self, file: R) -> io::Result<Decoder<R>> {
        Ok(match self {
            Self::Gzip => Decoder::Gzip(MultiGzDecoder::new(file)),
            Self::Zstd => Decoder::Zstd(zstd::stream::read::Decoder::new(file)?),
        })
    }
}

/// What [`Compression::decode`] makes.
pub(crate) enum Decoder<R: Read> {
    Gzip(MultiGzDecoder<R>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<R>>),
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(chunk),
            Self::Zstd(decoder) => decoder.read(chunk),
        }
    }
}

/// A moment as the parser has it; `None` before 1970.
pub(crate) fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Timestamp::from_unix(since)
}

/// This moment; 1970 for a clock that is before.
pub(crate) fn now() -> Timestamp {
    timestamp(SystemTime::now()).unwrap_or(Timestamp::from_unix_seconds(0))
}

/// Reads an input to its end, or until `take` says to stop. Memory does not grow with it: a few chunks, and what the reader's limits allow.
pub(crate) fn read(
    input: Input,
    inputs: &Inputs,
    written: SystemTime,
    mut take: impl FnMut(Step<'_>) -> anyhow::Result<bool>,
) -> anyhow::Result<Finished> {
    let mut reading = Reading {
        input,
        inputs,
        written,
        patience: Duration::ZERO,
        sample: Vec::new(),
        sampled_since: Instant::now(),
        reader: None,
        last: None,
    };
    let (mut stopped, mut failed) = (false, None);
    while !stopped {
        match reading.next() {
            Ok(Came::End) => break,
            Ok(Came::Nothing) => {
                stopped = !take(Step::Pause)?;
                reading.flush();
            }
            Ok(Came::Bytes(bytes)) => reading.push(bytes),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
        stopped |= !reading.emit(&mut take)?;
    }
    let format = reading.finish();
    reading.emit(&mut take)?;
    let reader = reading.reader.unwrap_or_else(|| Reader::new(format));
    Ok(Finished {
        format,
        bytes: reader.input_bytes(),
        ledger: reader.ledger().clone(),
        balance: reader.verify(),
        failed,
        stopped,
    })
}

/// An input being read.
struct Reading<'i> {
    input: Input,
    inputs: &'i Inputs,
    /// When what comes was written: by a pipe, just now.
    written: SystemTime,
    /// How long to wait for more.
    patience: Duration,
    /// What came before the format was decided on, and since when.
    sample: Vec<u8>,
    sampled_since: Instant,
    reader: Option<Reader>,
    /// When the bytes came that were not flushed yet.
    last: Option<Instant>,
}

impl Reading<'_> {
    fn next(&mut self) -> io::Result<Came> {
        let came = match &mut self.input {
            Input::File(file) => {
                let mut chunk = vec![0; CHUNK_BYTES];
                let filled = fill(file, &mut chunk)?.len();
                chunk.truncate(filled);
                match filled {
                    0 => Came::End,
                    _ => Came::Bytes(chunk),
                }
            }
            Input::Pipe(pipe) => pipe.next(self.patience)?,
        };
        // What was taken is passed on before anybody waits.
        self.patience = match came {
            Came::Nothing => POLL,
            _ => Duration::ZERO,
        };
        Ok(came)
    }

    fn push(&mut self, bytes: Vec<u8>) {
        self.last = Some(Instant::now());
        let is_file = matches!(self.input, Input::File(_));
        if !is_file {
            self.written = SystemTime::now();
        }
        if let Some(reader) = &mut self.reader {
            if let Some(written) = timestamp(self.written) {
                reader.set_reference(written);
            }
            return reader.push(&bytes);
        }
        if self.sample.is_empty() {
            self.sampled_since = Instant::now();
            self.sample = bytes;
        } else {
            self.sample.extend(bytes);
        }
        if is_file || self.sample.len() >= CHUNK_BYTES {
            self.begin();
        }
    }

    /// Decides on a format by what came so far, and begins to read it.
    fn begin(&mut self) -> Format {
        let sample = std::mem::take(&mut self.sample);
        let formats = self.inputs.formats(&sample);
        let format = formats.first().copied().unwrap_or(Format::Plain);
        let options = self.inputs.options(self.written);
        let options = options.with_other_formats(formats.into_iter().skip(1));
        let mut reader = Reader::with_options(format, &options);
        reader.push(&sample);
        self.reader = Some(reader);
        format
    }

    /// What has waited long enough goes on its way.
    fn flush(&mut self) {
        let waited = |for_long: Duration| self.sampled_since.elapsed() >= for_long;
        let whole = self.sample.contains(&b'\n');
        match &mut self.reader {
            None if self.sample.is_empty() => {}
            None if waited(FIRST_LINE) || (whole && waited(SAMPLE)) => drop(self.begin()),
            None => {}
            Some(reader) if self.last.is_some_and(|at| at.elapsed() >= FLUSH_AFTER) => {
                self.last = None;
                reader.flush();
            }
            Some(_) => {}
        }
    }

    fn finish(&mut self) -> Format {
        let format = match &self.reader {
            Some(reader) => reader.format(),
            None => self.begin(),
        };
        self.reader.iter_mut().for_each(Reader::finish);
        format
    }

    fn emit(
        &mut self,
        take: &mut impl FnMut(Step<'_>) -> anyhow::Result<bool>,
    ) -> anyhow::Result<bool> {
        let mut goes_on = true;
        if let Some(reader) = &mut self.reader {
            while let Some(event) = reader.next_event() {
                goes_on &= take(Step::Event(&event))?;
            }
        }
        Ok(goes_on)
    }
}

/// Fills the chunk unless the input ends before, so that what a pipe happens to deliver decides nothing.
pub(crate) fn fill<'c>(input: &mut impl Read, chunk: &'c mut [u8]) -> io::Result<&'c [u8]> {
    let mut filled = 0;
    while let Some(space) = chunk.get_mut(filled..).filter(|space| !space.is_empty()) {
        match input.read(space) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // What came before is read first; the next call meets the error again.
            Err(error) if filled == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(chunk.get(..filled).unwrap_or_default())
}

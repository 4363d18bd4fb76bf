//! Files and standard input, chunk by chunk, through a reader.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt as _;
use std::time::SystemTime;

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use narae_logparse::ledger::{Imbalance, Ledger};
use narae_logparse::reader::ReaderOptions;
use narae_logparse::{Event, Format, Reader, Timestamp, detect};

use crate::progress::Bar;

/// Read at a time, and looked at to decide on a format.
const CHUNK_BYTES: usize = 256 << 10;

/// What the lines are.
#[derive(Clone, Copy)]
pub(crate) enum Choice {
    Auto,
    Fixed(Format),
}

/// One input, read.
pub(crate) struct Finished {
    pub(crate) format: Format,
    pub(crate) bytes: u64,
    pub(crate) ledger: Ledger,
    pub(crate) balance: Result<(), Imbalance>,
    /// Why it was not read to its end; what came before it was.
    pub(crate) failed: Option<io::Error>,
}

/// Opens a file, or standard input for `-`, and says when it was last written.
pub(crate) fn open(name: &str, bar: &Bar) -> anyhow::Result<(Box<dyn Read>, SystemTime)> {
    if name == "-" {
        return Ok((Box::new(io::stdin().lock()), SystemTime::now()));
    }
    let file = File::open(name).with_context(|| format!("cannot open {name}"))?;
    let written = file.metadata().and_then(|data| data.modified());
    let written = written.unwrap_or_else(|_| SystemTime::now());
    // What is no file, such as a pipe, cannot be looked into and is read as it is.
    match Compression::of(&file).unwrap_or(None) {
        Some(compression) => {
            let about = || format!("cannot read {name}");
            let decoder = compression.decode(bar.watch(file)).with_context(about)?;
            Ok((decoder, written))
        }
        None => Ok((Box::new(bar.watch(file)), written)),
    }
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
        Ok(match magic.get(..filled) {
            Some([0x1F, 0x8B, ..]) => Some(Self::Gzip),
            Some([0x28, 0xB5, 0x2F, 0xFD]) => Some(Self::Zstd),
            _ => None,
        })
    }

    /// What was compressed, also if in several pieces. Memory is zstd's window, 128 MiB at most.
    pub(crate) fn decode(self, file: impl Read + 'static) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(file)),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::new(file)?),
        })
    }
}

/// A moment as the parser has it; `None` before 1970.
pub(crate) fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Timestamp::from_unix(since)
}

/// Reads an input to its end. Memory does not grow with it: one chunk, and what the reader's limits allow.
pub(crate) fn read(
    mut input: impl Read,
    choice: Choice,
    options: &ReaderOptions,
    mut take: impl FnMut(&Event<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<Finished> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut filled = fill(&mut input, &mut chunk);
    let formats = match choice {
        Choice::Fixed(format) => vec![format],
        Choice::Auto => detect::detect(filled.as_ref().map_or(&[], |bytes| *bytes)).formats(),
    };
    let format = formats.first().copied().unwrap_or(Format::Plain);
    let options = options
        .clone()
        .with_other_formats(formats.into_iter().skip(1));
    let mut reader = Reader::with_options(format, &options);
    let failed = loop {
        let failed = match filled {
            Ok([]) => None,
            Ok(bytes) => {
                reader.push(bytes);
                while let Some(event) = reader.next_event() {
                    take(&event)?;
                }
                filled = fill(&mut input, &mut chunk);
                continue;
            }
            Err(error) => Some(error),
        };
        break failed;
    };
    reader.finish();
    while let Some(event) = reader.next_event() {
        take(&event)?;
    }
    let (bytes, balance) = (reader.input_bytes(), reader.verify());
    Ok(Finished {
        format,
        bytes,
        ledger: reader.ledger().clone(),
        balance,
        failed,
    })
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

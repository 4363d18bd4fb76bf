//! How much of the files is read, as a bar on standard error, only where a person looks at it.

use std::cell::Cell;
use std::fs;
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Columns of the bar itself.
const WIDTH: usize = 30;
const REDRAW: Duration = Duration::from_millis(100);

/// Draws how far reading is. Clones draw one bar.
#[derive(Clone, Default)]
pub(crate) struct Bar(Option<Rc<Progress>>);

struct Progress {
    bytes: u64,
    read: Cell<u64>,
    drawn: Cell<Option<Instant>>,
}

impl Bar {
    /// For reading these files to their end; there is none if nobody looks, or if their lengths say nothing.
    pub(crate) fn of<P: AsRef<Path>>(files: &[P]) -> Self {
        let length = |file: &P| fs::metadata(file).ok().filter(fs::Metadata::is_file);
        let lengths: Option<u64> = files.iter().map(|file| Some(length(file)?.len())).sum();
        let shown = lengths.filter(|_| io::stderr().is_terminal());
        Self(shown.map(|bytes| {
            Rc::new(Progress {
                bytes,
                read: Cell::new(0),
                drawn: Cell::new(None),
            })
        }))
    }

    /// So many bytes more are read.
    pub(crate) fn add(&self, bytes: u64) {
        if let Some(progress) = self.0.as_ref().filter(|_| bytes > 0) {
            progress.add(bytes);
        }
    }

    /// Reads `file`, of whose bytes the bar tells, also if they are compressed.
    pub(crate) fn watch<R: Read>(&self, file: R) -> Watched<R> {
        let bar = self.clone();
        Watched { file, bar }
    }
}

impl Progress {
    fn add(&self, bytes: u64) {
        let read = self.read.get() + bytes;
        self.read.set(read);
        let drawn = self.drawn.get();
        if read < self.bytes && drawn.is_some_and(|at| at.elapsed() < REDRAW) {
            return;
        }
        self.drawn.set(Some(Instant::now()));
        // A file may grow meanwhile.
        let all = self.bytes.max(read).max(1);
        let filled = u128::from(read) * WIDTH as u128 / u128::from(all);
        let filled = usize::try_from(filled).unwrap_or(WIDTH);
        let bar: String = (0..WIDTH)
            .map(|at| if at < filled { '█' } else { '░' })
            .collect();
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let _ = write!(
            io::stderr().lock(),
            "\r{bar} {:.1}/{:.1} MB",
            megabytes(read),
            megabytes(all)
        );
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        clear();
    }
}

/// Makes room for what is said, where a bar may stand.
pub(crate) fn clear() {
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr().lock(), "\r\x1b[K");
    }
}

/// A file being read.
pub(crate) struct Watched<R> {
    file: R,
    bar: Bar,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.bar.add(bytes as u64);
        Ok(bytes)
    }
}

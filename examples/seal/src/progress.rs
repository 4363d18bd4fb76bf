//! A progress bar on standard error, only where a person looks at it.

use std::io::{IsTerminal as _, Write as _};

use narae_secrets::sealed::folder::Progress;

/// Columns of the bar itself.
const WIDTH: usize = 30;

/// Draws how far it is.
#[derive(Debug)]
pub(crate) struct Bar {
    shown: bool,
}

impl Bar {
    pub(crate) fn new() -> Self {
        Self {
            shown: std::io::stderr().is_terminal(),
        }
    }

    pub(crate) fn draw(&self, progress: Progress) {
        let (done, all) = (progress.files_done, progress.files.max(1));
        // Redrawn a hundred times at most.
        if self.shown && (done == all || done.is_multiple_of(all.div_ceil(100))) {
            let filled = done * WIDTH / all;
            let bar = format!("{}{}", "█".repeat(filled), "░".repeat(WIDTH - filled));
            let items = progress.items_done;
            let _ = write!(
                std::io::stderr().lock(),
                "\r{bar} {done}/{all} files, {items} items"
            );
        }
    }
}

impl Drop for Bar {
    /// Makes room for what is said next.
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

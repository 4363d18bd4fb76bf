//! What is heard while a change lands: the server's words, and races that are lost, which are told at once.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use narae_gitops::remote::Event;

use crate::report;

/// Most lines of a server that are kept; what a push may be told is bounded in bytes as well.
const MAX_LINES: usize = 200;

/// The ear of one run. Copies hear the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    /// A repository elsewhere tells how it goes.
    pub(crate) fn listen(&self, event: &Event) {
        match event {
            Event::Said(line) => {
                let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if said.len() < MAX_LINES {
                    said.push(line.clone());
                }
            }
            Event::Lost { attempts } => self.lost(*attempts),
            _ => {}
        }
    }

    /// Another writer was faster, for the `attempts`th time. What was said about that attempt is of no use.
    pub(crate) fn lost(&self, attempts: u32) {
        self.clear();
        // Nobody is left to tell when standard error is closed.
        let _ = write!(anstream::stderr().lock(), "{}", report::lost(attempts));
    }

    /// Forgets what was said.
    pub(crate) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// What the server said to the last push, line by line.
    pub(crate) fn said(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

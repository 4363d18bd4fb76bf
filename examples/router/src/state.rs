//! `--state`: what operators decided and what was learned of services, from one run to the next.
//!
//! The file is written whole beside its place and then moved there, after every order, now and then, and at the end.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use narae_routing::saved::PoolState;
use serde::{Deserialize, Serialize};

use crate::live::Live;

/// How often it is written while nobody gives orders.
pub(crate) const EVERY: Duration = Duration::from_secs(10);

/// The most that is read.
const MAX_BYTES: u64 = 64 << 20;

/// By the names of services.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    services: BTreeMap<String, PoolState>,
}

impl Remembered {
    pub(crate) fn of(&self, service: &str) -> Option<&PoolState> {
        self.services.get(service)
    }
}

/// The file.
pub(crate) struct StateFile {
    path: PathBuf,
    /// What was read at the start: services that are not there yet keep it.
    read: Remembered,
    /// One writer at a time, and what was written last.
    written: Mutex<Remembered>,
}

impl StateFile {
    /// Reads what the last run left, if it left anything.
    pub(crate) fn open(path: &Path) -> Result<Self, StateError> {
        let refused = |cause: String| StateError {
            path: path.to_owned(),
            cause,
        };
        let mut text = String::new();
        match fs::File::open(path) {
            Ok(file) => {
                let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
                read.map_err(|error| refused(error.to_string()))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(refused(error.to_string())),
        }
        if text.len() as u64 > MAX_BYTES {
            return Err(refused(format!("more than {MAX_BYTES} bytes")));
        }
        let read: Remembered = match text.trim() {
            "" => Remembered::default(),
            text => serde_json::from_str(text).map_err(|error| refused(error.to_string()))?,
        };
        Ok(Self {
            path: path.to_owned(),
            written: Mutex::new(read.clone()),
            read,
        })
    }

    pub(crate) fn read(&self) -> &Remembered {
        &self.read
    }

    /// Writes how all services stand, if that has changed.
    pub(crate) fn write(&self, live: &Live, now: Duration) -> Result<(), StateError> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = self.read.clone();
        for upstream in live.known() {
            let state = upstream.pool().saved(now);
            next.services.insert(upstream.name().to_owned(), state);
        }
        if *written == next {
            return Ok(());
        }
        self.replace(&next).map_err(|error| StateError {
            path: self.path.clone(),
            cause: error.to_string(),
        })?;
        *written = next;
        Ok(())
    }

    fn replace(&self, next: &Remembered) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&beside)?;
        file.write_all(serde_json::to_string(next)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)
    }
}

/// Why a state cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("--state {}: {cause}", path.display())]
pub(crate) struct StateError {
    path: PathBuf,
    cause: String,
}

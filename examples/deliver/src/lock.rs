//! The lock file of `--lock`: what was read is read again, until `--relock`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use narae_secrets::lock::Lock;
use narae_secrets::resolve::Resolved;
use narae_secrets::store::Store;

use crate::cli::Arguments;
use crate::files;
use crate::guard::Outputs;

/// The file, and what it says; without `--lock`, nothing.
#[derive(Debug, Default)]
pub(crate) struct LockFile {
    path: Option<PathBuf>,
    lock: Lock,
    relock: bool,
}

impl LockFile {
    /// Reads it; one that is missing locks nothing yet.
    pub(crate) fn read(arguments: &Arguments) -> Result<Self> {
        let Some(path) = &arguments.lock else {
            return Ok(Self::default());
        };
        let name = path.display().to_string();
        let lock = match path.exists() {
            false => Lock::default(),
            true => Lock::read(&name, &narae_cli::file::read_text(path)?)?,
        };
        Ok(Self {
            path: Some(path.clone()),
            lock,
            relock: arguments.relock,
        })
    }

    /// What this run reads by.
    pub(crate) fn lock(&self) -> Lock {
        match self.relock {
            true => Lock::default(),
            false => self.lock.clone(),
        }
    }

    /// Which of the secrets that were read have newer versions.
    pub(crate) fn outdated(&self, resolved: &Resolved, stores: &[&dyn Store]) -> Vec<String> {
        if self.path.is_none() {
            return Vec::new();
        }
        match Lock::of(resolved).outdated(stores) {
            Ok(outdated) => outdated
                .iter()
                .map(|one| format!("{one}; --relock delivers it"))
                .collect(),
            // Reading versions may be allowed, and asking for the newest not.
            Err(error) => vec![format!(
                "whether locked secrets have newer versions is not known: {error}"
            )],
        }
    }

    /// Locks what was read besides what is locked; the file stays as it is when that is nothing new.
    pub(crate) fn write(&self, resolved: &Resolved, outputs: &Outputs) -> Result<Option<String>> {
        let lock = self.lock.clone().with(resolved);
        let Some(path) = self.path.as_ref().filter(|_| lock != self.lock) else {
            return Ok(None);
        };
        let text = outputs.cleared("lock file", lock.to_string())?;
        let doing = || format!("cannot write the lock file {}", path.display());
        files::folder_of(path, files::Privacy::Shared).with_context(doing)?;
        files::replace(path, text.as_bytes()).with_context(doing)?;
        Ok(Some(format!("lock file {}", path.display())))
    }
}

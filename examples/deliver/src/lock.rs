//! The lock file of `--lock`: what was read is read again, until `--relock`.

use std::fs;
use std::path::{Path, PathBuf};

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
        Ok(Self {
            path: Some(path.clone()),
            lock: read(path)?,
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

    /// Locks what was read besides what is locked; the file stays as it is when that is nothing new. What another run
    /// has locked meanwhile stays locked.
    pub(crate) fn write(&self, resolved: &Resolved, outputs: &Outputs) -> Result<Option<String>> {
        let lock = self.lock.clone().with(resolved);
        let Some(path) = self.path.as_ref().filter(|_| lock != self.lock) else {
            return Ok(None);
        };
        let doing = || format!("cannot write the lock file {}", path.display());
        files::folder_of(path, files::Privacy::Shared).with_context(doing)?;
        let shown = path.display();
        // A link stays one: others write the file it leads to.
        let path = &match files::is_there(path)? {
            true => fs::canonicalize(path).with_context(doing)?,
            false => path.clone(),
        };
        let mut beside = path.clone().into_os_string();
        beside.push(".lock");
        let _held = files::lock(beside.as_ref()).with_context(doing)?;
        let lock = read(path)?.with_changes(&self.lock, &lock);
        let text = outputs.cleared("lock file", lock.to_string())?;
        files::replace(path, text.as_bytes()).with_context(doing)?;
        Ok(Some(format!("lock file {shown}")))
    }
}

fn read(path: &Path) -> Result<Lock> {
    if !files::is_there(path)? {
        return Ok(Lock::default());
    }
    let text = narae_cli::file::read_text(path)?;
    Ok(Lock::read(&path.display().to_string(), &text)?)
}

#[cfg(test)]
mod tests {
    use narae_secrets::SecretBytes;
    use narae_secrets::resolve::{Request, resolve};
    use narae_secrets::store::Cas;
    use narae_secrets::store::memory::MemoryStore;

    use super::*;

    /// Two runs that began with the same lock file: what each locks stays locked.
    #[test]
    fn nothing_that_another_run_locks_is_lost() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("sub/secrets.lock");
        let store = MemoryStore::new("main");
        let data = [("k".to_owned(), SecretBytes::from("v".to_owned()))].into();
        let outputs = Outputs::new();
        let begin = || -> Result<LockFile> {
            Ok(LockFile {
                path: Some(path.clone()),
                lock: read(&path)?,
                relock: false,
            })
        };
        let runs = [(begin()?, "s/a"), (begin()?, "s/b")];
        for (run, secret) in &runs {
            store.write(&secret.parse()?, &data, Cas::Absent)?;
            let reference = format!("ref+vault://main/{secret}#/k").parse()?;
            let resolved = resolve(&[Request::new(reference, "a.yaml:1:1")], &[&store])?;
            run.write(&resolved, &outputs)?;
        }
        let text = std::fs::read_to_string(&path)?;
        assert!(text.contains("main s/a version=1"), "{text}");
        assert!(text.contains("main s/b version=1"), "{text}");
        Ok(())
    }
}

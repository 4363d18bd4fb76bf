//! `seal put`: one value into an embedded store, as a new version of its secret. The value never stands on the command line.

use anyhow::{Context as _, Result};
use narae_secrets::SecretBytes;
use narae_secrets::store::file::{FileStore, KeyFile};
use narae_secrets::store::{Cas, SecretData, Store as _, StoreErrorKind};

use crate::{cli, files, output};

pub(crate) fn run(arguments: &cli::Put) -> Result<()> {
    let store = FileStore::open(
        "store",
        &arguments.store,
        KeyFile::read(&arguments.store_key)?,
    )?;
    let mut value = files::read(arguments.from_file.as_deref(), "a value")?;
    let value = SecretBytes::new(std::mem::take(&mut *value));
    let path = &arguments.path;
    loop {
        let (mut data, cas) = match store.read(path, None) {
            Ok(secret) => {
                let version = secret.version.context("a version")?;
                (secret.data, Cas::Version(version))
            }
            Err(error) => match error.kind() {
                StoreErrorKind::NotFound => (SecretData::new(), Cas::Absent),
                // What was deleted does not come back with a new key.
                StoreErrorKind::Deleted { version, .. } | StoreErrorKind::Destroyed { version } => {
                    (SecretData::new(), Cas::Version(*version))
                }
                _ => return Err(error.into()),
            },
        };
        let copy = SecretBytes::copy_of(value.expose());
        data.insert(arguments.key.clone(), copy);
        match store.write(path, &data, cas) {
            Ok(version) => {
                output::note(&format!(
                    "{path}#/{} is in version {version} of {path} in {}",
                    arguments.key,
                    arguments.store.display()
                ));
                return Ok(());
            }
            // Another key of the same secret was put meanwhile: both stay.
            Err(error) if matches!(error.kind(), StoreErrorKind::CasMismatch { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

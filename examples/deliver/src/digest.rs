//! The key by which values of a store without versions are known again, made when one is first needed.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use narae_secrets::resolve::Resolved;
use narae_secrets::sealed::DigestKey;

use crate::cli::Arguments;
use crate::{files, paths};

/// The key of `--digest-key`, or the one of the key folder; `None` where every value has a version.
pub(crate) fn key(
    arguments: &Arguments,
    resolved: &Resolved,
    made: &mut Vec<String>,
) -> Result<Option<DigestKey>> {
    if resolved.iter().all(|(_, found)| found.version.is_some()) {
        return Ok(None);
    }
    let file = match &arguments.digest_key {
        Some(file) => file.clone(),
        None => {
            let file = paths::key_folder()?.join("digest.key");
            let doing = || format!("cannot make the digest key {}", file.display());
            if !files::is_there(&file)? && make(&file).with_context(doing)? {
                made.push(format!("digest key {}", paths::shown(&file)));
            }
            file
        }
    };
    if !files::is_there(&file)? {
        bail!(
            "there is no digest key at {}: has it moved?\n  try: --digest-key with its path; without, one is made in the key folder",
            file.display()
        );
    }
    let pem = narae_cli::file::read(&file);
    let pem = pem.with_context(|| format!("cannot read the digest key {}", file.display()))?;
    let key = DigestKey::from_pem(&pem).with_context(|| file.display().to_string())?;
    Ok(Some(key))
}

/// Made beside and linked into place: there is never half a key, and of two first runs both use the first one's.
fn make(file: &Path) -> Result<bool> {
    files::folder_of(file, files::Privacy::Private)?;
    let new = file.with_file_name(format!(".digest.key.{}.new", std::process::id()));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        // A killed run of that number left it.
        _ => {}
    }
    files::private_file(&new, DigestKey::generate_pem()?.expose())?;
    let linked = fs::hard_link(&new, file);
    fs::remove_file(&new)?;
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        linked => Ok(linked.map(|()| true)?),
    }
}

//! The certificate to seal for: the cluster's, or one made on the first run.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use narae_secrets::sealed::{Certificate, Generate};

use crate::cli::Arguments;
use crate::files;
use crate::paths;

/// Names as in the controller's own Secret.
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// The certificate of `--cert`, or the one of the key folder, made when it is not there.
pub(crate) fn load(arguments: &Arguments, now: i64, made: &mut Vec<String>) -> Result<Certificate> {
    let file = match &arguments.cert {
        Some(file) => file.clone(),
        None => {
            let folder = paths::key_folder()?.join("sealing");
            if !folder.exists() && make(&folder, now)? {
                made.push(format!(
                    "sealing key and certificate in {}",
                    paths::shown(&folder)
                ));
            }
            folder.join(CERTIFICATE)
        }
    };
    let pem = narae_cli::file::read(&file).with_context(|| {
        format!(
            "cannot read the certificate {}\n  try: kubeseal --fetch-cert > {}",
            file.display(),
            file.display()
        )
    })?;
    let certificate = Certificate::from_pem(&pem)
        .with_context(|| format!("{} cannot be sealed for", file.display()))?;
    certificate
        .check_valid_at(now)
        .with_context(|| format!("{} cannot be sealed for", file.display()))?;
    Ok(certificate)
}

/// Makes both files in a folder beside, then moves the folder into place: there is never a key
/// without its certificate, and nothing that is there is overwritten. One process at a time: what
/// a killed one left is thrown away.
fn make(folder: &Path, now: i64) -> Result<bool> {
    let doing = || format!("cannot make a sealing key in {}", folder.display());
    let parent = folder.parent().unwrap_or(Path::new("."));
    files::private_folder(parent).with_context(doing)?;
    let lock = files::lock(&parent.join(".sealing.lock")).with_context(doing)?;
    if folder.exists() {
        return Ok(false);
    }
    let pair = Generate::new(now).run().with_context(doing)?;
    let making = parent.join(".sealing.new");
    if making.exists() {
        fs::remove_dir_all(&making).with_context(doing)?;
    }
    files::private_folder(&making)
        .and_then(|()| files::private_file(&making.join(KEY), pair.private_key_pem.expose()))
        .and_then(|()| {
            files::private_file(&making.join(CERTIFICATE), pair.certificate_pem.as_bytes())
        })
        .and_then(|()| fs::rename(&making, folder))
        .with_context(doing)?;
    drop(lock);
    Ok(true)
}

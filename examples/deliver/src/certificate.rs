//! The certificate to seal for: the cluster's, or one made on the first run.

use std::fs;
use std::io;
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
            if !folder.exists() {
                make(&folder, now)?;
                made.push(format!(
                    "sealing key and certificate in {}",
                    paths::shown(&folder)
                ));
            }
            folder.join(CERTIFICATE)
        }
    };
    let pem = fs::read(&file).with_context(|| {
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
/// without its certificate, and nothing that is there is overwritten.
fn make(folder: &Path, now: i64) -> Result<()> {
    let doing = || format!("cannot make a sealing key in {}", folder.display());
    let pair = Generate::new(now).run().with_context(doing)?;
    let parent = folder.parent().unwrap_or(Path::new("."));
    files::private_folder(parent).with_context(doing)?;
    let making = parent.join(format!(".sealing.{}", std::process::id()));
    files::private_folder(&making).with_context(doing)?;
    let moved = files::private_file(&making.join(KEY), pair.private_key_pem.expose())
        .and_then(|()| {
            files::private_file(&making.join(CERTIFICATE), pair.certificate_pem.as_bytes())
        })
        .and_then(|()| fs::rename(&making, folder));
    if moved.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_dir_all(&making);
    }
    match moved {
        // Another first run was faster; its pair is as good.
        Err(error) if folder.exists() && error.kind() != io::ErrorKind::PermissionDenied => Ok(()),
        other => other.with_context(doing),
    }
}

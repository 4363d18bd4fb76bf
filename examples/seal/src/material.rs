//! Certificates and keys: from files, or by `cluster`.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use narae_secrets::sealed::{Backup, Certificate, DigestKey, PrivateKeys};
use zeroize::Zeroizing;

use crate::cli::Seal;
use crate::{cluster, files, output};
use narae_cli::Given;

/// Seconds since 1970.
pub(crate) fn now() -> Result<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.context("the clock is before 1970")?.as_secs();
    i64::try_from(seconds).context("the clock is too far ahead")
}

/// `--fetch-cert`.
pub(crate) fn print(arguments: &Seal) -> Result<()> {
    let pem = match arguments.cert.as_ref() {
        None => Zeroizing::new(cluster::certificate(&arguments.cluster)?.1.into_bytes()),
        Some(cert) => read(cert)?,
    };
    // A backup names a certificate just as well, but it holds the private keys.
    Certificate::from_pem(&pem).context("--fetch-cert writes PEM files only")?;
    if pem.windows(11).any(|window| window == b"PRIVATE KEY") {
        bail!("the file holds a private key beside the certificate; it is not written anywhere");
    }
    output::write(arguments.sealed_secret_file.as_deref(), &pem)
}

/// The certificate to seal for, not expired: that of `--cert`, else the controller's.
pub(crate) fn certificate(arguments: &Seal) -> Result<Certificate> {
    match arguments.cert.as_ref() {
        Some(cert) => valid_certificate(cert),
        None => {
            let (certificate, _) = cluster::certificate(&arguments.cluster)?;
            certificate.check_valid_at(now()?)?;
            Ok(certificate)
        }
    }
}

/// The certificate of a file, not expired.
pub(crate) fn valid_certificate(cert: &str) -> Result<Certificate> {
    let certificate = any_certificate(cert)?;
    certificate
        .check_valid_at(now()?)
        .with_context(|| cert.to_owned())?;
    Ok(certificate)
}

/// The certificate of a file, whatever its dates.
pub(crate) fn any_certificate(cert: &str) -> Result<Certificate> {
    Certificate::read(&read(cert)?).with_context(|| cert.to_owned())
}

fn read(cert: &str) -> Result<Zeroizing<Vec<u8>>> {
    if cert.starts_with("http://") || cert.starts_with("https://") {
        bail!("{cert} is not fetched; try: curl --fail {cert} | seal --cert /dev/stdin …");
    }
    let file = Path::new(cert.strip_prefix("file://").unwrap_or(cert));
    files::read(Some(file), "a certificate")
}

/// All keys of these files, in the order of the files.
pub(crate) fn private_keys(files: &[PathBuf]) -> Result<PrivateKeys> {
    let mut keys = PrivateKeys::new();
    for file in files {
        let bytes = crate::files::read(Some(file), "private keys")?;
        let backup = Backup::read(&bytes).with_context(|| file.display().to_string())?;
        for key in backup.into_keys() {
            keys.push(key);
        }
    }
    Ok(keys)
}

/// The digest key of a file, which is made when it is not there.
pub(crate) fn digest_key(file: &Given<PathBuf>) -> Result<Option<DigestKey>> {
    let Some(file) = file.as_ref() else {
        return Ok(None);
    };
    let is_there = file.try_exists();
    if !is_there.with_context(|| format!("cannot look for {}", file.display()))? {
        if file.is_symlink() {
            bail!(
                "{} is a link to a file that is not there; make that, or remove the link",
                file.display()
            );
        }
        let pem = DigestKey::generate_pem()?;
        // Another process may make one at the same time: the first one's is the key of both.
        if files::create_private(file, pem.expose())? {
            output::note(&format!("made the digest key {}", file.display()));
        }
    }
    let pem = files::read(Some(file), "a digest key")?;
    let key = DigestKey::from_pem(&pem).with_context(|| file.display().to_string())?;
    Ok(Some(key))
}

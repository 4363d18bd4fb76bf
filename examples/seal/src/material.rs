//! Certificates and private keys, from files.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use narae_secrets::sealed::{Backup, Certificate, DigestKey, PrivateKeys};
use zeroize::Zeroizing;

use crate::cli::Seal;
use crate::files::Mode;
use crate::{files, output};

/// Seconds since 1970.
pub(crate) fn now() -> Result<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.context("the clock is before 1970")?.as_secs();
    i64::try_from(seconds).context("the clock is too far ahead")
}

/// The bytes `--cert` names.
pub(crate) fn certificate_bytes(cert: Option<&str>) -> Result<Zeroizing<Vec<u8>>> {
    let Some(cert) = cert else {
        bail!("no certificate; give --cert FILE or set SEALED_SECRETS_CERT");
    };
    if cert.starts_with("http://") || cert.starts_with("https://") {
        bail!("{cert} is not fetched; try: curl --fail {cert} | seal --cert /dev/stdin …");
    }
    let file = Path::new(cert.strip_prefix("file://").unwrap_or(cert));
    files::read(Some(file), "a certificate")
}

/// `--fetch-cert`.
pub(crate) fn print(arguments: &Seal) -> Result<()> {
    let bytes = certificate_bytes(arguments.cert.as_deref())?;
    // A backup names a certificate just as well, but it holds the private keys.
    Certificate::from_pem(&bytes).context("--fetch-cert writes PEM files only")?;
    if bytes.windows(11).any(|window| window == b"PRIVATE KEY") {
        bail!("the file holds a private key beside the certificate; it is not written anywhere");
    }
    output::write(arguments.sealed_secret_file.as_deref(), &bytes)
}

/// The certificate `--cert` names, not expired.
pub(crate) fn certificate(cert: Option<&str>) -> Result<Certificate> {
    let bytes = certificate_bytes(cert)?;
    let name = cert.unwrap_or_default();
    let certificate = Certificate::read(&bytes).with_context(|| name.to_owned())?;
    certificate
        .check_valid_at(now()?)
        .with_context(|| name.to_owned())?;
    Ok(certificate)
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
pub(crate) fn digest_key(file: Option<&Path>) -> Result<Option<DigestKey>> {
    let Some(file) = file else { return Ok(None) };
    if !file.exists() {
        let pem = DigestKey::generate_pem()?;
        files::replace(file, pem.expose(), Mode::Private)?;
        output::note(&format!("made the digest key {}", file.display()));
    }
    let pem = files::read(Some(file), "a digest key")?;
    let key = DigestKey::from_pem(&pem).with_context(|| file.display().to_string())?;
    Ok(Some(key))
}

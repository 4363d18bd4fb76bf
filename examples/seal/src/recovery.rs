//! What needs private keys: a SealedSecret opened, or sealed anew for another certificate.

use std::path::Path;

use anyhow::{Result, bail};
use narae_secrets::sealed::{ResealOutcome, SealedFile};
use zeroize::Zeroizing;

use crate::cli::{Format, Seal};
use crate::{cluster, files, material, output};

/// Opens the one SealedSecret of the input and writes the Secret, plaintext and all.
pub(crate) fn unseal(arguments: &Seal) -> Result<()> {
    let keys = material::private_keys(&arguments.recovery_private_key)?;
    let file = input(arguments)?;
    let [sealed] = file.secrets() else {
        bail!(
            "{}: expected one SealedSecret, found {}",
            file.name(),
            file.secrets().len()
        );
    };
    let secret = sealed.unseal(&keys)?;
    if !secret.template_keys().is_empty() {
        output::note(&format!(
            "note: the controller would render {} from the template; it is not in the output",
            secret.template_keys().join(", ")
        ));
    }
    let out = arguments.sealed_secret_file.as_deref();
    match Format::of(arguments, out) {
        Format::Json => output::write_plaintext(out, secret.to_json().expose()),
        Format::Yaml => {
            let text = Zeroizing::new([b"---\n", secret.to_yaml().expose()].concat());
            output::write_plaintext(out, &text)
        }
    }
}

/// Seals every item of the input anew; with `-f` alone, in place.
pub(crate) fn re_encrypt(arguments: &Seal) -> Result<()> {
    let keys = match arguments.recovery_private_key.as_slice() {
        [] => cluster::keys(&arguments.cluster)?.into_keys(),
        files => material::private_keys(files)?,
    };
    let certificate = material::certificate(arguments)?;
    let reseal = |file: &SealedFile| -> Result<String> {
        let resealed = file.reseal(&keys, &certificate);
        for item in &resealed.items {
            if let ResealOutcome::Failed(failure) = &item.outcome {
                bail!(
                    "{}: item `{}` of {}: {failure}",
                    item.place,
                    item.item,
                    item.secret
                );
            }
        }
        Ok(resealed.text.unwrap_or_else(|| file.text().to_owned()))
    };
    let out = arguments.sealed_secret_file.as_deref();
    match (arguments.secret_file.as_deref(), out) {
        (Some(file), None) => files::edit(file, |text| reseal(&parsed(Some(file), text)?)),
        _ => output::write(out, reseal(&input(arguments)?)?.as_bytes()),
    }
}

pub(crate) fn input(arguments: &Seal) -> Result<SealedFile> {
    let file = arguments.secret_file.as_deref();
    let text = files::read_text(file, "a SealedSecret, YAML or JSON")?;
    parsed(file, &text)
}

fn parsed(file: Option<&Path>, text: &str) -> Result<SealedFile> {
    let sealed = SealedFile::read(files::name(file), text)?;
    if sealed.secrets().is_empty() {
        bail!("no SealedSecret in {}", files::name(file));
    }
    Ok(sealed)
}

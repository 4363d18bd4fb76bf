//! One value sealed without a manifest around it: `--raw`.

use std::path::Path;

use anyhow::Result;
use narae_secrets::SecretBytes;
use narae_secrets::sealed::{Label, SealedItem};

use crate::cli::Seal;
use crate::{files, material, output};
use narae_cli::Given;

/// Seals the bytes as they are: a newline at their end is part of the value.
pub(crate) fn run(arguments: &Seal) -> Result<()> {
    let scope = arguments.scope.as_ref().copied().unwrap_or_default();
    let part = |text: &Given<String>| text.as_ref().cloned().unwrap_or_default();
    let label = Label::new(scope, &part(&arguments.namespace), &part(&arguments.name))?;
    let certificate = material::certificate(arguments)?;
    // As kubectl, the key before `=` names the item; there is no item to name here.
    let file = arguments
        .from_file
        .as_deref()
        .map(|file| Path::new(file.split_once('=').map_or(file, |(_, file)| file)));
    let mut value = files::read(file, "a value")?;
    let value = SecretBytes::new(std::mem::take(&mut *value));
    let item = SealedItem::seal(&value, &label, &certificate)?;
    output::write(
        arguments.sealed_secret_file.as_deref(),
        item.to_base64().as_bytes(),
    )
}

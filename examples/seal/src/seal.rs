//! A Secret sealed, as a new object or into a file that is there.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use narae_secrets::sealed::{
    Certificate, Item, Scope, SealRequest, SealedFile, SealedManifest, SealedSecret,
};
use narae_yaml::{Mapping, Reader, Value};

use crate::cli::{Format, Seal};
use crate::{files, material, output};

/// Every Secret of the input, one after the other.
pub(crate) fn run(arguments: &Seal) -> Result<()> {
    let certificate = material::certificate(arguments)?;
    let file = arguments.sealed_secret_file.as_deref();
    let format = Format::of(arguments, file);
    let previous = match (file, arguments.digest_key.as_ref()) {
        (Some(file), Some(_)) if file.is_file() => files::sealed(file)?,
        _ => None,
    };
    let mut text = String::new();
    for mut secret in secrets(arguments)? {
        complete(&mut secret, arguments)?;
        let previous = previous.as_ref().and_then(|file| same(file, &secret));
        let sealed = seal(&mut secret, previous, arguments, &certificate)?;
        text.push_str(&format.write(&sealed)?);
    }
    output::write(file, text.as_bytes())
}

/// The items of one Secret, into the SealedSecret that `into` holds.
pub(crate) fn merge(arguments: &Seal, into: &Path) -> Result<()> {
    let certificate = material::certificate(arguments)?;
    let mut secrets = secrets(arguments)?;
    let (Some(mut secret), true) = (secrets.pop(), secrets.is_empty()) else {
        bail!("expected one Secret to merge into {}", into.display());
    };
    files::edit(into, |text| {
        let file = SealedFile::read(into.display().to_string(), text)?;
        let [target] = file.secrets() else {
            bail!(
                "{}: expected one SealedSecret, found {}",
                into.display(),
                file.secrets().len()
            );
        };
        // As kubeseal: the file's name and namespace count, whatever the Secret's are.
        let metadata = metadata(&mut secret)?;
        metadata.insert("name", target.name());
        if !target.namespace().is_empty() {
            metadata.insert("namespace", target.namespace());
        }
        complete(&mut secret, arguments)?;
        let sealed = seal(&mut secret, Some(target), arguments, &certificate)?;
        Ok(file.merge(&sealed)?)
    })
}

fn secrets(arguments: &Seal) -> Result<Vec<Value>> {
    let file = arguments.secret_file.as_deref();
    let text = files::read_text(file, "a Secret, YAML or JSON")?;
    let documents = Reader::new().named(files::name(file)).read(&text);
    let documents = documents.map_err(narae_yaml::Error::without_names)?;
    let secrets = documents.into_iter().map(|document| document.into_value());
    let secrets: Vec<Value> = secrets.filter(|value| !value.is_null()).collect();
    if secrets.is_empty() {
        bail!("no Secret in {}", files::name(file));
    }
    Ok(secrets)
}

/// What the flags say about a Secret, and what it leaves out.
fn complete(secret: &mut Value, arguments: &Seal) -> Result<()> {
    if let Some(scope) = arguments.scope.as_ref() {
        scope.annotate(secret);
    }
    let scope = Scope::from_metadata(secret.get("metadata"));
    let metadata = metadata(secret)?;
    if let Some(name) = arguments.name.as_ref() {
        metadata.insert("name", name.as_str());
    }
    let own = metadata
        .get("namespace")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match arguments.namespace.as_ref() {
        // As kubeseal: what is bound to no namespace is not asked for one.
        Some(_) if scope == Scope::ClusterWide => {}
        Some(namespace) if own.is_empty() => {
            metadata.insert("namespace", namespace.as_str());
        }
        Some(namespace) if own != namespace => {
            bail!("the Secret is in namespace {own:?}, --namespace says {namespace:?}; change one");
        }
        _ => {}
    }
    Ok(())
}

fn metadata(secret: &mut Value) -> Result<&mut Mapping> {
    secret
        .as_mapping_mut()
        .map(|secret| secret.get_or_insert_with("metadata", || Mapping::new().into()))
        .and_then(Value::as_mapping_mut)
        .context("expected a manifest of apiVersion v1 and kind Secret")
}

/// The SealedSecret of this Secret's name and namespace.
fn same<'a>(file: &'a SealedFile, secret: &Value) -> Option<&'a SealedManifest> {
    let metadata = secret.get("metadata")?;
    let of = |field| {
        metadata
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (name, namespace) = (of("name"), of("namespace"));
    let same = |sealed: &&SealedManifest| (sealed.name(), sealed.namespace()) == (name, namespace);
    file.secrets().iter().find(same)
}

fn seal(
    secret: &mut Value,
    previous: Option<&SealedManifest>,
    arguments: &Seal,
    certificate: &Certificate,
) -> Result<SealedSecret> {
    let items = Item::take_from(secret)?;
    let digest_key = material::digest_key(&arguments.digest_key)?;
    let mut request = SealRequest::new(secret, items)
        .with_previous(previous.map(SealedManifest::value))
        .with_digest_key(digest_key.as_ref());
    if arguments.allow_empty_data {
        request = request.with_empty_allowed();
    }
    let sealed = request.seal(certificate)?;
    for warning in &sealed.warnings {
        output::note(&format!("warning: {warning}"));
    }
    Ok(sealed)
}

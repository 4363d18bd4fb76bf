//! The store behind the names that references use: the embedded file, or a server.

use std::env;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use narae_secrets::SecretBytes;
use narae_secrets::store::file::{FileStore, KeyFile};
use narae_secrets::store::openbao::{Environment, OpenBao};
use narae_secrets::store::{SecretData, SecretPath, Store, StoreErrorKind};
use narae_yaml::Value;
use zeroize::Zeroizing;

use crate::cli::{Arguments, StoreKind};
use crate::{files, paths};
use narae_cli::application::Application;

/// Opens the store once for each name the application's references may use.
pub(crate) fn open(
    arguments: &Arguments,
    application: &Application,
    made: &mut Vec<String>,
) -> Result<Vec<Box<dyn Store>>> {
    application
        .stores()
        .iter()
        .map(|name| match arguments.store {
            StoreKind::File => {
                Ok(Box::new(embedded(name, arguments, application, made)?) as Box<dyn Store>)
            }
            StoreKind::Openbao => Ok(Box::new(openbao(name)?) as Box<dyn Store>),
        })
        .collect()
}

/// The embedded store. Where nobody named another, or with `--init-store`, one that is missing is made whole with the
/// application's sample content; a name that leads nowhere is a mistake, and samples are not what it meant.
fn embedded(
    name: &str,
    arguments: &Arguments,
    application: &Application,
    made: &mut Vec<String>,
) -> Result<FileStore> {
    let file = arguments
        .store_file
        .clone()
        .unwrap_or_else(paths::default_store);
    let key_file = match &arguments.store_key {
        Some(file) => file.clone(),
        None => paths::key_folder()?.join("store.key"),
    };
    let missing = |what, flag, file: &Path| {
        anyhow::anyhow!(
            "there is no {what} at {}: has it moved?\n  try: {flag} with its path, or --init-store to make one with sample content",
            file.display()
        )
    };
    let is_there = files::is_there(&file)?;
    if !is_there && arguments.store_file.is_some() && !arguments.init_store {
        return Err(missing("store", "--store-file", &file));
    }
    let key = if files::is_there(&key_file)? {
        KeyFile::read(&key_file)?
    } else if is_there {
        bail!(
            "{} cannot be opened: its key is not at {}\n  try: put the key back; no other opens it",
            file.display(),
            key_file.display()
        )
    } else if arguments.store_key.is_some() && !arguments.init_store {
        return Err(missing("store key", "--store-key", &key_file));
    } else {
        files::folder_of(&key_file, files::Privacy::Private)
            .with_context(|| format!("cannot make the folder of {}", key_file.display()))?;
        match KeyFile::create(&key_file) {
            Ok(key) => {
                made.push(format!("store key {}", paths::shown(&key_file)));
                key
            }
            // Another first run was faster.
            Err(error) if matches!(error.kind(), StoreErrorKind::AlreadyExists { .. }) => {
                KeyFile::read(&key_file)?
            }
            Err(error) => return Err(error.into()),
        }
    };
    if is_there {
        return Ok(FileStore::open(name, file, key)?);
    }
    files::folder_of(&file, files::Privacy::Shared)
        .with_context(|| format!("cannot make the folder of {}", file.display()))?;
    let content = sample(application)?;
    match FileStore::create_with(name, &file, key, content) {
        Ok(store) => {
            made.push(format!("store {} with sample content", file.display()));
            Ok(store)
        }
        Err(error) if matches!(error.kind(), StoreErrorKind::AlreadyExists { .. }) => {
            Ok(FileStore::open(name, file, KeyFile::read(&key_file)?)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// `secrets.sample.yaml`: path, key, and a text or `{generate: CHARACTERS}`.
fn sample(application: &Application) -> Result<Vec<(SecretPath, SecretData)>> {
    let Some((file, document)) = application.sample_secrets()? else {
        return Ok(Vec::new());
    };
    let content = document.root.to_value();
    let paths = content
        .as_mapping()
        .with_context(|| format!("{file}: expected secrets by their path"))?;
    paths
        .iter()
        .map(|(path, keys)| {
            let keys = keys
                .as_mapping()
                .with_context(|| format!("{file}: {path}: expected values by their key"))?;
            let data = keys
                .iter()
                .map(|(key, value)| {
                    let value = sample_value(value).with_context(|| {
                        format!(
                            "{file}: {path}: {key}: expected a text or {{generate: CHARACTERS}}"
                        )
                    })?;
                    Ok((key.to_owned(), value))
                })
                .collect::<Result<SecretData>>()?;
            Ok((path.parse().with_context(|| file.clone())?, data))
        })
        .collect()
}

fn sample_value(value: &Value) -> Option<SecretBytes> {
    if let Some(text) = value.as_str() {
        return Some(SecretBytes::from(text.to_owned()));
    }
    let characters = value
        .get("generate")?
        .as_u64()
        .filter(|count| (8..=4096).contains(count))?;
    random(usize::try_from(characters).ok()?)
}

/// Letters and digits, each as likely as the others.
fn random(characters: usize) -> Option<SecretBytes> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // The largest multiple of the alphabet's length: beyond it some would be likelier.
    const FAIR: u8 = 248;
    let mut text = Zeroizing::new(Vec::with_capacity(characters));
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < characters {
        getrandom::fill(bytes.as_mut()).ok()?;
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        let wanted = characters - text.len();
        text.extend(
            fair.filter_map(|byte| ALPHABET.get(usize::from(byte % 62)))
                .take(wanted),
        );
    }
    Some(SecretBytes::copy_of(&text))
}

/// The server that the environment names, as OpenBao's own command line finds it.
fn openbao(name: &str) -> Result<OpenBao> {
    let environment = Environment::read(|name| env::var(name).ok());
    if environment.address.is_none() {
        bail!("--store openbao: no server\n  try: BAO_ADDR=https://… with its address");
    }
    if environment.token.is_none() {
        bail!("--store openbao: no token\n  try: BAO_TOKEN=$(bao print token), after bao login");
    }
    let is_set = |name: &str| {
        let mut names = ["BAO", "VAULT"].iter().map(|tool| format!("{tool}_{name}"));
        names.any(|name| env::var(name).is_ok_and(|value| !value.is_empty()))
    };
    if environment.timeout.is_none() && is_set("CLIENT_TIMEOUT") {
        bail!("--store openbao: BAO_CLIENT_TIMEOUT: expected seconds, or numbers with h, m or s");
    }
    if environment.max_retries.is_none() && is_set("MAX_RETRIES") {
        bail!("--store openbao: BAO_MAX_RETRIES: expected a number");
    }
    let authority = environment.ca_certificate_file.clone();
    let certificate = environment.client_certificate_file.clone();
    let key = environment.client_key_file.clone();
    let mut options = environment
        .options()
        .context("--store openbao: no server and token")?;
    if let Some(file) = authority {
        let pem = narae_cli::file::read(file.as_ref())
            .with_context(|| format!("cannot read BAO_CACERT {file}"))?;
        options = options.with_ca_pem(pem);
    }
    if certificate.is_some() != key.is_some() {
        bail!(
            "--store openbao: BAO_CLIENT_CERT and BAO_CLIENT_KEY go together, and one of them is not set"
        );
    }
    if let (Some(certificate), Some(key)) = (certificate, key) {
        let chain = narae_cli::file::read(certificate.as_ref())
            .with_context(|| format!("cannot read BAO_CLIENT_CERT {certificate}"))?;
        let key = narae_cli::file::read(key.as_ref())
            .with_context(|| format!("cannot read BAO_CLIENT_KEY {key}"))?;
        options = options.with_client_certificate(chain, SecretBytes::new(key));
    }
    Ok(OpenBao::connect(name, options)?)
}

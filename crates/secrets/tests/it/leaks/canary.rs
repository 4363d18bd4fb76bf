//! The planted secret, in the forms it could hide in, and which types were looked at.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::fs;
use std::path::Path;

pub(crate) const CANARY: &str = "c4n4ry-c4n4ry";

/// The canary in every form it could hide in.
fn forms() -> Vec<String> {
    let bytes = CANARY.as_bytes();
    let list = format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
    vec![
        CANARY.to_owned(),
        list.replace(' ', ""),
        list,
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD_NO_PAD, &bytes[..12]),
    ]
}

/// That the canary is in none of its forms in `text`.
pub(crate) fn clean(text: &str) {
    let joined = text.replace(['\n', ' '], "");
    for form in forms() {
        assert!(
            !text.contains(&form) && !joined.contains(&form),
            "{form} in {text}"
        );
    }
}

/// The public types that were printed.
#[derive(Debug, Default)]
pub(crate) struct Shown(BTreeSet<String>);

impl Shown {
    /// A type that shows nothing of a secret by `Debug`.
    pub(crate) fn silent<T: Debug>(&mut self, what: &T) {
        // `alloc::vec::Vec<narae_secrets::sealed::seal::plaintext::Item>` is about `Item`.
        let paths =
            std::any::type_name::<T>().split(|c: char| !c.is_alphanumeric() && !"_:".contains(c));
        let own = paths.filter(|path| path.starts_with("narae_secrets::"));
        let names = own.filter_map(|path| path.rsplit(':').next());
        self.0.extend(names.map(str::to_owned));
        clean(&format!("{what:?}"));
        clean(&format!("{what:#?}"));
    }

    /// A type that shows nothing of a secret by `Display`, either.
    pub(crate) fn silent_shown<T: Debug + Display>(&mut self, what: &T) {
        self.silent(what);
        clean(&what.to_string());
    }

    /// An error, with its causes.
    pub(crate) fn silent_error<T: std::error::Error>(&mut self, error: &T) {
        self.silent_shown(error);
        let mut cause = error.source();
        while let Some(error) = cause {
            clean(&format!("{error} {error:?}"));
            cause = error.source();
        }
    }

    /// Public types that were not printed.
    pub(crate) fn missing(&self) -> Vec<String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut types = Vec::new();
        public_types(&source, &mut types);
        assert!(types.len() > 50, "the sources were not found");
        types.retain(|name| !self.0.contains(name));
        types
    }
}

/// Modules that are there with a feature only.
const FEATURES: [(&str, bool); 7] = [
    ("src/envelope", cfg!(feature = "envelope")),
    ("src/sealed/controller.rs", cfg!(feature = "kube")),
    ("src/sealed/folder.rs", cfg!(feature = "folder")),
    ("src/sealed/generate.rs", cfg!(feature = "generate")),
    ("src/store/kubernetes", cfg!(feature = "kube")),
    ("src/store/file", cfg!(feature = "file")),
    ("src/store/openbao", cfg!(feature = "vault")),
];

/// What the sources say is `pub`; the compiler's `unreachable_pub` sees to it that this means public.
fn public_types(folder: &Path, types: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let missing = FEATURES.iter().find(|(module, _)| path.ends_with(module));
        if missing.is_some_and(|(_, there)| !there) {
            continue;
        }
        if path.is_dir() {
            public_types(&path, types);
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let name = line
                .strip_prefix("pub struct ")
                .or(line.strip_prefix("pub enum "));
            let end = |name: &str| {
                name.find(|c: char| !c.is_alphanumeric())
                    .unwrap_or(name.len())
            };
            types.extend(name.map(|name| name[..end(name)].to_owned()));
        }
    }
}

//! The application's folder: what it says of itself, its values in layers, templates, policies.
//! Reads files and hands their text to the crates; decides nothing about their content.
//!
//! ```text
//! application.yaml        name, sites, stages
//! values/base.yaml        <- values/sites/SITE.yaml <- values/stages/STAGE.yaml
//!                         <- values/pairs/SITE-STAGE.yaml (optional) <- command line
//! templates/*.yaml        one or more objects each; `_name.yaml` is the partial `name`
//! policies/*.yaml         ValidatingPolicy documents
//! values.schema.yaml      what the merged values must be (optional)
//! secrets.sample.yaml     what a new embedded store holds (optional)
//! ```

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use narae_manifest::{Layer, PolicySet, TemplateSet, Values, ValuesSchema};
use narae_yaml::{Document, Reader, Value};
use serde::Deserialize;

use crate::UsageError;
use crate::file::{is_aside, listed, read_text as read};

/// The files beside `values`, `templates` and `policies`.
const OWN: [&str; 5] = [
    "application.yaml",
    "secrets.sample.yaml",
    "values.schema.yaml",
    "values.schema.yml",
    "values.schema.json",
];

/// An application's folder, with the part of it read that says where it may go.
#[derive(Debug)]
pub struct Application {
    folder: PathBuf,
    card: Card,
    document: Document,
}

/// `application.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    name: String,
    #[serde(default)]
    description: Option<String>,
    sites: narae_yaml::Mapping,
    stages: Vec<String>,
    /// The store names that secret references may use.
    #[serde(default)]
    stores: Vec<String>,
    #[serde(default)]
    policies: Policies,
    /// The version of Kubernetes it runs on.
    #[serde(default)]
    kubernetes: Option<String>,
}

/// Where the policies are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Policies {
    #[default]
    Folder,
    None,
}

/// One site and one stage of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it goes.
    pub site: String,
    /// Which environment there.
    pub stage: String,
}

impl Application {
    /// Reads `application.yaml` of `folder`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or says what it must not, naming it and what to try.
    pub fn read(folder: &Path) -> Result<Self> {
        let file = folder.join("application.yaml");
        if !file.is_file() {
            bail!(
                "no application at {}: there is no application.yaml in it\n  try: name the folder that holds it with --app",
                folder.display()
            );
        }
        let document = Reader::new()
            .named(file.display().to_string())
            .read_one(&read(&file)?)?;
        let card: Card = narae_yaml::from_value(document.root.to_value())
            .with_context(|| format!("{} does not describe an application", file.display()))?;
        let names = card
            .sites
            .keys()
            .chain(card.stages.iter().map(String::as_str));
        for name in names.chain([card.name.as_str()]) {
            // Each is a folder's name in the repository and part of a commit's subject.
            if !is_label(name) {
                bail!(
                    "{}: {name:?} cannot be a name here\n  try: lower-case letters, digits and `-`, at most 63",
                    file.display()
                );
            }
        }
        let application = Self {
            folder: folder.to_path_buf(),
            card,
            document,
        };
        application.check_names()?;
        Ok(application)
    }

    /// The application's name.
    pub fn name(&self) -> &str {
        &self.card.name
    }

    /// What the application says of itself.
    pub fn description(&self) -> Option<&str> {
        self.card.description.as_deref()
    }

    /// The version of Kubernetes it runs on, when it says one.
    pub fn kubernetes(&self) -> Option<&str> {
        self.card.kubernetes.as_deref()
    }

    /// The store names that secret references may use.
    pub fn stores(&self) -> &[String] {
        &self.card.stores
    }

    /// The site and stage, when the application knows them.
    ///
    /// # Errors
    ///
    /// A [`UsageError`] that names those it knows.
    pub fn target(&self, site: &str, stage: &str) -> Result<Target> {
        let sites: Vec<&str> = self.card.sites.keys().map(AsRef::as_ref).collect();
        let stages: Vec<&str> = self.card.stages.iter().map(String::as_str).collect();
        self.known("site", "sites", site, &sites)?;
        self.known("stage", "stages", stage, &stages)?;
        Ok(Target {
            site: site.to_owned(),
            stage: stage.to_owned(),
        })
    }

    /// The values for `target`: the folder's layers, then `overrides`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or says what it must not, naming it and what to try.
    pub fn values(&self, target: &Target, overrides: Vec<Layer>) -> Result<Values> {
        let Target { site, stage } = target;
        let mut layers = vec![self.layer("values/base.yaml")?];
        layers.push(self.layer(&format!("values/sites/{site}.yaml"))?);
        layers.push(self.layer(&format!("values/stages/{stage}.yaml"))?);
        let pair = format!("values/pairs/{site}-{stage}.yaml");
        // Only a file that is not there is no layer: one that cannot be read is an error.
        if names(&self.folder.join("values/pairs"))?.contains(&format!("{site}-{stage}.yaml")) {
            layers.push(self.layer(&pair)?);
        }
        for (name, value) in [("site", site), ("stage", stage)] {
            let value = Value::from(value.as_str());
            layers.push(Layer::assignment(
                &format!("--{name}"),
                &name.parse()?,
                value,
            ));
        }
        layers.extend(overrides);
        Ok(Values::merge(layers)?)
    }

    /// Every template, compiled.
    ///
    /// # Errors
    ///
    /// When the folder or a template cannot be read.
    pub fn templates(&self) -> Result<TemplateSet> {
        templates(&self.folder.join("templates"))
    }

    /// The schema that the merged values must satisfy, when there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn values_schema(&self) -> Result<Option<ValuesSchema>> {
        values_schema(&self.folder)
    }

    /// Every policy, compiled. The folder must be there unless `application.yaml` says
    /// `policies: none`: what is misplaced must not look like what is allowed.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or says what it must not, naming it and what to try.
    pub fn policies(&self) -> Result<PolicySet> {
        let mut set = PolicySet::new();
        if self.card.policies == Policies::Folder {
            for file in self.yaml_files("policies")? {
                set.add(&file.display().to_string(), &read(&file)?)?;
            }
        }
        Ok(set)
    }

    /// The sample content for a new embedded store, with the name of the file it stands in.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or says what it must not, naming it and what to try.
    pub fn sample_secrets(&self) -> Result<Option<(String, Document)>> {
        let file = self.folder.join("secrets.sample.yaml");
        if !is_there(&file)? {
            return Ok(None);
        }
        let shown = file.display().to_string();
        let document = Reader::new().named(shown.clone()).read_one(&read(&file)?)?;
        Ok(Some((shown, document)))
    }

    /// Refuses what would be passed over: nobody would learn that a misspelt file overrides nothing.
    fn check_names(&self) -> Result<()> {
        let file = |name: &str| format!("{name}.yaml");
        let stages = &self.card.stages;
        let sites: Vec<&str> = self.card.sites.keys().collect();
        let pairs = sites.iter().flat_map(|site| {
            let stages = stages.iter();
            stages.map(move |stage| format!("{site}-{stage}.yaml"))
        });
        let values = ["base.yaml", "sites", "stages", "pairs"].map(str::to_owned);
        let folders = [
            ("values", values.to_vec()),
            (
                "values/sites",
                sites.iter().map(|site| file(site)).collect(),
            ),
            (
                "values/stages",
                stages.iter().map(|stage| file(stage)).collect(),
            ),
            ("values/pairs", pairs.collect()),
        ];
        let refused = |path: PathBuf, known: &[String]| {
            anyhow::anyhow!(
                "{} would not be read: it is for nothing that application.yaml names\n  try: one of {}",
                path.display(),
                known.join(", ")
            )
        };
        for (folder, known) in folders {
            let folder = self.folder.join(folder);
            for name in names(&folder)? {
                if !known.contains(&name) {
                    return Err(refused(folder.join(name), &known));
                }
            }
        }
        // Beside these, what is no data may stand there: a Makefile, a folder of documentation.
        let known = OWN.map(str::to_owned);
        for name in names(&self.folder)? {
            let is_data = [".yaml", ".yml", ".json"]
                .iter()
                .any(|it| name.ends_with(it));
            if is_data && !known.contains(&name) {
                return Err(refused(self.folder.join(name), &known));
            }
        }
        Ok(())
    }

    fn layer(&self, name: &str) -> Result<Layer> {
        layer(&self.folder.join(name))
    }

    fn yaml_files(&self, folder: &str) -> Result<Vec<PathBuf>> {
        listed(&self.folder.join(folder))
    }

    fn known(&self, what: &str, field: &str, given: &str, known: &[&str]) -> Result<()> {
        if known.contains(&given) {
            return Ok(());
        }
        let place = field
            .parse()
            .ok()
            .and_then(|path| self.document.root.at(&path));
        let place = place.map_or_else(String::new, |node| {
            format!(":{}:{}", node.span.start.line, node.span.start.column)
        });
        let nearest = known
            .iter()
            .map(|name| (strsim::damerau_levenshtein(name, given), name))
            .filter(|(distance, _)| *distance <= 2)
            .min();
        let hint = nearest.map_or_else(String::new, |(_, name)| {
            format!(" (did you mean `{name}`?)")
        });
        let message = format!(
            "{}{place}: unknown {what} `{given}`{hint}\n  try: --{what} with one of: {}",
            self.folder.join("application.yaml").display(),
            known.join(", ")
        );
        Err(UsageError(message).into())
    }
}

/// What a folder that may be missing holds; hidden files, backups and READMEs aside.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound && !folder.is_symlink() => {
            return Ok(Vec::new());
        }
        entries => entries.with_context(|| format!("cannot list {}", folder.display()))?,
    };
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<Vec<_>>>()?;
    names.retain(|name| !is_aside(name));
    names.sort();
    Ok(names)
}

/// Every template of a folder, compiled; `_name.yaml` is the partial `name`.
///
/// # Errors
///
/// When the folder or a template cannot be read, or holds what would not be read.
pub fn templates(folder: &Path) -> Result<TemplateSet> {
    let mut set = TemplateSet::new();
    for file in listed(folder)? {
        let (shown, text) = (file.display().to_string(), read(&file)?);
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        match stem.strip_prefix('_') {
            Some(partial) => set.add_partial(partial, &shown, &text)?,
            None => set.add(&shown, &text)?,
        }
    }
    Ok(set)
}

/// The schema in `values.schema.yaml`, `.yml` or `.json` of a folder, when there is one.
///
/// # Errors
///
/// When it cannot be read, or there are two.
pub fn values_schema(folder: &Path) -> Result<Option<ValuesSchema>> {
    let names =
        ["yaml", "yml", "json"].map(|ending| folder.join(format!("values.schema.{ending}")));
    let mut there = Vec::new();
    for file in &names {
        if is_there(file)? {
            there.push(file);
        }
    }
    match there.as_slice() {
        [] => Ok(None),
        [file] => Ok(Some(ValuesSchema::read(
            &file.display().to_string(),
            &read(file)?,
        )?)),
        [first, second, ..] => bail!(
            "{} and {} are both the schema of the values\n  try: keep one",
            first.display(),
            second.display()
        ),
    }
}

/// Whether there is something of that name, be it a link that leads nowhere: what cannot be read must not
/// look like what is not there.
fn is_there(file: &Path) -> Result<bool> {
    match fs::symlink_metadata(file) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot look for {}", file.display())),
    }
}

/// A values file as a layer.
///
/// # Errors
///
/// When it cannot be read.
pub fn layer(file: &Path) -> Result<Layer> {
    Ok(Layer::read(&file.display().to_string(), &read(file)?)?)
}

/// An RFC 1123 label.
fn is_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&name.len())
        && name.chars().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

//! `seal guard`: files, folders or standard input looked through for secrets; says where and what, never the value.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use narae_cli::terminal::visible;
use narae_secrets::guard::{Finding, Guard, KnownValues};
use narae_secrets::sealed::Item;
use narae_secrets::store::file::{FileStore, KeyFile};
use narae_secrets::store::{Metadata, Store as _, Version, VersionState};
use narae_yaml::{Reader, Value};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{Outcome, cli, files, output};

/// Bytes read at a time.
const PIECE: usize = 64 * 1024;
/// Deepest folder looked into.
const MAX_DEPTH: usize = 128;

pub(crate) fn run(arguments: &cli::Guard) -> Result<Outcome> {
    let guard = Guard::new(known(arguments)?);
    for name in guard.passed_over() {
        output::note(&format!("note: {name} is too weak to be looked for"));
    }
    let mut report = Report {
        guard,
        is_json: arguments.json,
        findings: Vec::new(),
        errors: Vec::new(),
        inputs: 0,
    };
    for path in &arguments.paths {
        if path.as_os_str() == "-" {
            report.look("standard input", io::stdin().lock())?;
        } else {
            report.path(path, MAX_DEPTH)?;
        }
    }
    report.end()
}

struct Report {
    guard: Guard,
    is_json: bool,
    findings: Vec<serde_json::Value>,
    /// What could not be looked at, and why. The rest is.
    errors: Vec<String>,
    inputs: usize,
}

impl Report {
    fn path(&mut self, path: &Path, depth: usize) -> Result<()> {
        let name = path.display().to_string();
        if !path.is_dir() {
            match File::open(path) {
                Ok(file) => self.look(&name, file)?,
                Err(error) => self.unread(&name, &error),
            }
            return Ok(());
        }
        if depth == 0 {
            let error = format!("folders within folders are deeper than {MAX_DEPTH}");
            self.unread(&name, &error);
            return Ok(());
        }
        let entry =
            |entry: io::Result<fs::DirEntry>| entry.and_then(|it| Ok((it.file_type()?, it)));
        let entries: io::Result<Vec<_>> =
            fs::read_dir(path).and_then(|entries| entries.map(entry).collect());
        let mut entries = entries.unwrap_or_else(|error| {
            self.unread(&name, &error);
            Vec::new()
        });
        entries.sort_by_key(|(_, entry)| entry.file_name());
        for (kind, entry) in entries {
            let is_own = kind.is_file() || (kind.is_dir() && entry.file_name() != ".git");
            // What a link points at is looked at where it is; a pipe would be waited for.
            if is_own {
                self.path(&entry.path(), depth - 1)?;
            }
        }
        Ok(())
    }

    fn look(&mut self, name: &str, mut input: impl Read) -> Result<()> {
        let mut scanner = self.guard.scanner();
        let mut piece = Zeroizing::new(vec![0; PIECE]);
        let ended = loop {
            match input.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
                Ok(0) => break Ok(()),
                Ok(read) => scanner.feed(piece.get(..read).unwrap_or_default()),
            }
        };
        // What was read before an error is looked through all the same.
        let found = scanner.finish();
        match ended {
            Ok(()) => self.inputs += 1,
            Err(error) => self.unread(name, &error),
        }
        for finding in found {
            self.say(name, &finding)?;
        }
        Ok(())
    }

    fn unread(&mut self, name: &str, error: &dyn Display) {
        let error = format!("cannot read {name}: {error}");
        output::note(&format!("error: {error}"));
        self.errors.push(error);
    }

    fn say(&mut self, name: &str, finding: &Finding) -> Result<()> {
        self.findings.push(json!({
            "file": name,
            "line": finding.line,
            "column": finding.column,
            "offset": finding.offset,
            "what": finding.what.to_string(),
        }));
        if self.is_json {
            return Ok(());
        }
        output::write(
            None,
            format!("{}:{}\n", visible(name), visible(&finding.to_string())).as_bytes(),
        )
    }

    fn end(self) -> Result<Outcome> {
        if self.is_json {
            let Self {
                findings,
                errors,
                inputs,
                ..
            } = &self;
            let report = json!({ "inputs": inputs, "findings": findings, "errors": errors });
            output::write(None, format!("{report:#}\n").as_bytes())?;
        } else {
            let count = |number, of| match number {
                1 => format!("1 {of}"),
                _ => format!("{number} {of}s"),
            };
            let findings = count(self.findings.len(), "finding");
            let inputs = count(self.inputs, "input");
            let unread = match self.errors.len() {
                0 => String::new(),
                count => format!("; {count} could not be read"),
            };
            output::note(&format!("{findings} in {inputs}{unread}"));
        }
        Ok(if self.findings.is_empty() && self.errors.is_empty() {
            Outcome::Done
        } else {
            Outcome::Findings
        })
    }
}

/// The values that are to be looked for, beside what looks like a secret.
fn known(arguments: &cli::Guard) -> Result<KnownValues> {
    let mut known = KnownValues::new();
    for file in &arguments.secret {
        secrets(file, &mut known)?;
    }
    if let (Some(file), Some(key)) = (&arguments.store, &arguments.store_key) {
        stored(file, key, &mut known)?;
    }
    Ok(known)
}

/// Every item of the Secrets in a file.
fn secrets(file: &Path, known: &mut KnownValues) -> Result<()> {
    let name = file.display();
    let text = files::read_text(Some(file), "")?;
    let documents = Reader::new()
        .read(&text)
        .map_err(narae_yaml::Error::without_names)
        .with_context(|| name.to_string())?;
    for document in documents {
        let mut object = document.root.to_value();
        if object.get("kind").and_then(Value::as_str) != Some("Secret") {
            bail!("{name}: not a Secret; --secret takes files of Secrets only");
        }
        for item in Item::take_from(&mut object).with_context(|| name.to_string())? {
            known.insert(format!("{} in {name}", item.name()), item.value());
        }
    }
    Ok(())
}

/// Every value of an embedded store that can be read still, the newest version's under the plain name.
fn stored(file: &Path, key: &Path, known: &mut KnownValues) -> Result<()> {
    let store = FileStore::open("store", file, KeyFile::read(key)?)?;
    for path in store.list(None)? {
        let Metadata {
            current, versions, ..
        } = store.metadata(&path)?;
        let live = |(_, state): &&(Version, VersionState)| *state == VersionState::Live;
        for (version, _) in versions.iter().rev().filter(live) {
            let pinned = match *version == current {
                true => String::new(),
                false => format!("?version={version}"),
            };
            for (name, value) in &store.read(&path, Some(*version))?.data {
                known.insert(format!("{path}{pinned}#/{name}"), value);
            }
        }
    }
    Ok(())
}

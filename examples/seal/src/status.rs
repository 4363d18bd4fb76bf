//! Every sealed item below a folder, with what its file says about it and what is wrong; and `--validate`,
//! the findings alone. Neither opens anything.

use std::collections::HashMap;

use anyhow::Result;
use narae_secrets::sealed::folder::manifests;
use narae_secrets::sealed::{
    Certificate, Finding, ManifestItem, SealedFile, SealedManifest, Severity, Validator,
};
use serde_json::json;

use crate::cli::{Seal, Status};
use crate::{Outcome, files, material, output};

/// One line of the table: an item, or a finding that is about none.
#[derive(Debug)]
struct Row {
    place: String,
    secret: String,
    item: Option<String>,
    scope: String,
    /// The key it was sealed for, as recorded; else what can be told.
    key: String,
    /// Where there is no record: those of the certificates given that can have made it.
    candidates: Vec<String>,
    source: Option<String>,
    /// Where there is no source: the id of the digest key by which its value is known.
    digest_key: Option<String>,
    findings: Vec<Finding>,
}

pub(crate) fn run(arguments: &Status) -> Result<Outcome> {
    let certificates = certificates(&arguments.cert)?;
    let mut validator = validator(&certificates)?;
    let (mut rows, mut unread) = (Vec::new(), Vec::new());
    for path in manifests(&arguments.path)? {
        match files::sealed(&path) {
            Ok(Some(file)) => rows.extend(of_file(&file, validator.check(&file), &certificates)),
            Ok(None) => {}
            Err(error) => match error.downcast_ref::<narae_yaml::Error>() {
                Some(error) => rows.push(Row::finding(Validator::unreadable(error))),
                None => {
                    let error = format!("{}: {error:#}", path.display());
                    output::note(&format!("error: {error}"));
                    unread.push(error);
                }
            },
        }
    }
    let findings: Vec<&Finding> = rows.iter().flat_map(|row| &row.findings).collect();
    let text = if arguments.json {
        serde_json::to_string_pretty(
            &json!({ "items": rows.iter().map(Row::data).collect::<Vec<_>>(), "errors": unread }),
        )? + "\n"
    } else {
        table(&rows) + &said(&findings)
    };
    output::write(None, text.as_bytes())?;
    match unread.is_empty() {
        true => Ok(outcome(&findings)),
        false => Ok(Outcome::Findings),
    }
}

/// The findings of one input, as lines for people; nothing when there are none.
pub(crate) fn validate(arguments: &Seal) -> Result<Outcome> {
    let certificates = certificates(arguments.cert.as_ref())?;
    let file = crate::recovery::input(arguments)?;
    let findings = validator(&certificates)?.check(&file);
    for finding in &findings {
        output::note(&format!("{finding}\n  try: {}", finding.check.hint()));
    }
    Ok(outcome(&findings.iter().collect::<Vec<_>>()))
}

/// Those that are named; an expired one is a finding, not a failure.
fn certificates<'a>(files: impl IntoIterator<Item = &'a String>) -> Result<Vec<Certificate>> {
    let named = files.into_iter().filter(|file| !file.is_empty());
    named.map(|file| material::any_certificate(file)).collect()
}

fn validator(certificates: &[Certificate]) -> Result<Validator<'_>> {
    let validator = Validator::new(material::now()?);
    Ok(certificates
        .iter()
        .fold(validator, Validator::with_certificate))
}

fn outcome(findings: &[&Finding]) -> Outcome {
    match findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
    {
        true => Outcome::Findings,
        false => Outcome::Done,
    }
}

/// A row for each item; findings about a whole SealedSecret get rows of their own before its items.
fn of_file(file: &SealedFile, findings: Vec<Finding>, certificates: &[Certificate]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut findings = Unplaced::new(findings);
    for secret in file.secrets() {
        let items: Vec<Row> = secret
            .items()
            .chain(secret.v1_data())
            .map(|item| Row::item(secret, item, &mut findings, certificates))
            .collect();
        let of_secret = findings.take_secret(&secret.title());
        rows.extend(of_secret.into_iter().map(Row::finding));
        rows.extend(items);
    }
    rows.extend(findings.all.into_iter().flatten().map(Row::finding));
    rows
}

/// Findings that stand in no row yet.
struct Unplaced {
    all: Vec<Option<Finding>>,
    /// By place and item.
    of_item: HashMap<(String, String), Vec<usize>>,
    of_secret: HashMap<String, Vec<usize>>,
}

impl Unplaced {
    fn new(findings: Vec<Finding>) -> Self {
        let (mut of_item, mut of_secret) = (HashMap::new(), HashMap::new());
        for (at, finding) in findings.iter().enumerate() {
            let same: &mut Vec<usize> = of_secret.entry(finding.secret.clone()).or_default();
            same.push(at);
            if let Some(item) = &finding.item {
                let key = (finding.place.clone(), item.clone());
                let same: &mut Vec<usize> = of_item.entry(key).or_default();
                same.push(at);
            }
        }
        Self {
            all: findings.into_iter().map(Some).collect(),
            of_item,
            of_secret,
        }
    }

    fn take_item(&mut self, place: &str, item: &str) -> Vec<Finding> {
        let key = (place.to_owned(), item.to_owned());
        let places = self.of_item.remove(&key).unwrap_or_default();
        self.take(&places)
    }

    fn take_secret(&mut self, title: &str) -> Vec<Finding> {
        let places = self.of_secret.remove(title).unwrap_or_default();
        self.take(&places)
    }

    fn take(&mut self, places: &[usize]) -> Vec<Finding> {
        let taken = places.iter().filter_map(|at| self.all.get_mut(*at)?.take());
        taken.collect()
    }
}

impl Row {
    fn item(
        secret: &SealedManifest,
        item: ManifestItem<'_>,
        findings: &mut Unplaced,
        certificates: &[Certificate],
    ) -> Self {
        let (title, name) = (secret.title(), item.name());
        let place = secret.place(item.position());
        let recorded = secret.recorded(name);
        let sealed = item.parse().ok().filter(|_| recorded.is_none());
        let candidates: Vec<String> = certificates
            .iter()
            .filter(|certificate| {
                let sealed = sealed.as_ref();
                sealed.is_some_and(|sealed| certificate.may_have_sealed(sealed))
            })
            .map(|certificate| certificate.fingerprint().to_string())
            .collect();
        let guessed = sealed.map(|sealed| {
            let bits = sealed.wrapped_key_bytes() * 8;
            match (candidates.as_slice(), certificates) {
                (_, []) => format!("RSA-{bits}, not recorded"),
                ([], _) => format!("RSA-{bits}, none given"),
                ([one], _) => format!("{one}, possibly"),
                (several, _) => format!("RSA-{bits}, {} of those given possible", several.len()),
            }
        });
        let findings = findings.take_item(&place, name);
        Self {
            place,
            secret: title,
            item: Some(name.to_owned()),
            scope: secret.scope().to_string(),
            key: match &recorded {
                Some(recorded) => recorded.key.clone(),
                None => guessed.unwrap_or_default(),
            },
            candidates,
            digest_key: recorded.as_ref().and_then(|it| it.digest_key.clone()),
            source: recorded.and_then(|recorded| recorded.source),
            findings,
        }
    }

    fn finding(finding: Finding) -> Self {
        Self {
            place: finding.place.clone(),
            secret: finding.secret.clone(),
            item: finding.item.clone(),
            scope: String::new(),
            key: String::new(),
            candidates: Vec::new(),
            source: None,
            digest_key: None,
            findings: vec![finding],
        }
    }

    fn cells(&self) -> Vec<String> {
        let finding = |finding: &Finding| {
            format!(
                "{}[{}]: {}",
                finding.severity, finding.check, finding.message
            )
        };
        let findings: Vec<String> = self.findings.iter().map(finding).collect();
        let or_dash = |text: &str| if text.is_empty() { "-" } else { text }.to_owned();
        let digest_key = self.digest_key.as_ref();
        let digested = digest_key.map(|id| format!("digest key {id}"));
        let source = self.source.clone().or(digested).unwrap_or_default();
        vec![
            self.place.clone(),
            or_dash(&self.secret),
            or_dash(self.item.as_deref().unwrap_or_default()),
            or_dash(&self.scope),
            or_dash(&self.key),
            or_dash(&source),
            if findings.is_empty() {
                "ok".to_owned()
            } else {
                findings.join("; ")
            },
        ]
    }

    fn data(&self) -> serde_json::Value {
        let findings = self.findings.iter().map(|finding| {
            json!({
                "check": finding.check.id(), "severity": finding.severity.to_string(),
                "message": finding.message, "hint": finding.check.hint(),
            })
        });
        json!({
            "place": self.place, "secret": self.secret, "item": self.item, "scope": self.scope,
            "key": self.key, "candidates": self.candidates, "source": self.source,
            "digestKey": self.digest_key, "findings": findings.collect::<Vec<_>>(),
        })
    }
}

fn table(rows: &[Row]) -> String {
    let head = [
        "PLACE", "SECRET", "ITEM", "SCOPE", "KEY", "SOURCE", "FINDING",
    ]
    .map(str::to_owned);
    let rows = rows.iter().map(Row::cells);
    output::table(
        &std::iter::once(head.to_vec())
            .chain(rows)
            .collect::<Vec<_>>(),
    )
}

fn said(findings: &[&Finding]) -> String {
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    format!("{errors} errors, {} warnings\n", findings.len() - errors)
}

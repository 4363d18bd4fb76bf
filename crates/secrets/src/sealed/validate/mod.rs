//! Validation without a private key: what will not open, or was not meant, before the cluster says so.
//!
//! The format alone shows a broken frame, a scope that contradicts itself, a key of another size (or a
//! wrapped key not below a certificate's modulus, which that key can then not have made), one ciphertext
//! bound to two names, and plaintext in the template. The record ([`provenance`](super::provenance)) shows
//! what the format does not: items copied, swapped or edited, and those of another cluster. What neither
//! shows is an item sealed by somebody else under the right name: anyone can seal, and only opening tells.

mod finding;
mod item;
mod secret;

use std::collections::BTreeMap;

pub use finding::{Check, Finding, Severity};
use narae_yaml::Position;

use super::{Certificate, SealedFile, SealedManifest};

/// Checks files, one after the other: copies are found across all it has seen.
///
/// ```
/// use narae_secrets::sealed::{Check, SealedFile, Validator};
///
/// let file = SealedFile::read("db.yaml", "
/// apiVersion: bitnami.com/v1alpha1
/// kind: SealedSecret
/// metadata: {name: db, namespace: shop}
/// spec:
///   encryptedData: {password: AgBy}
/// ")?;
/// let findings = Validator::new(1_795_219_200).check(&file);
/// assert_eq!(findings[0].check, Check::Malformed);
/// assert_eq!(
///     findings[0].to_string(),
///     "db.yaml:6:29: error[malformed]: shop/db, item `password`: truncated: 3 bytes, at least 530 are needed",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Validator<'a> {
    now: i64,
    certificates: Vec<&'a Certificate>,
    /// Where each SealedSecret stands, by namespace and name.
    secrets: BTreeMap<(String, String), String>,
    /// Where each ciphertext stands, by its digest.
    items: BTreeMap<String, item::Seen>,
}

impl<'a> Validator<'a> {
    /// Checks at the time `now`, in seconds since 1970.
    #[must_use]
    pub fn new(now: i64) -> Self {
        Self {
            now,
            certificates: Vec::new(),
            secrets: BTreeMap::new(),
            items: BTreeMap::new(),
        }
    }

    /// Adds a certificate of the cluster the files are for: its current one and, if items sealed for those
    /// are still welcome, earlier ones. Without any, keys are not checked.
    #[must_use]
    pub fn with_certificate(mut self, certificate: &'a Certificate) -> Self {
        self.certificates.push(certificate);
        self
    }

    /// Everything that is wrong with the SealedSecrets of `file`, in the order it stands.
    pub fn check(&mut self, file: &SealedFile) -> Vec<Finding> {
        let mut findings = Vec::new();
        for secret in file.secrets() {
            let mut report = Report {
                secret,
                findings: &mut findings,
            };
            secret::check(&mut self.secrets, &mut report);
            item::check(self, &mut report);
        }
        findings
    }

    /// The finding for a file that could not be read.
    #[must_use]
    pub fn unreadable(error: &narae_yaml::Error) -> Finding {
        let text = error.to_string();
        let place = error.position().map(|position| position.to_string());
        // An error says its place first.
        let end = place.and_then(|place| Some(text.find(&place)? + place.len()));
        let (place, message) = text.split_at(end.unwrap_or(0));
        Finding {
            check: Check::Unreadable,
            severity: Check::Unreadable.severity(),
            place: place.to_owned(),
            secret: String::new(),
            item: None,
            message: message.trim_start_matches([':', ' ']).to_owned(),
        }
    }
}

/// Where the findings of one SealedSecret go.
struct Report<'s, 'f> {
    secret: &'s SealedManifest,
    findings: &'f mut Vec<Finding>,
}

impl Report<'_, '_> {
    fn add(&mut self, check: Check, position: Position, item: Option<&str>, message: String) {
        self.findings.push(Finding {
            check,
            severity: check.severity(),
            place: self.secret.place(position),
            secret: self.secret.title(),
            item: item.map(str::to_owned),
            message,
        });
    }
}

//! Items: their frames, the keys that can have made them, and what the record says of them.

use std::collections::{HashMap, HashSet};

use narae_yaml::{Node, Position};

use super::{Check, Report, Validator};
use crate::sealed::provenance::{ANNOTATION, Line, Record, digest_of};
use crate::sealed::seal::is_item_name;
use crate::sealed::{Certificate, ItemError, ManifestItem, Scope, SealedItem};

/// Where a ciphertext was met first.
#[derive(Debug)]
pub(super) struct Seen {
    place: String,
    label: String,
}

pub(super) fn check(validator: &mut Validator<'_>, report: &mut Report<'_, '_>) {
    let secret = report.secret;
    forms(report);
    let record = secret.record();
    let lines = record.lines().map(|(_, line)| line);
    let by_clue: HashMap<&str, &Line> = lines
        .filter_map(|line| Some((line.clue()?, line)))
        .collect();
    for item in secret.items() {
        if !is_item_name(item.name()) {
            let message = "this cannot be a key of a Secret".to_owned();
            report.add(Check::ItemName, item.position(), Some(item.name()), message);
        }
        let Some(sealed) = frame(item, report) else {
            continue;
        };
        let text = item.text().unwrap_or_default();
        let sound = recorded(validator, item, text, (record, &by_clue), report);
        keys(validator, item, &sealed, record.get(item.name()), report);
        if sound {
            copies(validator, item, text, report);
        }
    }
    if let Some(blob) = secret.v1_data()
        && let Some(sealed) = frame(blob, report)
    {
        keys(validator, blob, &sealed, None, report);
    }
    if record.is_damaged() {
        let message = format!("comments `# narae: …` or lines of `{ANNOTATION}` cannot be read");
        report.add(Check::Record, secret.position(), None, message);
    }
    let here: HashSet<&str> = secret.items().map(|item| item.name()).collect();
    let is_gone = |name: &&str| !here.contains(name);
    for gone in record.lines().map(|(name, _)| name).filter(is_gone) {
        let message = format!("item `{gone}` was sealed here and is gone; was it renamed?");
        report.add(Check::Record, secret.position(), None, message);
    }
}

/// Which of the two forms it has.
fn forms(report: &mut Report<'_, '_>) {
    let secret = report.secret;
    let own = secret.position();
    let items = secret.spec("encryptedData");
    match (secret.v1_data(), items) {
        (Some(blob), Some(_)) if secret.items().next().is_some() => {
            let message =
                "`spec.data` and `spec.encryptedData` together: the controller refuses both"
                    .to_owned();
            report.add(Check::Items, blob.position(), None, message);
        }
        (Some(blob), _) => {
            let message = "`spec.data` is the deprecated V1 form".to_owned();
            report.add(Check::V1, blob.position(), None, message);
        }
        (None, None) => {
            let message = "there is no `spec.encryptedData`".to_owned();
            report.add(Check::Items, own, None, message);
        }
        (None, Some(items)) if items.as_mapping().is_none() => {
            let message = format!(
                "`spec.encryptedData` is {}, expected a mapping",
                items.kind()
            );
            report.add(Check::Items, items.position(), None, message);
        }
        (None, Some(_)) => {}
    }
}

fn frame(item: ManifestItem<'_>, report: &mut Report<'_, '_>) -> Option<SealedItem> {
    let mut say = |check, error: ItemError| {
        report.add(check, item.position(), Some(item.name()), error.to_string());
    };
    let sealed = item
        .parse()
        .map_err(|error| say(Check::Malformed, error))
        .ok()?;
    if item.text() != Some(sealed.to_base64().as_str()) {
        say(Check::NotCanonical, ItemError::NotCanonical);
    }
    Some(sealed)
}

/// What the record binds the item to; whether it is where it belongs, as far as the record knows.
fn recorded(
    validator: &Validator<'_>,
    item: ManifestItem<'_>,
    text: &str,
    (record, by_clue): (&Record, &HashMap<&str, &Line>),
    report: &mut Report<'_, '_>,
) -> bool {
    let Some(line) = record.get(item.name()) else {
        return true;
    };
    let mut say = |check, message| report.add(check, item.position(), Some(item.name()), message);
    if line.item != item.name() || !line.is_of(text) {
        let clue = digest_of(text);
        let elsewhere = by_clue.get(clue.as_str()).copied();
        let mut both = [Some(line), elsewhere].into_iter().flatten();
        match both.find(|line| line.is_of(text)) {
            Some(other) => say(
                Check::Swapped,
                format!("this is what was sealed as `{}`", other.item),
            ),
            None => say(
                Check::Edited,
                "the ciphertext is not the one that was recorded".to_owned(),
            ),
        }
        return false;
    }
    let label = report.secret.label().map(|label| label.to_string());
    let sound = label.as_ref().is_ok_and(|label| line.label == *label);
    if let Ok(label) = label
        && !sound
    {
        let message = format!("it was sealed for {}, and stands under {label}", line.label);
        report.add(Check::Copied, item.position(), Some(item.name()), message);
    }
    let known = |certificate: &&Certificate| certificate.fingerprint().as_str() == line.key;
    if !validator.certificates.is_empty() && !validator.certificates.iter().any(known) {
        let message = format!(
            "it was sealed for the key {}, which is none of those given",
            line.key
        );
        report.add(Check::OtherKey, item.position(), Some(item.name()), message);
    }
    sound
}

/// Which certificates given can have made it.
fn keys(
    validator: &Validator<'_>,
    item: ManifestItem<'_>,
    sealed: &SealedItem,
    line: Option<&Line>,
    report: &mut Report<'_, '_>,
) {
    let candidates: Vec<&&Certificate> = validator
        .certificates
        .iter()
        .filter(|certificate| certificate.may_have_sealed(sealed))
        .filter(|certificate| {
            line.is_none_or(|line| line.key == certificate.fingerprint().as_str())
        })
        .collect();
    let possible = |certificate: &&Certificate| certificate.may_have_sealed(sealed);
    if !validator.certificates.is_empty() && !validator.certificates.iter().any(possible) {
        let bits = sealed.wrapped_key_bytes() * 8;
        let message = format!("no certificate given can have made it; its key has {bits} bits");
        report.add(
            Check::UnknownKey,
            item.position(),
            Some(item.name()),
            message,
        );
    }
    let expired = |certificate: &&&Certificate| certificate.check_valid_at(validator.now).is_err();
    if let Some(first) = candidates.first()
        && candidates.iter().all(expired)
    {
        let message = format!(
            "it was sealed for {}, which has expired",
            first.fingerprint()
        );
        report.add(Check::Expired, item.position(), Some(item.name()), message);
    }
}

/// Whether the same ciphertext was met before, and whether it can open in both places.
fn copies(
    validator: &mut Validator<'_>,
    item: ManifestItem<'_>,
    text: &str,
    report: &mut Report<'_, '_>,
) {
    let secret = report.secret;
    let Ok(label) = secret.label() else { return };
    let seen = Seen {
        place: secret.place(item.position()),
        label: label.to_string(),
    };
    let Some(first) = validator.items.get(&digest_of(text)) else {
        validator.items.insert(digest_of(text), seen);
        return;
    };
    let position: Position = Node::position(item.node);
    if first.label != seen.label {
        let message = format!(
            "the same ciphertext stands at {} under {}: at most one of them opens",
            first.place, first.label
        );
        report.add(Check::Copied, position, Some(item.name()), message);
    } else if label.scope() == Scope::Strict {
        let message = format!("the same ciphertext stands at {}", first.place);
        report.add(Check::DuplicateItem, position, Some(item.name()), message);
    }
}

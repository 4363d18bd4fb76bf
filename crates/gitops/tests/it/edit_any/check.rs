//! Whether an edit did what it should and nothing else.

use std::ops::Range;

use narae_gitops::edit::{self, EditError, Edited, Selector};
use narae_yaml::edit::EditError as Refusal;
use narae_yaml::{Path, Reader, Value};

use super::Edit;
use super::tree::Tree;
use super::written::Scalar;

impl Edit {
    pub(super) fn check(&self) -> Result<(), String> {
        let source = self.written.text.as_str();
        let before = Value::read(source)
            .ok_or_else(|| format!("not read: {:?}", Reader::new().read(source)))?;
        self.check_places()?;
        let edited = match edit::set(source, &self.selector, &self.setting) {
            Ok(edited) => edited,
            Err(refusal) if self.may_be_refused(&before, &refusal) => return Ok(()),
            Err(refusal) => return Err(format!("refused: {refusal}")),
        };
        let text = &edited.text;
        let shown = |what: &str| format!("{what}:\n{text}\n{text:?}");
        if self.must_be_refused(&before) {
            return Err(shown("not refused"));
        }
        if Value::read(text).as_ref() != Some(&Tree::expected(&before, &self.written, &self.wanted))
        {
            return Err(shown("other values"));
        }
        // The other reader takes an anchor given twice for some other one.
        let other = serde_yaml::Value::read(source).filter(|_| !self.written.has_anchors_again);
        if let Some(other) = other {
            let changing = self.changing(&before);
            // What is so already is not made so for a reader that does not know `!`.
            let wanted = changing
                .map(|(_, at, new)| (at.clone(), new.clone()))
                .collect();
            let expected = Tree::expected(&other, &self.written, &wanted);
            let read = serde_yaml::Value::read(text);
            if read.as_ref() != Some(&expected) {
                return Err(shown(&format!(
                    "other values to another reader: {read:?}, not {expected:?}"
                )));
            }
        }
        match self.only_scalars_differ(&before, text) {
            true => self
                .check_changes(&before, &edited)
                .map_err(|what| shown(&what)),
            false => Err(shown("other bytes")),
        }
    }

    /// The reader sees each scalar where it was written.
    fn check_places(&self) -> Result<(), String> {
        let documents = Reader::new().read(&self.written.text).unwrap();
        for Scalar {
            document,
            path,
            span,
            is_block,
            ..
        } in &self.written.scalars
        {
            let node = documents
                .get(*document)
                .and_then(|document| document.root.at(path));
            let node = node.ok_or_else(|| format!("{document}:{path} is not there"))?;
            let read = node.span.range();
            let is_same = match *is_block || span.is_empty() {
                true => *is_block || read.is_empty(),
                false => read == *span,
            };
            if !is_same {
                return Err(format!("{document}:{path} is at {read:?}, not {span:?}"));
            }
        }
        Ok(())
    }

    /// The places that should change, and what is written there.
    fn changing<'a>(
        &'a self,
        before: &'a [Value],
    ) -> impl Iterator<Item = (Option<&'a Scalar>, &'a (usize, Path), &'a Option<Value>)> {
        let old = |(document, path): &(usize, Path)| before.get(*document)?.at(path).cloned();
        let differs = move |(at, new): &(&(usize, Path), &Option<Value>)| old(at) != **new;
        self.wanted.iter().filter(differs).map(|(at, new)| {
            let is_there = |scalar: &&Scalar| (scalar.document, &scalar.path) == (at.0, &at.1);
            (self.written.scalars.iter().find(is_there), at, new)
        })
    }

    fn is_without_part(&self) -> bool {
        let needs_all = matches!(self.selector, Selector::Image(..) | Selector::Marker(_));
        needs_all && self.wanted.values().any(Option::is_none)
    }

    fn must_be_refused(&self, before: &[Value]) -> bool {
        let is_block = |(scalar, _, new): (Option<&Scalar>, _, &Option<Value>)| {
            new.is_some() && scalar.is_some_and(|scalar| scalar.is_block)
        };
        self.wanted.is_empty() || self.is_without_part() || self.changing(before).any(is_block)
    }

    fn may_be_refused(&self, before: &[Value], refusal: &EditError) -> bool {
        let has_tag = |(scalar, ..): (Option<&Scalar>, _, _)| {
            scalar.is_some_and(|scalar| scalar.tag.is_some())
        };
        match refusal {
            EditError::NotFound { .. } => self.wanted.is_empty(),
            EditError::NoPart { .. } => self.is_without_part(),
            EditError::Refused(Refusal::BlockScalar { .. }) => self.must_be_refused(before),
            // What would no longer fit its tag.
            EditError::Refused(Refusal::Unsafe { .. }) => self.changing(before).any(has_tag),
            EditError::Refused(Refusal::AnchorInUse { .. }) => {
                self.wanted.values().any(Option::is_none)
            }
            _ => false,
        }
    }

    /// Every byte outside of the scalars that changed is as before, but for blanks around what stands where nothing stood, and
    /// for keys that come; one that goes takes its line with it.
    fn only_scalars_differ(&self, before: &[Value], edited: &str) -> bool {
        let documents = Reader::new().read(edited).unwrap();
        let (mut old, mut new) = (Vec::new(), Vec::new());
        let (mut blanks, mut has_inserted) = (0, false);
        for (scalar, (document, path), wanted) in self.changing(before) {
            if wanted.is_none() {
                return true;
            }
            let node = documents
                .get(*document)
                .and_then(|document| document.root.at(path));
            match (scalar, node) {
                (Some(scalar), Some(node)) => {
                    blanks += if scalar.span.is_empty() { 2 } else { 0 };
                    old.push(scalar.span.clone());
                    new.push(node.span.range());
                }
                _ => has_inserted = true,
            }
        }
        let (kept, left) = (without(&self.written.text, old), without(edited, new));
        let blank_less = |text: &str| text.replace(' ', "");
        match (has_inserted, blanks) {
            (false, 0) => kept == left,
            (false, _) => {
                let is_short = left.len() <= kept.len() + blanks;
                is_short && is_part(&kept, &left) && blank_less(&kept) == blank_less(&left)
            }
            (true, _) => is_part(&kept, &left),
        }
    }

    /// The words of each change lead to it, and back.
    fn check_changes(&self, before: &[Value], edited: &Edited) -> Result<(), String> {
        let mut text = edited.text.clone();
        for change in edited.changes.iter().rev() {
            if edit::value(&text, &change.at) != Ok(change.new.clone()) {
                return Err(format!("{} does not lead there", change.at));
            }
            match edit::put_at(&text, &change.at, change.old.as_ref()) {
                Ok(undone) => text = undone,
                Err(EditError::Refused(Refusal::Template { .. })) => return Ok(()),
                Err(EditError::Refused(Refusal::Unsafe { .. }))
                    if self.written.text.contains('!') =>
                {
                    return Ok(());
                }
                Err(refusal) => return Err(format!("not undone: {refusal}")),
            }
        }
        let is_same = match self.selector.is_image() {
            false => Value::read(&text).as_deref() == Some(before),
            // What was a number in place of a tag comes back as a text.
            true => match edit::get(&self.written.text, &self.selector) {
                Ok(was) => edit::get(&text, &self.selector) == Ok(was),
                Err(_) => true,
            },
        };
        if is_same {
            Ok(())
        } else {
            Err(format!("undone is {text}"))
        }
    }
}

fn without(text: &str, mut cut: Vec<Range<usize>>) -> String {
    cut.sort_by_key(|range| range.start);
    let (mut kept, mut from) = (String::new(), 0);
    for range in cut {
        kept.push_str(&text[from..range.start.max(from)]);
        from = range.end.max(from);
    }
    kept + &text[from..]
}

fn is_part(part: &str, whole: &str) -> bool {
    let mut whole = whole.chars();
    part.chars().all(|c| whole.any(|other| other == c))
}

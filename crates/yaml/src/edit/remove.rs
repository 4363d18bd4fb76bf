//! Taking an entry or an element out.

use super::check::Expected;
use super::place::Place;
use super::text::{Kind, Layout, Text, What};
use super::{EditError, Splice, apply, finish, read};
use crate::Path;

/// Takes what stands at `path` out of the `document`th document of `source` (from 0): an entry with
/// its key, or an element, after which the others move up.
///
/// Its lines go as a whole, with the comments behind and inside it. Comments on lines of their own
/// above it stay, since nobody can tell what they are about. A mapping or sequence that loses its
/// last entry becomes `{}` or `[]`, not null.
///
/// ```
/// use narae_yaml::edit;
///
/// let source = "ports:\n- 80\n- 443   # TLS\n- 8080\n";
/// let edited = edit::remove(source, 0, &"ports[1]".parse()?)?;
/// assert_eq!(edited, "ports:\n- 80\n- 8080\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the text cannot be read without doubt, nothing is written at the path, an alias elsewhere
/// needs it, or the edit would change anything else. See [`EditError`].
pub fn remove(source: &str, document: usize, path: &Path) -> Result<String, EditError> {
    let (Some(within), Some(last)) = (path.parent(), path.segments().last()) else {
        return Err(EditError::Root);
    };
    let text = read(source)?;
    let holder = text.find(document, &within)?;
    // An alias may be taken out, though not be walked through.
    let place = match text.step(&holder, last) {
        Some(place) => place,
        None => text.find(document, path)?,
    };
    let first = place.key.unwrap_or(place.pieces.start);
    let pieces = first..place.pieces.end;
    refuse_anchor_in_use(&text, pieces.clone(), path)?;
    let removal = Removal {
        text: &text,
        children: text.children(&holder),
        holder,
        place,
    };
    removal
        .splices()
        .and_then(|splices| finish(&text, apply(source, splices), pieces, &Expected::Nothing))
        .ok_or_else(|| text.unsafe_at(&removal.place, path))
}

fn refuse_anchor_in_use(
    text: &Text<'_>,
    pieces: std::ops::Range<usize>,
    path: &Path,
) -> Result<(), EditError> {
    let gone = text.pieces.get(pieces.clone()).unwrap_or_default();
    let behind = text.pieces.get(pieces.end..).unwrap_or_default();
    let in_document = behind
        .iter()
        .take_while(|piece| piece.what != What::DocumentEnd);
    for piece in in_document {
        let What::Alias(name) = piece.what else {
            continue;
        };
        if gone.iter().any(|gone| gone.anchor.as_deref() == Some(name)) {
            return Err(EditError::AnchorInUse {
                path: path.clone(),
                name: name.to_owned(),
                position: piece.start,
            });
        }
    }
    Ok(())
}

struct Removal<'a> {
    text: &'a Text<'a>,
    /// What holds it.
    holder: Place,
    children: Vec<Place>,
    place: Place,
}

impl Removal<'_> {
    fn splices(&self) -> Option<Vec<Splice>> {
        let is_it = |child: &Place| child.pieces.start == self.place.pieces.start;
        let index = self.children.iter().position(is_it)?;
        let (kind, layout) = self.text.layout(self.holder.pieces.start)?;
        match layout {
            Layout::Flow => self.in_flow_style(index),
            Layout::Block if self.children.len() == 1 => Some(self.only_one(kind)),
            Layout::Block => Some(vec![self.in_block_style()]),
        }
    }

    fn in_block_style(&self) -> Splice {
        let (start, end) = (self.text.start(&self.place), self.text.end(&self.place));
        match self.text.begins_line(start) {
            true => self.lines(start, end),
            // The first of a mapping or sequence that begins behind a dash: the next one moves there.
            false => {
                let line = self.text.line_end(end);
                let blanks = self.text.after(line);
                let next = blanks.trim_start_matches([' ', '\t', '\r', '\n']);
                Splice::new(start..line + (blanks.len() - next.len()), "")
            }
        }
    }

    /// Takes out the lines from that of `start` to that of `end`.
    fn lines(&self, start: usize, end: usize) -> Splice {
        let text = self.text;
        let first = start - text.line_before(start).len();
        let behind = text.line_end(end);
        let source = text.source;
        if behind == source.len() && !source.ends_with('\n') && !text.is_block_before(first) {
            // The file's last line does not end; nor will the one before it, unless it is part of a
            // block scalar, whose line break counts.
            let before = source.get(..first).unwrap_or_default();
            let before = before.strip_suffix('\n').unwrap_or(before);
            let before = before.strip_suffix('\r').unwrap_or(before);
            return Splice::new(before.len()..behind, "");
        }
        Splice::new(first..behind, "")
    }

    /// Takes out the only entry of a block, which leaves an empty mapping or sequence.
    fn only_one(&self, kind: Kind) -> Vec<Splice> {
        let text = self.text;
        let empty = match kind {
            Kind::Sequence => "[]",
            Kind::Mapping => "{}",
        };
        let (start, end) = (text.start(&self.place), text.end(&self.place));
        let behind_key = text.past_properties(&self.holder);
        if self.holder.key.is_some() && text.begins_line(start) && text.ends_line(behind_key) {
            let empty = format!(" {empty}");
            return vec![
                Splice::new(behind_key..behind_key, empty),
                self.lines(start, end),
            ];
        }
        // The line break that ends a block scalar stays.
        let written = text.source.get(start..end).unwrap_or_default();
        let written = written.trim_end_matches(['\n', '\r']).len();
        vec![Splice::new(start..start + written, empty)]
    }

    fn in_flow_style(&self, index: usize) -> Option<Vec<Splice>> {
        let text = self.text;
        let (start, end) = (text.start(&self.place), text.end(&self.place));
        let next = text.past_blanks(end);
        let has_comma = text.after(next).starts_with(',');
        let behind = if has_comma { next + 1 } else { end };
        let before = index
            .checked_sub(1)
            .and_then(|before| self.children.get(before));
        // The comma in front goes only if none is left behind.
        let comma = match before {
            Some(before) if !has_comma => {
                let at = text.past_blanks(text.end(before));
                text.after(at).starts_with(',').then_some(at)?..at + 1
            }
            _ => start..start,
        };
        if self.children.len() == 1 {
            let (open, close) = (text.first(&self.holder)?.end, text.end(&self.holder) - 1);
            let around = [open..start, behind..close].map(|range| text.source.get(range));
            if around
                .iter()
                .flatten()
                .all(|around| around.trim().is_empty())
            {
                return Some(vec![Splice::new(open..close, "")]);
            }
        }
        if text.begins_line(start) && text.ends_line(behind) {
            return Some(vec![Splice::new(comma, ""), self.lines(start, behind)]);
        }
        let blanks = |at: usize| {
            let rest = text.after(at);
            at + rest.len() - rest.trim_start_matches([' ', '\t']).len()
        };
        Some(match before {
            // `, it`, so that the comma and blanks behind it stay for the next one.
            Some(before) if !text.begins_line(start) => {
                vec![Splice::new(text.end(before)..end, "")]
            }
            Some(_) if !has_comma => vec![Splice::new(comma, ""), Splice::new(start..end, "")],
            _ => vec![Splice::new(start..blanks(behind), "")],
        })
    }
}

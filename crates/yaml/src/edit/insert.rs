//! Adding an entry or an element.

use super::check::Expected;
use super::place::Place;
use super::text::{Kind, Layout, Text, What};
use super::{EditError, Splice, apply, finish, read, spell};
use crate::path::{Path, Segment};
use crate::write::{self, Indents};
use crate::{Mapping, ScalarStyle, Value};

/// Adds `new` at `path` in the `document`th document of `source` (from 0).
///
/// A new key becomes the last of its mapping. An index takes that place in its sequence, and what
/// stood there moves on; the length of the sequence appends. What should hold it has to be there:
/// a mapping or sequence, empty (`{}`, `[]`) or not, or a key with nothing behind its colon. What
/// carries an anchor changes for all its aliases too.
///
/// ```
/// use narae_yaml::edit;
///
/// let source = "labels:\n  app: shop   # the name\ndata: {}\n";
/// let edited = edit::insert(source, 0, &"labels.tier".parse()?, &"on".into())?;
/// let edited = edit::insert(&edited, 0, &"data.password".parse()?, &"AgBy3i4O".into())?;
/// assert_eq!(
///     edited,
///     "labels:\n  app: shop   # the name\n  tier: \"on\"\ndata:\n  password: AgBy3i4O\n",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the text cannot be read without doubt, something is there already, nothing can hold it, or
/// the edit would change anything else. See [`EditError`].
pub fn insert(
    source: &str,
    document: usize,
    path: &Path,
    new: &Value,
) -> Result<String, EditError> {
    let (Some(within), Some(last)) = (path.parent(), path.segments().last()) else {
        return Err(EditError::Root);
    };
    let text = read(source)?;
    let holder = text.find(document, &within)?;
    let insertion = Insertion {
        text: &text,
        children: text.children(&holder),
        holder,
        last,
        new,
    };
    insertion.check(path, within)?;
    insertion
        .splices()
        .and_then(|splices| {
            let (pieces, expected) = insertion.expected();
            finish(&text, apply(source, splices), pieces, &expected)
        })
        .ok_or_else(|| text.unsafe_at(&insertion.holder, path))
}

struct Insertion<'a> {
    text: &'a Text<'a>,
    /// What should hold the new entry.
    holder: Place,
    children: Vec<Place>,
    last: &'a Segment,
    new: &'a Value,
}

impl Insertion<'_> {
    fn check(&self, path: &Path, within: Path) -> Result<(), EditError> {
        let fits = match (self.text.layout(self.holder.pieces.start), self.last) {
            (Some((Kind::Mapping, _)), Segment::Key(_)) => {
                if let Some(there) = self.text.step(&self.holder, self.last) {
                    let position = self.text.position(&there);
                    let path = path.clone();
                    return Err(EditError::Exists { path, position });
                }
                true
            }
            (Some((Kind::Sequence, _)), Segment::Index(index)) => {
                if *index > self.children.len() {
                    return Err(EditError::NotFound { path: path.clone() });
                }
                true
            }
            (None, Segment::Key(_) | Segment::Index(0)) => self.is_nothing(),
            _ => false,
        };
        match fits {
            true => Ok(()),
            false => Err(EditError::NotCollection {
                path: within,
                kind: self.text.kind(&self.holder),
                position: self.text.position(&self.holder),
            }),
        }
    }

    /// Whether nothing is written where the entry should be held.
    fn is_nothing(&self) -> bool {
        self.text.first(&self.holder).is_some_and(|piece| {
            matches!(&piece.what, What::Scalar(text, ScalarStyle::Plain) if text.is_empty())
                && piece.tag.is_none()
                && piece.anchor.is_none()
        })
    }

    fn expected(&self) -> (std::ops::Range<usize>, Expected<'_>) {
        let pieces = &self.holder.pieces;
        if self.text.layout(pieces.start).is_none() {
            let value = match self.last {
                Segment::Key(key) => Mapping::from([(key.as_str(), self.new.clone())]).into(),
                Segment::Index(_) => vec![self.new.clone()].into(),
            };
            return (pieces.clone(), Expected::Collection(value));
        }
        let at = match self.last {
            Segment::Key(_) => pieces.end - 1,
            Segment::Index(index) => self
                .children
                .get(*index)
                .map_or(pieces.end - 1, |child| child.pieces.start),
        };
        let expected = match self.last {
            Segment::Key(key) => Expected::Entry(key, self.new),
            Segment::Index(_) => Expected::Item(self.new),
        };
        (at..at, expected)
    }

    fn splices(&self) -> Option<Vec<Splice>> {
        match self.text.layout(self.holder.pieces.start) {
            Some((_, Layout::Block)) => self.in_block_style(),
            _ if self.text.is_in_flow(&self.holder) => self.in_flow_style(),
            Some((_, Layout::Flow)) if !self.children.is_empty() => self.in_flow_style(),
            _ => self.instead_of_nothing(),
        }
    }

    /// The new entry in block style, without the indentation of its first line.
    fn spelt_block(&self, indent: usize) -> String {
        let indents = indents_of(self.text);
        let lines = match self.last {
            Segment::Key(key) => write::entry(key, self.new, indent, indents),
            Segment::Index(_) => write::element(self.new, indent, indents),
        };
        match self.text.source.contains("\r\n") {
            true => lines.replace('\n', "\r\n"),
            false => lines,
        }
    }

    fn in_block_style(&self) -> Option<Vec<Splice>> {
        let first = self.text.start(self.children.first()?);
        let indent = self.text.column(first);
        let lines = self.spelt_block(indent);
        let index = match self.last {
            Segment::Key(_) => self.children.len(),
            Segment::Index(index) => *index,
        };
        Some(vec![match index.checked_sub(1) {
            None => Splice::new(first..first, format!("{lines}{}", " ".repeat(indent))),
            Some(before) => {
                let before = self.text.end(self.children.get(before)?);
                self.new_lines(before, indent, &lines)
            }
        }])
    }

    /// Puts `lines` behind the line of `offset`.
    fn new_lines(&self, offset: usize, indent: usize, lines: &str) -> Splice {
        let at = self.text.line_end(offset);
        let indent = " ".repeat(indent);
        let before = self.text.source.get(..at).unwrap_or_default();
        if before.is_empty() || before.ends_with('\n') {
            return Splice::new(at..at, format!("{indent}{lines}"));
        }
        // The last line of the file does not end; neither will the new last one.
        let line_break = self.line_break();
        let lines = self.unended(lines, at);
        Splice::new(at..at, format!("{line_break}{indent}{lines}"))
    }

    /// `lines` without the line break at their end, to be put before `at`; but with it where nothing
    /// follows and the last value needs it.
    fn unended<'l>(&self, lines: &'l str, at: usize) -> &'l str {
        if at == self.text.source.len() && ends_in_line_break(self.new) {
            return lines;
        }
        lines.strip_suffix(self.line_break()).unwrap_or(lines)
    }

    fn line_break(&self) -> &'static str {
        match self.text.source.contains("\r\n") {
            true => "\r\n",
            false => "\n",
        }
    }

    /// The first entry of what is empty or not there yet, and stands in block style.
    fn instead_of_nothing(&self) -> Option<Vec<Splice>> {
        let (text, holder) = (self.text, &self.holder);
        let open = text.first(holder)?;
        let (start, end) = (open.start.offset, text.end(holder));
        if !text.ends_line(end) || text.source.get(start..end)?.contains(['\n', '#']) {
            return None;
        }
        let key = holder.key.map(|_| text.column(text.start(holder)));
        let Some(key) = key else {
            // The root, or the element of a sequence: the new entry begins where the old one did.
            let spelt = |indent| self.unended(&self.spelt_block(indent), end).to_owned();
            let is_written = start < end;
            return Some(vec![match holder.parent {
                None if text.begins_line(start) => Splice::new(start..end, spelt(0)),
                None => return None,
                Some(_) if is_written => Splice::new(start..end, spelt(text.column(start))),
                Some(_) => Splice::apart(text, start, &spelt(text.column(holder.from) + 1)),
            }]);
        };
        let indents = indents_of(text);
        let indent = match self.last {
            Segment::Key(_) => key + indents.step,
            Segment::Index(_) => key + indents.dash,
        };
        let blanks = text.source.get(holder.from..start)?;
        let written = start - (blanks.len() - blanks.trim_end_matches([' ', '\t']).len());
        let mut splices = vec![self.new_lines(end, indent, &self.spelt_block(indent))];
        if start < end {
            splices.push(Splice::new(written..end, ""));
        }
        Some(splices)
    }

    fn in_flow_style(&self) -> Option<Vec<Splice>> {
        let (text, style) = (self.text, self.style());
        let spelt = match self.last {
            Segment::Key(key) => spell::flow_entry(key, self.new, style),
            Segment::Index(_) => spell::flow(self.new, style),
        };
        if text.layout(self.holder.pieces.start).is_none() {
            let spelt = match self.last {
                Segment::Key(_) => format!("{{{spelt}}}"),
                Segment::Index(_) => format!("[{spelt}]"),
            };
            let at = text.first(&self.holder)?.end;
            return Some(vec![Splice::apart(text, at, &spelt)]);
        }
        let index = match self.last {
            Segment::Key(_) => self.children.len(),
            Segment::Index(index) => *index,
        };
        if let Some(next) = self.children.get(index) {
            let start = text.start(next);
            let apart = match text.begins_line(start) {
                true => format!("{}{}", self.line_break(), text.line_before(start)),
                false => " ".to_owned(),
            };
            return Some(vec![Splice::new(start..start, format!("{spelt},{apart}"))]);
        }
        let Some(last) = self.children.last() else {
            let at = text.first(&self.holder)?.end;
            return Some(vec![Splice::new(at..at, spelt)]);
        };
        let (start, end) = (text.start(last), text.end(last));
        let next = text.past_blanks(end);
        let (behind, comma) = match text.after(next).starts_with(',') {
            true => (next + 1, ","),
            false => (end, ""),
        };
        if !text.begins_line(start) || !text.ends_line(behind) {
            return Some(vec![match comma {
                "" => Splice::new(end..end, format!(", {spelt}")),
                _ => Splice::new(behind..behind, format!(" {spelt},")),
            }]);
        }
        let line = text.line_end(behind);
        let indent = text.line_before(start);
        let mut splices = vec![Splice::new(
            line..line,
            format!("{indent}{spelt}{comma}{}", self.line_break()),
        )];
        if comma.is_empty() {
            splices.push(Splice::new(end..end, ","));
        }
        Some(splices)
    }

    /// How strings are written inside these brackets: in quotes if this is JSON.
    fn style(&self) -> ScalarStyle {
        let mut scalars = self
            .text
            .pieces
            .iter()
            .filter_map(|piece| match piece.what {
                What::Scalar(_, style) => Some(style),
                _ => None,
            });
        let is_json = self.text.source.trim_start().starts_with(['{', '[']);
        let beside = self.children.first().and_then(|child| {
            let piece = child.key.unwrap_or(child.pieces.start);
            match self.text.piece(piece)?.what {
                What::Scalar(_, style) => Some(style),
                _ => None,
            }
        });
        match (is_json, scalars.next(), beside) {
            (true, Some(ScalarStyle::DoubleQuoted), _)
            | (_, _, Some(ScalarStyle::DoubleQuoted)) => ScalarStyle::DoubleQuoted,
            _ => ScalarStyle::Plain,
        }
    }
}

/// Whether the last thing in `value` is a string with a line break at its end.
fn ends_in_line_break(value: &Value) -> bool {
    match value {
        Value::String(text) => text.ends_with('\n'),
        Value::Sequence(items) => items.last().is_some_and(ends_in_line_break),
        Value::Mapping(mapping) => mapping.values().next_back().is_some_and(ends_in_line_break),
        _ => false,
    }
}

/// How far the text indents what stands below a key: as where it first does so.
fn indents_of(text: &Text<'_>) -> Indents {
    let (mut step, mut dash) = (None, None);
    // The open collections: whether a block mapping, its column, and how many nodes it has so far.
    let mut open: Vec<(bool, usize, usize)> = Vec::new();
    for (place, piece) in text.pieces.iter().enumerate() {
        if piece.what == What::Close {
            open.pop();
            continue;
        }
        let mut below = None;
        if let Some((is_mapping, column, nodes)) = open.last_mut() {
            below = (*is_mapping && *nodes % 2 == 1).then_some(*column);
            *nodes += 1;
        }
        let What::Open(kind, layout) = piece.what else {
            continue;
        };
        let column = piece.start.column - 1;
        if let (Some(below), Layout::Block) = (below, layout) {
            match kind {
                Kind::Mapping => {
                    step.get_or_insert(column.saturating_sub(below));
                }
                Kind::Sequence if piece.tag.is_none() && piece.anchor.is_none() => {
                    let at = text.first_dash(place);
                    dash.get_or_insert(text.column(at).saturating_sub(below));
                }
                Kind::Sequence => {}
            }
        }
        open.push((kind == Kind::Mapping && layout == Layout::Block, column, 0));
    }
    let usual = Indents::default();
    Indents {
        // A block scalar's indicator is one digit.
        step: step
            .filter(|step| (1..=9).contains(step))
            .unwrap_or(usual.step),
        dash: dash.unwrap_or(usual.dash),
        may_keep: false,
    }
}

//! Nodes in flow style: scalars, and collections in brackets.

use narae_yaml::Path;

use super::{After, Had, PLAIN, Pen, QUOTED, Shape};

impl Pen<'_> {
    /// What stands behind the properties, and the index of the scalar if it is one.
    pub(super) fn content(
        &mut self,
        shape: &Shape,
        had: &Had,
        least: usize,
        path: &Path,
    ) -> Option<usize> {
        let is_collection = matches!(shape, Shape::Sequence(_) | Shape::Mapping(_));
        let scalar = match shape {
            Shape::Sequence(items) => {
                self.flow_sequence(items, least, path);
                None
            }
            Shape::Mapping(entries) => {
                self.flow_mapping(entries, least, path);
                None
            }
            scalar => Some(self.scalar(scalar, had, least, path)),
        };
        self.remember(
            had,
            path,
            is_collection && matches!(shape, Shape::Mapping(_)),
        );
        scalar
    }

    fn scalar(&mut self, shape: &Shape, had: &Had, least: usize, path: &Path) -> usize {
        let start = self.done.text.len();
        match shape {
            Shape::Text(text) => {
                // Whatever is given as a text is one without quotes, too.
                let written = match self.dice.of(3) {
                    0 => (*text).to_owned(),
                    1 => format!("'{text}'"),
                    _ => format!("\"{text}\""),
                };
                self.push(&written);
            }
            Shape::Plain(text) => self.push(text),
            _ => match self.dice.of(8) {
                0..3 => {
                    let text = self.one(&PLAIN);
                    self.push(text);
                }
                3..5 => {
                    let text = self.one(&QUOTED);
                    self.push(text);
                }
                5 => {}
                6 => self.over_lines(["one", "two", "three"], ["", ""], least),
                _ if self.dice.once_in(2) => {
                    self.over_lines(["it''s", "a: # b", ""], ["'", "'"], least)
                }
                _ => self.over_lines(["o\\\"ne\\", "# \\t", "\\ x"], ["\"", "\""], least),
            },
        }
        self.record(start..self.done.text.len(), had.tag, false, path)
    }

    fn over_lines(&mut self, lines: [&str; 3], [open, close]: [&str; 2], least: usize) {
        self.push(open);
        let count = 2 + self.dice.of(2);
        for (index, line) in lines.into_iter().take(count).enumerate() {
            if index > 0 {
                self.line_end();
                if self.dice.once_in(4) {
                    self.line_end();
                }
                let more = self.dice.of(3);
                self.spaces(least + more);
            }
            self.push(line);
        }
        self.push(close);
    }

    /// Blanks or a new line inside brackets.
    pub(super) fn flow_gap(&mut self, least: usize, scalar: Option<usize>) {
        match self.dice.of(4) {
            0 => {}
            1 => self.push(" "),
            2 => self.push("  "),
            _ => {
                self.rest_of_line(scalar);
                let more = self.dice.of(3);
                self.spaces(least + more);
            }
        }
    }

    fn flow_sequence(&mut self, items: &[Shape], least: usize, path: &Path) {
        self.push("[");
        self.flow_gap(least, None);
        for (index, item) in items.iter().enumerate() {
            let at = path.child(index);
            let scalar = match matches!(item, Shape::Any) && self.dice.once_in(8) {
                // A mapping of one entry needs no braces.
                true => {
                    self.key("a");
                    self.push(":");
                    self.flow_value(item, least, &at.child("a"), true)
                }
                false => self.flow_value(item, least, &at, false),
            };
            self.comma(index + 1 == items.len(), least, scalar);
        }
        self.push("]");
    }

    fn flow_mapping(&mut self, entries: &[(&'static str, Shape)], least: usize, path: &Path) {
        self.push("{");
        self.flow_gap(least, None);
        for (index, (key, value)) in entries.iter().enumerate() {
            let at = path.child(*key);
            let mut scalar = None;
            if self.dice.once_in(12) {
                self.push("? ");
            }
            self.key(key);
            if matches!(value, Shape::Any) && self.dice.once_in(8) {
                // A key alone.
            } else {
                self.push(":");
                scalar = self.flow_value(value, least, &at, true);
            }
            self.comma(index + 1 == entries.len(), least, scalar);
        }
        self.push("}");
    }

    fn comma(&mut self, is_last: bool, least: usize, scalar: Option<usize>) {
        // A plain scalar would go on in the next line, and a comment ends it.
        if !is_last || self.dice.once_in(3) {
            let gap = self.one(&["", " "]);
            self.push(gap);
            self.push(",");
        }
        self.flow_gap(least, scalar);
    }

    pub(super) fn flow_value(
        &mut self,
        shape: &Shape,
        least: usize,
        path: &Path,
        is_value: bool,
    ) -> Option<usize> {
        self.nodes_left = self.nodes_left.saturating_sub(1);
        if self.alias(shape, After::Colon, path) {
            self.push(" ");
            return None;
        }
        let shape = self.chosen(shape, false);
        let had = self.properties(&Self::properties_of(&shape));
        self.push(" ");
        let scalar = self.content(&shape, &had, least, path);
        let is_empty = scalar
            .and_then(|scalar| self.done.scalars.get(scalar))
            .is_some_and(|scalar| scalar.span.is_empty());
        if is_empty && !is_value && had.tag.is_none() && had.anchor.is_none() {
            // An element cannot be nothing at all.
            let at = self.done.text.len();
            self.push("v");
            if let Some(scalar) = scalar.and_then(|scalar| self.done.scalars.get_mut(scalar)) {
                scalar.span = at..at + 1;
            }
        }
        scalar
    }
}

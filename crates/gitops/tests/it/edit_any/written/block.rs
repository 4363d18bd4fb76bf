//! Nodes in block style: one line or more each, and what stands behind them.

use narae_yaml::Path;

use super::{After, Had, Link, Pen, Properties, Shape};

impl Pen<'_> {
    /// A node and what is behind it on its line. `within` is the indentation of what holds it.
    pub(super) fn block(
        &mut self,
        shape: &Shape,
        within: Option<usize>,
        after: After,
        path: &Path,
    ) {
        self.nodes_left = self.nodes_left.saturating_sub(1);
        if self.alias(shape, after, path) {
            self.rest_of_line(None);
            return;
        }
        let shape = self.chosen(shape, within.is_none());
        match &shape {
            Shape::Sequence(items) if items.is_empty() || self.dice.once_in(4) => {
                self.flow_in_block(&shape, within, after, path);
            }
            Shape::Mapping(entries) if entries.is_empty() || self.dice.once_in(4) => {
                self.flow_in_block(&shape, within, after, path);
            }
            Shape::Sequence(_) | Shape::Mapping(_) => {
                self.block_collection(&shape, within, after, path);
            }
            Shape::Any | Shape::Text(_) | Shape::Plain(_) => {
                let can_be_block = !matches!(shape, Shape::Plain(_)) && after != After::Nothing;
                match can_be_block && self.dice.once_in(8) {
                    true => self.block_scalar(&shape, within, path),
                    false => self.flow_in_block(&shape, within, after, path),
                }
            }
        }
    }

    /// A scalar, or a collection in brackets, on this line or on the next.
    fn flow_in_block(&mut self, shape: &Shape, within: Option<usize>, after: After, path: &Path) {
        let least = within.map_or(0, |within| within + 1);
        let had = self.properties(&Self::properties_of(shape));
        let is_below = after != After::Nothing && self.dice.once_in(5);
        if is_below {
            self.rest_of_line(None);
            let more = self.dice.of(3);
            self.spaces(least.max(1) + more);
        } else {
            self.gap(true);
        }
        let scalar = self.content(shape, &had, least.max(1), path);
        let is_nothing = |scalar: &usize| {
            let scalar = self.done.scalars.get(*scalar);
            scalar.is_some_and(|scalar| scalar.span.is_empty())
        };
        let has_properties = had.tag.is_some() || had.anchor.is_some();
        // What is not there has no line but the one of its key.
        let is_there = |scalar: &usize| !(is_nothing(scalar) && (is_below || has_properties));
        let marked = scalar.filter(is_there);
        self.rest_of_line(marked);
    }

    fn block_scalar(&mut self, shape: &Shape, within: Option<usize>, path: &Path) {
        let had = self.properties(&Self::properties_of(shape));
        self.gap(false);
        let start = self.done.text.len();
        let head = self.one(&["|", ">"]);
        self.push(head);
        let outer = within.unwrap_or(0);
        let mut indent = outer + 1 + self.dice.of(4);
        // At the root readers do not agree from where the indicator counts.
        let indicator = match within.is_some() && self.dice.once_in(2) {
            true => (indent - outer).to_string(),
            false => String::new(),
        };
        let chomping = match shape {
            Shape::Text(_) => "-",
            _ => self.one(&["", "-", "+"]),
        };
        match self.dice.once_in(2) {
            true => self.push(&format!("{indicator}{chomping}")),
            false => self.push(&format!("{chomping}{indicator}")),
        }
        if self.dice.once_in(4) {
            self.push("  # head");
        }
        self.line_end();
        if let Shape::Text(text) = shape {
            indent = indent.max(outer + 1);
            self.spaces(indent);
            self.push(text);
            self.line_end();
        } else {
            // At the root a comment at the margin would be the first line of one that is empty.
            let count = self.dice.of(4).max(usize::from(within.is_none()));
            for index in 0..count {
                let line = match index {
                    0 if indicator.is_empty() => {
                        self.one(&["one # two", "three: - x", "# no comment"])
                    }
                    _ => self.one(&["one # two", "", "  more", "# no comment", "\ttab", "- {{"]),
                };
                if !line.is_empty() {
                    self.spaces(indent);
                    self.push(line);
                }
                self.line_end();
            }
        }
        if self.dice.once_in(6) {
            self.push("# behind");
            self.line_end();
        }
        let end = self.done.text.len();
        self.record(start..end, had.tag, true, path);
        self.remember(&had, path, false);
    }

    fn block_collection(
        &mut self,
        shape: &Shape,
        within: Option<usize>,
        after: After,
        path: &Path,
    ) {
        let is_sequence = matches!(shape, Shape::Sequence(_));
        let may_be_flush =
            is_sequence && matches!(after, After::Colon | After::Indicator { is_colon: true });
        let least = match (within, may_be_flush) {
            (None, _) => 0,
            (Some(within), true) => within,
            (Some(within), false) => within + 1,
        };
        let is_compact = match after {
            After::Nothing => true,
            After::Indicator { .. } => self.dice.of(2) == 0,
            After::Document | After::Colon => false,
        };
        let had = match is_compact {
            true => Had::default(),
            false => self.properties(&Properties::Collection),
        };
        let indent = match is_compact {
            true => {
                self.gap(false);
                self.column()
            }
            false => {
                self.rest_of_line(None);
                least + self.dice.of(3)
            }
        };
        match shape {
            Shape::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 || !is_compact {
                        self.spaces(indent);
                    }
                    self.push("-");
                    let after = After::Indicator { is_colon: false };
                    self.block(item, Some(indent), after, &path.child(index));
                }
            }
            Shape::Mapping(entries) => self.block_mapping(entries, indent, is_compact, path),
            _ => {}
        }
        self.remember(&had, path, !is_sequence);
    }

    fn block_mapping(
        &mut self,
        entries: &[(&'static str, Shape)],
        indent: usize,
        is_compact: bool,
        path: &Path,
    ) {
        let merge_at = self.dice.of(entries.len().max(1));
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 || !is_compact {
                self.spaces(indent);
            }
            let merge = match merge_at == index {
                true => self.merge(entries, path),
                false => None,
            };
            if let Some(merge) = merge {
                self.push("<<: ");
                self.push(&merge);
                self.rest_of_line(None);
                self.spaces(indent);
            }
            let at = path.child(*key);
            if self.dice.once_in(8) {
                self.push("?");
                self.gap(false);
                self.key(key);
                self.rest_of_line(None);
                if matches!(value, Shape::Any) && self.dice.once_in(4) {
                    // A key without a value, and without a place for one.
                    continue;
                }
                self.spaces(indent);
                self.push(":");
                let after = After::Indicator { is_colon: true };
                self.block(value, Some(indent), after, &at);
            } else {
                self.key(key);
                let colon = self.one(&[":", " :"]);
                self.push(colon);
                self.block(value, Some(indent), After::Colon, &at);
            }
        }
    }

    /// Aliases of mappings for a merge key.
    fn merge(&mut self, entries: &[(&'static str, Shape)], path: &Path) -> Option<String> {
        let mappings = self
            .anchors
            .iter()
            .filter(|(_, (_, is_mapping))| *is_mapping);
        let mappings: Vec<_> = mappings
            .map(|(name, (of, _))| (*name, of.clone()))
            .collect();
        let is_any = entries.iter().all(|(_, shape)| matches!(shape, Shape::Any));
        if mappings.is_empty() || entries.is_empty() || !is_any || self.dice.of(4) == 0 {
            return None;
        }
        let first = self.dice.of(mappings.len());
        let (name, of) = mappings.get(first)?;
        let (written, of) = match self.dice.once_in(2) {
            true => {
                let all: Vec<_> = mappings
                    .iter()
                    .map(|(name, _)| format!("*{name}"))
                    .collect();
                let of = mappings.iter().map(|(_, of)| of.clone()).collect();
                (format!("[{}]", all.join(" , ")), of)
            }
            false => (format!("*{name}"), vec![of.clone()]),
        };
        let own = entries.iter().map(|(key, _)| *key).collect();
        let at = path.clone();
        self.done
            .links
            .push((self.document, Link::Merge { at, of, own }));
        Some(written)
    }
}

//! Events into nodes or values.
//!
//! A stack of open collections, an anchor table, and counters. An alias is expanded by copying
//! what its anchor holds, and the size and depth of the copy are known, and checked, before it is made.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Marker, ScanError};

use super::entries::OpenMapping;
use super::tree::{Leaf, Tree, Written};
use super::{aliases, scalar, syntax};
use crate::document::{Meaning, ScalarStyle};
use crate::error::ErrorKind;
use crate::{Error, Limits, Position, Schema, Span};

pub(super) struct Builder<'a, T: Tree> {
    source: &'a str,
    schema: Schema,
    limits: Limits,
    /// Whether an alias can occur at all; without one, anchors need not be kept.
    has_aliases: bool,
    documents: Vec<Root<T>>,
    open: Vec<Frame<'a, T>>,
    anchors: HashMap<usize, Anchored<'a, T>>,
    nodes: usize,
    alias_nodes: usize,
    /// A finished scalar waiting for the event that may name its anchor.
    pending: Option<Built<'a, T>>,
}

/// What one document holds.
pub(super) struct Root<T> {
    pub(super) tree: T,
    pub(super) start: Position,
    /// Whether nothing is written in it: no value, not even `null`.
    pub(super) is_empty: bool,
}

/// A collection whose end is not reached yet.
struct Frame<'a, T: Tree> {
    content: Content<'a, T>,
    start: Position,
    tag: Option<Box<str>>,
    anchor: Option<Box<str>>,
    anchor_id: usize,
    size: usize,
    height: usize,
}

enum Content<'a, T: Tree> {
    Sequence(Vec<T>),
    Mapping(Box<OpenMapping<'a, T>>),
}

/// A finished node with what it costs to copy.
struct Built<'a, T> {
    node: Finished<'a, T>,
    start: Position,
    anchor_id: usize,
    size: usize,
    /// Levels of collections, itself included.
    height: usize,
}

#[derive(Clone)]
enum Finished<'a, T> {
    Scalar(Leaf<'a>),
    Collection(T),
}

enum Anchored<'a, T> {
    /// Its collection is still open: an alias here would contain itself.
    Open,
    Done {
        node: Finished<'a, T>,
        size: usize,
        height: usize,
    },
}

impl<T: Tree> Finished<'_, T> {
    fn into_tree(self) -> T {
        match self {
            Self::Scalar(leaf) => T::scalar(leaf),
            Self::Collection(tree) => tree,
        }
    }

    /// A copy for the alias `name` that stands at `span`.
    fn aliased(&self, span: Span, name: &str) -> Self {
        match self {
            Self::Collection(tree) => Self::Collection(tree.aliased(span, name)),
            Self::Scalar(leaf) => {
                let mut leaf = leaf.clone();
                leaf.written.span = span;
                leaf.written.anchor = None;
                leaf.written.alias = Some(name.into());
                Self::Scalar(leaf)
            }
        }
    }
}

impl<'a, T: Tree> Builder<'a, T> {
    pub(super) fn new(source: &'a str, schema: Schema, limits: Limits) -> Self {
        Self {
            source,
            schema,
            limits,
            has_aliases: source.as_bytes().contains(&b'*'),
            documents: Vec::new(),
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            alias_nodes: 0,
            pending: None,
        }
    }

    pub(super) fn finish(self) -> Vec<Root<T>> {
        self.documents
    }

    /// A syntax error of the parser, in our words and at our position.
    pub(super) fn syntax(&self, error: &ScanError) -> Error {
        let at = self.position(error.marker());
        let kind = match error.kind() {
            granit_parser::ErrorKind::RecursionLimitExceeded => self.too_deep(),
            granit_parser::ErrorKind::UnknownAnchor => syntax::unknown_alias(self.source, at),
            _ => ErrorKind::Syntax(syntax::describe(error)),
        };
        Error::at(kind, at)
    }

    pub(super) fn take(
        &mut self,
        event: Event<'a>,
        span: &granit_parser::Span,
    ) -> Result<(), Error> {
        if let Event::Anchor(_, name) = event {
            let name = Some(name.as_ref().into());
            match (self.pending.as_mut(), self.open.last_mut()) {
                (Some(built), _) => {
                    if let Finished::Scalar(leaf) = &mut built.node {
                        leaf.written.anchor = name;
                    }
                }
                (None, Some(frame)) => frame.anchor = name,
                (None, None) => {}
            }
            return Ok(());
        }
        self.settle()?;
        match event {
            Event::DocumentStart(..) => self.start_document(self.position(&span.start)),
            Event::Scalar(text, style, anchor_id, tag) => {
                let tag = tag.map(|tag| (scalar::short(&tag), span.tag_start()));
                self.scalar(text, style, anchor_id, tag, span)
            }
            Event::SequenceStart(_, anchor_id, tag) => {
                let tag = tag.map(|tag| (scalar::short(&tag), span.tag_start()));
                self.start(
                    "sequence",
                    Content::Sequence(Vec::new()),
                    anchor_id,
                    tag,
                    span,
                )
            }
            Event::MappingStart(_, anchor_id, tag) => {
                let tag = tag.map(|tag| (scalar::short(&tag), span.tag_start()));
                self.start(
                    "mapping",
                    Content::Mapping(Box::default()),
                    anchor_id,
                    tag,
                    span,
                )
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(self.position(&span.end)),
            Event::Alias(id) => self.alias(id, span),
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn start_document(&mut self, at: Position) -> Result<(), Error> {
        if self.documents.len() >= self.limits.max_documents {
            let kind = ErrorKind::Limit {
                what: "more documents than",
                limit: "max_documents",
                most: self.limits.max_documents,
            };
            return Err(Error::at(kind, at));
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: granit_parser::ScalarStyle,
        anchor_id: usize,
        tag: Option<(Box<str>, Option<Marker>)>,
        span: &granit_parser::Span,
    ) -> Result<(), Error> {
        let span_here = self.scalar_span(span);
        let style = ScalarStyle::from(style);
        // Where nothing is written, the parser says `~`. A block of line breaks has no span either.
        let text = match style {
            ScalarStyle::Plain if span_here.range().is_empty() => Cow::Borrowed(""),
            ScalarStyle::Literal | ScalarStyle::Folded if self.schema == Schema::Kubernetes => {
                self.without_last_break(text, span)
            }
            _ => text,
        };
        self.count(1, span_here.start)?;
        let tag_name = tag.as_ref().map(|(name, _)| name.as_ref());
        let meaning = scalar::meaning(self.schema, &text, style, tag_name).map_err(|kind| {
            let at = tag
                .as_ref()
                .and_then(|(_, at)| *at)
                .map_or(span_here.start, |at| self.position(&at));
            Error::at(kind, at)
        })?;
        if style == ScalarStyle::DoubleQuoted && self.schema == Schema::Kubernetes {
            self.refuse_solidus_escape(span_here)?;
        }
        let leaf = Leaf {
            text,
            style,
            meaning,
            written: Written {
                span: span_here,
                tag: tag.map(|(name, _)| name),
                anchor: None,
                alias: None,
            },
        };
        let built = Built {
            node: Finished::Scalar(leaf),
            start: span_here.start,
            anchor_id,
            size: 1,
            height: 0,
        };
        if anchor_id == 0 {
            return self.complete(built);
        }
        self.pending = Some(built);
        Ok(())
    }

    /// The end of the source ends the last line of a block as a line break does, says YAML 1.2; for
    /// Go's reader what is not there is no part of the text. (A last line of blanks stays as it is.)
    fn without_last_break(&self, text: Cow<'a, str>, span: &granit_parser::Span) -> Cow<'a, str> {
        let last = self.source.rsplit(['\n', '\r']).next().unwrap_or_default();
        let at_end = self.position(&span.end).offset >= self.source.len();
        match text.strip_suffix('\n') {
            Some(kept) if at_end && !last.trim_start_matches(' ').is_empty() => {
                Cow::Owned(kept.to_owned())
            }
            _ => text,
        }
    }

    /// `\/` came with YAML 1.2; Go's reader does not know it.
    fn refuse_solidus_escape(&self, span: Span) -> Result<(), Error> {
        let written = self.source.get(span.range()).unwrap_or_default();
        let mut escaped = false;
        let found = written.contains("\\/")
            && written.bytes().any(|byte| {
                let solidus = escaped && byte == b'/';
                escaped = !escaped && byte == b'\\';
                solidus
            });
        if !found {
            return Ok(());
        }
        let message = "Kubernetes does not read the escape `\\/`; write `/`".to_owned();
        Err(Error::at(ErrorKind::Syntax(message), span.start))
    }

    fn start(
        &mut self,
        kind: &'static str,
        content: Content<'a, T>,
        anchor_id: usize,
        tag: Option<(Box<str>, Option<Marker>)>,
        span: &granit_parser::Span,
    ) -> Result<(), Error> {
        let start = self.position(&span.start);
        self.count(1, start)?;
        if self.open.len() >= self.limits.max_depth {
            return Err(Error::at(self.too_deep(), start));
        }
        if let Some((name, at)) = &tag {
            scalar::check_collection(name, kind)
                .map_err(|kind| Error::at(kind, at.map_or(start, |at| self.position(&at))))?;
        }
        if anchor_id != 0 {
            self.anchors.insert(anchor_id, Anchored::Open);
        }
        let tag = tag.map(|(name, _)| name);
        self.open.push(Frame {
            content,
            start,
            tag,
            anchor: None,
            anchor_id,
            size: 1,
            height: 1,
        });
        Ok(())
    }

    fn end(&mut self, end: Position) -> Result<(), Error> {
        let Some(frame) = self.open.pop() else {
            return Ok(());
        };
        let written = Written {
            span: Span::new(frame.start, end),
            tag: frame.tag,
            anchor: frame.anchor,
            alias: None,
        };
        let tree = match frame.content {
            Content::Sequence(items) => T::sequence(items, written),
            Content::Mapping(mapping) => T::mapping(mapping.finish(), written),
        };
        self.complete(Built {
            node: Finished::Collection(tree),
            start: frame.start,
            anchor_id: frame.anchor_id,
            size: frame.size,
            height: frame.height,
        })
    }

    fn alias(&mut self, id: usize, span: &granit_parser::Span) -> Result<(), Error> {
        let span = self.span(span);
        let name = self
            .source
            .get(span.range())
            .unwrap_or_default()
            .trim_start_matches('*')
            .to_owned();
        let (size, height) = match self.anchors.get(&id) {
            Some(Anchored::Done { size, height, .. }) => (*size, *height),
            _ => {
                let problem = "stands inside what its anchor holds";
                return Err(Error::at(ErrorKind::Alias { name, problem }, span.start));
            }
        };
        let sight = aliases::COPIED_AT_SIGHT.min(self.limits.max_alias_nodes);
        if self.alias_nodes <= sight {
            self.alias_nodes += size;
            if self.alias_nodes > sight {
                aliases::check(self.source, self.limits)?;
            }
        }
        self.count(size, span.start)?;
        if self.open.len() + height > self.limits.max_depth {
            return Err(Error::at(self.too_deep(), span.start));
        }
        if let Some(Anchored::Done { node, .. }) = self.anchors.get(&id) {
            let node = node.aliased(span, &name);
            self.complete(Built {
                node,
                start: span.start,
                anchor_id: 0,
                size,
                height,
            })?;
        }
        Ok(())
    }

    /// Completes the scalar that waited for its anchor's name.
    fn settle(&mut self) -> Result<(), Error> {
        match self.pending.take() {
            Some(built) => self.complete(built),
            None => Ok(()),
        }
    }

    /// Puts a finished node where it belongs.
    fn complete(&mut self, built: Built<'a, T>) -> Result<(), Error> {
        let Built { node, start, .. } = built;
        self.refuse_not_finite(&node, start)?;
        if built.anchor_id != 0 && self.has_aliases {
            self.count(built.size, start)?;
            let kept = Anchored::Done {
                node: node.clone(),
                size: built.size,
                height: built.height,
            };
            self.anchors.insert(built.anchor_id, kept);
        }
        let Some(frame) = self.open.last_mut() else {
            self.documents.push(Root {
                is_empty: matches!(&node, Finished::Scalar(leaf) if leaf.is_nothing()),
                tree: node.into_tree(),
                start,
            });
            return Ok(());
        };
        frame.size += built.size;
        frame.height = frame.height.max(built.height + 1);
        match (&mut frame.content, node) {
            (Content::Sequence(items), node) => {
                items.push(node.into_tree());
                Ok(())
            }
            (Content::Mapping(mapping), Finished::Scalar(key)) if mapping.wants_key() => {
                mapping.take_key(key)
            }
            (Content::Mapping(mapping), node) => mapping
                .take_value(node.into_tree(), start)
                .map_err(|error| syntax::explain_template(self.source, error)),
        }
    }

    /// Refuses a value that Kubernetes' JSON has no form for. As a key it has a name.
    fn refuse_not_finite(&self, node: &Finished<'a, T>, at: Position) -> Result<(), Error> {
        let Finished::Scalar(Leaf {
            meaning: Meaning::Number(number),
            ..
        }) = node
        else {
            return Ok(());
        };
        let is_key = self.open.last().is_some_and(
            |frame| matches!(&frame.content, Content::Mapping(mapping) if mapping.wants_key()),
        );
        if self.schema == Schema::Core || number.is_finite() || is_key {
            return Ok(());
        }
        Err(Error::at(ErrorKind::NotFinite, at))
    }

    fn count(&mut self, nodes: usize, at: Position) -> Result<(), Error> {
        self.nodes += nodes;
        if self.nodes <= self.limits.max_nodes {
            return Ok(());
        }
        let kind = ErrorKind::Limit {
            what: "more nodes than",
            limit: "max_nodes",
            most: self.limits.max_nodes,
        };
        Err(Error::at(kind, at))
    }

    fn too_deep(&self) -> ErrorKind {
        ErrorKind::Limit {
            what: "nested deeper than",
            limit: "max_depth",
            most: self.limits.max_depth,
        }
    }

    pub(super) fn position(&self, marker: &Marker) -> Position {
        super::position(self.source, marker)
    }

    fn scalar_span(&self, span: &granit_parser::Span) -> Span {
        let span = self.span(span);
        if !span.range().is_empty() {
            return span;
        }
        let place = span.start.of_nothing(self.source);
        Span::new(place, place)
    }

    fn span(&self, span: &granit_parser::Span) -> Span {
        Span::new(self.position(&span.start), self.position(&span.end))
    }
}

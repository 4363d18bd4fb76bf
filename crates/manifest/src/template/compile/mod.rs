//! Reads a template with the `handlebars` parser and turns its tree into ours.
//!
//! That parser gives a line and column for each tag, and none for what stands in it. Names are
//! therefore found again in the tag's own text, in the order in which they stand there ([`names`]).
//! Text between tags is found from the place of its first visible character, because what the
//! parser trims (`~`, standalone lines) is only ever white space at its ends.
//!
//! The parser recurses once per nested block and parenthesis; [`nesting`] refuses text that nests
//! deeper than [`MAX_NESTING`] before the parser sees it.
//!
//! This file holds the limits and the walk over elements, and refuses those that a manifest cannot
//! have; each kind of tag is read in a module below. None of them may look at a value.

mod block;
mod expression;
mod failure;
mod names;
mod partial;
mod raw;
mod reference;

pub(super) use raw::closing;

use handlebars::template::{HelperTemplate, Template as Parsed, TemplateElement};

use super::helper::Helpers;
use super::nesting;
use super::source::Source;
use super::syntax::{Node, Offset, Template};
use crate::error::{Error, ErrorKind};

/// Blocks and parentheses may nest this deep in one template.
pub(super) const MAX_NESTING: usize = 64;

/// A template may have this many bytes.
pub(super) const MAX_TEMPLATE_BYTES: usize = 1 << 18;

pub(super) fn compile(source: &Source, helpers: &Helpers) -> Result<Template, Error> {
    let text = source.text();
    if text.len() > MAX_TEMPLATE_BYTES {
        let message = format!("a template may have {MAX_TEMPLATE_BYTES} bytes");
        return Err(Error::new(ErrorKind::Limit, message).at(source.origin(0)));
    }
    if let Some(offset) = nesting::deeper_than(text, MAX_NESTING) {
        let message = format!("blocks and parentheses may nest {MAX_NESTING} deep");
        return Err(source.error(ErrorKind::Limit, message, offset));
    }
    let parsed = Parsed::compile(text).map_err(|error| failure::of(source, &error))?;
    let nodes = Compiler { source, helpers }.nodes(&parsed, 0)?;
    Ok(Template { nodes })
}

struct Compiler<'s> {
    source: &'s Source,
    helpers: &'s Helpers,
}

impl Compiler<'_> {
    /// `enclosing` is the tag of the block around: the links of an `else` chain have no place of
    /// their own.
    fn nodes(&self, template: &Parsed, enclosing: Offset) -> Result<Vec<Node>, Error> {
        let mut nodes = Vec::with_capacity(template.elements.len());
        // They are known in the whole block, before and behind their place.
        let mut inlines = 0;
        for (index, element) in template.elements.iter().enumerate() {
            let at = match (template.mapping.get(index), element) {
                (Some(place), _) => self.source.offset(place.0, place.1),
                (None, TemplateElement::HelperBlock(link)) => self.chained(link, enclosing),
                (None, _) => enclosing,
            };
            match element {
                TemplateElement::RawString(text) if text.is_empty() => {}
                TemplateElement::RawString(text) => {
                    nodes.push(Node::Text {
                        at: self.text_start(text, at),
                        text: text.clone(),
                    });
                }
                TemplateElement::Comment(_) => {}
                TemplateElement::Expression(tag) | TemplateElement::HtmlExpression(tag) => {
                    nodes.push(Node::Insert {
                        expression: self.tag(tag, at)?,
                        at,
                    });
                }
                TemplateElement::HelperBlock(tag) if self.is_raw(at) => {
                    nodes.extend(self.raw(tag, at)?);
                }
                TemplateElement::HelperBlock(tag) => nodes.push(self.block(tag, at)?),
                TemplateElement::PartialExpression(tag) | TemplateElement::PartialBlock(tag) => {
                    nodes.push(self.partial(tag, at)?);
                }
                TemplateElement::DecoratorBlock(tag) => {
                    nodes.insert(inlines, self.inline(tag, at)?);
                    inlines += 1;
                }
                TemplateElement::DecoratorExpression(_) => {
                    return Err(self.refused("a decorator other than `#*inline`", at));
                }
                _ => return Err(self.refused("this tag", at)),
            }
        }
        Ok(nodes)
    }

    /// The `{{else if …}}` that opens a link of a chain: the last one before its first element.
    fn chained(&self, link: &HelperTemplate, enclosing: Offset) -> Offset {
        let first = link
            .template
            .as_ref()
            .and_then(|template| template.mapping.first());
        first
            .map(|place| self.source.offset(place.0, place.1))
            .and_then(|end| self.source.text().get(..end))
            .and_then(|before| before.get(..before.rfind("else")?)?.rfind("{{"))
            .unwrap_or(enclosing)
    }

    /// Where a text begins. The parser names the place of its first visible character, or that of
    /// the tag behind it.
    fn text_start(&self, text: &str, at: Offset) -> Offset {
        let source = self.source.text();
        let lead = text.len() - text.trim_start_matches(BLANK).len();
        if lead == text.len() {
            // Nothing but white space, directly before the tag at `at` or from there on.
            let before = at.checked_sub(text.len());
            let stands_before = before
                .and_then(|from| source.get(from..at))
                .is_some_and(|found| found == text);
            return if stands_before { at - text.len() } else { at };
        }
        match source.get(at..) {
            Some(rest) if rest.starts_with(BLANK) => at,
            _ => at.saturating_sub(lead),
        }
    }

    fn refused(&self, what: &str, at: Offset) -> Error {
        let message = format!("{what} cannot be used in a manifest template");
        self.source.error(ErrorKind::Unsupported, message, at)
    }
}

/// White space as the parser's grammar has it.
const BLANK: &[char] = &[' ', '\t', '\r', '\n'];

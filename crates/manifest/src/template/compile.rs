//! Reads a template with the `handlebars` parser and turns its tree into ours.
//!
//! That parser gives a line and column for each tag, and none for what stands in it. Names are
//! therefore found again in the tag's own text, in the order in which they stand there. Text
//! between tags is found from the place of its first visible character, because what the parser
//! trims (`~`, standalone lines) is only ever white space at its ends.
//!
//! The parser recurses once per nested block and parenthesis; [`nesting`] refuses text that nests
//! deeper than [`MAX_NESTING`] before the parser sees it.

use handlebars::template::{
    DecoratorTemplate, HelperTemplate, Parameter, Template as Parsed, TemplateElement,
};
use handlebars::{Path as ParsedPath, PathSeg, TemplateErrorReason};
use narae_yaml::Value;

use super::helper::{self, Arity};
use super::nesting;
use super::source::Source;
use super::syntax::{
    Base, Block, BlockKind, Expression, Form, Node, Offset, Partial, PartialName, Reference,
    Template, Variable,
};
use crate::error::{Error, ErrorKind};
use crate::suggestion::nearest;

/// Blocks and parentheses may nest this deep in one template.
pub(super) const MAX_NESTING: usize = 64;

/// A template may have this many bytes.
pub(super) const MAX_TEMPLATE_BYTES: usize = 1 << 18;

pub(super) fn compile(source: &Source) -> Result<Template, Error> {
    let text = source.text();
    if text.len() > MAX_TEMPLATE_BYTES {
        let message = format!("a template may have {MAX_TEMPLATE_BYTES} bytes");
        return Err(Error::new(ErrorKind::Limit, message).at(source.origin(0)));
    }
    if let Some(offset) = nesting::deeper_than(text, MAX_NESTING) {
        let message = format!("blocks and parentheses may nest {MAX_NESTING} deep");
        return Err(source.error(ErrorKind::Limit, message, offset));
    }
    let parsed = Parsed::compile(text).map_err(|error| syntax_error(source, &error))?;
    let nodes = Compiler { source }.nodes(&parsed, 0)?;
    Ok(Template { nodes })
}

struct Compiler<'s> {
    source: &'s Source,
}

impl Compiler<'_> {
    /// `enclosing` is the tag of the block around: the links of an `else` chain have no place of
    /// their own.
    fn nodes(&self, template: &Parsed, enclosing: Offset) -> Result<Vec<Node>, Error> {
        let mut nodes = Vec::with_capacity(template.elements.len());
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
                TemplateElement::HelperBlock(tag) => nodes.push(self.block(tag, at)?),
                TemplateElement::PartialExpression(tag) => nodes.push(self.partial(tag, at)?),
                TemplateElement::PartialBlock(_) => {
                    return Err(self.refused("partial blocks (`{{#> …}}`)", at));
                }
                TemplateElement::DecoratorExpression(_) | TemplateElement::DecoratorBlock(_) => {
                    return Err(self.refused("decorators and inline partials (`{{#*…}}`)", at));
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

    fn tag(&self, tag: &HelperTemplate, at: Offset) -> Result<Expression, Error> {
        let mut names = Names::of(self.source.text(), at);
        self.expression_of(tag, &mut names)
    }

    fn expression_of(
        &self,
        tag: &HelperTemplate,
        names: &mut Names<'_>,
    ) -> Result<Expression, Error> {
        if tag.params.is_empty() && tag.hash.is_empty() {
            return self.parameter(&tag.name, names);
        }
        let name = tag.name.as_name().unwrap_or_default();
        let at = names.find(name);
        if let Some(option) = tag.hash.keys().min() {
            let message = format!("helper `{name}` has no option `{option}`");
            return Err(self.source.error(ErrorKind::UnknownName, message, at));
        }
        let mut arguments = Vec::with_capacity(tag.params.len());
        for parameter in &tag.params {
            arguments.push(self.parameter(parameter, names)?);
        }
        self.check_call(name, arguments.len(), at)?;
        Ok(Expression {
            form: Form::Call {
                name: name.to_owned(),
                arguments,
            },
            at,
        })
    }

    fn check_call(&self, name: &str, given: usize, at: Offset) -> Result<(), Error> {
        let Some(arity) = helper::arity(name) else {
            let known = nearest(name, helper::names());
            let error = self
                .source
                .error(ErrorKind::UnknownName, unknown_helper(name), at);
            return Err(match known {
                Some(known) => error.note(format!("did you mean `{known}`")),
                None => error.note(format!("known are {}", helper::list())),
            });
        };
        if arity.accepts(given) {
            return Ok(());
        }
        let Arity { usage, .. } = arity;
        let message = format!("helper `{name}` is used as `{{{{{usage}}}}}`, here with {given}");
        Err(self.source.error(ErrorKind::Syntax, message, at))
    }

    fn parameter(&self, parameter: &Parameter, names: &mut Names<'_>) -> Result<Expression, Error> {
        match parameter {
            Parameter::Literal(literal) => Ok(Expression {
                form: Form::Literal(value_of(literal)),
                at: names.here(),
            }),
            Parameter::Path(path) => self.reference(path, names),
            Parameter::Name(name) => {
                let at = names.find(name);
                // What the grammar calls a name is a reference of one segment.
                match handlebars::Path::parse(name) {
                    Ok(path) => self.reference_at(&path, at),
                    Err(_) => Err(self.source.error(
                        ErrorKind::Syntax,
                        format!("`{name}` is not a reference to a value"),
                        at,
                    )),
                }
            }
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(tag) => self.expression_of(tag, names),
                _ => Err(self.refused("this expression", names.here())),
            },
            _ => Err(self.refused("this expression", names.here())),
        }
    }

    fn reference(&self, path: &ParsedPath, names: &mut Names<'_>) -> Result<Expression, Error> {
        let text = match path {
            ParsedPath::Relative((_, text)) | ParsedPath::Local((_, _, text)) => text,
        };
        let at = names.find(text);
        self.reference_at(path, at)
    }

    fn reference_at(&self, path: &ParsedPath, at: Offset) -> Result<Expression, Error> {
        let reference = match path {
            // A bare `@root` is a variable to the parser.
            ParsedPath::Local((_, _, text)) if text == "@root" => Reference {
                text: text.clone(),
                base: Base::Root,
                segments: Vec::new(),
            },
            ParsedPath::Local((level, name, text)) => {
                let variable = match name.as_str() {
                    "index" => Variable::Index,
                    "key" => Variable::Key,
                    "first" => Variable::First,
                    "last" => Variable::Last,
                    _ => {
                        let message = format!("there is no variable `{text}`");
                        let error = self.source.error(ErrorKind::UnknownName, message, at);
                        return Err(error.note(
                            "known are `@root`, and in `#each` `@index`, `@key`, `@first`, `@last`",
                        ));
                    }
                };
                if !text.ends_with(name.as_str()) {
                    let message = format!("`@{name}` has no fields, found `{text}`");
                    return Err(self.source.error(ErrorKind::Syntax, message, at));
                }
                let base = Base::Local(variable, *level);
                Reference {
                    text: text.clone(),
                    base,
                    segments: Vec::new(),
                }
            }
            ParsedPath::Relative((parsed, text)) => {
                let mut segments = Vec::with_capacity(parsed.len());
                let mut special = 0;
                for segment in parsed {
                    match segment {
                        PathSeg::Named(name) => segments.push(name.clone()),
                        _ => special += 1,
                    }
                }
                let base = if text.trim_start_matches("this.").starts_with("@root") {
                    Base::Root
                } else {
                    Base::Context(special)
                };
                Reference {
                    text: text.clone(),
                    base,
                    segments,
                }
            }
        };
        Ok(Expression {
            form: Form::Reference(reference),
            at,
        })
    }

    fn block(&self, tag: &HelperTemplate, at: Offset) -> Result<Node, Error> {
        let mut names = Names::of(self.source.text(), at);
        let name = tag.name.as_name().unwrap_or_default();
        let kind = match name {
            "if" => BlockKind::If,
            "unless" => BlockKind::Unless,
            "each" => BlockKind::Each,
            "with" => BlockKind::With,
            _ => {
                let error = self
                    .source
                    .error(ErrorKind::UnknownName, unknown_block(name), at);
                return Err(error.note("known are `#if`, `#unless`, `#each`, `#with`"));
            }
        };
        names.find(name);
        let [subject] = tag.params.as_slice() else {
            let message = format!("`#{name}` takes one argument, found {}", tag.params.len());
            return Err(self.source.error(ErrorKind::Syntax, message, at));
        };
        let subject = self.parameter(subject, &mut names)?;
        let include_zero = self.include_zero(tag, kind, name, at)?;
        let body = match &tag.template {
            Some(template) => self.nodes(template, at)?,
            None => Vec::new(),
        };
        let otherwise = match &tag.inverse {
            Some(template) => self.nodes(template, at)?,
            None => Vec::new(),
        };
        let names = block_names(tag);
        let block = Block {
            kind,
            subject,
            names,
            include_zero,
            body,
            otherwise,
            at,
        };
        Ok(Node::Block(Box::new(block)))
    }

    fn include_zero(
        &self,
        tag: &HelperTemplate,
        kind: BlockKind,
        name: &str,
        at: Offset,
    ) -> Result<bool, Error> {
        let mut include_zero = false;
        let mut options: Vec<_> = tag.hash.iter().collect();
        options.sort_by_key(|(option, _)| *option);
        for (option, value) in options {
            match (kind, option.as_str(), value) {
                (
                    BlockKind::If | BlockKind::Unless,
                    "includeZero",
                    Parameter::Literal(serde_json::Value::Bool(flag)),
                ) => include_zero = *flag,
                _ => {
                    let message = format!("`#{name}` has no option `{option}` of this kind");
                    return Err(self.source.error(ErrorKind::UnknownName, message, at));
                }
            }
        }
        Ok(include_zero)
    }

    fn partial(&self, tag: &DecoratorTemplate, at: Offset) -> Result<Node, Error> {
        let mut names = Names::of(self.source.text(), at);
        let name = match &tag.name {
            Parameter::Subexpression(_) => {
                PartialName::Computed(self.parameter(&tag.name, &mut names)?)
            }
            name => {
                let name = unquoted(name.as_name().unwrap_or_default());
                names.find(name);
                PartialName::Fixed(name.to_owned())
            }
        };
        let context = match tag.params.as_slice() {
            [] => None,
            [context] => Some(self.parameter(context, &mut names)?),
            more => {
                let message = format!("a partial takes one context, found {}", more.len());
                return Err(self.source.error(ErrorKind::Syntax, message, at));
            }
        };
        let mut hash: Vec<_> = tag.hash.iter().collect();
        hash.sort_by_key(|(key, _)| *key);
        let mut parameters = Vec::with_capacity(hash.len());
        for (key, value) in hash {
            let mut names = Names::of(self.source.text(), at);
            names.find(&format!("{key}="));
            parameters.push((key.clone(), self.parameter(value, &mut names)?));
        }
        let indent = match &tag.indent {
            Some(indent) if self.source.stands_alone(at) => indent.clone(),
            _ => String::new(),
        };
        Ok(Node::Partial(Box::new(Partial {
            name,
            context,
            parameters,
            indent,
            at,
        })))
    }

    fn refused(&self, what: &str, at: Offset) -> Error {
        let message = format!("{what} cannot be used in a manifest template");
        self.source.error(ErrorKind::Unsupported, message, at)
    }
}

/// White space as the parser's grammar has it.
const BLANK: &[char] = &[' ', '\t', '\r', '\n'];

/// Finds the names of one tag again, from left to right.
struct Names<'t> {
    text: &'t str,
    from: Offset,
}

impl<'t> Names<'t> {
    fn of(text: &'t str, tag: Offset) -> Self {
        Self { text, from: tag }
    }

    fn here(&self) -> Offset {
        self.from
    }

    /// The offset of `name` as a whole word; what follows is searched behind it.
    fn find(&mut self, name: &str) -> Offset {
        let rest = self.text.get(self.from..).unwrap_or_default();
        let is_word =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@' | '$');
        let found = rest.match_indices(name).find(|(start, found)| {
            let before = rest.get(..*start).and_then(|text| text.chars().next_back());
            let after = rest
                .get(start + found.len()..)
                .and_then(|text| text.chars().next());
            !before.is_some_and(is_word) && (name.ends_with('=') || !after.is_some_and(is_word))
        });
        if let Some((start, _)) = found {
            let at = self.from + start;
            self.from = at + name.len();
            return at;
        }
        self.from
    }
}

fn block_names(tag: &HelperTemplate) -> Vec<String> {
    use handlebars::template::BlockParam::{Pair, Single};
    let owned = |parameter: &Parameter| parameter.as_name().unwrap_or_default().to_owned();
    match &tag.block_param {
        Some(Single(value)) => vec![owned(value)],
        Some(Pair((value, key))) => vec![owned(value), owned(key)],
        _ => Vec::new(),
    }
}

/// A partial's name may be written `'like this'` or `[like this]`.
fn unquoted(name: &str) -> &str {
    let inner = |open, close| {
        name.strip_prefix(open)
            .and_then(|name| name.strip_suffix(close))
    };
    inner('\'', '\'')
        .or_else(|| inner('[', ']'))
        .or_else(|| inner('"', '"'))
        .unwrap_or(name)
}

fn unknown_helper(name: &str) -> String {
    format!("there is no helper `{name}`")
}

fn unknown_block(name: &str) -> String {
    format!("there is no block `#{name}`")
}

fn value_of(literal: &serde_json::Value) -> Value {
    narae_yaml::to_value(literal).unwrap_or_default()
}

fn syntax_error(source: &Source, error: &handlebars::TemplateError) -> Error {
    let (line, column) = error.pos().unwrap_or((1, 1));
    let offset = source.offset(line, column);
    let message = match error.reason() {
        TemplateErrorReason::MismatchingClosedHelper(open, close) => {
            format!("block `#{open}` is closed by `/{close}`")
        }
        TemplateErrorReason::InvalidParam(parameter) => {
            format!("`{parameter}` is not a literal that can be read")
        }
        _ => "this is not a template: a tag is not closed, or what stands in it cannot be read"
            .to_owned(),
    };
    source.error(ErrorKind::Syntax, message, offset)
}

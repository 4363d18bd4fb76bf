//! What a template says: the tree that is evaluated, with the place of everything in it.
//!
//! The text is parsed by the `handlebars` crate, so that tags, blocks, white space control and
//! standalone lines are exactly those its users know; [`super::compile`] turns its tree into this
//! one, which is smaller, refuses at once what cannot be evaluated, and knows where each name
//! stands.

use std::fmt;

use narae_yaml::Value;

use super::helper::{BlockHelper, Helper};

/// Byte offset in the template's text.
pub(super) type Offset = usize;

/// A compiled template.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Text that is copied; consecutive in the source from `at` on.
    Text {
        text: String,
        at: Offset,
    },
    /// `{{expression}}`: a value is inserted.
    Insert {
        expression: Expression,
        at: Offset,
    },
    Block(Box<Block>),
    /// `{{#name argument … option=value}}…{{/name}}`, of a program's own.
    Custom(Box<CustomBlock>),
    /// `{{> name context key=value}}`, `{{#> name}}…{{/name}}`.
    Partial(Box<Partial>),
    /// `{{#*inline "name"}}…{{/inline}}`. Stands before all other nodes of its block.
    Inline(Box<Inline>),
}

#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) kind: BlockKind,
    pub(super) subject: Expression,
    /// `as |value key|`.
    pub(super) names: Vec<String>,
    /// `includeZero=true` of `#if` and `#unless`.
    pub(super) include_zero: bool,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
    pub(super) at: Offset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    If,
    Unless,
    Each,
    With,
}

#[derive(Clone, Debug)]
pub(super) struct CustomBlock {
    pub(super) helper: BlockHelper,
    pub(super) arguments: Vec<Expression>,
    pub(super) options: Vec<(String, Expression)>,
    /// `as |a b|`.
    pub(super) names: Vec<String>,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
    pub(super) at: Offset,
}

#[derive(Clone, Debug)]
pub(super) struct Partial {
    pub(super) name: PartialName,
    pub(super) context: Option<Expression>,
    pub(super) parameters: Vec<(String, Expression)>,
    /// White space before a partial that stands alone on its line; each of its lines gets it.
    pub(super) indent: String,
    /// What `{{> @partial-block}}` is in it, and what stands in its place if there is no such
    /// partial.
    pub(super) block: Option<Vec<Node>>,
    pub(super) at: Offset,
}

/// A partial that is known in the block it stands in, and to the partials included there.
#[derive(Clone, Debug)]
pub(super) struct Inline {
    pub(super) name: String,
    pub(super) body: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(super) enum PartialName {
    Fixed(String),
    Computed(Expression),
}

#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub(super) form: Form,
    pub(super) at: Offset,
}

#[derive(Clone, Debug)]
pub(super) enum Form {
    Literal(Value),
    Reference(Reference),
    Call {
        helper: Helper,
        arguments: Vec<Expression>,
    },
}

/// `image.tag`, `../name`, `@root.site`, `@index`.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    /// As written, for messages.
    pub(super) text: String,
    pub(super) base: Base,
    pub(super) segments: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// The context this many levels up.
    Context(usize),
    Root,
    /// A variable of a loop, that many loops up.
    Local(Variable, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    Index,
    Key,
    First,
    Last,
}

/// As it is written in a template.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.form {
            Form::Literal(value) => {
                let json = serde_json::to_string(value).map_err(|_| fmt::Error)?;
                f.write_str(&json)
            }
            Form::Reference(reference) => f.write_str(&reference.text),
            Form::Call { helper, arguments } => {
                write!(f, "({}", helper.name())?;
                for argument in arguments {
                    write!(f, " {argument}")?;
                }
                f.write_str(")")
            }
        }
    }
}

//! Expressions in Kubernetes' expression language (CEL), of policies and of custom resource
//! definitions: parsed once, checked for what they may use, bounded in what they cost. The `cel`
//! crate parses and evaluates; who asks what of which object is for `policy` and `schema`.

mod cost;
mod value;

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr};
use cel::parser::Parser;

use crate::error::{Error, ErrorKind};
use crate::origin::Origin;
use crate::suggestion::nearest;

pub use cost::MAX_COST;
pub(crate) use cost::{Estimate, Size, Sizes};
pub(crate) use value::{context, map, to_cel, truth};

/// An expression has at most this many bytes.
pub const MAX_EXPRESSION_BYTES: usize = 8 << 10;

/// Parentheses and brackets nest this deep at most. The parser uses tens of kilobytes of stack for
/// each level in a build without optimisation; this fits the two megabytes a thread has.
const MAX_NESTING: usize = 16;

/// Operators, selections and indexes in one expression; each may be a level of its tree.
const MAX_OPERATORS: usize = 512;

/// Levels of the tree, which the evaluator walks by recursion. `&&` and `||` make balanced trees.
const MAX_DEPTH: usize = 64;

#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) tree: IdedExpr,
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

impl Expression {
    /// Parses an expression that may use the names of its subject and some variables.
    pub(crate) fn parse(
        text: &str,
        subject: Subject,
        variables: &[&str],
        origin: Origin,
    ) -> Result<Self, Error> {
        let error = |kind, message: String| Error::new(kind, message).at(origin.clone());
        if let Some(limit) = exceeded(text) {
            return Err(error(
                ErrorKind::Limit,
                format!("this expression is larger than {limit}"),
            ));
        }
        let parser = Parser::new()
            .max_recursion_depth(MAX_DEPTH.try_into().unwrap_or(u16::MAX))
            .enable_optional_syntax(true);
        let tree = parser.parse(text).map_err(|errors| {
            let first = errors.errors.first();
            let place = first.map_or((1, 1), |first| first.pos);
            let problem = first
                .and_then(|first| first.msg.lines().next())
                .unwrap_or_default();
            let message = format!("this expression cannot be read: {problem}");
            error(ErrorKind::Syntax, message).note(format!(
                "at line {}, column {} of the expression",
                place.0, place.1
            ))
        })?;
        let mut check = Check {
            subject,
            variables,
            bound: Vec::new(),
            origin: &origin,
        };
        check.walk(&tree, 0)?;
        Ok(Self {
            tree,
            text: text.to_owned(),
            origin,
        })
    }
}

/// The limit that a text exceeds, before the parser sees it.
fn exceeded(text: &str) -> Option<String> {
    if text.len() > MAX_EXPRESSION_BYTES {
        return Some(format!("{MAX_EXPRESSION_BYTES} bytes"));
    }
    let (mut depth, mut operators) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            // Brackets in a string count as well: too many at worst.
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        operators += usize::from(b".+-*/%<>=!?[".contains(&byte));
        if depth > MAX_NESTING {
            return Some(format!("{MAX_NESTING} levels of parentheses"));
        }
    }
    (operators > MAX_OPERATORS).then(|| format!("{MAX_OPERATORS} operators"))
}

/// What an expression is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A request for an object: policies.
    Request,
    /// A part of an object: rules of custom resource definitions.
    #[cfg(feature = "schema")]
    Part,
}

impl Subject {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Request => &["object", "oldObject", "request", "variables"],
            #[cfg(feature = "schema")]
            Self::Part => &["self"],
        }
    }
}

/// What any expression may name: the types of the language.
const NAMES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "optional",
    "string",
    "strings",
    "type",
    "uint",
];

/// What only a cluster knows.
const CLUSTER: &[&str] = &[
    "authorizer",
    "globalContext",
    "http",
    "images",
    "namespaceObject",
    "params",
    "resource",
];

/// What an expression may call, operators aside.
const FUNCTIONS: &[&str] = &[
    "bool",
    "bytes",
    "charAt",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "format",
    "hasValue",
    "indexOf",
    "int",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "matches",
    "none",
    "of",
    "ofNonZeroValue",
    "optional.none",
    "optional.of",
    "optional.ofNonZeroValue",
    "or",
    "orValue",
    "quote",
    "replace",
    "reverse",
    "size",
    "split",
    "startsWith",
    "string",
    "strings.quote",
    "substring",
    "trim",
    "type",
    "uint",
    "upperAscii",
    "value",
];

struct Check<'c> {
    subject: Subject,
    variables: &'c [&'c str],
    /// Names bound by `all`, `exists`, `map`, ….
    bound: Vec<String>,
    origin: &'c Origin,
}

impl Check<'_> {
    fn walk(&mut self, node: &IdedExpr, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            let message = format!("this expression is deeper than {MAX_DEPTH} levels");
            return Err(self.error(ErrorKind::Limit, message));
        }
        let deeper = depth + 1;
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.name(name),
            Expr::Select(select) => {
                if is_variables(&select.operand) && !self.variables.contains(&select.field.as_str())
                {
                    let message = format!("there is no variable `{}` before this", select.field);
                    let error = self.error(ErrorKind::UnknownName, message);
                    let known = nearest(&select.field, self.variables.iter().copied());
                    return Err(match known {
                        Some(known) => error.note(format!("did you mean `variables.{known}`")),
                        None => error,
                    });
                }
                self.walk(&select.operand, deeper)
            }
            Expr::Call(call) => {
                self.function(&call.func_name)?;
                if let Some(target) = &call.target {
                    self.walk(target, deeper)?;
                }
                call.args
                    .iter()
                    .try_for_each(|argument| self.walk(argument, deeper))
            }
            Expr::List(list) => list
                .elements
                .iter()
                .try_for_each(|item| self.walk(item, deeper)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.walk(&entry.key, deeper)?;
                    self.walk(&entry.value, deeper)
                }
                EntryExpr::StructField(field) => self.walk(&field.value, deeper),
            }),
            Expr::Struct(made) => {
                let message = format!("objects of type `{}` cannot be made here", made.type_name);
                Err(self.error(ErrorKind::Unsupported, message))
            }
            Expr::Comprehension(each) => {
                self.walk(&each.iter_range, deeper)?;
                self.walk(&each.accu_init, deeper)?;
                let outer = self.bound.len();
                self.bound
                    .extend([each.iter_var.clone(), each.accu_var.clone()]);
                self.bound.extend(each.iter_var2.clone());
                let parts = [&each.loop_cond, &each.loop_step, &each.result];
                let result = parts.iter().try_for_each(|part| self.walk(part, deeper));
                self.bound.truncate(outer);
                result
            }
        }
    }

    fn name(&self, name: &str) -> Result<(), Error> {
        let known = || NAMES.iter().chain(self.subject.names());
        if known().any(|known| *known == name) || self.bound.iter().any(|bound| bound == name) {
            return Ok(());
        }
        let message = format!("`{name}` is not known here");
        let error = self.error(ErrorKind::Unsupported, message);
        Err(match nearest(name, known().copied()) {
            _ if CLUSTER.contains(&name) => error.note("it is something only a cluster knows"),
            Some(known) => error.note(format!("did you mean `{known}`")),
            None => error,
        })
    }

    fn function(&self, name: &str) -> Result<(), Error> {
        let is_operator = !name.starts_with(|c: char| c.is_ascii_alphabetic());
        if is_operator || FUNCTIONS.contains(&name) {
            return Ok(());
        }
        let error = self.error(
            ErrorKind::Unsupported,
            format!("there is no function `{name}`"),
        );
        Err(match nearest(name, FUNCTIONS.iter().copied()) {
            Some(known) => error.note(format!("did you mean `{known}`")),
            None => error,
        })
    }

    fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(kind, message).at(self.origin.clone())
    }
}

/// Whether an expression is the name `variables`, whose fields are the policy's own.
pub(crate) fn is_variables(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Ident(name) if name == "variables")
}

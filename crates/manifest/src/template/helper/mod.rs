//! The helpers: typed values in, typed values out, none of them impure, each of them bounded.
//!
//! May say which helpers there are, how each is called, and what it makes of values that are all
//! there. Those that decide which of their arguments is evaluated ([`Lazy`]) are part of the
//! evaluator. What each one does is documented in [`super::library`], whose table is tested.

mod block;
mod custom;
mod encoding;
mod list;
mod logic;
mod moment;
mod number;
mod order;
mod quantity;
mod text;
mod version;

use narae_yaml::Value;

pub use block::{BlockCall, Turn, TurnValue};
pub(super) use block::{BlockHelper, BlockWork};
pub(super) use custom::Helpers;
pub(super) use logic::is_truthy;
pub(super) use order::{meant, works_turned};
pub(super) use text::text;

/// What a helper makes of its arguments, or what is wrong with them, in words that follow its name.
pub(super) type Function = fn(&[&Value]) -> Result<Value, String>;

/// A helper that a template calls.
#[derive(Clone, Debug)]
pub(super) enum Helper {
    Known(&'static Entry),
    Custom(custom::Custom),
}

/// How a helper of this crate is called, and what does its work.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    /// The names of its arguments.
    arguments: &'static str,
    least: usize,
    most: usize,
    work: Work,
}

#[derive(Debug)]
enum Work {
    Lazy(Lazy),
    Eager(Function),
}

/// Helpers that evaluate only the arguments that decide, or take one that may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lazy {
    And,
    Coalesce,
    Default,
    Defined,
    Lookup,
    Or,
    Required,
    Ternary,
}

/// What is done when a helper is called.
pub(super) enum Call<'h> {
    Lazy(Lazy),
    Eager(Function),
    Custom(&'h custom::Custom),
}

/// Bytes of a text, and elements of a list, that a helper makes out of something smaller.
const MAX_GROWTH: usize = 1 << 20;

const MANY: usize = usize::MAX;

const fn lazy(
    name: &'static str,
    arguments: &'static str,
    arity: (usize, usize),
    lazy: Lazy,
) -> Entry {
    Entry {
        name,
        arguments,
        least: arity.0,
        most: arity.1,
        work: Work::Lazy(lazy),
    }
}

const fn eager(
    name: &'static str,
    arguments: &'static str,
    arity: (usize, usize),
    function: Function,
) -> Entry {
    Entry {
        name,
        arguments,
        least: arity.0,
        most: arity.1,
        work: Work::Eager(function),
    }
}

/// Sorted by name: it is searched so.
static ENTRIES: &[Entry] = &[
    eager("add", "a b …", (2, MANY), number::add),
    lazy("and", "a b …", (2, MANY), Lazy::And),
    eager("append", "list value", (2, 2), list::append),
    eager("b64dec", "text", (1, 1), encoding::b64dec),
    eager("b64enc", "text", (1, 1), encoding::b64enc),
    lazy("coalesce", "value …", (1, MANY), Lazy::Coalesce),
    eager("concat", "a b …", (1, MANY), text::concat),
    eager("contains", "text part", (2, 2), text::contains),
    eager("date", "time format", (2, 2), moment::date),
    lazy("default", "value fallback", (2, 2), Lazy::Default),
    lazy("defined", "value", (1, 1), Lazy::Defined),
    eager("dict", "key value …", (0, MANY), list::dict),
    eager("div", "a b", (2, 2), number::div),
    eager("divf", "a b", (2, 2), number::divf),
    eager("empty", "value", (1, 1), logic::empty),
    eager("eq", "a b", (2, 2), logic::eq),
    eager("fail", "message", (1, 1), logic::fail),
    eager("first", "list", (1, 1), list::first),
    eager("float", "value", (1, 1), number::float),
    eager("ge", "a b", (2, 2), logic::ge),
    eager("gt", "a b", (2, 2), logic::gt),
    eager("has", "list value", (2, 2), list::has),
    eager("hasKey", "mapping key", (2, 2), list::has_key),
    eager("hasPrefix", "text part", (2, 2), text::has_prefix),
    eager("hasSuffix", "text part", (2, 2), text::has_suffix),
    eager("int", "value", (1, 1), number::int),
    eager("join", "list separator", (2, 2), text::join),
    eager("keys", "mapping", (1, 1), list::keys),
    eager("last", "list", (1, 1), list::last),
    eager("le", "a b", (2, 2), logic::le),
    eager("len", "value", (1, 1), list::len),
    eager("list", "value …", (0, MANY), list::list),
    lazy("lookup", "container key", (2, 2), Lazy::Lookup),
    eager("lower", "text", (1, 1), text::lower),
    eager("lt", "a b", (2, 2), logic::lt),
    eager("max", "a b …", (1, MANY), number::max),
    eager("merge", "mapping …", (1, MANY), list::merge),
    eager("min", "a b …", (1, MANY), number::min),
    eager("mod", "a b", (2, 2), number::modulo),
    eager("mul", "a b …", (2, MANY), number::mul),
    eager("ne", "a b", (2, 2), logic::ne),
    eager("not", "a", (1, 1), logic::not),
    lazy("or", "a b …", (2, MANY), Lazy::Or),
    eager("quantityAdd", "a b …", (2, MANY), quantity::add),
    eager("quantityCompare", "a b", (2, 2), quantity::compare),
    eager("quantityMul", "quantity times", (2, 2), quantity::mul),
    eager("quantitySub", "a b", (2, 2), quantity::sub),
    eager("quote", "value", (1, 1), text::to_string),
    eager("repeat", "text times", (2, 2), text::repeat),
    eager("replace", "text part other", (3, 3), text::replace),
    lazy("required", "value \"message\"", (2, 2), Lazy::Required),
    eager("reverse", "list", (1, 1), list::reverse),
    eager(
        "semverCompare",
        "version constraint",
        (2, 2),
        version::compare,
    ),
    eager("sha256sum", "text", (1, 1), encoding::sha256sum),
    eager("sortAlpha", "list", (1, 1), list::sort_alpha),
    eager("split", "text separator", (2, 2), text::split),
    eager("squote", "value", (1, 1), text::to_string),
    eager("sub", "a b", (2, 2), number::sub),
    lazy("ternary", "condition yes no", (3, 3), Lazy::Ternary),
    eager("title", "text", (1, 1), text::title),
    eager("toJson", "value", (1, 1), encoding::to_json),
    eager("toString", "value", (1, 1), text::to_string),
    eager("toYaml", "value", (1, 1), encoding::to_yaml),
    eager("trim", "text", (1, 1), text::trim),
    eager("trimAll", "text characters", (2, 2), text::trim_all),
    eager("trimPrefix", "text part", (2, 2), text::trim_prefix),
    eager("trimSuffix", "text part", (2, 2), text::trim_suffix),
    eager("trunc", "text length", (2, 2), text::trunc),
    eager("uniq", "list", (1, 1), list::uniq),
    eager("until", "count", (1, 1), list::until),
    eager("upper", "text", (1, 1), text::upper),
    eager("values", "mapping", (1, 1), list::values),
];

/// The helper of this crate that has a name.
fn known(name: &str) -> Option<&'static Entry> {
    let index = ENTRIES
        .binary_search_by(|entry| entry.name.cmp(name))
        .ok()?;
    ENTRIES.get(index)
}

/// The names of this crate's helpers, sorted.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|entry| entry.name)
}

impl Helper {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Known(entry) => entry.name,
            Self::Custom(custom) => custom.name(),
        }
    }

    pub(super) fn accepts(&self, given: usize) -> bool {
        match self {
            Self::Known(entry) => (entry.least..=entry.most).contains(&given),
            Self::Custom(custom) => custom.accepts(given),
        }
    }

    /// How it is written in a template.
    pub(super) fn usage(&self) -> String {
        match self {
            Self::Known(entry) => format!("`{{{{{} {}}}}}`", entry.name, entry.arguments),
            Self::Custom(custom) => custom.usage(),
        }
    }

    pub(super) fn call(&self) -> Call<'_> {
        match self {
            Self::Custom(custom) => Call::Custom(custom),
            Self::Known(entry) => match entry.work {
                Work::Lazy(lazy) => Call::Lazy(lazy),
                Work::Eager(function) => Call::Eager(function),
            },
        }
    }
}

/// What to write instead of a helper that its users know from elsewhere and that is not here.
pub(super) fn advice(name: &str) -> Option<&'static str> {
    Some(match name {
        "indent" | "nindent" => "a value needs no indentation: insert it as it is",
        "include" | "template" => "include a partial with `{{> name}}`",
        "printf" | "print" | "cat" => {
            "put texts together with `concat`, or write them side by side"
        }
        "splitList" => "split a text with `split text separator`",
        "toPrettyJson" | "toRawJson" => "write JSON with `toJson value`",
        "fromJson" | "fromYaml" => "give it as a value, in a layer, instead of as text",
        "tpl" => "a value is never read as a template",
        "-" => "`~` eats the white space around a tag: `{{~a~}}`",
        "if" | "unless" | "each" | "with" => "a block is written `{{#if a}}…{{/if}}`",
        "range" => "a loop is written `{{#each list}}…{{/each}}`",
        "define" | "block" => "a partial is written `{{#*inline \"name\"}}…{{/inline}}`",
        "log" => "a template writes objects and nothing else",
        "get" | "index" | "dig" => "take an element with `lookup container key`",
        "now" | "ago" | "env" | "expandenv" | "uuidv4" | "genCA" | "genSignedCert"
        | "genPrivateKey" | "getHostByName" | "shuffle" => IMPURE,
        _ if name.starts_with("rand") => IMPURE,
        _ => return None,
    })
}

const IMPURE: &str =
    "the same values give the same objects: what differs from run to run is given as a value";

/// The problem of a helper that wants something else.
fn wanted(what: &str, found: &Value) -> String {
    format!("takes {what}, found {}", found.kind())
}

fn wrong_count(arguments: &[&Value]) -> String {
    format!("cannot take {} arguments", arguments.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_found_by_their_names() {
        for entry in ENTRIES {
            assert!(
                known(entry.name).is_some(),
                "{} is out of order",
                entry.name
            );
        }
        assert!(known("nindent").is_none());
    }
}

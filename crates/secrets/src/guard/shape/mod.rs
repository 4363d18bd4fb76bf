//! What looks like a secret, whatever its value: tokens, keys, Secret objects.
//!
//! Each shape has literals that it begins with; most are looked for at once (Teddy), the few that are short or stand
//! everywhere by a pass each, which costs less than to stop for them. What stands there is then read forward. Nothing is reported that is plainly a stand-in: a reference, a template's expression, the
//! same few characters over and over.

mod flow;
mod key;
mod object;
mod token;

use aho_corasick::packed::{self, MatchKind};
use aho_corasick::{AhoCorasick, Input, Span};
use memchr::memmem;

use super::finding::{Shape, What};
use super::scan::{Buffer, Hits, Verdict};

/// Reads what stands at a literal: `at` and `end` are the literal's.
type Read = fn(&Text<'_>, usize, usize) -> (usize, Verdict);

/// A literal, the shape that may stand there, and how to tell.
struct Rule {
    literal: &'static str,
    shape: Shape,
    read: Read,
}

/// The buffer as shapes read it.
pub(super) struct Text<'b> {
    bytes: &'b [u8],
    is_complete: bool,
    marks: &'b object::Marks,
}

/// Every shape.
pub(super) struct Shapes {
    rules: Vec<Rule>,
    /// Those whose literals are too short to be looked for with the others, or too frequent.
    alone: Vec<(Rule, memmem::Finder<'static>)>,
    longest: usize,
    search: Search,
    marks: object::Marks,
}

enum Search {
    Packed(packed::Searcher),
    /// Where the processor has no vectors.
    Automaton(AhoCorasick),
}

impl Shapes {
    pub(super) fn new() -> Self {
        let rules = token::rules().chain(key::rules()).chain(object::rules());
        // Four bytes of each are looked at together; fewer would stop at every second word.
        let (rules, alone): (Vec<Rule>, Vec<Rule>) =
            rules.partition(|rule| rule.literal.len() >= 4 && !object::is_frequent(rule.literal));
        let literals = || rules.iter().map(|rule| rule.literal);
        let packed = packed::Config::new()
            .match_kind(MatchKind::LeftmostLongest)
            .builder()
            .extend(literals())
            .build();
        let automaton = || {
            let kind = aho_corasick::MatchKind::LeftmostLongest;
            AhoCorasick::builder()
                .match_kind(kind)
                .build(literals())
                .ok()
        };
        let search = packed
            .map(Search::Packed)
            .or_else(|| automaton().map(Search::Automaton));
        Self {
            longest: literals().map(str::len).max().unwrap_or_default(),
            search: search.expect("because the literals are few and fixed"),
            rules,
            marks: object::Marks::new(),
            alone: alone.into_iter().map(with_finder).collect(),
        }
    }

    /// Looks for every shape that begins at `buffer.from` or after it.
    pub(super) fn scan(&self, buffer: &Buffer<'_>, hits: &mut Hits) {
        let text = Text {
            bytes: buffer.bytes,
            is_complete: buffer.is_complete,
            marks: &self.marks,
        };
        let mut from = buffer.from;
        while let Some((rule, at, end)) = self.next(buffer.bytes, from) {
            let (start, verdict) = (rule.read)(&text, at, end);
            hits.add(start, verdict, || What::Shape(rule.shape));
            from = at + 1;
        }
        let rest = text.from(buffer.from);
        for (rule, finder) in &self.alone {
            for at in finder.find_iter(rest).map(|at| buffer.from + at) {
                let (start, verdict) = (rule.read)(&text, at, at + rule.literal.len());
                hits.add(start, verdict, || What::Shape(rule.shape));
            }
        }
        self.cut_off(buffer, hits);
    }

    fn next(&self, bytes: &[u8], from: usize) -> Option<(&Rule, usize, usize)> {
        let span = Span::from(from..bytes.len());
        let found = match &self.search {
            Search::Packed(search) => search.find_in(bytes, span),
            Search::Automaton(search) => search.find(Input::new(bytes).span(span)),
        }?;
        let rule = self.rules.get(found.pattern().as_usize())?;
        Some((rule, found.start(), found.end()))
    }

    /// The buffer's end may cut a literal.
    fn cut_off(&self, buffer: &Buffer<'_>, hits: &mut Hits) {
        let from = buffer
            .bytes
            .len()
            .saturating_sub(self.longest - 1)
            .max(buffer.from);
        for at in from..buffer.bytes.len() {
            let end = buffer.bytes.get(at..).unwrap_or_default();
            let is_cut = |rule: &Rule| rule.literal.as_bytes().starts_with(end);
            let alone = self.alone.iter().map(|(rule, _)| rule);
            if self.rules.iter().chain(alone).any(is_cut) {
                hits.undecided(at);
                return;
            }
        }
    }
}

fn with_finder(rule: Rule) -> (Rule, memmem::Finder<'static>) {
    let finder = memmem::Finder::new(rule.literal);
    (rule, finder)
}

impl Text<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn before(&self, at: usize) -> Option<u8> {
        at.checked_sub(1).and_then(|at| self.byte(at))
    }

    fn from(&self, at: usize) -> &[u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    fn slice(&self, from: usize, to: usize) -> &[u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }

    /// What a reader answers that needs more than there is.
    fn cut(&self) -> Verdict {
        if self.is_complete {
            Verdict::No
        } else {
            Verdict::Undecided
        }
    }

    /// The end of the bytes of a class from `at` on, at most `most`; `None` when the buffer ends before.
    fn run(&self, at: usize, most: usize, class: impl Fn(u8) -> bool) -> Option<usize> {
        let rest = self.from(at);
        let rest = rest.get(..most).unwrap_or(rest);
        match rest.iter().position(|byte| !class(*byte)) {
            Some(length) => Some(at + length),
            None if rest.len() == most || self.is_complete => Some(at + rest.len()),
            None => None,
        }
    }
}

/// How many different bytes there are: few in a stand-in, many in anything drawn at random.
fn variety(bytes: &[u8]) -> usize {
    let mut seen = [false; 256];
    for byte in bytes {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    seen.iter().filter(|seen| **seen).count()
}

/// Whether a value is a stand-in for one: a reference, an expression of a template or a shell, a mark.
fn is_stand_in(value: &[u8]) -> bool {
    let begins = ["ref+", "vault:", ">>vault:", "{{", "${", "$("];
    let words: [&[u8]; 7] = [b"", b"null", b"~", b"{}", b"[]", b"REDACTED", b"[redacted]"];
    words.contains(&value)
        || begins
            .iter()
            .any(|begin| value.starts_with(begin.as_bytes()))
        || (value.starts_with(b"<") && value.contains(&b'>'))
        || is_format(value)
        || value.iter().all(|byte| value.first() == Some(byte))
}

/// `%s`, `%(name)s`, `%{name}`, `%NAME%`; not `%40…`, which is a byte of a URL.
fn is_format(value: &[u8]) -> bool {
    match value {
        [b'%', _] | [b'%', b'(' | b'{', ..] => true,
        [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => false,
        [b'%', .., b'%'] => true,
        _ => false,
    }
}

/// Whether a scalar, as YAML writes it, is a value: no stand-in, alias or tag of somebody's own. Behind YAML's own tags
/// stands one as behind none.
fn is_literal(scalar: &[u8]) -> bool {
    let scalar = untagged(scalar);
    let is_mark = matches!(scalar.first(), Some(b'*' | b'!'));
    !is_mark && !is_stand_in(unquoted(scalar))
}

fn untagged(scalar: &[u8]) -> &[u8] {
    let tags = [&b"!!binary"[..], b"!!str"];
    let behind = tags.iter().find_map(|tag| scalar.strip_prefix(*tag));
    match behind {
        Some(rest) if rest.first().is_none_or(u8::is_ascii_whitespace) => rest.trim_ascii(),
        _ => scalar,
    }
}

fn unquoted(text: &[u8]) -> &[u8] {
    let stripped = |quote: u8| text.strip_prefix(&[quote])?.strip_suffix(&[quote]);
    stripped(b'"').or_else(|| stripped(b'\'')).unwrap_or(text)
}

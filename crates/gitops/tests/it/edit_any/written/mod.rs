//! YAML files as people write them, from random bytes, with the place of every scalar.
//!
//! Whatever the bytes are, a valid file comes out; fewer and smaller bytes give a simpler one, so that what fails shrinks.

mod block;
mod flow;

use std::collections::BTreeMap;
use std::ops::Range;

use narae_gitops::edit::Part;
use narae_yaml::Path;

/// What should be written; how is left to the dice.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Any,
    /// A string, in any style that says it.
    Text(&'static str),
    /// A plain scalar.
    Plain(&'static str),
    Sequence(Vec<Shape>),
    Mapping(Vec<(&'static str, Shape)>),
}

/// A scalar that is a value.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub(super) document: usize,
    pub(super) path: Path,
    /// Quotes included, tag and anchor not; empty where nothing is written.
    pub(super) span: Range<usize>,
    pub(super) is_block: bool,
    pub(super) tag: Option<&'static str>,
    /// The policy and the part that a marker behind it names.
    pub(super) marker: Option<(&'static str, Part)>,
}

/// Values that stand in more than one place, in the order of the file.
#[derive(Clone, Debug)]
pub(super) enum Link {
    Alias {
        at: Path,
        of: Path,
    },
    /// What merge keys bring into the mapping at `at`, the keys written there left out.
    Merge {
        at: Path,
        of: Vec<Path>,
        own: Vec<&'static str>,
    },
}

#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) scalars: Vec<Scalar>,
    /// With the document each is in.
    pub(super) links: Vec<(usize, Link)>,
    /// Whether an anchor's name is given twice in one document.
    pub(super) has_anchors_again: bool,
}

/// How keys are written, and what they are called.
const KEYS: [(&str, &str); 10] = [
    ("a", "a"),
    ("b", "b"),
    ("c-d", "c-d"),
    ("'e f'", "e f"),
    ("\"g.h/i\"", "g.h/i"),
    ("키", "키"),
    ("name", "name"),
    ("x y", "x y"),
    ("'it''s'", "it's"),
    ("\"\\u00e9\"", "é"),
];
const PLAIN: [&str; 14] = [
    "v1",
    "a b",
    "한글",
    "true",
    "0x1F",
    "~",
    "1.20",
    "-x",
    "x#y",
    "a:b",
    "2001-12-14",
    "12e4567",
    "http://x.y:80/p#r",
    "shop/web:3f2a9c1",
];
const QUOTED: [&str; 8] = [
    "'it''s'",
    "\"a # b\"",
    "''",
    "\"\\u00e9 \\\"q\\\"\\n\"",
    "'x: {y}, [z]'",
    "\"\"",
    "' '",
    "\"1.20\"",
];
pub(super) const POLICY: &str = "flux:web";

struct Dice<'a> {
    bytes: &'a [u8],
}

impl Dice<'_> {
    /// One of `sides` numbers from 0; the first when there are no more bytes.
    fn of(&mut self, sides: usize) -> usize {
        let (first, rest) = self.bytes.split_first().unwrap_or((&0, &[]));
        self.bytes = rest;
        usize::from(*first) % sides
    }

    /// Rarely: one time in `sides`.
    fn once_in(&mut self, sides: usize) -> bool {
        self.of(sides) == sides - 1
    }
}

/// What stands before a node on its line.
#[derive(Clone, Copy, PartialEq)]
enum After {
    /// Nothing: a document without its `---`.
    Nothing,
    Document,
    Colon,
    /// A dash, or a question mark or colon that begins its line: a collection may begin there.
    Indicator {
        is_colon: bool,
    },
}

enum Properties {
    Scalar,
    Text,
    Collection,
}

/// What was written before a node.
#[derive(Default)]
struct Had {
    tag: Option<&'static str>,
    /// With its number in the file.
    anchor: Option<(&'static str, usize)>,
}

struct Pen<'a> {
    dice: Dice<'a>,
    done: Written,
    document: usize,
    /// In this document: where each anchor leads, and whether that is a mapping.
    anchors: BTreeMap<&'static str, (Path, bool)>,
    /// Which of its name is the last.
    numbers: BTreeMap<&'static str, usize>,
    last_anchor: usize,
    /// `\n`, `\r\n`, or now this and now that.
    line_ends: usize,
    nodes_left: usize,
}

/// A file with `special` as one of its documents, and the index of that document.
pub(super) fn write(bytes: &[u8], special: Option<Shape>) -> (Written, usize) {
    let mut pen = Pen {
        dice: Dice { bytes },
        done: Written::default(),
        document: 0,
        anchors: BTreeMap::new(),
        numbers: BTreeMap::new(),
        last_anchor: 0,
        line_ends: 0,
        nodes_left: 32,
    };
    pen.line_ends = pen.dice.of(3);
    if pen.dice.once_in(4) {
        pen.push("\u{feff}");
    }
    let documents = 1 + pen.dice.of(3);
    let chosen = pen.dice.of(documents);
    let mut has_ended = true;
    for document in 0..documents {
        pen.document = document;
        let shape = special.as_ref().filter(|_| document == chosen);
        has_ended = pen.document(shape.unwrap_or(&Shape::Any), has_ended);
    }
    if pen.dice.once_in(4) {
        let text = &mut pen.done.text;
        let end = text.trim_end_matches(['\n', '\r']).len();
        // Not the blanks that a comment's sign or a document's end need.
        text.truncate(end);
    }
    (pen.done, chosen)
}

impl Pen<'_> {
    fn push(&mut self, text: &str) {
        self.done.text.push_str(text);
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        let index = self.dice.of(of.len());
        of.get(index).copied().unwrap_or_default()
    }

    fn line_end(&mut self) {
        let with_return = self.line_ends == 1 || (self.line_ends == 2 && self.dice.once_in(2));
        self.push(if with_return { "\r\n" } else { "\n" });
    }

    fn spaces(&mut self, count: usize) {
        self.push(&" ".repeat(count));
    }

    fn column(&self) -> usize {
        let line = self.done.text.rsplit('\n').next().unwrap_or_default();
        line.trim_start_matches('\u{feff}').chars().count()
    }

    /// What may stand behind anything until its line ends, and lines of no meaning below it. A comment that is a marker stands
    /// behind `scalar` only.
    fn rest_of_line(&mut self, scalar: Option<usize>) {
        match self.dice.of(8) {
            0..3 => {}
            3 => self.push("  "),
            4 => self.push("\t"),
            5 => self.push("   # told: {it} 'x"),
            6 => self.push("\t# - \"y"),
            _ => self.marker(scalar),
        }
        self.line_end();
        while self.dice.once_in(6) {
            let line = self.one(&["", "# at the margin", "      # deep: - [", "   "]);
            self.push(line);
            self.line_end();
        }
    }

    fn marker(&mut self, scalar: Option<usize>) {
        let Some(scalar) = scalar.and_then(|index| self.done.scalars.get_mut(index)) else {
            self.push(" # none");
            return;
        };
        let (ending, part) = match self.dice.of(4) {
            0 => ("", Part::Whole),
            1 => (":tag", Part::Tag),
            2 => (":name", Part::Name),
            _ => (":digest", Part::Digest),
        };
        let policy = match self.dice.once_in(4) {
            true => "flux:webs",
            false => POLICY,
        };
        scalar.marker = Some((policy, part));
        self.push(&format!(" # {{\"$imagepolicy\": \"{policy}{ending}\"}}"));
    }

    /// Whether it ended with `...`, after which directives may stand.
    fn document(&mut self, shape: &Shape, may_have_directives: bool) -> bool {
        self.anchors.clear();
        self.numbers.clear();
        while self.dice.once_in(4) {
            self.push("# head");
            self.line_end();
        }
        let is_bare = may_have_directives && self.dice.of(3) == 0;
        if may_have_directives && !is_bare && self.dice.once_in(3) {
            let directive = self.one(&[
                "%YAML 1.2",
                "%TAG !e! tag:example.com,2000:",
                "%YAML 1.1 # old",
            ]);
            self.push(directive);
            self.rest_of_line(None);
        }
        if is_bare {
            // Without its `---` nothing at all is no document.
            let shape = match shape {
                Shape::Any => &Shape::Mapping(vec![("a", Shape::Any), ("top", Shape::Any)]),
                shape => shape,
            };
            self.block(shape, None, After::Nothing, &Path::root());
        } else {
            self.push("---");
            self.block(shape, None, After::Document, &Path::root());
        }
        let ends = self.dice.once_in(4);
        if ends {
            self.push("...");
            self.rest_of_line(None);
        }
        ends
    }

    /// Of [`Shape::Any`], one that is none if it is a scalar only.
    fn chosen(&mut self, shape: &Shape, is_root: bool) -> Shape {
        let Shape::Any = shape else {
            return shape.clone();
        };
        if self.nodes_left == 0 {
            return Shape::Any;
        }
        let kind = self.dice.of(8);
        match if is_root { kind + 3 } else { kind } {
            4 | 5 => Shape::Sequence(vec![Shape::Any; self.dice.of(4)]),
            6..=10 => {
                let first = self.dice.of(KEYS.len());
                let count = self.dice.of(5);
                let keys = KEYS.iter().cycle().skip(first).take(count);
                Shape::Mapping(keys.map(|(_, name)| (*name, Shape::Any)).collect())
            }
            _ => Shape::Any,
        }
    }

    /// Blanks between what stands on the line and what comes.
    fn gap(&mut self, may_be_tab: bool) {
        if self.column() == 0 {
            return;
        }
        let gap = match may_be_tab {
            true => self.one(&[" ", "   ", "\t", " \t"]),
            false => self.one(&[" ", "   "]),
        };
        self.push(gap);
    }

    /// A tag, an anchor, both or none.
    fn properties(&mut self, of: &Properties) -> Had {
        let mut had = Had::default();
        if self.dice.once_in(10) {
            had.tag = match of {
                Properties::Scalar => Some(self.one(&["!!str", "!", "!local"])),
                Properties::Text => Some("!!str"),
                Properties::Collection => None,
            };
        }
        let often = if matches!(of, Properties::Collection) {
            2
        } else {
            6
        };
        if self.dice.once_in(often) {
            let name = self.one(&["one", "two", "three", "four"]);
            self.last_anchor += 1;
            had.anchor = Some((name, self.last_anchor));
            // Until what it is on has ended nothing can refer to it, and no longer to the one before.
            self.anchors.remove(name);
            let earlier = self.numbers.insert(name, self.last_anchor);
            self.done.has_anchors_again |= earlier.is_some();
        }
        let anchor_first = self.dice.once_in(2);
        let (tag, anchor) = (had.tag, had.anchor.map(|(name, _)| format!("&{name}")));
        let mut words = [tag, anchor.as_deref()];
        if anchor_first {
            words.reverse();
        }
        for word in words.into_iter().flatten() {
            self.gap(false);
            self.push(word);
        }
        had
    }

    fn remember(&mut self, had: &Had, path: &Path, is_mapping: bool) {
        if let Some((name, number)) = had.anchor
            && self.numbers.get(name) == Some(&number)
        {
            self.anchors.insert(name, (path.clone(), is_mapping));
        }
    }

    fn alias(&mut self, shape: &Shape, after: After, path: &Path) -> bool {
        if !matches!(shape, Shape::Any) || self.anchors.is_empty() || !self.dice.once_in(3) {
            return false;
        }
        let index = self.dice.of(self.anchors.len());
        let Some((name, (of, _))) = self.anchors.iter().nth(index) else {
            return false;
        };
        let (name, of) = (*name, of.clone());
        if after != After::Nothing {
            self.gap(false);
        }
        self.push(&format!("*{name}"));
        let at = path.clone();
        self.done
            .links
            .push((self.document, Link::Alias { at, of }));
        true
    }

    fn properties_of(shape: &Shape) -> Properties {
        match shape {
            Shape::Any => Properties::Scalar,
            Shape::Text(_) => Properties::Text,
            Shape::Plain(_) | Shape::Sequence(_) | Shape::Mapping(_) => Properties::Collection,
        }
    }

    fn record(
        &mut self,
        span: Range<usize>,
        tag: Option<&'static str>,
        is_block: bool,
        path: &Path,
    ) -> usize {
        self.done.scalars.push(Scalar {
            document: self.document,
            path: path.clone(),
            span,
            is_block,
            tag,
            marker: None,
        });
        self.done.scalars.len() - 1
    }

    fn key(&mut self, name: &str) {
        if self.dice.once_in(16) {
            self.push("!!str ");
        }
        let written = KEYS.iter().find(|(_, called)| *called == name);
        self.push(written.map_or(name, |(written, _)| written));
    }
}

//! Insertions, removals and comments at random places of random texts as people write them.

use std::fmt::Write as _;

use narae_yaml::{Path, Segment, Value, edit};
use proptest::prelude::*;

/// A node as someone wrote it.
#[derive(Clone, Debug)]
enum Written {
    Scalar(String),
    /// In block style, or in brackets on one line, or in brackets over lines.
    Sequence(Style, Vec<Written>),
    Mapping(Style, Vec<(String, Written)>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Style {
    Block,
    Flow,
    FlowOverLines,
}

fn written() -> impl Strategy<Value = Written> {
    nodes().prop_filter("a collection", |node| !matches!(node, Written::Scalar(_)))
}

fn nodes() -> impl Strategy<Value = Written> {
    let scalar = prop::sample::select(vec![
        "v1",
        "'it''s'",
        "\"a # b\"",
        "true",
        "0x1F",
        "~",
        "a b",
        "http://x.y:80/p?q#r",
        "한글",
        "|B",
        ">F",
    ])
    .prop_map(|text| Written::Scalar(text.to_owned()));
    let style = prop::sample::select(vec![
        Style::Block,
        Style::Block,
        Style::Block,
        Style::Flow,
        Style::FlowOverLines,
    ]);
    let key = prop::sample::select(vec!["a", "b", "c-d", "'e f'", "\"g.h/i\"", "키"]);
    scalar.prop_recursive(4, 24, 4, move |inner| {
        let entries = prop::collection::vec((key.clone(), inner.clone()), 1..4);
        prop_oneof![
            (style.clone(), prop::collection::vec(inner, 1..4))
                .prop_map(|(style, items)| Written::Sequence(style, items)),
            (style.clone(), entries).prop_map(|(style, entries)| {
                let mut seen = Vec::new();
                let mut distinct = Vec::new();
                for (key, value) in entries {
                    if !seen.contains(&key) {
                        seen.push(key);
                        distinct.push((key.to_owned(), value));
                    }
                }
                Written::Mapping(style, distinct)
            }),
        ]
    })
}

/// Writes a text: how far it indents, whether its lists stand below their keys, where comments are.
struct Pen {
    out: String,
    step: usize,
    dash: usize,
    comments: u32,
}

impl Pen {
    fn comment(&mut self) {
        self.comments = self.comments.rotate_left(1);
        match self.comments & 3 {
            1 => self.out.push_str("   # told"),
            2 => self.out.push(' '),
            _ => {}
        }
        self.out.push('\n');
    }

    fn line_of_its_own(&mut self, indent: usize) {
        self.comments = self.comments.rotate_left(1);
        if self.comments & 7 == 3 {
            let _ = write!(self.out, "\n{}# above, - and: {{ it\n", " ".repeat(indent));
        }
    }

    fn block(&mut self, node: &Written, indent: usize, below_key: Option<usize>) {
        match node {
            Written::Scalar(text) if text == "|B" || text == ">F" => {
                let head = text.chars().next().expect("a head");
                let indent = " ".repeat(indent);
                let _ = write!(
                    self.out,
                    " {head}\n{indent}one # two\n\n{indent}three: - x\n"
                );
            }
            Written::Sequence(Style::Block, items) => {
                let indent = below_key.map_or(indent, |key| key + self.dash);
                if below_key.is_some() {
                    self.comment();
                }
                for (place, item) in items.iter().enumerate() {
                    if place > 0 || below_key.is_some() {
                        self.line_of_its_own(indent);
                        self.out.push_str(&" ".repeat(indent));
                    }
                    self.out.push('-');
                    if matches!(
                        item,
                        Written::Sequence(Style::Block, _) | Written::Mapping(Style::Block, _)
                    ) {
                        self.out.push(' ');
                    }
                    self.block(item, indent + 2, None);
                }
            }
            Written::Mapping(Style::Block, entries) => {
                if below_key.is_some() {
                    self.comment();
                }
                for (place, (key, value)) in entries.iter().enumerate() {
                    if place > 0 || below_key.is_some() {
                        self.line_of_its_own(indent);
                        self.out.push_str(&" ".repeat(indent));
                    }
                    let _ = write!(self.out, "{key}:");
                    self.block(value, indent + self.step, Some(indent));
                }
            }
            flow => {
                self.out.push(' ');
                self.flow(flow, indent);
                self.comment();
            }
        }
    }

    fn flow(&mut self, node: &Written, indent: usize) {
        let (style, open, close, children): (_, _, _, Vec<(Option<&str>, &Written)>) = match node {
            Written::Scalar(text) => {
                let text = match text.as_str() {
                    "|B" | ">F" => "'w'",
                    text => text,
                };
                self.out.push_str(text);
                return;
            }
            Written::Sequence(style, items) => (
                *style,
                '[',
                ']',
                items.iter().map(|item| (None, item)).collect(),
            ),
            Written::Mapping(style, entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| (Some(key.as_str()), value));
                (*style, '{', '}', entries.collect())
            }
        };
        let over_lines = style == Style::FlowOverLines;
        self.out.push(open);
        let count = children.len();
        for (place, (key, child)) in children.into_iter().enumerate() {
            match (over_lines, place) {
                (true, _) => {
                    let _ = write!(self.out, "\n{}", " ".repeat(indent + 2));
                }
                (false, 0) => {}
                (false, _) => self.out.push(' '),
            }
            if let Some(key) = key {
                let _ = write!(self.out, "{key}: ");
            }
            self.flow(child, indent + 2);
            self.comments = self.comments.rotate_left(1);
            if place + 1 < count || (over_lines && self.comments & 3 == 0) {
                self.out.push(',');
            }
            if over_lines && self.comments & 3 == 1 {
                self.out.push_str(" # told");
            }
        }
        if over_lines {
            let _ = write!(self.out, "\n{}", " ".repeat(indent));
        }
        self.out.push(close);
    }
}

/// Every place in a value but its root.
fn places(value: &Value, here: &Path, found: &mut Vec<Path>) {
    match value {
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                found.push(here.child(index));
                places(item, &here.child(index), found);
            }
        }
        Value::Mapping(mapping) => {
            for (key, value) in mapping {
                found.push(here.child(key));
                places(value, &here.child(key), found);
            }
        }
        _ => {}
    }
}

fn is_subsequence(part: &str, whole: &str) -> bool {
    let mut whole = whole.chars();
    part.chars().all(|c| whole.any(|other| other == c))
}

fn text(node: &Written, step: usize, dash: usize, comments: u32) -> String {
    let mut pen = Pen {
        out: String::new(),
        step,
        dash,
        comments,
    };
    pen.block(node, 0, None);
    pen.out.trim_start_matches(' ').to_owned()
}

/// The line break behind a block scalar belongs to its text.
fn ends_in_block(source: &str) -> bool {
    source.trim_end().ends_with("three: - x")
}

fn new_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(Value::from),
        "[ -~]{0,8}".prop_map(Value::from),
        Just("one\n  two\n\n".into()),
        Just(Value::Null),
        Just(vec![1, 2].into()),
        Just(narae_yaml::read_one("{x: {w: [no, {k: v}]}, z: \"- a\\n\"}").unwrap_or_default()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_replaced_is_another_and_nothing_else_is(
        node in written(), step in 1..5usize, dash in 0..4usize, comments in any::<u32>(),
        pick in any::<prop::sample::Index>(), crlf in any::<bool>(), new in any::<String>(),
    ) {
        let mut source = text(&node, step, dash, comments);
        if crlf { source = source.replace('\n', "\r\n") }
        let document = narae_yaml::Reader::new().read_one(&source).map_err(|e| TestCaseError::fail(format!("{e}\n{source}")))?;
        let mut value = narae_yaml::read_one(&source).expect("it was read");
        let mut all = Vec::new();
        places(&value, &Path::root(), &mut all);
        all.retain(|path| !matches!(value.at(path), Some(Value::Sequence(_) | Value::Mapping(_))));
        let path = pick.get(&all);
        let span = document.root.at(path).expect("it was found").span.range();
        let edited = match edit::replace(&source, 0, path, &new.clone().into()) {
            Ok(edited) => edited,
            // Of all scalars, only block scalars are left as they are.
            Err(edit::EditError::BlockScalar { .. }) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(format!("{error}\n{source}"))),
        };
        prop_assert!(edited.starts_with(&source[..span.start]), "{source}\n->\n{edited}");
        prop_assert!(edited.ends_with(&source[span.end..]), "{source}\n->\n{edited}");
        *value.at_mut(path).expect("it was found") = new.into();
        prop_assert_eq!(narae_yaml::read_one(&edited), Ok(value), "{}\n->\n{}", source, edited);
    }

    #[test]
    fn many_at_once_are_as_one_after_another(
        node in written(), step in 1_usize..4, dash in 0_usize..3, comments in any::<u32>(), crlf in any::<bool>(),
        picks in prop::collection::vec((any::<prop::sample::Index>(), new_value()), 0..6),
    ) {
        let source = text(&node, step, dash, comments);
        let source = if crlf { source.replace('\n', "\r\n") } else { source };
        let value = narae_yaml::read(&source).unwrap().remove(0);
        let mut all = Vec::new();
        places(&value, &Path::root(), &mut all);
        prop_assume!(!all.is_empty());
        // Of two for one place the second would find the quotes of the first.
        let picks: std::collections::BTreeMap<&Path, &Value> = picks.iter().map(|(pick, new)| (pick.get(&all), new)).collect();
        let one_by_one = picks.iter().try_fold(source.clone(), |text, (path, new)| edit::replace(&text, 0, path, new));
        let replacements: Vec<_> = picks.iter().map(|(path, new)| edit::Replacement::new(0, path, new)).collect();
        let at_once = edit::replace_all(&source, &replacements);
        match (&one_by_one, &at_once) {
            (Ok(one_by_one), Ok(at_once)) => prop_assert_eq!(at_once, one_by_one),
            // All of them or none.
            (Err(_), Err(_)) => {}
            _ => prop_assert!(false, "{source}\n{picks:?}\n{one_by_one:?}\n{at_once:?}"),
        }
    }

    #[test]
    fn what_is_removed_is_gone_and_nothing_else(
        node in written(), step in 1..5usize, dash in 0..4usize, comments in any::<u32>(),
        pick in any::<prop::sample::Index>(), crlf in any::<bool>(), ends in any::<bool>(),
    ) {
        let mut source = text(&node, step, dash, comments);
        if !ends && !ends_in_block(&source) { source.truncate(source.trim_end().len()) }
        if crlf { source = source.replace('\n', "\r\n") }
        let mut value = narae_yaml::read_one(&source).map_err(|e| TestCaseError::fail(format!("{e}\n{source}")))?;
        let mut all = Vec::new();
        places(&value, &Path::root(), &mut all);
        let path = pick.get(&all);
        let edited = edit::remove(&source, 0, path).map_err(|e| TestCaseError::fail(format!("{e}\n{source}")))?;
        let holder = value.at_mut(&path.parent().expect("not the root")).expect("it was found");
        let was_only = match (holder, path.segments().last().expect("not the root")) {
            (Value::Mapping(mapping), Segment::Key(key)) => { mapping.remove(key); mapping.is_empty() }
            (Value::Sequence(items), Segment::Index(index)) => { items.remove(*index); items.is_empty() }
            _ => unreachable!("places are in collections"),
        };
        prop_assert_eq!(narae_yaml::read_one(&edited), Ok(value), "{}\n->\n{}", source, edited);
        prop_assert!(was_only || is_subsequence(&edited, &source), "{source}\n->\n{edited}");
        let as_before = edited.ends_with('\n') == source.ends_with('\n') || edited.is_empty();
        let behind_block = edited.ends_with('\n') && edited.contains("three: - x");
        prop_assert!(as_before || behind_block, "{source}\n->\n{edited}");
        prop_assert!(!source.contains("\r\n") || !edited.replace("\r\n", "").contains('\n'));
    }

    #[test]
    fn what_is_inserted_is_there_and_nothing_is_lost(
        node in written(), step in 1..5usize, dash in 0..4usize, comments in any::<u32>(),
        pick in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(),
        crlf in any::<bool>(), ends in any::<bool>(), new in new_value(),
        key in prop_oneof!["[a-z]{2,5}", any::<String>()],
    ) {
        let mut source = text(&node, step, dash, comments);
        if !ends && !ends_in_block(&source) { source.truncate(source.trim_end().len()) }
        if crlf { source = source.replace('\n', "\r\n") }
        let mut value = narae_yaml::read_one(&source).map_err(|e| TestCaseError::fail(format!("{e}\n{source}")))?;
        let mut all = vec![Path::root()];
        places(&value, &Path::root(), &mut all);
        all.retain(|path| matches!(value.at(path), Some(Value::Sequence(_) | Value::Mapping(_))));
        let holder = pick.get(&all);
        let path = match value.at_mut(holder).expect("it was found") {
            Value::Mapping(mapping) => {
                prop_assume!(!mapping.contains_key(&key));
                mapping.insert(key.as_str(), new.clone());
                holder.child(key)
            }
            Value::Sequence(items) => {
                let index = place.index(items.len() + 1);
                items.insert(index, new.clone());
                holder.child(index)
            }
            _ => unreachable!("holders are collections"),
        };
        let edited = edit::insert(&source, 0, &path, &new).map_err(|e| TestCaseError::fail(format!("{e}\n{source}")))?;
        prop_assert_eq!(narae_yaml::read_one(&edited), Ok(value), "{}\n->\n{}", source, edited);
        prop_assert!(is_subsequence(&source, &edited), "{source}\n->\n{edited}");
        prop_assert!(edited.ends_with('\n') || !source.ends_with('\n'));
        prop_assert!(!source.contains("\r\n") || !edited.replace("\r\n", "").contains('\n'));
        // Taken out again, it leaves what was there.
        let again = edit::remove(&edited, 0, &path).map_err(|e| TestCaseError::fail(format!("{e}\n{edited}")))?;
        prop_assert_eq!(narae_yaml::read_one(&again), narae_yaml::read_one(&source));
        // A reader of YAML 1.2 sees the same.
        let theirs: serde_json::Value = serde_yaml::from_str(&edited).map_err(|e| TestCaseError::fail(format!("{e}\n{edited}")))?;
        let theirs = theirs.pointer(&path.to_pointer()).cloned();
        prop_assert_eq!(theirs, Some(serde_json::to_value(&new).expect("a value")), "{}", edited);
    }

    #[test]
    fn a_comment_that_is_set_changes_that_comment_alone(
        node in written(), step in 1..5usize, dash in 0..4usize, comments in any::<u32>(),
        pick in any::<prop::sample::Index>(), crlf in any::<bool>(), ends in any::<bool>(),
        new in prop_oneof![Just(String::new()), "# [ -~]{0,12}[!-~]", "#[가-힣a: #{}\\[\\]&*'\"|-]{0,8}x", any::<String>()],
    ) {
        let mut source = text(&node, step, dash, comments);
        if !ends && !ends_in_block(&source) { source.truncate(source.trim_end().len()) }
        if crlf { source = source.replace('\n', "\r\n") }
        let value = narae_yaml::read_one(&source).map_err(|e| TestCaseError::fail(format!("{e}\n{source}")))?;
        let mut all = Vec::new();
        places(&value, &Path::root(), &mut all);
        let path = pick.get(&all);
        let Ok(old) = edit::comment(&source, 0, path) else {
            prop_assert!(edit::set_comment(&source, 0, path, &new).is_err());
            return Ok(());
        };
        let Ok(edited) = edit::set_comment(&source, 0, path, &new) else {
            let is_one = new.is_empty() || new.starts_with('#') && new.chars().all(|c| matches!(c, ' '..='~' | '가'..='힣'));
            prop_assert!(!is_one, "{new:?} was refused\n{source}");
            return Ok(());
        };
        prop_assert_eq!(narae_yaml::read_one(&edited), Ok(value), "{}\n->\n{}", source, edited);
        prop_assert_eq!(edit::comment(&edited, 0, path), Ok(new.trim_end_matches([' ', '\t'])));
        let lines = |text: &str| text.split('\n').map(str::to_owned).collect::<Vec<_>>();
        let (before, after) = (lines(&source), lines(&edited));
        prop_assert_eq!(before.len(), after.len());
        let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        prop_assert!(changed <= 1, "{source}\n->\n{edited}");
        // Taken back, it leaves what was there, but for the blanks before a comment that had gone.
        let again = edit::set_comment(&edited, 0, path, old).map_err(|e| TestCaseError::fail(format!("{e}\n{edited}")))?;
        match new.is_empty() && !old.is_empty() {
            true => prop_assert!(is_subsequence(&again, &source), "{source}\n->\n{again}"),
            false => prop_assert_eq!(&again, &source),
        }
        // A reader of YAML 1.2 sees what it saw before.
        let theirs = |text: &str| serde_yaml::from_str::<serde_json::Value>(text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")));
        prop_assert_eq!(theirs(&edited)?, theirs(&source)?);
    }
}

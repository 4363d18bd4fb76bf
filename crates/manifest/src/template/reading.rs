//! From a sheet to its documents: YAML is parsed once for all sections that are the same text.
//!
//! Hundreds of objects come from a few templates, and most of what they cost would be parsing the
//! same text again. Sharing changes nothing that can be seen: where it is not certain, and whatever
//! is wrong with a section, the sheet is read once more as a whole, and that alone decides.

use std::collections::HashMap;
use std::sync::Arc;

use narae_yaml::{ErrorKind as YamlErrorKind, Limits, Reader, Value};

use super::filling::Filling;
use super::scope::Found;
use super::sheet::{Sheet, Stretch};
use super::skeleton::{Shape, Skeleton};
use crate::error::{DUPLICATE, Error, ErrorKind};
use crate::values::Index;

/// What a sheet says.
#[derive(Debug)]
pub(super) struct Documents {
    pub(super) sheet: Sheet,
    /// Those that hold anything.
    pub(super) documents: Vec<Document>,
    pub(super) keys: Keys,
}

/// One document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) value: Value,
    pub(super) layout: Layout,
}

/// What a document is made of, but for the values.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) root: Arc<Shape>,
    /// Where its section stands in the sheet.
    pub(super) start: usize,
    /// The token that is number 0 in its section.
    pub(super) token: usize,
}

/// What all documents of a sheet together may cost: the defaults of the reader.
const MAX_BYTES: usize = 32 << 20;
const MAX_NODES: usize = 1_000_000;
const MAX_DOCUMENTS: usize = 10_000;

/// Reads a sheet and puts the values in.
pub(super) fn read(
    sheet: Sheet,
    inserted: &[Found<'_>],
    index: &Index,
) -> Result<Documents, Error> {
    match sections(&sheet, inserted, index) {
        Ok((documents, keys)) => Ok(Documents {
            sheet: sheet.without_text(),
            documents,
            keys,
        }),
        Err(_) if !sheet.is_whole() => read(sheet.into_whole(), inserted, index),
        Err(error) => Err(error),
    }
}

/// Keys that have holes, as they read, by where they stand in the sheet.
pub(super) type Keys = HashMap<usize, String>;

/// Reads each section, those that are the same text once.
fn sections(
    sheet: &Sheet,
    inserted: &[Found<'_>],
    index: &Index,
) -> Result<(Vec<Document>, Keys), Error> {
    let mut known: HashMap<&str, Arc<Skeleton>> = HashMap::new();
    let mut documents = Vec::new();
    let mut keys = Keys::new();
    let mut cost = Cost::default();
    for stretch in sheet.stretches() {
        let skeleton = match known.get(stretch.text) {
            Some(skeleton) => Arc::clone(skeleton),
            None => {
                let mut read = reader()
                    .read(stretch.text)
                    .map_err(|error| broken(sheet, index, &error))?;
                if stretch.is_followed {
                    read.pop();
                }
                let skeleton = Arc::new(Skeleton::of(sheet, &stretch, read)?);
                known.insert(stretch.text, Arc::clone(&skeleton));
                skeleton
            }
        };
        if !sheet.is_whole() {
            cost.add(&stretch, &skeleton)?;
        }
        let mut filling = Filling {
            sheet,
            stretch: &stretch,
            values: inserted.get(stretch.tokens.clone()).unwrap_or_default(),
            index,
            keys: &mut keys,
        };
        for root in &skeleton.documents {
            let value = filling.value(root)?;
            let layout = Layout {
                root: Arc::clone(root),
                start: stretch.start,
                token: stretch.tokens.start,
            };
            if !value.is_null() {
                documents.push(Document { value, layout });
            }
        }
    }
    Ok((documents, keys))
}

fn reader() -> Reader {
    let limits = Limits::default()
        .with_max_bytes(MAX_BYTES)
        .with_max_nodes(MAX_NODES)
        .with_max_documents(MAX_DOCUMENTS);
    Reader::new().with_limits(limits)
}

/// What the sections of a sheet cost so far.
#[derive(Default)]
struct Cost {
    bytes: usize,
    nodes: usize,
    documents: usize,
}

impl Cost {
    /// Refuses what the reader might not take as a whole. It counts copies of anchored nodes as well,
    /// which do not show.
    fn add(&mut self, stretch: &Stretch<'_>, skeleton: &Skeleton) -> Result<(), Error> {
        self.bytes += stretch.text.len();
        self.nodes += skeleton.nodes;
        self.documents += skeleton.documents.len();
        let fits = self.bytes <= MAX_BYTES
            && self.nodes <= MAX_NODES
            && self.documents <= MAX_DOCUMENTS
            && !skeleton.has_anchors;
        let refusal = || Error::new(ErrorKind::Limit, "the sections must be read as a whole");
        fits.then_some(()).ok_or_else(refusal)
    }
}

/// What the YAML reader says about the rendered text, said about the template.
fn broken(sheet: &Sheet, index: &Index, error: &narae_yaml::Error) -> Error {
    let offset = error.position().map_or(0, |position| position.offset);
    let (source, at) = sheet.place(offset);
    if let YamlErrorKind::DuplicateKey { key, first } = error.kind() {
        let key = sheet.in_words(key);
        let message = format!("the key `{key}` stands twice in this mapping");
        let error = source.error(ErrorKind::Structure, message, at);
        return error
            .note(format!("first at {}", sheet.origin(first.offset)))
            .note(DUPLICATE);
    }
    let message = sheet.in_words(&error.kind().to_string());
    let error = source.error(ErrorKind::Structure, message, at);
    let inserted = sheet.tokens_in(sheet.line(offset));
    let ids = inserted.flat_map(|token| token.values.iter().copied());
    error.notes_of(index.setters(ids)).note(
        "the template makes this structure, not a value: look at the tags and the indentation around",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::draft::Draft;
    use super::super::sheet::Token;
    use super::super::skeleton::Content;
    use super::super::source::Source;
    use super::*;

    /// What a template can write that could make a section read differently from the whole.
    const TEXTS: &[&str] = &[
        "---\n",
        "--- ",
        "---\t",
        "---\r\n",
        "---",
        "--",
        "-",
        "...\n",
        "... ",
        "%YAML 1.2\n",
        "%TAG ! x:\n",
        "\u{feff}",
        "# c ",
        "#",
        "\n",
        "\n\n",
        "\r",
        " ",
        "  ",
        "a: ",
        "b: ",
        "- ",
        "? ",
        ": ",
        "|\n",
        ">-\n",
        "|+\n",
        "|1\n",
        "\n  x\n",
        "'",
        "\"",
        "\\",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "!x ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "x",
        "1",
        "null",
        "~",
        "Nrax0z",
        "0z",
    ];

    /// Texts, and `None` for tokens.
    fn written() -> impl Strategy<Value = Vec<Option<&'static str>>> {
        let text = prop::sample::select(TEXTS).prop_map(Some);
        let document =
            prop::sample::select(vec!["---\n", "---\na: ", "--- x\n", "---\n- 1\n"]).prop_map(Some);
        let part = prop_oneof![5 => text, 2 => document, 2 => Just(None)];
        prop::collection::vec(part, 0..24).prop_map(|mut parts| {
            // Something to share.
            parts.push(Some("\n"));
            let again = parts.clone();
            parts.extend(again);
            parts
        })
    }

    fn sheet(parts: &[Option<&str>]) -> Sheet {
        let mut draft = Draft::new();
        let mut at = 0;
        let mut tokens = Vec::new();
        for part in parts {
            match part {
                Some(text) => draft.text(text, 0, at),
                None => {
                    draft.token(0, at);
                    tokens.push(Token {
                        source: 0,
                        at,
                        values: vec![],
                    });
                }
            }
            at += part.map_or(5, str::len);
        }
        let template: String = parts.iter().map(|part| part.unwrap_or("{{x}}")).collect();
        let source = Arc::new(Source::new("t", &template));
        draft.finish(Arc::clone(&source), [source].into(), tokens)
    }

    /// Where each node of a document is, and the tokens in it.
    type Places = Vec<(String, Vec<usize>)>;

    /// All that is known of each document.
    fn known(documents: &Documents) -> Vec<(&Value, Places)> {
        let places = |document: &Document| {
            let layout = &document.layout;
            let mut open = vec![&*layout.root];
            let mut places = Vec::new();
            let mut note = |at: usize, holes: Vec<usize>| {
                let origin = documents.sheet.origin(layout.start + at);
                let tokens = holes.into_iter().map(|hole| layout.token + hole);
                places.push((origin.to_string(), tokens.collect()));
            };
            while let Some(shape) = open.pop() {
                note(shape.at, shape.holes().collect());
                match &shape.content {
                    Content::Sequence(items) => open.extend(items),
                    Content::Mapping(entries) => {
                        for entry in entries {
                            note(entry.at, entry.key.holes().collect());
                            open.push(&entry.value);
                        }
                    }
                    _ => {}
                }
            }
            places
        };
        (documents.documents.iter())
            .map(|document| (&document.value, places(document)))
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn sections_are_read_as_the_whole_is(parts in written()) {
            let index = Index::default();
            let values: Vec<Value> = (0..parts.len()).map(|n| Value::from(format!("v{n}: # x"))).collect();
            let inserted: Vec<_> = values.iter().map(Found::borrowed).collect();
            let tokens = parts.iter().filter(|part| part.is_none()).count();
            let inserted = &inserted[..tokens];
            let shared = read(sheet(&parts), inserted, &index);
            let whole = read(sheet(&parts).into_whole(), inserted, &index);
            match (&shared, &whole) {
                (Ok(shared), Ok(whole)) => {
                    prop_assert_eq!(known(shared), known(whole));
                    let keys = |documents: &Documents| {
                        let keys = documents.keys.iter().map(|(at, key)| (documents.sheet.origin(*at), key.clone()));
                        keys.collect::<std::collections::BTreeMap<_, _>>()
                    };
                    prop_assert_eq!(keys(shared), keys(whole));
                }
                (Err(shared), Err(whole)) => prop_assert_eq!(shared.to_string(), whole.to_string()),
                _ => prop_assert!(false, "{:?} but {:?}", shared, whole),
            }
        }
    }

    #[test]
    fn what_comes_from_the_same_tags_is_the_same_text() {
        let parts = [Some("---\na: "), None, Some("\nb: "), None, Some("\n")].repeat(3);
        let sheet = sheet(&parts);
        let same = "---\na: Nrax0z\nb: Nrax1z\n---\n";
        let texts: Vec<&str> = sheet.stretches().map(|stretch| stretch.text).collect();
        assert_eq!(texts, [same, same, "---\na: Nrax0z\nb: Nrax1z\n"]);
    }

    #[test]
    fn limits_count_over_all_sections() {
        let parts = [Some("---\na\n")].repeat(MAX_DOCUMENTS + 1);
        let error = read(sheet(&parts), &[], &Index::default()).expect_err("too many");
        assert!(error.to_string().contains("max_documents"), "{error}");
        let sheet = sheet(&[Some("a")]);
        let stretch = sheet.stretches().next().expect("every sheet has one");
        for skeleton in [
            Skeleton {
                nodes: MAX_NODES,
                ..Skeleton::default()
            },
            Skeleton {
                has_anchors: true,
                ..Skeleton::default()
            },
        ] {
            let mut cost = Cost::default();
            let first = cost.add(&stretch, &skeleton);
            assert!(first.is_ok() != skeleton.has_anchors);
            assert!(cost.add(&stretch, &skeleton).is_err());
        }
    }
}

//! Any edit on any file changes exactly the scalars that are addressed, and no other byte.
//!
//! The files are written from random bytes with whatever YAML has; what an edit leaves is read by this project's reader and by
//! libyaml's (in `serde_yaml`), and has to be what was read before with the addressed values set: an edit is known by its places, which
//! the writer of the file tells, and not by what the edit says of itself.

mod check;
mod tree;
mod written;

use std::collections::BTreeMap;

use narae_gitops::edit::{self, EditError, Image, Part, Selector, Setting};
use narae_gitops::image::ImageReference;
use narae_yaml::edit::EditError as Refusal;
use narae_yaml::{Path, Value};
use proptest::prelude::*;

use tree::Tree as _;
use written::{Link, POLICY, Scalar, Shape, Written};

/// What should stand where afterwards; `None`: not even the key.
type Wanted = BTreeMap<(usize, Path), Option<Value>>;

struct Edit {
    written: Written,
    selector: Selector,
    setting: Setting,
    wanted: Wanted,
}

impl std::fmt::Debug for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            written: Written { text, .. },
            selector,
            setting,
            ..
        } = self;
        write!(f, "{selector} = {setting}, in\n{text}\n{text:?}")
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..300)
}

/// What matters of them is the text that comes of them.
struct Bytes(Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

fn new_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9a-f]{7}",
        "[0-9]{7}",
        "[0-9]{2}e[0-9]{4}",
        any::<String>(),
        "[ -~]{0,9}",
        "[-{}\\[\\],:# '\"&*!|>%@`?]{0,6}",
    ]
}

fn new_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => new_text().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
    ]
}

fn image() -> impl Strategy<Value = Image> {
    let name = prop::sample::select(vec!["shop/web", "harbor.example.com:5000/shop/web", "web"]);
    let tag = prop_oneof![
        "[0-9a-f]{7}",
        "[0-9]{7}",
        "[0-9]{2}e[0-9]{4}",
        Just("1.20".to_owned())
    ];
    let digest = prop::option::of("[0-9a-f]{64}");
    (name, tag, digest).prop_map(|(name, tag, digest)| {
        let digest = digest.map_or(String::new(), |digest| format!("@sha256:{digest}"));
        let image: ImageReference = format!("{name}:{tag}{digest}").parse().unwrap();
        Image::from(&image)
    })
}

fn part_of(image: &Image, part: Part) -> Option<Value> {
    match part {
        Part::Whole => Some(image.to_string().into()),
        Part::Name => image.name.clone().map(Value::from),
        Part::Tag => image.tag.clone().map(Value::from),
        _ => image.digest.clone().map(Value::from),
    }
}

/// Any scalar of the file, as a value or as an image or a part of one.
fn of_one_scalar() -> impl Strategy<Value = Edit> {
    let part = prop::sample::select(vec![
        None,
        Some(Part::Whole),
        Some(Part::Name),
        Some(Part::Tag),
        Some(Part::Digest),
    ]);
    (
        bytes(),
        any::<prop::sample::Index>(),
        part,
        new_value(),
        image(),
    )
        .prop_filter_map("a scalar", |(bytes, pick, part, value, image)| {
            let (written, _) = written::write(&bytes, None);
            if written.scalars.is_empty() {
                return None;
            }
            let Scalar { document, path, .. } = pick.get(&written.scalars).clone();
            let kind = part.map_or("value", Part::as_str);
            let selector = format!("{kind}:#{document}:{path}").parse().unwrap();
            let wanted = match part {
                Some(part) => part_of(&image, part),
                None => Some(value.clone()),
            };
            let setting = match part {
                Some(_) => Setting::Image(image),
                None => Setting::Value(value),
            };
            let wanted = Wanted::from([((document, path), wanted)]);
            Some(Edit {
                written,
                selector,
                setting,
                wanted,
            })
        })
}

/// Every scalar that a marker of the policy stands behind.
fn of_marked() -> impl Strategy<Value = Edit> {
    (bytes(), image()).prop_map(|(bytes, image)| {
        let (written, _) = written::write(&bytes, None);
        let marked = written.scalars.iter().filter_map(|scalar| {
            let (_, part) = scalar.marker.filter(|(policy, _)| *policy == POLICY)?;
            Some((
                (scalar.document, scalar.path.clone()),
                part_of(&image, part),
            ))
        });
        let wanted = marked.collect();
        let selector = format!("marker:{POLICY}").parse().unwrap();
        let setting = Setting::Image(image);
        Edit {
            written,
            selector,
            setting,
            wanted,
        }
    })
}

/// The keys of an entry that are there.
fn entry(name: &'static str, keys: [(&'static str, Shape); 3], there: u8) -> Shape {
    let mut entry = vec![("name", Shape::Text(name))];
    let is_there = |(at, _): &(usize, _)| there & (1 << at) != 0;
    entry.extend(
        keys.into_iter()
            .enumerate()
            .filter(is_there)
            .map(|(_, key)| key),
    );
    Shape::Mapping(entry)
}

/// An entry of a kustomization's images, some of its keys or all of them there.
fn of_kustomization() -> impl Strategy<Value = Edit> {
    (bytes(), image(), 0..8u8, any::<bool>()).prop_map(|(bytes, image, there, is_first)| {
        let keys = || {
            [
                ("newName", Shape::Text("old/web")),
                ("newTag", Shape::Plain("1234567")),
                ("digest", Shape::Text("sha256:00")),
            ]
        };
        let mut images = vec![entry("web", keys(), there), entry("api", keys(), 7)];
        if !is_first {
            images.reverse();
        }
        let shape = Shape::Mapping(vec![
            ("resources", Shape::Any),
            ("images", Shape::Sequence(images)),
            ("last", Shape::Any),
        ]);
        let (written, document) = written::write(&bytes, Some(shape));
        let path = Path::root().child("images").child(usize::from(!is_first));
        let name = image
            .name
            .clone()
            .filter(|name| there & 1 != 0 || name != "web");
        let all = [
            ("newName", name, there & 1 != 0),
            ("newTag", image.tag.clone(), there & 2 != 0),
            ("digest", image.digest.clone(), there & 4 != 0),
        ];
        let all = all
            .into_iter()
            .filter(|(_, new, is_there)| new.is_some() || *is_there);
        let wanted = all.map(|(key, new, _)| ((document, path.child(key)), new.map(Value::from)));
        let wanted = wanted.collect();
        Edit {
            written,
            selector: "kustomize:web".parse().unwrap(),
            setting: Setting::Image(image),
            wanted,
        }
    })
}

fn of_replicas() -> impl Strategy<Value = Edit> {
    (bytes(), 0..9_000_i64).prop_map(|(bytes, count)| {
        let keys = |_| {
            [
                ("count", Shape::Plain("3")),
                ("c-d", Shape::Any),
                ("a", Shape::Any),
            ]
        };
        let list = ["api", "web"].map(|name| entry(name, keys(name), 7));
        let shape = Shape::Mapping(vec![
            ("a", Shape::Any),
            ("replicas", Shape::Sequence(list.to_vec())),
        ]);
        let (written, document) = written::write(&bytes, Some(shape));
        let path = Path::root().child("replicas").child(1).child("count");
        let wanted = Wanted::from([((document, path), Some(count.into()))]);
        Edit {
            written,
            selector: "replicas:web".parse().unwrap(),
            setting: Setting::Value(count.into()),
            wanted,
        }
    })
}

/// A chart's repository, tag and digest, some of them there, with or without a registry of its own.
fn of_values() -> impl Strategy<Value = Edit> {
    (bytes(), image(), 1..16u8).prop_map(|(bytes, image, there)| {
        let has_registry = there & 8 != 0;
        // Without a tag or a repository it is no image.
        let there = if there & 3 == 0 { there | 2 } else { there };
        let mut keys = vec![("c-d", Shape::Any)];
        keys.extend(has_registry.then_some(("registry", Shape::Text("quay.io"))));
        keys.extend((there & 1 != 0).then_some(("repository", Shape::Text("old/web"))));
        keys.extend((there & 2 != 0).then_some(("tag", Shape::Plain("1.20"))));
        keys.extend((there & 4 != 0).then_some(("digest", Shape::Text("sha256:00"))));
        let web = Shape::Mapping(vec![("image", Shape::Mapping(keys)), ("a", Shape::Any)]);
        let shape = Shape::Mapping(vec![("b", Shape::Any), ("web", web)]);
        let (written, document) = written::write(&bytes, Some(shape));
        let path = Path::root().child("web").child("image");
        let name = image.name.clone().unwrap_or_default();
        let (host, rest) = match name.split_once('/') {
            Some((host, rest)) if host.contains('.') => (host, rest),
            _ => ("docker.io", name.as_str()),
        };
        let mut wanted = Wanted::new();
        let mut set = |key: &str, new: Option<&str>| {
            wanted.extend(new.map(|new| ((document, path.child(key)), Some(new.into()))));
        };
        match has_registry {
            true => {
                set("registry", Some(host));
                set("repository", Some(rest));
            }
            false => set("repository", Some(name.as_str()).filter(|_| there & 1 != 0)),
        }
        set("tag", image.tag.as_deref());
        set(
            "digest",
            image.digest.as_deref().or((there & 4 != 0).then_some("")),
        );
        Edit {
            written,
            selector: "helm:web.image".parse().unwrap(),
            setting: Setting::Image(image),
            wanted,
        }
    })
}

fn of_pods() -> impl Strategy<Value = Edit> {
    (bytes(), image(), any::<bool>()).prop_map(|(bytes, image, by_name)| {
        let keys = || {
            [
                ("image", Shape::Text("shop/web:3f2a9c1")),
                ("a", Shape::Any),
                ("b", Shape::Any),
            ]
        };
        let containers = Shape::Sequence(vec![entry("proxy", keys(), 3), entry("web", keys(), 5)]);
        let below = |key, shape| Shape::Mapping(vec![("a", Shape::Any), (key, shape)]);
        let spec = below("template", below("spec", below("containers", containers)));
        let metadata = Shape::Mapping(vec![("name", Shape::Text("web"))]);
        let shape = Shape::Mapping(vec![
            ("kind", Shape::Text("Deployment")),
            ("spec", spec),
            ("metadata", metadata),
        ]);
        let (written, document) = written::write(&bytes, Some(shape));
        let path: Path = "spec.template.spec.containers[1].image".parse().unwrap();
        let object = match by_name {
            true => "Deployment/web".to_owned(),
            false => format!("#{document}"),
        };
        let selector = format!("image:{object}:spec.template.spec.containers[name=web].image");
        let new = part_of(&image, Part::Whole);
        let wanted = Wanted::from([((document, path), new)]);
        Edit {
            written,
            selector: selector.parse().unwrap(),
            setting: Setting::Image(image),
            wanted,
        }
    })
}

fn check(edit: &Edit) -> Result<(), TestCaseError> {
    edit.check().map_err(TestCaseError::fail)
}

proptest! {
    #[test]
    fn one_scalar(edit in of_one_scalar()) { check(&edit)? }

    #[test]
    fn marked_scalars(edit in of_marked()) { check(&edit)? }

    #[test]
    fn an_entry_of_images(edit in of_kustomization()) { check(&edit)? }

    #[test]
    fn replicas(edit in of_replicas()) { check(&edit)? }

    #[test]
    fn a_chart_s_image(edit in of_values()) { check(&edit)? }

    #[test]
    fn a_container_s_image(edit in of_pods()) { check(&edit)? }

    /// What an alias or a merge key brings is written elsewhere.
    #[test]
    fn nothing_through_an_alias(bytes in bytes().prop_map(Bytes), pick in any::<prop::sample::Index>(), new in new_value()) {
        let (written, _) = written::write(&bytes.0, None);
        let source = &written.text;
        let values = narae_yaml::read(source).map_err(|e| TestCaseError::fail(format!("{e}\n{source}\n{source:?}")))?;
        let mut elsewhere = Vec::new();
        for (document, link) in &written.links {
            match link {
                Link::Alias { at, .. } => elsewhere.push((document, at.clone())),
                Link::Merge { at, own, .. } => {
                    let merged = values[*document].at(at).and_then(Value::as_mapping).unwrap();
                    let keys = merged.keys().filter(|key| !own.contains(key));
                    elsewhere.extend(keys.map(|key| (document, at.child(key))));
                }
            }
        }
        if elsewhere.is_empty() {
            return Ok(());
        }
        let (document, path) = pick.get(&elsewhere);
        let selector = format!("value:#{document}:{path}");
        if values[**document].at(path) == Some(&new) {
            return Ok(());
        }
        let refusal = edit::set(source, &selector.parse().unwrap(), &Setting::Value(new)).map(|edited| edited.text);
        let is_told = matches!(&refusal, Err(EditError::Refused(Refusal::Alias { .. } | Refusal::Merged { .. })));
        prop_assert!(is_told, "{selector}: {refusal:?}\n{source}");
    }
}

/// Most files are read by the other reader, too, and have what makes YAML hard.
#[test]
fn the_files_are_worth_it() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..1_000 {
        let bytes = bytes().new_tree(&mut runner).unwrap().current();
        let (written, _) = written::write(&bytes, None);
        let (text, scalars) = (&written.text, &written.scalars);
        let has = |part: &str| text.contains(part);
        for (what, is_so) in [
            ("read by another", serde_yaml::Value::read(text).is_some()),
            ("anchors", has("&one")),
            (
                "aliases",
                written
                    .links
                    .iter()
                    .any(|(_, link)| matches!(link, Link::Alias { .. })),
            ),
            ("merge keys", has("<<")),
            ("tags", scalars.iter().any(|scalar| scalar.tag.is_some())),
            (
                "markers",
                scalars.iter().any(|scalar| scalar.marker.is_some()),
            ),
            (
                "block scalars",
                scalars.iter().any(|scalar| scalar.is_block),
            ),
            (
                "nothings",
                scalars.iter().any(|scalar| scalar.span.is_empty()),
            ),
            (
                "over lines",
                scalars
                    .iter()
                    .any(|scalar| !scalar.is_block && text[scalar.span.clone()].contains('\n')),
            ),
            (
                "brackets over lines",
                has("[\n") || has("{\n") || has(",\n"),
            ),
            ("explicit keys", has("? ")),
            ("directives", has("%YAML") || has("%TAG")),
            ("ended documents", has("\n...")),
            ("CRLF", has("\r\n")),
            ("byte order marks", has("\u{feff}")),
            ("tabs behind values", has("\t#")),
        ] {
            *seen.entry(what).or_default() += usize::from(is_so);
        }
    }
    for (what, count) in &seen {
        let least = match *what {
            "read by another" => 600,
            "merge keys" => 10,
            _ => 100,
        };
        assert!(*count >= least, "{what}: {seen:?}");
    }
}

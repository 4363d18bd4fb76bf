//! `tests/data/edit/*.txt`: a selector, what it is set to, the given text, and the text expected or the refusal. Their names
//! stand in `tests/data/edit.txt`, so that none goes missing.
//!
//! Among them the documents that other editors were measured on: comments, CRLF, byte order marks,
//! anchors, flow, tabs, Hangul, templates.

use narae_gitops::edit::{self, Image, Locator, Selector, Setting};
use narae_gitops::image::ImageReference;

struct Case {
    selector: Selector,
    setting: Setting,
    refused: Option<String>,
    given: String,
    expected: String,
}

fn parse(text: &str) -> Case {
    let (header, body) = text.split_once("=== given\n").unwrap();
    let (given, expected) = body.split_once("=== expected\n").unwrap_or((body, ""));
    let field = |name: &str| {
        let mut lines = header.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let as_written = |text: &str| {
        let mut text = text.to_owned();
        if field("final-newline").is_some() {
            text.pop();
        }
        if field("line-ends").is_some() {
            text = text.replace('\n', "\r\n");
        }
        if field("bom").is_some() {
            text.insert(0, '\u{feff}');
        }
        text
    };
    let selector: Selector = field("select").unwrap().parse().unwrap();
    let set = field("set").unwrap();
    Case {
        setting: match &selector {
            Selector::Image(_, edit::Part::Tag) => {
                let mut image = Image::default();
                image.tag = Some(set.to_owned());
                Setting::Image(image)
            }
            selector if selector.is_image() => {
                Setting::Image(Image::from(&set.parse::<ImageReference>().unwrap()))
            }
            _ => Setting::Value(narae_yaml::read_one(set).unwrap()),
        },
        selector,
        refused: field("refused").map(str::to_owned),
        given: as_written(given),
        expected: as_written(expected),
    }
}

#[test]
fn cases() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/edit");
    let (mut failures, mut seen) = (Vec::new(), Vec::new());
    for file in std::fs::read_dir(&folder).unwrap() {
        let file = file.unwrap().path();
        let case = parse(&std::fs::read_to_string(&file).unwrap());
        let name = file.file_stem().unwrap().to_string_lossy();
        seen.push(name.into_owned());
        let result = edit::set(&case.given, &case.selector, &case.setting);
        let fault = match (&case.refused, result) {
            (None, Ok(edited)) => check(&case, &edited).err(),
            (Some(refused), Err(error)) if error.to_string().contains(refused) => None,
            (_, Err(error)) => Some(format!("refused: {error}")),
            (Some(_), Ok(edited)) => Some(format!("not refused: {:?}", edited.text)),
        };
        failures.extend(fault.map(|fault| format!("{}: {fault}", file.display())));
    }
    seen.sort();
    let known: Vec<&str> = include_str!("../data/edit.txt").lines().collect();
    assert_eq!(seen, known);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check(case: &Case, edited: &edit::Edited) -> Result<(), String> {
    if edited.text != case.expected {
        return Err(format!(
            "expected {:?}\n     got {:?}",
            case.expected, edited.text
        ));
    }
    let again = edit::set(&edited.text, &case.selector, &case.setting).unwrap();
    if again.text != edited.text || !again.changes.is_empty() {
        return Err(format!("again: {:?}", again.changes));
    }
    // Every change, undone by its own words, leads back to the same values.
    let mut text = edited.text.clone();
    for change in edited.changes.iter().rev() {
        let inverse = change.inverse();
        if edit::value(&text, &inverse.at).unwrap() != inverse.old {
            return Err(format!("{} does not lead back", change.at));
        }
        assert_eq!(
            inverse.at.to_string().parse::<Locator>().unwrap(),
            inverse.at
        );
        text = edit::put_at(&text, &inverse.at, inverse.new.as_ref()).unwrap();
    }
    let (before, after) = (
        edit::get(&case.given, &case.selector),
        edit::get(&text, &case.selector),
    );
    match before == after {
        true => Ok(()),
        false => Err(format!("undone: {after:?}, before: {before:?}")),
    }
}

#[test]
fn selectors_and_locators_print_what_they_read() {
    for text in [
        "value:.",
        "value:image.tag",
        "image:Deployment/web:spec.template.spec.containers[name=web].image",
        "tag:#2:a[0][1].b",
        "name:a[name=x.y/z:1].b[\"odd [name=x] key\"]",
        "digest:[name=a][0]",
        "helm:web.image",
        "marker:flux-system:web",
        "kustomize:harbor.example.com:5000/shop/web",
        "replicas:web",
    ] {
        let selector: Selector = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(selector.to_string(), text);
    }
    for text in [
        "",
        "value",
        "value:",
        "value:a..b",
        "value:a[name=b]c",
        "value:a[name=b]..",
        "tag:#x:a",
        "tag:#01:a",
        "image:Deployment/:a",
        "marker:ns",
        "marker:ns:a:tag",
        "kustomize:",
        "replicas:\n",
        "path:a",
        "value:a[01]",
    ] {
        assert!(text.parse::<Selector>().is_err(), "{text:?}");
    }
}

#[test]
fn an_image_and_a_value_are_not_confused() {
    let image = Setting::Image(Image::default());
    let error = edit::set("a: 1\n", &"value:a".parse().unwrap(), &image).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`value:a` selects a value, and an image was given"
    );
}

#[test]
fn places_that_contradict_each_other_are_told() {
    let source = "a: x:1 # {\"$imagepolicy\": \"n:p\"}\nb: 2 # {\"$imagepolicy\": \"n:p:tag\"}\n";
    let error = edit::get(source, &"marker:n:p".parse().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2:4: the tag is `2` here and `1` elsewhere under `marker:n:p`"
    );
}

#[test]
fn what_is_not_an_image_is_no_source() {
    let error = edit::get("a: 'A B'\n", &"image:a".parse().unwrap()).unwrap_err();
    assert!(
        error.to_string().starts_with("1:4: image reference `A B`"),
        "{error}"
    );
}

#[test]
fn registries_stay_where_they_are() {
    let image = |text: &str| Image::from(&text.parse::<ImageReference>().unwrap());
    let moved =
        image("rc.example.com/shop/web:1a2b3c4").at_registry_of(&image("live.example.com/old:1"));
    assert_eq!(moved.to_string(), "live.example.com/shop/web:1a2b3c4");
    let moved = image("rc.example.com/shop/web:1a2b3c4").at_registry_of(&Image::default());
    assert_eq!(moved.to_string(), "rc.example.com/shop/web:1a2b3c4");
    // The name in a kustomization's entry stands for another until it has a `newName`.
    let moved = image("rc.example.com/shop/web:1a2b3c4").at_registry_of(&image("web:1"));
    assert_eq!(moved.to_string(), "rc.example.com/shop/web:1a2b3c4");
    let moved = image("rc.example.com/shop/web:1a2b3c4").at_registry_of(&image("shop/web:1"));
    assert_eq!(moved.to_string(), "shop/web:1a2b3c4");
}

/// Documents with lists of elements that say which policy they follow, and one that follows another.
fn marked(documents: usize, elements: usize) -> String {
    let mut text = String::new();
    for document in 0..documents {
        text.push_str(&format!(
            "---\nkind: Job\nmetadata: {{name: job-{document}}}\nitems:\n"
        ));
        for element in 0..elements {
            text.push_str(&format!(
                "- name: web-{element}\n  image: shop/web:3f2a9c1 # {{\"$imagepolicy\": \"flux:web\"}}\n"
            ));
        }
    }
    text + "other: shop/web:3f2a9c1 # {\"$imagepolicy\": \"flux:other\"}\n"
}

#[test]
fn as_many_markers_as_are_allowed_are_set_at_once_and_no_more() {
    let selector: Selector = "marker:flux:web".parse().unwrap();
    let image: ImageReference = "shop/web:8c1d2e3".parse().unwrap();
    let to = Setting::Image(Image::from(&image));
    let source = marked(10, edit::MAX_MARKED / 10);
    let edited = edit::set(&source, &selector, &to).unwrap();
    let expected = source.replace(
        "3f2a9c1 # {\"$imagepolicy\": \"flux:web\"}",
        "8c1d2e3 # {\"$imagepolicy\": \"flux:web\"}",
    );
    assert_eq!(edited.text, expected);
    assert_eq!(edited.changes.len(), edit::MAX_MARKED);
    let names: std::collections::BTreeSet<String> = edited
        .changes
        .iter()
        .map(|change| change.at.to_string())
        .collect();
    assert_eq!(names.len(), edit::MAX_MARKED);
    assert!(
        names.contains("Job/job-9:items[name=web-99].image"),
        "{names:?}"
    );
    for change in edited.changes.iter().step_by(333) {
        assert_eq!(edit::value(&edited.text, &change.at).unwrap(), change.new);
    }
    let hostile = marked(10, 1_000);
    for refused in [
        edit::set(&hostile, &selector, &to).map(drop),
        edit::get(&hostile, &selector).map(drop),
    ] {
        let said = refused.unwrap_err().to_string();
        // The first one too many.
        assert_eq!(
            said,
            "2010:27: more than 1000 values of this file have a marker of this policy"
        );
    }
}

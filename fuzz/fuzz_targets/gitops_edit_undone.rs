//! Whatever a selector finds in any text, setting it twice is setting it once, and the recorded changes
//! undo it. The first byte is the selector, the rest of its line is the tag or value, what follows is the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_gitops::edit::{self, Image, Selector, Setting};

const SELECTORS: [&str; 8] = [
    "marker:a:b",
    "kustomize:a",
    "replicas:a",
    "helm:a",
    "value:a.b",
    "image:a",
    "tag:K/a:b[name=a].c",
    "digest:#1:a[0]",
];

fuzz_target!(|input: &str| {
    let Some((first, source)) = input.split_once('\n') else {
        return;
    };
    let Some((which, tag)) = first.split_at_checked(1) else {
        return;
    };
    let which = usize::from(which.as_bytes()[0]);
    let selector: Selector = SELECTORS[which % SELECTORS.len()]
        .parse()
        .expect("a selector");
    let setting = match selector.is_image() {
        true => match format!("a.b/c:{tag}").parse() {
            Ok(image) => Setting::Image(Image::from(&image)),
            Err(_) => return,
        },
        false => Setting::Value(tag.into()),
    };
    let Ok(edited) = edit::set(source, &selector, &setting) else {
        return;
    };
    // Braces make a text a template, which no edit touches; an alias changes with its anchor.
    if edited.text.contains("{{") || source.contains('*') {
        return;
    }
    let again = edit::set(&edited.text, &selector, &setting).expect("it was set a moment ago");
    assert_eq!(again.text, edited.text, "{source:?}");
    assert!(again.changes.is_empty(), "{:?}", again.changes);
    let mut text = edited.text;
    for change in edited.changes.iter().rev() {
        assert_eq!(
            edit::value(&text, &change.at).expect("its place"),
            change.new
        );
        text = edit::put_at(&text, &change.at, change.old.as_ref()).expect("it is undone");
    }
    let (before, after) = (edit::get(source, &selector), edit::get(&text, &selector));
    assert_eq!(after.ok(), before.ok(), "{source:?} -> {text:?}");
});

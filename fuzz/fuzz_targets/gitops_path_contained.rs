//! A path that is accepted stays below the directory it is written in, and out of `.git`.
#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use narae_gitops::repository::TreePath;

fuzz_target!(|text: &str| {
    let Ok(path) = TreePath::parse(text) else {
        return;
    };
    assert_eq!(path.as_str(), text);
    let parts: Vec<Component<'_>> = Path::new(text).components().collect();
    assert!(
        parts
            .iter()
            .all(|part| matches!(part, Component::Normal(_)))
    );
    assert_eq!(parts.len(), path.components().count());
    for part in path.components() {
        assert!(!part.eq_ignore_ascii_case(".git"));
    }
    assert!(!text.contains(['\\', '\0', '\n']));
    if let Some(parent) = path.parent() {
        assert!(path.starts_with(&parent));
        assert_eq!(parent.join(path.file_name()).as_ref(), Ok(&path));
    }
});

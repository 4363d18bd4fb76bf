//! Paths that may stand in a repository.

use narae_gitops::repository::{CommitId, TreePath};
use proptest::prelude::*;

use crate::fixture::path;

#[test]
fn dangerous_paths_are_refused() {
    let long = "a/".repeat(128) + "a";
    let component = "a".repeat(256);
    for text in [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "./a",
        "a/.",
        ".git",
        ".GIT/hooks/post-checkout",
        "a/.git/config",
        ".git.",
        ".git ",
        ".git...",
        "git~1",
        "GIT~1",
        ".g\u{200c}it",
        "\u{feff}.git",
        ".git::$INDEX_ALLOCATION",
        ".git:x",
        "a\\b",
        "..\\x",
        "a\0b",
        "a\nb",
        "a\u{7f}",
        &long,
        &component,
    ] {
        let error = TreePath::parse(text).expect_err(text);
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    for text in [
        "a",
        ".github/workflows/x.yaml",
        ".gitignore",
        "a/.gitkeep",
        "..a",
        "a b",
        "git~2",
        "한글/값.yaml",
        "a:b",
        "-a",
    ] {
        assert_eq!(TreePath::parse(text).unwrap().as_str(), text);
    }
}

#[test]
fn parts_of_a_path() {
    let file = path("apps/shop/values.yaml");
    assert_eq!(file.file_name(), "values.yaml");
    assert_eq!(file.parent(), Some(path("apps/shop")));
    assert_eq!(path("apps").parent(), None);
    assert!(
        file.starts_with(&path("apps"))
            && file.starts_with(&file)
            && !path("appsy").starts_with(&path("apps"))
    );
    assert_eq!(path("apps").join("shop/a").unwrap(), path("apps/shop/a"));
    assert!(
        path("apps").join("../x").is_err()
            && path("apps").join("").is_err()
            && path("a").join("/b").is_err()
    );
}

#[test]
fn a_commit_id_is_whole() {
    let text = "0123456789abcdef0123456789abcdef01234567";
    let id: CommitId = text.parse().unwrap();
    assert_eq!(
        (id.to_string().as_str(), format!("{id:.7}").as_str()),
        (text, "0123456")
    );
    for wrong in [
        "",
        "0123456",
        &text[1..],
        &format!("{text}0"),
        &text.replace('a', "g"),
    ] {
        assert!(wrong.parse::<CommitId>().is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn a_path_is_kept_as_it_was_and_stays_below(text in "[a-zA-Z.~ /\\\\:0-9]{0,24}") {
        if let Ok(read) = TreePath::parse(&text) {
            prop_assert_eq!(read.as_str(), &text);
            let mut depth = 0_i32;
            for part in std::path::Path::new(&text).components() {
                prop_assert!(matches!(part, std::path::Component::Normal(_)), "{:?}", part);
                depth += 1;
            }
            prop_assert_eq!(depth, i32::try_from(read.components().count()).unwrap());
        }
    }

    #[test]
    fn joining_is_parsing_the_whole(one in "[a-c./]{1,6}", other in "[a-c./]{1,6}") {
        if let Ok(directory) = TreePath::parse(&one) {
            prop_assert_eq!(directory.join(&other).ok(), TreePath::parse(&format!("{one}/{other}")).ok());
        }
    }
}

//! The record of where items are from: behind them as comments, else in the annotation; one changed value is one changed line.

use narae_secrets::sealed::provenance::ANNOTATION;
use narae_secrets::sealed::{
    Action, Item, Reason, ResealFailure, ResealOutcome, Source, Validator,
};
use narae_secrets::store::Version;

use crate::files::{changed, keys, read, seal, source};
use crate::material::{certificate, secret};

/// Three items, `b` of this version.
fn three(version: u64) -> Vec<Item> {
    vec![
        Item::new("a", secret("1"), source(1)),
        Item::new("b", secret("2"), source(version)),
        Item::new("c", secret("3"), source(1)),
    ]
}

/// What sealing `items` again into `text` makes of it.
fn merged(text: &str, items: Vec<Item>) -> String {
    let file = read(text);
    let sealed = seal(items, Some(file.secrets()[0].value()));
    file.merge(&sealed).unwrap()
}

/// The first words of the lines that changed.
fn changed_names(before: &str, after: &str) -> Vec<String> {
    let lines = changed(before, after).into_iter();
    let lines = lines.map(|line| after.lines().nth(line - 1).unwrap().trim());
    lines
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect()
}

#[test]
fn of_one_changed_item_with_a_record_one_line_changes() {
    let text = seal(three(1), None)
        .to_yaml()
        .replace("metadata:\n", "metadata: # who\n")
        .replace("spec:\n", "# what\nspec:\n");
    assert_eq!(merged(&text, three(1)), text, "nothing changed");
    let after = merged(&text, three(2));
    assert_eq!(changed_names(&text, &after), ["b:"]);
    assert!(!after.contains(ANNOTATION));
    // The record is whole: nothing is sealed anew now.
    assert_eq!(merged(&after, three(2)), after);

    // Sealed for another key, the record still speaks of the same sources.
    let moved = read(&after).reseal(&keys(&[2048]), &certificate(3072));
    let moved = moved.text.unwrap();
    assert_eq!(changed_names(&after, &moved), ["a:", "b:", "c:"]);
    assert_eq!(Validator::new(0).check(&read(&moved)), []);
    // Once more with the old key alone: the record knows that it is done.
    let again = read(&moved).reseal(&keys(&[2048]), &certificate(3072));
    assert!(again.text.is_none());
    for item in &again.items {
        assert_eq!(item.outcome, ResealOutcome::Kept);
        assert_eq!(item.old.as_ref(), Some(certificate(3072).fingerprint()));
    }
    let other = read(&moved).reseal(&keys(&[2048]), &certificate(4096));
    assert!(matches!(
        other.items[0].outcome,
        ResealOutcome::Failed(ResealFailure::Open(_))
    ));
    let back = read(&moved).reseal(&keys(&[3072]), &certificate(2048));
    let back = back.text.unwrap();
    assert_eq!(merged(&back, three(2)), back);

    // An item whose source is not known any more has no record, so that it is never kept.
    let unknown = seal(vec![Item::new("a", secret("1"), None)], None);
    let forgot = read(&after).merge(&unknown).unwrap();
    assert_eq!(changed_names(&after, &forgot), ["a:"]);
    let again = seal(three(2), Some(read(&forgot).secrets()[0].value()));
    let actions: Vec<_> = again.items.iter().map(|item| item.action).collect();
    assert_eq!(
        actions,
        [
            Action::Resealed(Reason::NotRecorded),
            Action::Kept,
            Action::Kept
        ]
    );
}

/// What a person wrote behind an item stays there, before the record or behind it, whatever happens to the item.
#[test]
fn comments_of_people_stay_beside_the_record() {
    let record = |text: &str, name: &str| {
        let line = text
            .lines()
            .find(|line| line.contains(&format!(" {name}: ")));
        line.unwrap().split_once(" # narae: ").unwrap().1.to_owned()
    };
    let text = seal(three(1), None).to_yaml();
    let (b, c) = (record(&text, "b"), record(&text, "c"));
    let text = text
        .replace(
            &format!(" # narae: {b}"),
            &format!("   # ask Kim #2 # narae: {b}"),
        )
        .replace(
            &format!("# narae: {c}"),
            &format!("# narae: {c}\t# ask Lee  "),
        );
    assert_eq!(merged(&text, three(1)), text);
    let after = merged(&text, three(2));
    assert_eq!(changed_names(&text, &after), ["b:"]);
    assert!(
        after.contains("   # ask Kim #2 # narae: b sha256:"),
        "{after}"
    );
    assert!(
        after.contains(&format!(" # narae: {c}\t# ask Lee  \n")),
        "{after}"
    );

    let moved = read(&after).reseal(&keys(&[2048]), &certificate(3072));
    let moved = moved.text.unwrap();
    assert_eq!(changed_names(&after, &moved), ["a:", "b:", "c:"]);
    assert!(moved.contains("   # ask Kim #2 # narae: b sha256:"));
    assert!(moved.contains("/k once # ask Lee  \n"), "{moved}");

    let unknown = ["b", "c"].map(|name| Item::new(name, secret("1"), None));
    let forgot = read(&moved).merge(&seal(unknown.into(), None)).unwrap();
    assert_eq!(changed_names(&moved, &forgot), ["b:", "c:"]);
    assert!(forgot.contains("   # ask Kim #2\n") && forgot.contains("# ask Lee  \n"));
    assert_eq!(forgot.matches("# narae: ").count(), 1);

    // What begins alike and is no record stays, too.
    let said = text.replace(&format!("# ask Kim #2 # narae: {b}"), "# narae: our tool");
    let after = merged(&said, three(1));
    assert!(
        after.contains("# narae: our tool # narae: b sha256:"),
        "{after}"
    );
    assert_eq!(Validator::new(0).check(&read(&after)), []);
}

/// A stamp is the store's word; one that looks like a comment does not end the record.
#[test]
fn a_stamp_like_a_comment_is_read_again() {
    let reference = "ref+vault://main/secret/shop#/k".parse().unwrap();
    let items = |stamp| {
        let source = Source::new(&reference, Version::FIRST, stamp);
        vec![Item::new("a", secret("1"), Some(source))]
    };
    for stamp in ["#5", "a #5", "# narae: a sha256:0", "2026-11-21T08:00:00Z"] {
        let text = seal(items(stamp), None).to_yaml();
        assert_eq!(text.matches('#').count(), 2, "{text}");
        assert_eq!(merged(&text, items(stamp)), text);
        assert_eq!(Validator::new(0).check(&read(&text)), []);
    }
}

/// What looks like the beginning of a record a hundred thousand times is one comment, and takes no longer than others.
#[test]
fn a_comment_of_many_marks_is_read_once() {
    let text = seal(three(1), None).to_yaml();
    let marks = format!("# narae: a sha256:0{}", "x# narae: ".repeat(100_000));
    for comment in [marks.as_str(), marks.get(2..).unwrap()] {
        let line = text.lines().find(|line| line.contains(" a: ")).unwrap();
        let (item, _) = line.split_once(" # ").unwrap();
        let odd = text.replace(line, &format!("{item} # {comment}"));
        let sealed = read(&odd);
        assert_eq!(sealed.secrets()[0].recorded("a"), None);
    }
}

/// Files of before have the record in the annotation: it is read, and what is sealed anew moves.
#[test]
fn a_record_moves_from_the_annotation_to_comments() {
    let text = narae_yaml::write(&seal(three(1), None).manifest);
    assert!(text.contains(ANNOTATION) && !text.contains(" # "));
    assert_eq!(
        merged(&text, three(1)),
        text,
        "what is kept stays where it is"
    );
    let full = |text: &str| {
        let digest = |line: &str| {
            line.contains("sha256:")
                .then(|| line.split(' ').nth(7).unwrap().to_owned())
        };
        text.lines().find_map(digest).unwrap()
    };
    // Records of before had the whole digest.
    let old = text.replace(&full(&text), &format!("sha256:{}", sha256(&text, "a")));
    assert_eq!(merged(&old, three(1)), old);

    let after = merged(&text, three(2));
    let gone: Vec<&str> = text.lines().filter(|line| !after.contains(line)).collect();
    assert_eq!(gone.len(), 2, "{gone:?}");
    let (records, items) = after.split_once("spec:").unwrap();
    assert_eq!(
        (
            records.matches("sha256:").count(),
            items.matches(" # narae: b sha256:").count()
        ),
        (2, 1)
    );
    assert_eq!(merged(&after, three(2)), after);
    assert_eq!(Validator::new(0).check(&read(&after)), []);

    // With all of them the annotation goes, and what held it.
    let moved = read(&after)
        .reseal(&keys(&[2048]), &certificate(3072))
        .text
        .unwrap();
    assert!(!moved.contains("annotations:"), "{moved}");
    assert_eq!(moved.matches(" # narae: ").count(), 3);
    assert_eq!(Validator::new(0).check(&read(&moved)), []);
    let more = text.replace("  annotations:\n", "  annotations:\n    mine: x\n");
    let moved = read(&more)
        .reseal(&keys(&[2048]), &certificate(3072))
        .text
        .unwrap();
    assert!(
        moved.contains("  annotations:\n    mine: x\nspec:\n"),
        "{moved}"
    );
}

/// The whole digest of the ciphertext of `item`, as `sha256sum` prints it.
fn sha256(text: &str, item: &str) -> String {
    let manifest = narae_yaml::read_one(text).unwrap();
    let path = format!("spec.encryptedData.{item}").parse().unwrap();
    let text = manifest.at(&path).unwrap().as_str().unwrap().to_owned();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Where no comment can stand, the record is in the annotation, and reading finds it there.
#[test]
fn without_room_for_comments_the_record_is_in_the_annotation() {
    let head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\nspec:\n";
    for (spec, comments, lines) in [
        ("  encryptedData: {}\n", 3, 1),
        ("  encryptedData: {b: x}\n", 0, 2),
        ("  encryptedData: {\n    b: x\n  }\n", 0, 2),
        (
            "  encryptedData:\n    a: x\n    b: |-\n      x\n    c: x\n",
            2,
            2,
        ),
        (
            "  encryptedData:\n    a: 'x'\n    b: x  \n    c: \"x\" # mine\n",
            3,
            1,
        ),
        (
            "  encryptedData:\n    b: &b x\n    a: !!str x\n    ? c\n    : x\n",
            3,
            1,
        ),
    ] {
        let text = format!("{head}{spec}");
        let once = merged(&text, three(1));
        assert_eq!(once.matches("# narae: ").count(), comments, "{once}");
        assert_eq!(once.contains(ANNOTATION), comments < 3, "{once}");
        assert_eq!(merged(&once, three(1)), once);
        assert_eq!(Validator::new(0).check(&read(&once)), [], "{once}");
        let twice = merged(&once, three(2));
        assert_eq!(changed(&once, &twice).len(), lines, "{twice}");
        let recorded = read(&twice).secrets()[0].recorded("b").unwrap();
        assert!(recorded.source.unwrap().contains("version=2"));
    }
}

/// Comments are for people's formatters to keep, not to understand: blanks, quotes and places may change.
#[test]
fn a_record_survives_other_writers() {
    let text = seal(three(1), None).to_yaml();
    for other in [
        text.replace("# narae", "   \t# narae"),
        text.replace("    b: ", "    \"b\":   "),
        text.replace('\n', "\r\n"),
        format!("\u{feff}# first\n---\n{text}---\nkind: ConfigMap\n"),
        text.replace(
            "  encryptedData:\n",
            "  encryptedData: &items\n    # said\n\n",
        ),
        text.trim_end().to_owned(),
    ] {
        assert_eq!(merged(&other, three(1)), other);
    }
    let lost = text
        .lines()
        .map(|line| line.split(" # ").next().unwrap().to_owned() + "\n")
        .collect::<String>();
    let again = merged(&lost, three(1));
    assert_eq!(
        changed_names(&lost, &again),
        ["a:", "b:", "c:"],
        "lost, it only means sealing anew"
    );
}

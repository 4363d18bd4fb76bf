//! Plans: made now, applied later or refused with what moved.

use std::collections::BTreeMap;
use std::convert::Infallible;

use narae_gitops::edit::{Image, Setting};
use narae_gitops::image::ImageReference;
use narae_gitops::message::{Trailers, key};
use narae_gitops::plan::{
    Action, Applied, Condition, Edit, ImagePlace, Intent, Outcome, Plan, RecordedEdit, TagRule,
};
use narae_gitops::repository::TreePath;

use crate::fixture::{directory, git, path};

const FILE: &str = "rc/shop/kustomization.yaml";
const TEXT: &str = "images:\n- name: web # ours\n  newTag: abc1234\n- name: db\n  newTag: \"16\"\nreplicas:\n- name: web\n  count: 2\n";

type Files = BTreeMap<TreePath, String>;

fn files(text: &str) -> Files {
    Files::from([(path(FILE), text.to_owned())])
}

fn reader(files: &Files) -> impl FnMut(&TreePath) -> Result<Option<Vec<u8>>, Infallible> + '_ {
    |path| Ok(files.get(path).map(|text| text.clone().into_bytes()))
}

fn image(text: &str) -> Setting {
    Setting::Image(Image::from(&text.parse::<ImageReference>().unwrap()))
}

fn bump(to: &str) -> Edit {
    Edit::set(path(FILE), "kustomize:web".parse().unwrap(), image(to))
}

fn plan(edits: Vec<Edit>, files: &Files) -> Plan {
    let intent = Intent::new("shop", "rc", Action::Deliver, "3f2a9c1");
    let web = ImagePlace::new(path(FILE), "kustomize:web".parse().unwrap());
    Plan::make("main", None, intent, edits, reader(files))
        .unwrap()
        .naming(vec![web])
}

fn apply(plan: &Plan, files: &Files) -> Applied {
    plan.apply(reader(files)).unwrap()
}

#[test]
fn a_plan_is_data_and_applies_to_another_tip() {
    let replicas = Edit::set(
        path(FILE),
        "replicas:web".parse().unwrap(),
        Setting::Value(5.into()),
    );
    let made = plan(
        vec![bump("web:3f2a9c1").when(Condition::Unchanged), replicas],
        &files(TEXT),
    );
    let json = serde_json::to_string_pretty(&made).unwrap();
    let read = Plan::read("plan.json", &json).unwrap();
    assert_eq!(read, made);

    // Somebody else was faster, on the very next line.
    let moved = files(&TEXT.replace("\"16\"", "\"17\""));
    let applied = apply(&read, &moved);
    assert_eq!(applied.outcome(), "applied");
    let expected = TEXT
        .replace("abc1234", "3f2a9c1")
        .replace("\"16\"", "\"17\"")
        .replace("count: 2", "count: 5");
    assert_eq!(applied.files[0].after, expected);

    let again = apply(&read, &files(&expected));
    assert_eq!(again.outcome(), "already-applied");
    assert!(again.change_set().is_empty());
}

#[test]
fn what_moved_is_told_and_nothing_is_applied() {
    let other = Edit::set(path(FILE), "kustomize:db".parse().unwrap(), image("db:18"));
    let made = plan(
        vec![other, bump("web:3f2a9c1").when(Condition::Unchanged)],
        &files(TEXT),
    );
    let moved = files(&TEXT.replace("abc1234", "8c1d2e3"));
    let applied = apply(&made, &moved);
    assert_eq!(applied.outcome(), "conflict");
    assert!(applied.files.is_empty(), "half a plan is none");
    let refused: Vec<_> = applied.refused().collect();
    let [refused] = refused.as_slice() else {
        panic!("{refused:?}")
    };
    assert_eq!(refused.place, "kustomize:web");
    assert_eq!(
        refused.outcome,
        Outcome::Conflict {
            found: "web:8c1d2e3".to_owned(),
            reason: "it has changed since the plan was made".to_owned()
        }
    );
}

#[test]
fn an_expected_old_value_is_asked_for() {
    let expect = |old: &str| bump("web:3f2a9c1").when(Condition::Expect(old.to_owned()));
    let text = files(TEXT);
    assert_eq!(
        apply(&plan(vec![expect("web:abc1234")], &text), &text).outcome(),
        "applied"
    );
    assert_eq!(
        apply(&plan(vec![expect("web:def5678")], &text), &text).outcome(),
        "conflict"
    );
    // What is wanted already is no conflict, whatever was expected.
    let there = files(&TEXT.replace("abc1234", "3f2a9c1"));
    assert_eq!(
        apply(&plan(vec![expect("web:abc1234")], &text), &there).outcome(),
        "already-applied"
    );
}

#[test]
fn something_newer_supersedes_a_plan() {
    let newer = |to: &str| {
        let rule = TagRule::new("semver: *".parse().unwrap());
        bump(to).when(Condition::Newer(rule))
    };
    let with = |tag: &str| files(&TEXT.replace("abc1234", tag));
    let outcome = |to: &str, found: &str| {
        let made = plan(vec![newer(to)], &with(found));
        let read = Plan::read("p", &serde_json::to_string(&made).unwrap()).unwrap();
        apply(&read, &with(found)).outcome()
    };
    assert_eq!(outcome("web:v1.3.0", "v1.2.9"), "applied");
    assert_eq!(outcome("web:v1.3.0", "v1.10.0"), "superseded");
    assert_eq!(outcome("web:v1.3.0", "v1.3.0"), "already-applied");
    assert_eq!(outcome("web:v1.3.0", "abc1234"), "conflict");
}

#[test]
fn recorded_edits_undo_themselves_unless_the_value_moved() {
    let before = files(TEXT);
    let made = plan(vec![bump("harbor.example.com/web:12e4567")], &before);
    let applied = apply(&made, &before);
    let message = made.intent.message(&applied).unwrap();
    assert_eq!(message.subject(), "shop: deliver 3f2a9c1 to rc");
    let trailers = Trailers::parse(&message.to_string());
    assert_eq!(
        trailers.get(key::IMAGE),
        Some("harbor.example.com/web:12e4567")
    );
    assert_eq!(trailers.get(key::OLD), Some("web:abc1234"));

    let after = files(&applied.files[0].after);
    assert!(after[&path(FILE)].contains("  newName: harbor.example.com/web\n"));
    let recorded: Vec<RecordedEdit> = RecordedEdit::all(&trailers).collect();
    let undo: Vec<Edit> = recorded
        .iter()
        .rev()
        .map(|edit| Edit::undo(edit.file.clone(), &edit.change()))
        .collect();
    let back = plan(undo, &after);
    let undone = apply(&back, &after);
    assert_eq!(undone.outcome(), "applied", "{undone:?}");
    assert_eq!(
        undone.files[0].after,
        TEXT.replace("abc1234", "\"abc1234\"")
    );

    let moved = files(&applied.files[0].after.replace("12e4567", "8c1d2e3"));
    let refused = apply(&back, &moved);
    assert_eq!(refused.outcome(), "conflict");
    assert_eq!(
        refused.refused().next().unwrap().outcome,
        Outcome::Conflict {
            found: "8c1d2e3".to_owned(),
            reason: "`12e4567` was left there, and it has moved since".to_owned()
        }
    );
}

#[test]
fn the_diff_is_one_that_git_applies() {
    for text in [
        TEXT.to_owned(),
        TEXT.trim_end().to_owned(),
        TEXT.replace('\n', "\r\n"),
    ] {
        let before = files(&text);
        let count = Edit::set(
            path(FILE),
            "replicas:web".parse().unwrap(),
            Setting::Value(7.into()),
        );
        let applied = apply(&plan(vec![bump("web:3f2a9c1"), count], &before), &before);
        let work = directory();
        let file = work.path().join(FILE);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &text).unwrap();
        git(work.path(), &["init", "--quiet"]);
        std::fs::write(work.path().join("p.diff"), applied.unified_diff()).unwrap();
        git(work.path(), &["apply", "p.diff"]);
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            applied.files[0].after
        );
    }
}

#[test]
fn a_file_that_is_not_there_or_not_text_is_told() {
    let intent = || Intent::new("shop", "rc", Action::Deliver, "x");
    let missing = Plan::make(
        "main",
        None,
        intent(),
        vec![bump("web:3f2a9c1")],
        reader(&Files::new()),
    );
    assert_eq!(
        missing.unwrap_err().to_string(),
        format!("there is no file `{FILE}`")
    );
    let binary = |_: &TreePath| Ok::<_, Infallible>(Some(vec![b'a', 0xff]));
    let binary = Plan::make("main", None, intent(), vec![bump("web:3f2a9c1")], binary);
    assert_eq!(
        binary.unwrap_err().to_string(),
        format!("{FILE}: not UTF-8 at byte 1")
    );
    let none = Plan::make(
        "main",
        None,
        intent(),
        vec![bump("web:3f2a9c1")],
        reader(&files("images:\n- name: x\n")),
    );
    assert_eq!(
        none.unwrap_err().to_string(),
        format!("{FILE}: `kustomize:web` is not there")
    );
}

#[test]
fn what_is_not_a_plan_is_refused_with_its_place() {
    let made =
        serde_json::to_string_pretty(&plan(vec![bump("web:3f2a9c1")], &files(TEXT))).unwrap();
    for (from, to, place) in [
        (
            "\"kustomize:web\"",
            "\"kustomise:web\"",
            "p.json:15:21: `kustomise:web` is not a selector",
        ),
        (
            "\"rc/shop/kustomization.yaml\"",
            "\"../x\"",
            "p.json:12:15: path `../x`",
        ),
        (
            "\"branch\"",
            "\"brunch\"",
            "p.json:2:3: unknown field `brunch`",
        ),
    ] {
        assert!(made.contains(from), "{made}");
        let error = Plan::read("p.json", &made.replace(from, to)).unwrap_err();
        assert!(error.to_string().starts_with(place), "{error}");
    }
}

//! Messages, and trailers as git reads them.

use narae_gitops::message::{Message, MessageError, TrailerError, Trailers, key};
use narae_gitops::repository::{Commit, Outcome};
use proptest::prelude::*;

use crate::fixture::{bare, commit, directory, git, git_reading, signature};

/// The trailers as `Key: value` lines, as git prints them.
fn lines(trailers: &Trailers) -> String {
    trailers
        .iter()
        .map(|trailer| format!("{}: {}\n", trailer.key(), trailer.value()))
        .collect()
}

#[test]
fn git_reads_the_trailers_back() {
    let message = Message::new("shop: deliver 3f2a9c1 to prod (idc)")
        .unwrap()
        .with_body("Why: it was time.\n\n- a list that is not a trailer\n---\nafter a divider\n")
        .unwrap()
        .with_trailer(key::APP, "shop")
        .unwrap()
        .with_trailer(key::ENVIRONMENT, "prod")
        .unwrap()
        .with_trailer(key::SITE, "idc")
        .unwrap()
        .with_trailer(
            key::IMAGE,
            "harbor.example.com:8443/shop/web:3f2a9c1@sha256:00",
        )
        .unwrap()
        .with_trailer(key::SOURCE_COMMIT, "3f2a9c1d2e")
        .unwrap();
    let here = directory();
    let parsed = git_reading(
        here.path(),
        &["interpret-trailers", "--parse"],
        &message.to_string(),
    );
    assert_eq!(parsed, lines(message.trailers()));

    let (_directory, repository) = bare();
    let changes = commit("x", &[("a", Some("1"))]).changes().clone();
    let outcome = repository
        .commit(
            "main",
            None,
            &Commit::new(changes, message.clone(), signature()),
        )
        .unwrap();
    assert!(matches!(outcome, Outcome::Committed(_)));
    let logged = git(
        repository.path(),
        &[
            "log",
            "--format=%(trailers:only,unfold)%x00%B%x00%s",
            "main",
        ],
    );
    let parts: Vec<&str> = logged.trim_end_matches('\n').split('\0').collect();
    assert_eq!(parts[0], parsed);
    assert_eq!(Trailers::parse(parts[1]), *message.trailers());
    assert_eq!(parts[2], message.subject());
}

#[test]
fn a_value_of_many_lines_is_read_in_time() {
    const LINES: usize = 300_000;
    let text = format!("s\n\nA: b\n{}", " x\n".repeat(LINES));
    let value = Trailers::parse(&text).get("a").map(str::len);
    assert_eq!(value, Some(1 + 2 * LINES));
}

#[test]
fn a_value_cannot_forge_a_trailer() {
    let message = || Message::new("x").unwrap();
    for value in [
        "a\nNarae-App: evil",
        "a\rb",
        "a\u{2028}b",
        "a\0",
        "\x1b[31m",
        "",
        "  ",
    ] {
        let refused = message().with_trailer(key::APP, value);
        assert!(
            matches!(refused, Err(TrailerError::Value { .. })),
            "{value:?}"
        );
    }
    for name in ["", "a b", "a:b", "Narae-App\nx", "한글", "a_b"] {
        assert!(
            matches!(
                message().with_trailer(name, "v"),
                Err(TrailerError::Key { .. })
            ),
            "{name:?}"
        );
    }
    for body in [
        "Narae-App: evil",
        "text\n\nNarae-App: evil\n",
        "a\n\nSigned-off-by: x\nb\nc",
        "a: b\n  c",
    ] {
        assert_eq!(
            message().with_body(body),
            Err(MessageError::BodyReadsAsTrailers),
            "{body:?}"
        );
    }
    let error = message()
        .with_trailer(key::APP, "hunter2\n")
        .and_then(|m| m.with_trailer(key::APP, "hunter2\nx"));
    assert!(!error.unwrap_err().to_string().contains("hunter2"));
}

#[test]
fn a_subject_is_one_short_line() {
    assert_eq!(Message::new("  a b \n").unwrap().subject(), "a b");
    assert_eq!(Message::new(" \n"), Err(MessageError::EmptySubject));
    assert_eq!(Message::new("# a"), Err(MessageError::CommentSubject));
    assert_eq!(
        Message::new("a\nb"),
        Err(MessageError::ControlCharacter { part: "subject" })
    );
    assert_eq!(
        Message::new(&"나".repeat(73)),
        Err(MessageError::LongSubject { length: 73 })
    );
    assert!(Message::new(&"나".repeat(72)).is_ok());
}

#[test]
fn a_body_is_wrapped_and_code_is_not() {
    let long = "word ".repeat(30);
    let body = format!("\n\n{long}\n\n\n\n    {}\nshort  \r\n\n", "x".repeat(90));
    let message = Message::new("s").unwrap().with_body(&body).unwrap();
    let expected = format!(
        "{0}\n{0}\nword word\n\n    {1}\nshort",
        "word ".repeat(14).trim(),
        "x".repeat(90)
    );
    assert_eq!(message.body(), expected);
    assert_eq!(message.to_string(), format!("s\n\n{expected}\n"));
}

/// Messages of the lines that matter to git's rule.
fn foreign_message() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "subject",
        "",
        "",
        " ",
        "Key: value",
        "Key:value",
        "Other-Key: a: b",
        "key :x",
        "Empty:",
        " continued",
        "\tcontinued",
        "prose and more",
        "Signed-off-by: a <a@b>",
        "(cherry picked from commit 0123)",
        "no key: x",
        ": x",
        "-: x",
        "ends",
        "a:b:c",
        "http://x",
    ]);
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n") + "\n")
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        subject in "[^\\p{C}#\\s][^\\p{C}\u{2028}\u{2029}]{0,60}[^\\p{C}\\s]",
        body in "(?s).{0,300}",
        trailers in prop::collection::vec(("[A-Za-z0-9-]{1,12}", "[^\\p{C}\\s]([^\\p{C}\u{2028}\u{2029}]{0,40}[^\\p{C}\\s])?"), 0..5),
    ) {
        let mut message = Message::new(&subject).unwrap();
        if let Ok(with_body) = message.clone().with_body(&body) {
            message = with_body;
        }
        for (key, value) in &trailers {
            message = message.with_trailer(key, value).unwrap();
        }
        let text = message.to_string();
        prop_assert_eq!(&Trailers::parse(&text), message.trailers());
        prop_assert_eq!(text.lines().next(), Some(subject.as_str()));
        prop_assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
        let again = Message::new(&subject).unwrap().with_body(message.body()).unwrap();
        prop_assert_eq!(again.body(), message.body());
    }

    #[test]
    fn any_text_can_be_asked_for_its_trailers(text in "(?s).{0,400}") {
        for trailer in &Trailers::parse(&text) {
            prop_assert!(!trailer.key().is_empty() && trailer.key().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
            prop_assert_eq!(trailer.value(), trailer.value().trim());
            prop_assert!(!trailer.value().contains('\n'));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn git_finds_the_same_trailers(text in foreign_message()) {
        let by_git = git_reading(
            std::env::temp_dir().as_path(),
            &["interpret-trailers", "--parse", "--no-divider"],
            &text,
        );
        let ours: String = lines(&Trailers::parse(&text));
        prop_assert_eq!(ours, by_git, "{:?}", text);
    }
}

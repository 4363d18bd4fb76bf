//! GitLab's, GitHub's, Gitea's and Forgejo's documented answers (`tests/data/handover/forge`), served on loopback.
//!
//! A case: `forge: gitlab`, then for each exchange `> ` the request's line, the token's header and the body, `< ` the
//! answer's head and body; last `= ` what comes of it.

use std::fs;
use std::path::Path;

use narae_gitops::handover::Token;
use narae_gitops::handover::forge::{Forge, Kind, MergeRequest};
use serde_json::Value;

use super::fake::{Asked, Fake};

fn wanted() -> MergeRequest {
    MergeRequest::new("promote/shop", "main", "shop: 3f2a9c1 to prod")
        .unwrap()
        .with_description("Was in rc since\n\n- `abc`")
        .with_label("deploy")
        .unwrap()
        .with_label("env::prod")
        .unwrap()
        .removing_source()
}

#[derive(Default)]
struct Case {
    forge: String,
    requests: Vec<Vec<String>>,
    answers: Vec<String>,
    outcome: String,
}

fn parse(text: &str) -> Case {
    let mut case = Case::default();
    let mut last = ' ';
    for line in text.lines() {
        let rest = line.get(2..).unwrap_or_default().to_owned();
        match line.chars().next() {
            Some('>') if last != '>' => case.requests.push(vec![rest]),
            Some('>') => case.requests.last_mut().unwrap().push(rest),
            Some('<') if last != '<' => case.answers.push(rest),
            Some('<') => case
                .answers
                .last_mut()
                .unwrap()
                .push_str(&format!("\n{rest}")),
            Some('=') => case.outcome = rest,
            _ => {
                case.forge = line
                    .strip_prefix("forge: ")
                    .unwrap_or(&case.forge)
                    .to_owned()
            }
        }
        last = line.chars().next().unwrap_or(' ');
    }
    case
}

fn outcome(case: &Case, fake: &Fake) -> String {
    let kind = match case.forge.as_str() {
        "gitlab" => Kind::GitLab,
        "github" => Kind::GitHub,
        _ => Kind::Gitea,
    };
    let forge = Forge::new(kind, fake.address(), "shop/gitops", Token::new("s3cret")).unwrap();
    assert!(!format!("{forge:?}").contains("s3cret"));
    match forge.open(&wanted()) {
        Ok(opened) => {
            let how = if opened.was_open { "found" } else { "created" };
            let labels = opened.unlabelled.map(|error| format!(", {error}"));
            format!(
                "{how} {} {}{}",
                opened.number,
                opened.url,
                labels.unwrap_or_default()
            )
        }
        Err(error) => format!("{:?}: {error}", error.kind()),
    }
}

fn same(expected: &[String], asked: &Asked) -> bool {
    let mut lines = expected.iter();
    let line = lines.next() == Some(&asked.line);
    let token = lines
        .next()
        .is_some_and(|token| asked.headers.contains(token));
    let body: Vec<&str> = lines.map(String::as_str).collect();
    let json = |text: &str| serde_json::from_str::<Value>(text).ok();
    line && token && json(&body.join("\n")) == json(&asked.body)
}

#[test]
fn documented_answers_are_understood() {
    let folder = Path::new("tests/data/handover/forge");
    let (mut failures, mut count) = (Vec::new(), 0);
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let case = parse(&fs::read_to_string(&file).unwrap());
        let fake = Fake::start(case.answers.clone());
        let found = outcome(&case, &fake);
        let asked = fake.asked();
        count += 1;
        if found != case.outcome {
            failures.push(format!(
                "{}: expected {}\nfound {found}",
                file.display(),
                case.outcome
            ));
        }
        let all = case
            .requests
            .iter()
            .zip(&asked)
            .all(|(one, other)| same(one, other));
        if asked.len() != case.requests.len() || !all {
            failures.push(format!("{}: asked {asked:#?}", file.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(count, 15, "cases");
}

#[test]
fn what_no_forge_takes_is_refused_before_it_is_asked() {
    assert!(MergeRequest::new("", "main", "t").is_err());
    assert!(MergeRequest::new("a", "b c", "t").is_err());
    assert!(MergeRequest::new("a", "main", "two\nlines").is_err());
    assert!(MergeRequest::new("a", "main", &"x".repeat(256)).is_err());
    assert!(wanted().with_label("a,b").is_err());
    let forge = |kind, name: &str| {
        let fake = Fake::start(Vec::new());
        Forge::new(kind, fake.address(), name, Token::new("s3cret")).is_ok()
    };
    assert!(forge(Kind::GitLab, "group/sub/name"));
    assert!(!forge(Kind::GitHub, "group/sub/name"));
    for name in ["name", "a/", "../a", "a/..", ""] {
        assert!(!forge(Kind::GitLab, name), "{name}");
    }
}

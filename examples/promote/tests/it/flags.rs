//! What every command takes: each command with each flag does what the flag says, or refuses it in words.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::argocd::{ArgoCd, HEALTHY};
use crate::sandbox::{IMAGE, Run, Sandbox, TO_RC};

/// A command of [`prepared`]'s, and whether it makes a commit.
pub(crate) struct Case {
    pub(crate) arguments: &'static [&'static str],
    pub(crate) commits: bool,
}

const fn case(commits: bool, arguments: &'static [&'static str]) -> Case {
    Case { arguments, commits }
}

pub(crate) const CASES: [Case; 8] = [
    case(
        true,
        &["set-image", "cart", "shop/cart:1111bbb", "--env", "dev"],
    ),
    case(true, &TO_RC),
    case(true, &["rollback", "shop", "--env", "dev"]),
    case(true, &["apply", "plan.json"]),
    case(
        false,
        &[
            "plan", "-o", "new.json", "move", "shop", "--from", "dev", "--to", "rc",
        ],
    ),
    case(false, &["history"]),
    case(false, &["history", "--measures"]),
    case(false, &["drift"]),
];

impl Case {
    pub(crate) fn with<'a>(&self, more: &[&'a str]) -> Vec<&'a str> {
        [self.arguments, more].concat()
    }

    /// As it stands in the README.
    fn name(&self) -> String {
        let is_measures = self.arguments.contains(&"--measures");
        let name = self.arguments.first().unwrap();
        match is_measures {
            true => format!("{name} --measures"),
            false => (*name).to_owned(),
        }
    }
}

/// There is something to do for each of [`CASES`].
pub(crate) fn prepared() -> Sandbox {
    let sandbox = Sandbox::new();
    let image = format!("{IMAGE}:8c1d2e3");
    let built = ["--source-commit", "8c1d2e3f00"];
    sandbox.done(&[&["set-image", "shop", &image, "--env", "dev"][..], &built].concat());
    let cart = ["set-image", "cart", "shop/cart:2222ccc", "--env", "dev"];
    sandbox.done(&[&["plan", "-o", "plan.json"][..], &cart].concat());
    sandbox
}

fn succeeded(case: &Case, run: &Run) {
    assert_eq!(run.code, Some(0), "{:?}: {run:#?}", case.arguments);
}

#[test]
fn a_dry_run_of_anything_writes_nothing() {
    let sandbox = prepared();
    let before = sandbox.branches();
    for (case, json) in CASES.iter().flat_map(|case| [(case, false), (case, true)]) {
        let more: &[&str] = if json {
            &["--dry-run", "--json"]
        } else {
            &["--dry-run"]
        };
        let run = sandbox.run(&case.with(more));
        succeeded(case, &run);
        assert_eq!(sandbox.branches(), before, "{:?}", case.arguments);
        assert!(!sandbox.path("new.json").exists(), "{:?}", case.arguments);
        if case.commits && !json {
            for words in [
                "\n--- a/environments/",
                "\n@@ ",
                "Planned: nothing was written to main",
            ] {
                assert!(run.stdout.contains(words), "{words}: {run:#?}");
            }
        }
    }
    // And each of them does something without it.
    for case in CASES {
        let sandbox = prepared();
        let before = sandbox.branches();
        succeeded(&case, &sandbox.run(case.arguments));
        assert_eq!(
            sandbox.branches() != before,
            case.commits,
            "{:?}",
            case.arguments
        );
        let is_plan = case.name() == "plan";
        assert_eq!(sandbox.path("new.json").exists(), is_plan);
    }
}

/// Of the README's table, the fields that always stand in a command's JSON and those that may.
fn documented(command: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let readme = include_str!("../../README.md");
    let is_row = |line: &&str| {
        let names = line.split('|').nth(1).unwrap_or_default();
        names
            .split(',')
            .any(|name| name.trim() == format!("`{command}`"))
    };
    let row = readme
        .lines()
        .filter(|line| line.starts_with("| `"))
        .find(is_row);
    let row = row.unwrap_or_else(|| panic!("{command} is not in the README's table of JSON"));
    let names = |column: usize| -> BTreeSet<String> {
        let cell = row.split('|').nth(column).unwrap_or_default();
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    (names(2), names(3))
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn json_is_what_the_readme_says() {
    for case in CASES {
        let (always, maybe) = documented(&case.name());
        assert!(!always.is_empty(), "{:?}", case.arguments);
        for more in [&["--json"][..], &["--json", "--dry-run"]] {
            let sandbox = prepared();
            let run = sandbox.run(&case.with(more));
            succeeded(&case, &run);
            assert_eq!(run.stderr, "", "{:?}", case.arguments);
            let said: Value = serde_json::from_str(&run.stdout).unwrap();
            let found = keys(&said);
            let missing: Vec<_> = always.difference(&found).collect();
            let strange: Vec<_> = found.iter().filter(|key| !always.contains(*key)).collect();
            assert!(missing.is_empty(), "{:?}: {missing:?}", case.arguments);
            let known = strange.iter().all(|key| maybe.contains(*key));
            assert!(known, "{:?}: {strange:?}", case.arguments);
            if case.commits {
                let tip = sandbox.repository(&["rev-parse", "main"]);
                let commit = match more.len() {
                    1 => Value::from(tip.trim()),
                    _ => Value::Null,
                };
                assert_eq!(said.get("commit"), Some(&commit), "{:?}", case.arguments);
                assert_eq!(said.get("outcome"), Some(&"applied".into()));
                // A promotion says what it leaves: the namespaces, at two sites.
                let left = said.get("drift").and_then(Value::as_array).map(Vec::len);
                let is_move = case.name() == "move";
                assert_eq!(left, Some(if is_move { 2 } else { 0 }), "{run:#?}");
            }
        }
        // What goes wrong is told as JSON, too.
        let sandbox = prepared();
        let run = sandbox.run(&case.with(&["--json", "--branch", "nope"]));
        assert_eq!(run.code, Some(1), "{:?}: {run:?}", case.arguments);
        let said: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(keys(&said), BTreeSet::from(["error".to_owned()]));
        let words = said.get("error").and_then(Value::as_str).unwrap();
        assert!(
            words.starts_with("there is no narae.yaml on branch `nope`"),
            "{words}"
        );
    }
}

#[test]
fn what_lands_is_waited_for_and_nothing_else_is() {
    for case in CASES {
        let sandbox = prepared();
        let argocd = ArgoCd::start(&sandbox, HEALTHY);
        let before = sandbox.branches();
        let run = argocd.run(&sandbox, &case.with(&["--dry-run"]));
        assert_eq!(argocd.asked().len(), 0, "{:?}", case.arguments);
        if case.commits {
            succeeded(&case, &run);
            let run = argocd.run(&sandbox, &case.with(&["--json"]));
            succeeded(&case, &run);
            let said: Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!(said.get("running"), Some(&true.into()), "{run:#?}");
            let applications = said.get("applications").unwrap();
            let commit = said.get("commit").unwrap();
            let name = said.pointer("/intent/application").and_then(Value::as_str);
            assert_eq!(applications.get(name.unwrap()), Some(commit));
            assert!(!argocd.asked().is_empty());
            continue;
        }
        for run in [run, argocd.run(&sandbox, case.arguments)] {
            assert_eq!(run.code, Some(2), "{:?}: {run:#?}", case.arguments);
            let command = case.arguments.first().unwrap();
            let words = format!("--wait-argocd: `promote {command}` makes no commit\n  try: ");
            assert!(run.stderr.contains(&words), "{run:#?}");
            assert_eq!(
                (argocd.asked().len(), sandbox.branches()),
                (0, before.clone())
            );
            assert!(!sandbox.path("new.json").exists());
        }
        for flag in [
            ["--merge-request", "agit"],
            ["--argocd-webhook", "https://argocd.example.com"],
        ] {
            let run = sandbox.run(&case.with(&flag));
            assert_eq!(run.code, Some(2), "{:?}: {run:#?}", case.arguments);
            assert!(run.stderr.contains(flag[0]), "{run:#?}");
        }
    }
}

#[test]
fn a_dry_run_refuses_the_command_lines_that_a_run_refuses() {
    let sandbox = prepared();
    for case in CASES.iter().filter(|case| case.commits) {
        for (more, words) in [
            (
                &["--wait-argocd", "http://argocd.example.com"][..],
                "not sent unencrypted",
            ),
            (
                &["--argocd-webhook", "https://argocd.example.com"],
                "--web-url",
            ),
            (
                &["--merge-request", "gitlab"],
                "not the URL of a repository of a forge",
            ),
        ] {
            let run = sandbox.run(&case.with(&[more, &["--dry-run"]].concat()));
            assert_eq!(run.code, Some(2), "{:?} {more:?}: {run:#?}", case.arguments);
            assert!(run.stderr.contains(words), "{run:#?}");
        }
    }
}

/// Pipelines set variables that they have no value for.
#[test]
fn variables_that_are_empty_are_not_set() {
    let sandbox = Sandbox::new();
    let image = format!("{IMAGE}:12e4567");
    let mut command = sandbox.command("", &["set-image", "shop", &image, "--env", "dev"]);
    command.current_dir(sandbox.path("gitops.git"));
    for name in ["NARAE_AUTHOR", "NARAE_SIGN_KEY", "NARAE_PIPELINE"] {
        command.env(name, "");
    }
    let run = Run::of(&mut command);
    assert_eq!(run.code, Some(0), "{run:#?}");
    let commit = sandbox.repository(&[
        "log",
        "-1",
        "--format=%an|%G?|%(trailers:key=Pipeline)",
        "main",
    ]);
    assert_eq!(commit.trim(), "Narae promote|N|");
    // Nobody agreed.
    let arguments = [
        "move",
        "shop",
        "--from",
        "rc",
        "--to",
        "master",
        "--approved-by",
        "",
    ];
    let run = sandbox.run(&arguments);
    assert_eq!(run.code, Some(3), "{run:#?}");
    assert!(run.stderr.contains("--approved-by"), "{run:#?}");
}

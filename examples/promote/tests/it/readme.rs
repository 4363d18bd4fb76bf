//! The README alone: its narae.yaml in a repository of its own, and each of its commands as a reader would type it.

use std::process::Stdio;

use crate::sandbox::{IMAGE, Run, Sandbox};

const README: &str = include_str!("../../README.md");

/// The blocks of one language, in their order.
fn blocks(language: &str) -> Vec<&'static str> {
    let begin = format!("```{language}\n");
    let pieces = README.split(&begin).skip(1);
    pieces
        .map(|piece| piece.split("```").next().unwrap())
        .collect()
}

/// What the first `narae.yaml` declares, everything at 0000aaa.
fn repository() -> Sandbox {
    let sandbox = Sandbox::empty();
    let config = blocks("yaml").first().unwrap().to_string();
    let mut files = vec![("narae.yaml".to_owned(), config)];
    for environment in ["dev", "rc", "master"] {
        for site in ["idc", "aws"] {
            files.push((
                format!("environments/{environment}/{site}/shop/kustomization.yaml"),
                format!("images:\n- name: web\n  newName: {IMAGE}\n  newTag: 0000aaa\nreplicas:\n- {{name: web, count: 2}}\n"),
            ));
        }
    }
    sandbox.import(&files);
    sandbox
}

fn type_in(sandbox: &Sandbox, line: &str) -> Run {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_promote"));
    let folder = program.parent().unwrap().display();
    let mut path = std::env::var("PATH").unwrap();
    path.insert_str(0, &format!("{folder}:"));
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", line])
        .current_dir(sandbox.path(""))
        .env_clear();
    shell.envs([("PATH", path), ("NARAE_REPO", sandbox.url())]);
    shell.env("HOME", sandbox.path("home"));
    Run::of(shell.stdin(Stdio::null()))
}

#[test]
fn its_commands_work_as_they_stand() {
    let sandbox = repository();
    let mut typed = 0;
    // The first two blocks; those after need an Argo CD and a forge.
    for line in blocks("sh").into_iter().take(2).flat_map(str::lines) {
        if !line.starts_with("promote ") {
            assert!(
                line.is_empty() || line.starts_with("export NARAE_REPO="),
                "{line}"
            );
            continue;
        }
        let line = line.split(" #").next().unwrap().trim_end();
        let run = type_in(&sandbox, line);
        assert_eq!(run.code, Some(0), "{line}: {run:#?}");
        assert!(!run.stdout.is_empty(), "{line}: {run:#?}");
        typed += 1;
    }
    assert_eq!(typed, 9);
    for site in ["idc", "aws"] {
        let file = sandbox.file("dev", site, "shop/kustomization.yaml");
        assert!(file.contains("newTag: 8c1d2e3"), "{file}");
    }
    sandbox.fsck();
}

#[test]
fn the_help_names_every_command_of_the_readme() {
    let sandbox = Sandbox::empty();
    let help = sandbox.done(&["--help"]);
    for line in blocks("sh").into_iter().flat_map(str::lines) {
        let Some(rest) = line.strip_prefix("promote ") else {
            continue;
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let command = words.first().unwrap();
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
        // Of `plan`, the command that it plans has its own.
        let is_command =
            |word: &&&str| !word.starts_with('-') && help.contains(&format!("\n  {word} "));
        let helps = words
            .iter()
            .filter(is_command)
            .map(|word| sandbox.done(&["help", word]));
        let known: String = helps.collect();
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(known.contains(flag), "{line}: {flag}");
        }
    }
}

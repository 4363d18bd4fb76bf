//! Colour: what has which, and who gets it.

use std::process::Command;

use crate::sandbox::{IMAGE, Run, Sandbox, words};

const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const CYAN: &str = "\u{1b}[36m";
const RESET: &str = "\u{1b}[0m";

fn shop() -> Vec<String> {
    let image = format!("{IMAGE}:8c1d2e3");
    [
        "set-image",
        "shop",
        &image,
        "--env",
        "dev",
        "--site",
        "idc",
        "--dry-run",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn coloured(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let plain = sandbox.done(arguments);
    let coloured = sandbox.done(&[arguments, &["--color", "always"]].concat());
    // The same words in the same places.
    let stripped = [BOLD, RED, GREEN, CYAN, RESET, "\u{1b}[2m", "\u{1b}[33m"]
        .iter()
        .fold(coloured.clone(), |text, code| text.replace(code, ""));
    assert_eq!(stripped, plain);
    assert_ne!(coloured, plain);
    coloured
}

#[test]
fn a_diff_is_coloured_as_git_does() {
    let sandbox = Sandbox::new();
    let arguments = shop();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let out = coloured(&sandbox, &arguments);
    let file = "environments/dev/idc/shop/kustomization.yaml";
    let diff = format!(
        "\n{BOLD}--- a/{file}{RESET}\n{BOLD}+++ b/{file}{RESET}\n{CYAN}@@ -2,7 +2,7 @@{RESET}\n \
         images:\n - name: web\n   newName: {IMAGE}\n\
         {RED}-  newTag: 0000aaa   # by delivery{RESET}\n{GREEN}+  newTag: 8c1d2e3   # by delivery{RESET}\n \
         replicas:\n - {{name: web, count: 2}}\n namespace: shop-dev\n"
    );
    assert!(out.contains(&diff), "{out:?}\n{diff:?}");
    let edit =
        format!("kustomize:web  {RED}{IMAGE}:0000aaa{RESET} → {GREEN}{IMAGE}:8c1d2e3{RESET}\n");
    assert!(out.contains(&edit), "{out:?}");
}

#[test]
fn a_removed_line_that_looks_like_a_heading_is_red() {
    let sandbox = Sandbox::new();
    let file = "environments/dev/idc/cart/values.yaml".to_owned();
    let text = "--- {image: {repository: shop/cart, tag: 0000aaa}}\n".to_owned();
    sandbox.import(&[(file, text.clone())]);
    let out = coloured(
        &sandbox,
        &words("set-image cart shop/cart:1111bbb --env dev --site idc --dry-run"),
    );
    let line = format!("\n{RED}-{}{RESET}\n{GREEN}+", text.trim_end());
    assert!(out.contains(&line), "{out:?}");
}

#[test]
fn what_is_refused_is_red_and_what_is_wrong_as_well() {
    let sandbox = Sandbox::new();
    let arguments = words("set-image cart shop/cart:1111bbb --env dev --expect x --color always");
    let run = sandbox.run(&arguments);
    assert!(
        run.stdout
            .contains(&format!("\n{RED}Refused{RESET}: nothing was written")),
        "{run:?}"
    );
    let run = sandbox.run(&["history", "nope", "--color", "always"]);
    assert!(
        run.stderr
            .starts_with(&format!("{RED}error{RESET}: unknown application")),
        "{run:?}"
    );
}

/// On a terminal, which `script` is.
fn on_a_terminal(sandbox: &Sandbox, environment: &[(&str, &str)], more: &str) -> Option<String> {
    if narae_testservers::is_missing(&["script"], "colour on a terminal") {
        return None;
    }
    let program = env!("CARGO_BIN_EXE_promote");
    let line = format!("{program} {} {more}", shop().join(" "));
    let command = sandbox.command("gitops.git", &[]);
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    script.current_dir(sandbox.path("")).env_clear();
    script.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    script.env("TERM", "xterm").env("SHELL", "/bin/sh");
    script.envs(environment.iter().copied());
    let run = Run::of(script.stdin(std::process::Stdio::null()));
    assert_eq!(run.code, Some(0), "{run:?}");
    Some(run.stdout)
}

#[test]
fn a_terminal_gets_colour_and_a_pipe_does_not() {
    let sandbox = Sandbox::new();
    let is_coloured = |environment: &[(&str, &str)], more: &str| {
        let out = on_a_terminal(&sandbox, environment, more)?;
        assert!(out.contains("newTag: 8c1d2e3"), "{out:?}");
        Some(out.contains(&format!("{GREEN}+  newTag: 8c1d2e3")))
    };
    let Some(is_told) = is_coloured(&[], "") else {
        return;
    };
    assert!(is_told);
    for (environment, more, wanted) in [
        (&[("NO_COLOR", "1")][..], "", false),
        (&[("TERM", "dumb")], "", false),
        (&[], "--color never", false),
        (&[], "| cat", false),
        (&[("NO_COLOR", "1")], "--color always", true),
        (&[("TERM", "dumb")], "--color always | cat", true),
    ] {
        let found = is_coloured(environment, more);
        assert_eq!(found, Some(wanted), "{environment:?} {more}");
    }
}

#[test]
fn json_has_no_colour() {
    let sandbox = Sandbox::new();
    for arguments in [&["history"][..], &["drift"], &["history", "nope"]] {
        let run = sandbox.run(&[arguments, &["--json", "--color", "always"]].concat());
        assert!(!run.stdout.contains('\u{1b}'), "{run:?}");
    }
}

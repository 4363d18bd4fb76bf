//! Another writer is faster: the change is decided again, which is told; and what a server says to a push is shown.

use serde_json::Value;

use crate::sandbox::{CONFIG, IMAGE, Run, Sandbox, words};

fn cart(tag: &str) -> (String, String) {
    let file = "environments/dev/aws/cart/values.yaml".to_owned();
    (
        file,
        format!("image: {{repository: shop/cart, tag: {tag}}}\n"),
    )
}

const SET: [&str; 5] = ["set-image", "shop", "", "--env", "dev"];

fn set(sandbox: &Sandbox, more: &[&str]) -> Run {
    let image = format!("{IMAGE}:8c1d2e3");
    let mut arguments = SET;
    arguments[2] = &image;
    sandbox.run_on(&sandbox.url(), &[&arguments[..], more].concat())
}

#[test]
fn a_lost_race_is_decided_again_and_told() {
    let sandbox = Sandbox::new();
    sandbox.overtake(&[cart("1111bbb")]);
    let run = set(&sandbox, &["--json"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(
        run.stderr,
        "another writer was faster: deciding again on what is there now (attempt 2)\n"
    );
    let said: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(said.get("attempts"), Some(&2.into()), "{run:#?}");
    // On the other writer's commit, with nothing of it lost.
    let parent = sandbox.repository(&["rev-parse", "main^"]);
    assert_eq!(parent, sandbox.repository(&["rev-parse", "faster"]));
    assert!(
        sandbox
            .file("dev", "aws", "cart/values.yaml")
            .contains("1111bbb")
    );
    assert!(
        sandbox
            .file("dev", "aws", "shop/values.yaml")
            .contains("8c1d2e3")
    );
    sandbox.fsck();

    // Nobody was faster: nothing is told.
    let sandbox = Sandbox::new();
    let run = set(&sandbox, &["--json"]);
    let said: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (run.stderr.as_str(), said.get("attempts")),
        ("", Some(&1.into()))
    );
}

#[test]
fn a_race_that_is_lost_on_this_machine_is_told_as_well() {
    let sandbox = Sandbox::new();
    sandbox.overtake(&[cart("1111bbb")]);
    // Between looking at the tip and moving it the commit is signed: here the other writer comes.
    let folder = sandbox.path("bin");
    std::fs::create_dir(&folder).unwrap();
    let repository = sandbox.path("gitops.git");
    let script = format!(
        "cat >/dev/null\nif mkdir '{0}/overtaken' 2>/dev/null; then git --git-dir '{0}' update-ref refs/heads/main refs/heads/faster; fi\nprintf '%s\\n' '-----BEGIN PGP SIGNATURE-----' '' x '-----END PGP SIGNATURE-----'",
        repository.display()
    );
    sandbox.program(&folder.join("gpg"), &script);
    let image = format!("{IMAGE}:8c1d2e3");
    let arguments = [
        "set-image",
        "shop",
        &image,
        "--env",
        "dev",
        "--sign-key",
        "ada",
        "--json",
    ];
    let mut command = sandbox.command("gitops.git", &arguments);
    let path = std::env::var("PATH").unwrap();
    let run = Run::of(command.env("PATH", format!("{}:{path}", folder.display())));
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(
        run.stderr,
        "another writer was faster: deciding again on what is there now (attempt 2)\n"
    );
    let said: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(said.get("attempts"), Some(&2.into()), "{run:#?}");
    let parent = sandbox.repository(&["rev-parse", "main^"]);
    assert_eq!(parent, sandbox.repository(&["rev-parse", "faster"]));
}

#[test]
fn a_gate_that_came_with_the_faster_commit_is_asked() {
    let gated = CONFIG.replace(
        "{directory: environments/dev}",
        "{directory: environments/dev, approval: manual}",
    );
    assert_ne!(gated, CONFIG);
    let image = format!("{IMAGE}:8c1d2e3");
    let change = ["set-image", "shop", &image, "--env", "dev"];
    for arguments in [&change[..], &["apply", "plan.json"]] {
        let sandbox = Sandbox::new();
        sandbox.done(&[&["plan", "-o", "plan.json"], &change[..]].concat());
        sandbox.overtake(&[("narae.yaml".to_owned(), gated.clone())]);
        let run = sandbox.run_on(&sandbox.url(), arguments);
        assert_eq!(run.code, Some(3), "{run:#?}");
        let words = "(attempt 2)\nerror: `dev` takes changes only when somebody agrees: say who";
        assert!(run.stderr.contains(words), "{run:#?}");
        let tips = ["rev-parse", "main", "faster"];
        let tips = sandbox.repository(&tips);
        assert_eq!(
            tips.lines().next(),
            tips.lines().last(),
            "nothing is written"
        );
    }
}

#[test]
fn another_image_at_the_same_place_is_a_conflict_with_what_was_expected() {
    let sandbox = Sandbox::new();
    sandbox.overtake(&[cart("1111bbb")]);
    let arguments = words("set-image cart shop/cart:2222ccc --env dev --site aws");
    let expected = ["--expect", "shop/cart:0000aaa"];
    let run = sandbox.run_on(&sandbox.url(), &[&arguments[..], &expected].concat());
    assert_eq!(run.code, Some(3), "{run:#?}");
    assert!(run.stderr.contains("(attempt 2)"), "{run:#?}");
    let words = "shop/cart:1111bbb stands there: `shop/cart:0000aaa` was expected";
    assert!(run.stdout.contains(words), "{run:#?}");
    assert!(
        sandbox
            .file("dev", "aws", "cart/values.yaml")
            .contains("1111bbb")
    );
}

#[test]
fn what_the_server_says_to_a_push_is_shown() {
    let words = "Create a merge request: https://git.example.com/new";
    let script = format!("echo '{words}'; printf 'in \\033[31mred\\n' >&2");
    let sandbox = Sandbox::new();
    sandbox.hook("post-receive", &script);
    let run = set(&sandbox, &[]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    // It cannot act on the terminal.
    let shown = format!("\nremote: {words}\nremote: in  [31mred\n");
    assert!(run.stdout.contains(&shown), "{run:#?}");

    let sandbox = Sandbox::new();
    sandbox.hook("post-receive", &script);
    let run = set(&sandbox, &["--json"]);
    let said: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(said.pointer("/server/0"), Some(&words.into()), "{run:#?}");

    // What was said to the attempt that lost is not what was said to the one that won.
    let sandbox = Sandbox::new();
    sandbox.overtake(&[cart("1111bbb")]);
    sandbox.hook("update", "echo \"$3\"");
    let run = set(&sandbox, &["--json"]);
    let said: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(said.get("attempts"), Some(&2.into()), "{run:#?}");
    let commit = said.get("commit").unwrap().clone();
    assert_eq!(said.get("server"), Some(&vec![commit].into()), "{run:#?}");
}

#[test]
fn a_secret_in_the_servers_words_is_not_printed() {
    // In two pieces: this file is looked through, too.
    let token = concat!("glp", "at-x9Kq2Lm7Rt4Vb8Zw3Ys6");
    let sandbox = Sandbox::new();
    sandbox.hook("post-receive", &format!("echo 'your token: {token}'"));
    let run = set(&sandbox, &[]);
    assert!(!format!("{run:?}").contains(token), "{run:#?}");
    assert!(run.stderr.contains("the report is kept back"), "{run:#?}");
    // It has landed, and is told.
    assert_eq!((run.code, sandbox.commits()), (Some(0), 2), "{run:#?}");
    let commit = sandbox.repository(&["rev-parse", "main"]);
    assert!(run.stdout.contains(commit.trim()), "{run:#?}");
}

#[test]
fn two_rollbacks_at_once_undo_one_delivery() {
    let rollback = ["rollback", "shop", "--env", "dev"];
    for more in [&[][..], &["--site", "aws"]] {
        let sandbox = Sandbox::new();
        for tag in ["8c1d2e3", "9d2e3f4"] {
            let image = format!("{IMAGE}:{tag}");
            sandbox.done(&["set-image", "shop", &image, "--env", "dev"]);
        }
        let before = sandbox.repository(&["rev-parse", "main"]);
        sandbox.done(&[&rollback[..], more].concat());
        sandbox.overtake_since(&before);

        let run = sandbox.run_on(&sandbox.url(), &[&rollback[..], more].concat());
        assert_eq!(run.code, Some(0), "{run:#?}");
        assert!(run.stderr.contains("(attempt 2)"), "{run:#?}");
        assert!(run.stdout.contains("Nothing to do"), "{run:#?}");
        let tips = sandbox.repository(&["rev-parse", "main", "faster"]);
        assert_eq!(tips.lines().next(), tips.lines().last());
        assert!(
            sandbox
                .file("dev", "aws", "shop/values.yaml")
                .contains("8c1d2e3")
        );
    }
}

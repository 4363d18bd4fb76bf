//! What looks like a secret is neither committed nor printed.

use crate::sandbox::{IMAGE, Sandbox, TO_RC};

/// In two pieces: this file is looked through, too.
const TOKEN: &str = concat!("glp", "at-x9Kq2Lm7Rt4Vb8Zw3Ys6");

#[test]
fn a_file_with_a_token_is_not_committed_and_the_token_not_printed() {
    let sandbox = Sandbox::new();
    let file = "environments/dev/idc/shop/kustomization.yaml";
    let text = sandbox.file("dev", "idc", "shop/kustomization.yaml");
    // Far from what changes, where no diff shows it.
    let far = "#\n".repeat(20);
    sandbox.import(&[(file.to_owned(), format!("# {TOKEN}\n{far}{text}"))]);
    let commits = sandbox.commits();
    let image = format!("{IMAGE}:12e4567");
    let change = ["set-image", "shop", image.as_str(), "--env", "dev"];
    for more in [&[][..], &["--json"]] {
        let run = sandbox.run(&[&change, more].concat());
        assert_eq!(
            (run.code, sandbox.commits()),
            (Some(1), commits),
            "{run:#?}"
        );
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(
            said.contains(&format!(
                "nothing was written: {file}:1:3: a token of GitLab"
            )),
            "{run:#?}"
        );
        assert!(!said.contains(TOKEN), "{run:#?}");
    }
    let run = sandbox.run(&[&change, &["--dry-run"][..]].concat());
    assert!(
        !format!("{}{}", run.stdout, run.stderr).contains(TOKEN),
        "{run:#?}"
    );
    assert_eq!(run.code, Some(1), "{run:#?}");
    let planned = sandbox.run(&[&["plan", "-o", "plan.json"][..], &change].concat());
    assert_eq!(planned.code, Some(1), "{planned:#?}");
    assert_eq!(planned.stderr, run.stderr, "as the commit would be refused");
    assert!(!sandbox.path("plan.json").exists());
    sandbox.done(&[&change, &["--unguarded"][..]].concat());
    assert_eq!(sandbox.commits(), commits + 1);
}

#[test]
fn a_token_in_the_message_is_refused() {
    let sandbox = Sandbox::new();
    let commits = sandbox.commits();
    let image = format!("{IMAGE}:12e4567");
    let pipeline = format!("https://ci:{TOKEN}@ci.example.com/1");
    let run = sandbox.run(&[
        "set-image",
        "shop",
        &image,
        "--env",
        "dev",
        "--pipeline",
        &pipeline,
    ]);
    assert_eq!(
        (run.code, sandbox.commits()),
        (Some(1), commits),
        "{run:#?}"
    );
    assert!(
        run.stderr.contains("commit message:") && !run.stderr.contains(TOKEN),
        "{run:#?}"
    );
    assert!(!run.stdout.contains(TOKEN), "{run:#?}");
}

/// A promotion shows what else two environments differ in, which is not in the commit.
#[test]
fn a_commit_is_told_though_the_report_may_not_be_shown() {
    let config = "environments:\n  dev: {directory: dev}\n  rc: {directory: rc, from: dev}\napplications:\n  shop:\n    values:\n    - {file: k.yaml, select: \"value:num\"}\n    - {file: v.yaml, select: \"value:size\"}\n";
    // In two pieces: this file is looked through, too.
    let url = concat!("url: https://app:Zq7wXn2L", "k9Rt@db.example.com/\n");
    let files = [
        ("narae.yaml", config.to_owned()),
        ("dev/k.yaml", "num: 2\n".to_owned()),
        ("rc/k.yaml", "num: 1\n".to_owned()),
        ("dev/v.yaml", "size: 3\n".to_owned()),
        ("rc/v.yaml", format!("size: 3\n{url}")),
    ];
    for json in [&[][..], &["--json"]] {
        let sandbox = Sandbox::empty();
        sandbox.import(&files.clone().map(|(name, text)| (name.to_owned(), text)));
        let run = sandbox.run(&[&TO_RC[..], json].concat());
        let commit = sandbox.repository(&["rev-parse", "main"]);
        assert_eq!((run.code, sandbox.commits()), (Some(0), 2), "{run:#?}");
        assert!(run.stdout.contains(commit.trim()), "{run:#?}");
        assert!(
            run.stderr.contains("warning: the report is kept back"),
            "{run:#?}"
        );
        assert!(!format!("{run:?}").contains("Zq7wXn2L"), "{run:#?}");
        if !json.is_empty() {
            let said: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!(said["outcome"], "applied");
        }
        // It has no image to set, and says so.
        let image = format!("{IMAGE}:12e4567");
        for change in [&["set-image"][..], &["plan", "set-image"]] {
            let run = sandbox.run(&[change, &["shop", &image, "--env", "dev"]].concat());
            assert_eq!(run.code, Some(1), "{run:#?}");
            assert!(
                run.stderr.contains("`shop` has no `images`")
                    && run.stderr.contains("in narae.yaml"),
                "{run:#?}"
            );
        }
    }
}

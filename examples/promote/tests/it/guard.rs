//! What looks like a secret is neither committed nor printed.

use crate::sandbox::{IMAGE, Sandbox};

/// In two pieces: this file is looked through, too.
const TOKEN: &str = concat!("glp", "at-x9Kq2Lm7Rt4Vb8Zw3Ys6");

#[test]
fn a_file_with_a_token_is_not_committed_and_the_token_not_printed() {
    let sandbox = Sandbox::new();
    let file = "environments/dev/idc/shop/kustomization.yaml";
    let text = sandbox.file("dev", "idc", "shop/kustomization.yaml");
    sandbox.import(&[(
        file.to_owned(),
        text.replacen("images:\n", &format!("images: # {TOKEN}\n"), 1),
    )]);
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
                "nothing was written: {file}:2:11: a token of GitLab"
            )),
            "{run:#?}"
        );
        assert!(!said.contains(TOKEN), "{run:#?}");
    }
    // A diff shows lines around those that change.
    let run = sandbox.run(&[&change, &["--dry-run"][..]].concat());
    assert!(
        !format!("{}{}", run.stdout, run.stderr).contains(TOKEN),
        "{run:#?}"
    );
    assert_eq!(run.code, Some(1), "{run:#?}");
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

//! A resolved value that gets into another output is neither committed nor printed.

use std::path::Path;

use narae_secrets::SecretBytes;
use narae_secrets::store::file::{FileStore, KeyFile};
use narae_secrets::store::{Cas, Store as _};

use crate::sandbox::{Run, Sandbox};

const PLANTED: &str = "Zq7wXn2Lk9Rt4Vb8";

/// A sandbox whose database password is `PLANTED`, and which was delivered once.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.shop();
    sandbox.delivered(&["--app", "shop"]);
    plant(&sandbox);
    sandbox
}

/// The database's password is `PLANTED` from now on.
fn plant(sandbox: &Sandbox) {
    let key = KeyFile::read(sandbox.path("keys/store.key")).unwrap();
    let store = FileStore::open("main", sandbox.path("secrets.store"), key).unwrap();
    let path = "kv/shop/dev/database".parse().unwrap();
    let mut data = store.read(&path, None).unwrap().data;
    data.insert("password".to_owned(), SecretBytes::from(PLANTED.to_owned()));
    store.write(&path, &data, Cas::Any).unwrap();
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// It failed, said where and what by name, and nothing was written.
fn refused(sandbox: &Sandbox, arguments: &[&str], forms: &[&str]) -> Run {
    let before = (
        sandbox.commits(),
        files(&sandbox.path("gitops.git/objects")),
    );
    let run = sandbox.deliver(&[&["--app", "shop"], arguments].concat());
    assert_eq!(run.code, Some(1), "{run:#?}");
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(
        said.contains("the value of ref+vault://commerce/kv/shop/dev/database#/password"),
        "{run:#?}"
    );
    for form in forms {
        assert!(!said.contains(form), "{form} is printed: {run:#?}");
    }
    assert_eq!(
        (
            sandbox.commits(),
            files(&sandbox.path("gitops.git/objects"))
        ),
        before
    );
    run
}

#[test]
fn a_value_in_another_object_is_neither_committed_nor_printed() {
    for planted in [
        PLANTED.to_owned(),
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, PLANTED),
    ] {
        let sandbox = sandbox();
        sandbox.edit(
            "templates/configmap.yaml",
            "\ndata:\n",
            &format!("\ndata:\n  LEFTOVER: {planted}\n"),
        );
        let forms = [PLANTED, &planted];
        let run = refused(&sandbox, &[], &forms);
        assert!(
            run.stderr
                .contains("nothing was written: environments/dev/idc/shop/configmap-"),
            "{run:#?}"
        );
        refused(&sandbox, &["--json"], &forms);
        let dry = refused(&sandbox, &["--dry-run"], &forms);
        assert_eq!(dry.stderr, run.stderr, "as it would end");
        refused(&sandbox, &["--dry-run", "--json"], &forms);
        // Said to be no secret, it passes.
        sandbox.delivered(&[
            "--app",
            "shop",
            "--not-secret",
            "ref+vault://commerce/kv/shop/dev/database#/password",
        ]);
        assert_eq!(sandbox.commits(), 2);
    }
}

#[test]
fn what_looks_like_a_secret_is_refused_without_being_known() {
    let sandbox = sandbox();
    // In two pieces: this file is looked through, too.
    let token = concat!("glp", "at-x9Kq2Lm7Rt4Vb8Zw3Ys6");
    sandbox.edit(
        "templates/configmap.yaml",
        "\ndata:\n",
        &format!("\ndata:\n  TOKEN: {token}\n"),
    );
    let run = sandbox.deliver(&["--app", "shop"]);
    assert_eq!((run.code, sandbox.commits()), (Some(1), 1), "{run:#?}");
    assert!(
        run.stderr.contains("a token of GitLab") && !run.stderr.contains(token),
        "{run:#?}"
    );
}

/// A short report of a dry run shows some fields only; all are looked through.
#[test]
fn a_dry_run_ends_as_the_run_would() {
    let sandbox = sandbox();
    let keys = ["A", "B", "C", "D", "E", "F", "G", "H", "I"].map(|key| format!("  {key}: plain\n"));
    let added = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: added, namespace: shop-dev}}\ndata:\n{}  ZZZ: {PLANTED}\n",
        keys.concat()
    );
    std::fs::write(sandbox.path("shop/templates/added.yaml"), added).unwrap();
    sandbox.edit(
        "application.yaml",
        "name: shop",
        "name: shop\npolicies: none",
    );
    let run = refused(&sandbox, &[], &[PLANTED]);
    let dry = refused(&sandbox, &["--dry-run"], &[PLANTED]);
    assert_eq!(dry.stderr, run.stderr);
    std::fs::remove_file(sandbox.path("shop/templates/added.yaml")).unwrap();

    // A folder of somebody else where a file would be.
    let file = "environments/rc/idc/shop/service-shop.yaml";
    crate::ownership::commit_in_a_clone(&sandbox, |work| {
        std::fs::create_dir_all(work.join(file)).unwrap();
        std::fs::write(work.join(file).join("README"), "ours\n").unwrap();
    });
    let rc = ["--app", "shop", "--stage", "rc"];
    let run = sandbox.deliver(&rc);
    let dry = sandbox.deliver(&[&rc[..], &["--dry-run"]].concat());
    assert_eq!(
        (run.code, dry.code),
        (Some(1), Some(1)),
        "{run:#?} {dry:#?}"
    );
    assert!(dry.stderr.contains(file), "{dry:#?}");
    assert_eq!(dry.stderr, run.stderr);
}

/// What has landed is said, whatever of the report cannot be.
#[test]
fn a_commit_is_told_though_the_report_may_not_be_shown() {
    let committed = |sandbox: &Sandbox, run: &Run| {
        assert_eq!(run.code, Some(0), "{run:#?}");
        let commit = sandbox.repository(&["rev-parse", "main"]);
        assert!(run.stdout.contains(commit.trim()), "{run:#?}");
        assert!(!format!("{run:?}").contains(PLANTED), "{run:#?}");
    };
    for json in [&[][..], &["--json"]] {
        let arguments = [&["--app", "shop"], json].concat();
        // It stood in the clear, and moves into the store: the plan has it as what was there.
        let sandbox = Sandbox::new();
        sandbox.shop();
        let (plain, line) = ("\ndata:\n", format!("\ndata:\n  LEFTOVER: {PLANTED}\n"));
        sandbox.edit("templates/configmap.yaml", plain, &line);
        sandbox.delivered(&["--app", "shop"]);
        plant(&sandbox);
        sandbox.edit("templates/configmap.yaml", &line, plain);
        let run = sandbox.deliver(&arguments);
        committed(&sandbox, &run);
        assert!(
            run.stdout.contains("(secret)") && run.stderr.is_empty(),
            "{run:#?}"
        );

        // It stands in what only the report shows.
        sandbox.edit(
            "application.yaml",
            "description: ",
            &format!("description: {PLANTED} "),
        );
        sandbox.edit("values/stages/dev.yaml", "maxReplicas: 2", "maxReplicas: 3");
        let run = sandbox.deliver(&arguments);
        committed(&sandbox, &run);
        assert!(
            run.stderr.contains("warning: the report is not shown"),
            "{run:#?}"
        );
        if !json.is_empty() {
            let said: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!(said["result"]["outcome"], "committed");
        }
        assert_eq!(sandbox.commits(), 3);
    }
}

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
    let key = KeyFile::read(sandbox.path("keys/store.key")).unwrap();
    let store = FileStore::open("main", sandbox.path("secrets.store"), key).unwrap();
    let path = "kv/shop/dev/database".parse().unwrap();
    let mut data = store.read(&path, None).unwrap().data;
    data.insert("password".to_owned(), SecretBytes::from(PLANTED.to_owned()));
    store.write(&path, &data, Cas::Any).unwrap();
    sandbox
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
        // The plan would show it, so it is not shown.
        let run = refused(&sandbox, &["--dry-run", "--full"], &forms);
        assert!(run.stderr.contains("report is not shown"), "{run:#?}");
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

//! What is somebody else's in the repository, and what an application may be called.

use std::fs;
use std::process::Command;

use crate::sandbox::Sandbox;

const SERVICE: &str = "environments/dev/idc/shop/service-shop.yaml";

/// A clone of the repository where the test commits like a person.
pub(crate) fn commit_in_a_clone(sandbox: &Sandbox, change: impl FnOnce(&std::path::Path)) {
    sandbox.git(&["clone", "--quiet", "gitops.git", "work"]);
    change(&sandbox.path("work"));
    sandbox.git(&["-C", "work", "add", "."]);
    let who = ["-c", "user.name=a", "-c", "user.email=a@b"];
    sandbox.git(
        &[
            &["-C", "work"],
            &who[..],
            &["commit", "--quiet", "-m", "by hand"],
        ]
        .concat(),
    );
    sandbox.git(&["-C", "work", "push", "--quiet", "origin", "HEAD:main"]);
}

#[test]
fn a_file_of_somebody_else_is_not_overwritten() {
    let sandbox = Sandbox::new();
    commit_in_a_clone(&sandbox, |work| {
        fs::create_dir_all(work.join(SERVICE).parent().unwrap()).unwrap();
        fs::write(work.join(SERVICE), "note: ours\n").unwrap();
    });
    let run = sandbox.deliver(&[]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        run.stderr.contains(SERVICE) && run.stderr.contains("somebody else's"),
        "{run:#?}"
    );
    assert_eq!(sandbox.file(SERVICE), "note: ours\n");
}

#[cfg(unix)]
#[test]
fn an_executable_bit_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.delivered(&[]);
    commit_in_a_clone(&sandbox, |work| {
        let place = work.join("environments/dev/idc/shop");
        let status = Command::new("chmod")
            .arg("-R")
            .arg("+x")
            .arg(place)
            .status()
            .unwrap();
        assert!(status.success());
    });
    assert!(sandbox.delivered(&[]).contains("Nothing to do"));
}

#[test]
fn a_plain_secret_in_the_repository_is_not_shown() {
    let sandbox = Sandbox::new();
    sandbox.delivered(&[]);
    let file = "environments/dev/idc/shop/sealedsecret-shop-credentials.yaml";
    commit_in_a_clone(&sandbox, |work| {
        let text = fs::read_to_string(work.join(file)).unwrap();
        let mark = text.lines().next().unwrap();
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {P: hunter2}\ndata: {Q: aHVudGVyMg==}\n";
        fs::write(work.join(file), format!("{mark}\n{secret}")).unwrap();
    });
    for arguments in [&["--dry-run", "--full"][..], &["--dry-run", "--json"]] {
        let run = sandbox.deliver(arguments);
        assert_eq!(run.code, Some(0), "{run:#?}");
        assert!(
            !run.stdout.contains("hunter2") && !run.stdout.contains("aHVudGVyMg"),
            "{run:#?}"
        );
    }
}

#[test]
fn names_are_folder_names() {
    for name in ["shop/sub", "..", "Shop", "a b", ""] {
        let sandbox = Sandbox::new();
        sandbox.shop();
        sandbox.edit("application.yaml", "name: shop", &format!("name: {name:?}"));
        let run = sandbox.deliver(&["--app", "shop"]);
        assert_eq!(run.code, Some(1), "{run:#?}");
        assert!(run.stderr.contains("application.yaml"), "{run:#?}");
    }
    let sandbox = Sandbox::new();
    sandbox.shop();
    let long = "a".repeat(63);
    sandbox.edit("application.yaml", "name: shop", &format!("name: {long}"));
    sandbox.delivered(&["--app", "shop"]);
    let trailers = sandbox.repository(&["log", "-1", "--format=%B", "main"]);
    assert!(
        trailers.contains(&format!("Narae-App: {long}\n")),
        "{trailers}"
    );
}

#[test]
fn an_application_without_secrets_needs_no_store() {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    fs::remove_file(shop.join("templates/secret.yaml")).unwrap();
    sandbox.delivered(&["--app", "shop", "--cert", "/dev/null"]);
    assert!(!sandbox.path("secrets.store").exists() && !sandbox.path("keys").exists());
}

#[test]
fn keys_do_not_go_into_a_repository() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&[]);
    command.env("NARAE_HOME", sandbox.path("gitops.git/keys"));
    let run = crate::sandbox::Run::of(&command.output().unwrap());
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(run.stderr.contains("inside the repository"), "{run:#?}");
    assert!(!sandbox.path("gitops.git/keys").exists());
}

#[cfg(unix)]
#[test]
fn a_device_is_not_a_values_file() {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    fs::remove_file(shop.join("values/base.yaml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", shop.join("values/base.yaml")).unwrap();
    let run = sandbox.deliver(&["--app", "shop"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        run.stderr.contains("values/base.yaml") && run.stderr.contains("regular file"),
        "{run:#?}"
    );
}

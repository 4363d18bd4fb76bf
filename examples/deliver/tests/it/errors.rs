//! Errors for people: what, where, what to try. Exit 1 for errors, 2 for the command line.

use std::fs;
use std::net::TcpListener;

use crate::sandbox::{Run, Sandbox};

/// Runs and expects an error that says all of `words`, and no commit.
fn fails(sandbox: &Sandbox, arguments: &[&str], words: &[&str]) {
    ends(1, sandbox, arguments, words);
}

fn ends(code: i32, sandbox: &Sandbox, arguments: &[&str], words: &[&str]) {
    let run = sandbox.deliver(arguments);
    assert_eq!(run.code, Some(code), "{run:#?}");
    for word in words {
        assert!(
            run.stderr.contains(word),
            "{word:?} is not in:\n{}",
            run.stderr
        );
    }
    assert!(!run.stderr.contains("panicked"), "{run:#?}");
    assert_eq!(sandbox.commits(), 0);
}

#[test]
fn a_missing_value_names_template_line_path_and_suggestion() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    sandbox.edit(
        "templates/service.yaml",
        "{{app.managementPort}}",
        "{{app.managmentPort}}",
    );
    fails(
        &sandbox,
        &["--app", "shop"],
        &[
            "shop/templates/service.yaml:13:34",
            "app.managmentPort",
            "did you mean",
            "managementPort",
        ],
    );
}

#[test]
fn a_template_typo_names_its_line() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    sandbox.edit("templates/service.yaml", "{{namespace}}", "{{namespace}");
    fails(
        &sandbox,
        &["--app", "shop"],
        &["shop/templates/service.yaml:5:"],
    );
}

#[test]
fn a_broken_structure_names_the_template_line() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    sandbox.edit("templates/service.yaml", "  ports:\n", "   ports:\n");
    fails(
        &sandbox,
        &["--app", "shop"],
        &["shop/templates/service.yaml:11:"],
    );
}

#[test]
fn a_duplicate_key_in_values_names_both_places() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    sandbox.edit(
        "values/stages/dev.yaml",
        "replicas: 1\n",
        "replicas: 1\nreplicas: 2\n",
    );
    fails(
        &sandbox,
        &["--app", "shop"],
        &["shop/values/stages/dev.yaml:4:1", "replicas", "3:1"],
    );
}

#[test]
fn an_unknown_site_or_stage_names_the_known_ones() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    ends(
        2,
        &sandbox,
        &["--app", "shop", "--site", "awz"],
        &[
            "shop/application.yaml:5:3",
            "awz",
            "did you mean `aws`",
            "idc, aws",
        ],
    );
    ends(
        2,
        &sandbox,
        &["--app", "shop", "--stage", "production"],
        &["shop/application.yaml:", "dev, rc, prod"],
    );
}

#[test]
fn what_cannot_be_a_branch_is_a_mistake_on_the_command_line() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["--branch", "a..b"][..],
        &["--branch", "HEAD", "--dry-run"],
    ] {
        let said = format!("--branch: `{}` is not a branch name", arguments[1]);
        ends(2, &sandbox, arguments, &[&said]);
    }
}

#[test]
fn a_wrong_key_names_store_and_key() {
    let (sandbox, other) = (Sandbox::new(), Sandbox::new());
    sandbox.delivered(&["--dry-run"]);
    other.delivered(&["--dry-run"]);
    let key = other.path("keys/store.key");
    fails(
        &sandbox,
        &["--store-key", key.to_str().unwrap()],
        &[
            "secrets.store",
            "store.key",
            "give the key file this store was created with",
        ],
    );
    fs::remove_file(sandbox.path("keys/store.key")).unwrap();
    fails(&sandbox, &[], &["secrets.store", "store.key", "try"]);
}

#[test]
fn a_missing_secret_or_key_names_the_reference_and_its_place() {
    let sandbox = Sandbox::new();
    sandbox.shop();
    sandbox.edit(
        "templates/secret.yaml",
        "payment#/api-key",
        "payment#/api-kee",
    );
    fails(
        &sandbox,
        &["--app", "shop"],
        &[
            "kv/shop/dev/payment",
            "api-kee",
            "shop/templates/secret.yaml:14:",
        ],
    );
    sandbox.edit(
        "templates/secret.yaml",
        "payment#/api-kee",
        "paymint#/api-key",
    );
    fails(
        &sandbox,
        &["--app", "shop"],
        &["kv/shop/dev/paymint", "shop/templates/secret.yaml:14:"],
    );
    sandbox.edit("values/base.yaml", "store: commerce", "store: commerz");
    fails(&sandbox, &["--app", "shop"], &["commerz", "commerce"]);
}

#[test]
fn an_unreachable_server_is_named_and_nothing_is_committed() {
    let sandbox = Sandbox::new();
    // A port that was free a moment ago refuses connections.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = sandbox.command(&["--store", "openbao"]);
    command
        .env("BAO_ADDR", format!("http://{address}"))
        .env("BAO_TOKEN", "s.canary-token-of-this-test");
    let run = Run::of(&command.output().unwrap());
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        run.stderr.contains(&address.to_string()) && run.stderr.contains("check the address"),
        "{run:#?}"
    );
    assert_eq!(
        run.stderr.matches(&address.to_string()).count(),
        1,
        "said once: {run:#?}"
    );
    assert!(run.stderr.contains("3 references need it"), "{run:#?}");
    assert!(!format!("{run:?}").contains("canary-token"), "{run:#?}");
    assert_eq!(sandbox.commits(), 0);
    fails(&sandbox, &["--store", "openbao"], &["BAO_ADDR"]);
}

#[test]
fn a_repository_that_is_not_there_is_named() {
    let sandbox = Sandbox::new();
    let run = Run::of(
        &sandbox
            .bare_command(&["--repo", "moved.git", "--store-file", "s"])
            .output()
            .unwrap(),
    );
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        run.stderr.contains("moved.git") && run.stderr.contains("git init --bare"),
        "{run:#?}"
    );
    assert!(!sandbox.path("moved.git").exists());
}

#[test]
fn a_checked_out_branch_is_not_moved_under_its_owner() {
    let sandbox = Sandbox::new();
    sandbox.git(&["init", "--quiet", "--initial-branch=main", "work"]);
    sandbox.git(&[
        "-C",
        "work",
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "first",
    ]);
    let command = &[
        "--repo",
        "work",
        "--store-file",
        "secrets.store",
        "--init-store",
    ];
    let run = Run::of(&sandbox.bare_command(command).output().unwrap());
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(
        run.stderr.contains("work") && run.stderr.contains("main") && run.stderr.contains("try"),
        "{run:#?}"
    );
}

#[test]
fn a_bad_certificate_is_named() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("cert.pem"), "not a certificate\n").unwrap();
    fails(&sandbox, &["--cert", "cert.pem"], &["cert.pem"]);
    fails(&sandbox, &["--cert", "gone.pem"], &["gone.pem"]);
}

#[test]
fn errors_are_data_under_json() {
    let sandbox = Sandbox::new();
    let (code, run) = sandbox.json(&["--app", "nowhere"]);
    assert_eq!(code, Some(1));
    assert!(run["error"].as_str().unwrap().contains("nowhere"), "{run}");
}

#[test]
fn a_wrong_command_line_exits_with_two() {
    let sandbox = Sandbox::new();
    for arguments in [&["--sight", "idc"][..], &["--store", "vaultz"], &["extra"]] {
        assert_eq!(sandbox.deliver(arguments).code, Some(2), "{arguments:?}");
    }
    let run = sandbox.deliver(&["--image", "no tag here"]);
    assert_eq!(run.code, Some(2), "{run:#?}");
}

#[test]
fn what_is_not_an_object_is_named_by_its_template() {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: n}\n";
    fs::write(shop.join("templates/added.yaml"), object).unwrap();
    // `n` is a boolean to Kubernetes.
    fails(
        &sandbox,
        &["--app", "shop"],
        &[
            "shop/templates/added.yaml:1:1",
            "metadata.namespace",
            "boolean",
        ],
    );
}

/// A typo, or a volume that is not mounted, must not put samples in the place of what was sealed.
#[test]
fn a_store_or_key_that_is_named_must_exist() {
    let sandbox = Sandbox::new();
    sandbox.delivered(&[]);
    let fails = |arguments: &[&str], named: &str| {
        for more in [&[][..], &["--dry-run"]] {
            let arguments = [&["--repo", "gitops.git"], arguments, more].concat();
            let run = Run::of(&sandbox.bare_command(&arguments).output().unwrap());
            assert_eq!(run.code, Some(1), "{run:#?}");
            assert!(
                run.stderr.contains(named) && run.stderr.contains("try"),
                "{run:#?}"
            );
            assert!(!sandbox.path(named).exists(), "{named} was made");
            assert_eq!(sandbox.commits(), 1);
        }
    };
    fails(&["--store-file", "typo.store"], "typo.store");
    fails(
        &["--store-file", "secrets.store", "--store-key", "typo.key"],
        "typo.key",
    );
    fails(
        &["--store-file", "no/typo.store", "--store-key", "typo.key"],
        "no/typo.store",
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("away", sandbox.path("link.store")).unwrap();
        fails(
            &["--store-file", "link.store", "--init-store"],
            "link.store",
        );
    }
}

#[test]
fn an_image_that_no_template_takes_is_no_delivery() {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    for file in ["templates/deployment.yaml", "templates/service.yaml"] {
        let file = shop.join(file);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("{{image.tag}}", "v1")).unwrap();
    }
    let arguments = [
        "--app",
        "shop",
        "--image",
        "shop:9f2c1d7e4b8a60355c1e7a9d0b42f8e6a3d5c710",
    ];
    ends(
        2,
        &sandbox,
        &arguments,
        &["--image shop:9f2c", "`image.tag`"],
    );
}

#[test]
fn variables_that_are_empty_are_not_set_and_half_a_pair_is_an_error() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&[]);
    let run = Run::of(&command.env("NARAE_AUTHOR", "").output().unwrap());
    assert_eq!(run.code, Some(0), "{run:#?}");
    let author = sandbox.repository(&["log", "-1", "--format=%an <%ae>", "main"]);
    assert_eq!(author.trim(), "Narae deliver <deliver@narae.invalid>");
    for (name, value) in [
        ("BAO_CLIENT_CERT", "gone.pem"),
        ("VAULT_CLIENT_KEY", "gone.pem"),
        ("BAO_CLIENT_TIMEOUT", "soon"),
        ("BAO_MAX_RETRIES", "abc"),
    ] {
        let mut command = sandbox.command(&["--store", "openbao"]);
        command
            .env("BAO_ADDR", "http://127.0.0.1:1")
            .env("BAO_TOKEN", "t");
        let run = Run::of(&command.env(name, value).output().unwrap());
        assert_eq!(run.code, Some(1), "{run:#?}");
        let name = name.replace("VAULT", "BAO");
        assert!(run.stderr.contains(&name), "{run:#?}");
    }
}

/// Wherever keys would be made by what the environment says, through links and `..`.
#[cfg(unix)]
#[test]
fn keys_are_never_made_inside_a_repository() {
    let sandbox = Sandbox::new();
    for repository in ["home", "code"] {
        sandbox.git(&["init", "--quiet", repository]);
    }
    fs::create_dir(sandbox.path("code/sub")).unwrap();
    std::os::unix::fs::symlink("code/sub", sandbox.path("link")).unwrap();
    let run = |variables: &[(&str, &str)]| {
        let mut command = sandbox.bare_command(&["--repo", "../../gitops.git", "--init-store"]);
        command.args(["--store-file", "../../secrets.store"]);
        command.env_remove("NARAE_HOME").env_remove("HOME");
        command.current_dir(sandbox.path("code/sub"));
        Run::of(&command.envs(variables.iter().copied()).output().unwrap())
    };
    let at = |name: &str| sandbox.path(name).to_str().unwrap().to_owned();
    for (name, folder) in [
        ("HOME", at("home")),
        ("XDG_DATA_HOME", at("home/data")),
        ("NARAE_HOME", at("link/new/keys")),
        ("NARAE_HOME", "../keys".to_owned()),
    ] {
        let run = run(&[(name, &folder)]);
        assert_eq!(run.code, Some(1), "{name}={folder}: {run:#?}");
        assert!(
            run.stderr.contains(name) && run.stderr.contains("a commit could carry the keys"),
            "{run:#?}"
        );
    }
    let status = ["-C", "home", "status", "--porcelain"];
    assert_eq!(sandbox.git(&status), "");
    let outside = run(&[("NARAE_HOME", "../../outside")]);
    assert_eq!(outside.code, Some(0), "{outside:#?}");
    assert!(sandbox.path("outside/store.key").exists());
}

/// Of a misspelt name nobody would learn that it overrides nothing.
#[test]
fn a_file_that_would_not_be_read_is_an_error() {
    let sandbox = Sandbox::new();
    let shop = sandbox.shop();
    for name in [
        "values/sites/aws.yml",
        "values/sites/gcp.yaml",
        "values/stages/qa.yaml",
        "values/overrides.yaml",
        "values/pair/idc-dev.yaml",
        "values/pairs/idc-qa.yaml",
        "value.schema.yaml",
        "values.schema.jsn.json",
    ] {
        let file = shop.join(name);
        let folder = file.parent().unwrap();
        let is_new = !folder.exists();
        fs::create_dir_all(folder).unwrap();
        fs::write(&file, "replicas: 3\n").unwrap();
        let named = if is_new { "values/pair" } else { name };
        fails(
            &sandbox,
            &["--app", "shop"],
            &[&format!("shop/{named} would not be read")],
        );
        fs::remove_file(&file).unwrap();
        if is_new {
            fs::remove_dir(folder).unwrap();
        }
    }
    // What nobody takes for values.
    for name in [
        "README.md",
        "values/README.md",
        "values/base.yaml~",
        ".values.yaml",
        "Makefile",
    ] {
        fs::write(shop.join(name), "").unwrap();
    }
    sandbox.delivered(&["--app", "shop"]);
}

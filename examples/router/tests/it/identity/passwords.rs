//! Passwords in files as `htpasswd` and `openssl passwd` make them.

use std::io::{BufRead as _, Write as _};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{config, get};
use crate::backend::{Backend, handing_over, ok};
use crate::process::{Router, run};
use crate::serving::file;

const POLICY: &str =
    "  basic: { realm: the shop, htpasswd: { file: users }, roles: { admin: [alice, carol] } }\n";

fn made(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn users() -> String {
    let sha = |kind: &str, password: &str| made("openssl", &["passwd", kind, password]);
    [
        "# the shop".to_owned(),
        made("htpasswd", &["-nbBC", "4", "alice", "wonder:land"]),
        format!("bob:{}", sha("-5", "builder")),
        format!("carol:{}", sha("-6", "grüße")),
        String::new(),
    ]
    .join("\n")
}

fn as_user(router: &Router, path: &str, login: &str) -> u16 {
    let login = STANDARD.encode(login);
    get(router, path, &format!("authorization: Basic {login}\r\n")).status()
}

fn skipped() -> bool {
    narae_testservers::is_missing(
        &["htpasswd", "openssl"],
        "passwords that the real programs hashed",
    )
}

#[test]
fn passwords_of_real_files_are_verified() {
    if skipped() {
        return;
    }
    let backend = Backend::named("a");
    let (folder, path) = file(&config(&backend, POLICY));
    std::fs::write(folder.path().join("users"), users()).unwrap();
    let mut router = Router::serving(&[&path], &[80], &[]);
    router.ignore_log();
    // Twice: hashed, and remembered.
    for _ in 0..2 {
        for (path, login, status) in [
            ("/admin", "alice:wonder:land", 200),
            ("/admin", "carol:grüße", 200),
            ("/admin", "bob:builder", 403),
            ("/", "bob:builder", 200),
            ("/", "bob:wonder:land", 401),
            ("/", "alice:wonder", 401),
            ("/", "alice:", 401),
            ("/", "dave:builder", 401),
            ("/", ":builder", 401),
            ("/", "alice", 401),
        ] {
            assert_eq!(as_user(&router, path, login), status, "{login}");
        }
    }
    let sent = backend.received().pop().unwrap();
    assert_eq!(
        (sent.field("x-user"), sent.field("authorization")),
        (Some("bob"), None)
    );
    let unreadable = get(&router, "/", "authorization: Basic !\r\n");
    let challenge = Some("Basic realm=\"the shop\", charset=\"UTF-8\"");
    assert_eq!(
        (unreadable.status(), unreadable.field("www-authenticate")),
        (401, challenge)
    );
    // Another password counts from the next load on, and the one before it no more.
    let changed = made("htpasswd", &["-nbBC", "4", "alice", "new"]);
    std::fs::write(folder.path().join("users"), changed).unwrap();
    assert_eq!(router.admin("POST", "/reload").status(), 200);
    assert_eq!(as_user(&router, "/", "alice:new"), 200);
    assert_eq!(as_user(&router, "/", "alice:wonder:land"), 401);
}

#[test]
fn a_secret_has_users_as_well() {
    if skipped() {
        return;
    }
    let backend = Backend::named("a");
    let policy = "  basic: { htpasswd: { secret: users }, forward: true }\n";
    let secret = format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{ name: users }}\ntype: Opaque\ndata: {{ auth: {} }}\n",
        STANDARD.encode(users())
    );
    let (_folder, path) = file(&(config(&backend, policy) + &secret));
    let mut router = Router::serving(&[&path], &[80], &[]);
    router.ignore_log();
    assert_eq!(as_user(&router, "/", "alice:wonder:land"), 200);
    let login = format!("Basic {}", STANDARD.encode("alice:wonder:land"));
    assert_eq!(
        backend.received().pop().unwrap().field("authorization"),
        Some(login.as_str())
    );
}

#[test]
fn hashes_that_protect_nobody_are_refused_by_line_and_never_shown() {
    let backend = Backend::named("a");
    for (users, said) in [
        (
            "# x\na:$apr1$salt1234$FF9cZ1xy3jxnVlPHVlJmx1\n",
            "line 2: only bcrypt",
        ),
        (
            "a:{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=\n",
            "line 1: only bcrypt",
        ),
        ("a:password\n", "line 1: only bcrypt"),
        (
            "a:$2y$17$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u\n",
            "line 1: a cost above",
        ),
        ("a:$6$rounds=9000000$salt$hash\n", "line 1: a cost above"),
        ("a\n", "line 1: expected NAME:HASH"),
    ] {
        let (folder, path) = file(&config(&backend, POLICY));
        std::fs::write(folder.path().join("users"), users).unwrap();
        let output = run(&[
            "--config",
            path.to_str().unwrap(),
            "--listen",
            "80=127.0.0.1:0",
        ]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(
            error.contains(&format!("AccessPolicy default/staff: htpasswd: {said}")),
            "{said}: {error}"
        );
        let hash = users.trim_end().rsplit(':').next().unwrap();
        assert!(hash == "a" || !error.contains(hash), "{error}");
    }
    let (_folder, path) = file(&config(
        &backend,
        "  basic: { htpasswd: { secret: users } }\n",
    ));
    let output = run(&[
        "--config",
        path.to_str().unwrap(),
        "--listen",
        "80=127.0.0.1:0",
    ]);
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("Secret default/users is not in the files")
    );
}

#[test]
fn what_tells_backends_who_somebody_is_cannot_come_behind_the_body() {
    let (address, connections) = handing_over();
    let backend = Backend::named("unused");
    let text = config(&backend, "  basic: { htpasswd: { file: users } }\n");
    let text = text.replace(&backend.address.to_string(), &address.to_string());
    let (folder, path) = file(&text);
    std::fs::write(folder.path().join("users"), "").unwrap();
    let router = Router::serving(&[&path], &[80], &[]);
    let mut client = router.client();
    client.send(
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-sum, x-user\r\n\r\n\
         1\r\na\r\n0\r\nx-sum: 1\r\nx-user: alice\r\n\r\n",
    );
    let mut endpoint = connections.recv().unwrap();
    let (mut sent, mut line) = (String::new(), String::new());
    while !matches!(line.as_str(), "\r\n") {
        line.clear();
        endpoint.read_line(&mut line).unwrap();
        sent.push_str(&line);
    }
    assert!(sent.contains("x-sum: 1\r\n"), "{sent}");
    assert!(!sent.contains("alice"), "{sent}");
    endpoint.get_mut().write_all(&ok("done")).unwrap();
    assert_eq!(client.receive().status(), 200);
}

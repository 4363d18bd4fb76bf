//! Tokens of a real OpenID provider, whose keys are rotated.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use super::{config, get, with_token};
use crate::backend::Backend;
use crate::process::Router;
use crate::serving::file;

/// OpenBao's provider of identity tokens; ends with the test.
struct Provider {
    child: Child,
    address: String,
    _home: tempfile::TempDir,
}

// Root tokens of a development server must not look like issued ones (`s.…`).
const ROOT: &str = "root-of-this-test";

impl Provider {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new("bao")
            .args([
                "server",
                "-dev",
                "-dev-no-store-token",
                "-dev-root-token-id",
                ROOT,
            ])
            .arg(format!("-dev-listen-address={free}"))
            .env("HOME", home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        assert!(
            lines.any(|line| line.contains("Development mode should NOT be used")),
            "no server"
        );
        // Keep draining, or the server blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let address = format!("http://{free}");
        let provider = Self {
            child,
            address,
            _home: home,
        };
        let issuer = format!("issuer={}", provider.address);
        provider.bao(ROOT, &["write", "identity/oidc/config", &issuer]);
        provider.bao(
            ROOT,
            &[
                "write",
                "identity/oidc/key/k",
                "allowed_client_ids=*",
                "algorithm=RS256",
            ],
        );
        let template = r#"template={"realm_access":{"roles":["admin"]},"name":{{identity.entity.aliases.MOUNT.name}}}"#;
        provider.bao(ROOT, &["auth", "enable", "userpass"]);
        let mount = provider.bao(ROOT, &["read", "-field=accessor", "sys/auth/userpass"]);
        let template = template.replace("MOUNT", mount.trim());
        provider.bao(
            ROOT,
            &[
                "write",
                "identity/oidc/role/shop",
                "key=k",
                "client_id=shop",
                "ttl=10m",
                &template,
            ],
        );
        let rules = provider._home.path().join("rules.hcl");
        std::fs::write(
            &rules,
            "path \"identity/oidc/token/shop\" { capabilities = [\"read\"] }",
        )
        .unwrap();
        provider.bao(ROOT, &["policy", "write", "shop", rules.to_str().unwrap()]);
        provider.bao(
            ROOT,
            &[
                "write",
                "auth/userpass/users/alice",
                "password=secret",
                "policies=shop",
            ],
        );
        provider
    }

    fn bao(&self, token: &str, arguments: &[&str]) -> String {
        let output = Command::new("bao")
            .args(arguments)
            .env("BAO_ADDR", &self.address)
            .env("BAO_TOKEN", token)
            .output()
            .unwrap();
        assert!(output.status.success(), "bao {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What alice gets when she logs in.
    fn token(&self) -> String {
        let login = [
            "write",
            "-field=token",
            "auth/userpass/login/alice",
            "password=secret",
        ];
        let own = self.bao(ROOT, &login);
        self.bao(
            own.trim(),
            &["read", "-field=token", "identity/oidc/token/shop"],
        )
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_providers_tokens_are_believed_across_its_rotations() {
    if narae_testservers::is_missing(&["bao"], "tokens of a real OpenID provider") {
        return;
    }
    let (provider, backend) = (Provider::start(), Backend::named("a"));
    let issuer = format!("{}/v1/identity/oidc", provider.address);
    let policy = format!(
        "  jwt: {{ issuer: \"{issuer}\", audiences: [shop], userClaim: name, rolesClaims: [realm_access.roles], \
         jwks: {{ url: \"{issuer}/.well-known/keys\" }} }}\n"
    );
    let (_folder, path) = file(&config(&backend, &policy));
    let mut router = Router::serving(&[&path], &[80], &[]);
    router.ignore_log();
    let first = provider.token();
    assert_eq!(
        get(
            &router,
            "/admin",
            &format!("authorization: Bearer {first}\r\n")
        )
        .status(),
        200
    );
    let sent = backend.received().pop().unwrap();
    assert_eq!(
        (sent.field("x-user"), sent.field("x-roles")),
        (Some("alice"), Some("admin"))
    );
    // The first rotation signs with a key that was published before; the second with one nobody has seen.
    for _ in 0..2 {
        provider.bao(ROOT, &["write", "-f", "identity/oidc/key/k/rotate"]);
        assert_eq!(with_token(&router, &provider.token()), 200);
    }
    // The old key still verifies what it signed, as the provider says.
    assert_eq!(with_token(&router, &first), 200);
}

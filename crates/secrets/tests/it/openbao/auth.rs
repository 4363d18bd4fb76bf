//! Every way to log in, to a real server; tokens and policies told apart.

use narae_secrets::SecretBytes;
use narae_secrets::store::openbao::{Auth, OpenBao, Options};
use narae_secrets::store::{Store as _, StoreErrorKind as K};
use narae_testservers::{ControlPlane, OpenBao as Server};

use super::{denied, field, kind, path, policy, store_of, token_of};
use crate::material::secret;

/// A server with a secret that the policy `shop` may read.
fn server(what: &str) -> Option<Server> {
    let server = Server::start_tls(what)?;
    server.must("POST", "secret/data/shop", r#"{"data":{"k":"v"}}"#);
    policy(
        &server,
        "shop",
        r#"path "secret/data/shop" { capabilities = ["read"] }"#,
    );
    Some(server)
}

fn log_in(server: &Server, auth: Auth) -> OpenBao {
    OpenBao::connect("main", Options::new(server.address(), auth)).unwrap()
}

/// Reads; gives the token up; and is of no use then.
fn works(store: &OpenBao) {
    let found = store.read(&path("secret/shop"), None).unwrap();
    assert_eq!(found.data["k"], secret("v"));
    let clone = store.clone();
    store.shutdown().unwrap();
    let closed = kind(&clone, "secret/shop", None);
    assert!(matches!(closed, K::Configuration { .. }), "{closed:?}");
}

fn fails(server: &Server, auth: Auth) {
    let kind = kind(&log_in(server, auth), "secret/shop", None);
    assert_eq!(kind, K::InvalidCredentials);
}

#[test]
fn tokens_and_policies_are_told_apart() {
    let Some(server) = server("tokens") else {
        return;
    };
    let reader = token_of(&server, r#"{"policies":["shop"]}"#);
    let read = |token: &str| store_of(&server, token).read(&path("secret/shop"), None);
    assert!(read(&reader).is_ok());
    // As it stands in a file: with a newline at its end.
    assert!(read(&format!(" {reader}\n")).is_ok());
    let other = denied("read", "secret/data/other");
    assert_eq!(
        kind(&store_of(&server, &reader), "secret/other", None),
        other
    );
    // A token that may not even look at itself is known all the same.
    let bare = token_of(&server, r#"{"policies":["shop"],"no_default_policy":true}"#);
    assert!(read(&bare).is_ok());
    assert_eq!(kind(&store_of(&server, &bare), "secret/other", None), other);

    assert_eq!(read("s.wrong").unwrap_err().kind(), &K::TokenRefused);
    let body = format!(r#"{{"token":"{reader}"}}"#);
    server.must("POST", "auth/token/revoke", &body);
    assert_eq!(read(&reader).unwrap_err().kind(), &K::TokenRefused);

    // A token that was given is not ours to revoke.
    let store = store_of(&server, &bare);
    store.shutdown().unwrap();
    assert!(read(&bare).is_ok());
}

#[test]
fn a_token_file_is_read_again_when_it_changes() {
    let Some(server) = server("token files") else {
        return;
    };
    let file = server.path("token");
    std::fs::write(&file, "s.first-one-is-wrong\n").unwrap();
    let store = log_in(&server, Auth::token_file(&file));
    assert_eq!(kind(&store, "secret/shop", None), K::TokenRefused);
    let token = token_of(&server, r#"{"policies":["shop"]}"#);
    std::fs::write(&file, format!("{token}\n")).unwrap();
    assert!(store.read(&path("secret/shop"), None).is_ok());
    std::fs::write(&file, "two\nlines").unwrap();
    let odd = kind(&store, "secret/shop", None);
    assert!(matches!(odd, K::Configuration { .. }), "{odd:?}");
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(kind(&store, "secret/shop", None), K::Io { .. }));
}

#[test]
fn app_roles_log_in_with_plain_and_wrapped_secret_ids() {
    let Some(server) = server("AppRole") else {
        return;
    };
    server.must("POST", "sys/auth/approle", r#"{"type":"approle"}"#);
    let role = r#"{"token_policies":"shop","token_ttl":"1h"}"#;
    server.must("POST", "auth/approle/role/shop", role);
    let role_id = field(
        &server.must("GET", "auth/approle/role/shop/role-id", ""),
        "role_id",
    );
    let make = || server.must("POST", "auth/approle/role/shop/secret-id", "{}");
    let plain = || secret(&field(&make(), "secret_id"));
    works(&log_in(&server, Auth::app_role(&role_id, plain())));
    fails(&server, Auth::app_role(&role_id, secret("wrong")));
    fails(&server, Auth::app_role("wrong", plain()));
    let nowhere = Auth::app_role(&role_id, plain()).with_mount("nowhere".parse().unwrap());
    let refused = kind(&log_in(&server, nowhere), "secret/shop", None);
    assert!(
        matches!(refused, K::MountNotFound { .. } | K::InvalidCredentials),
        "{refused:?}"
    );

    // Shutting down revokes what the login gave.
    let store = log_in(&server, Auth::app_role(&role_id, plain()));
    store.read(&path("secret/shop"), None).unwrap();
    let tokens = || {
        server
            .must("GET", "auth/token/accessors?list=true", "")
            .matches('"')
            .count()
    };
    let before = tokens();
    store.shutdown().unwrap();
    assert!(tokens() < before);

    // Wrapped as `-wrap-ttl` does it: the header is the client's to send.
    let root = store_of(&server, server.token());
    let wrapped = root
        .wrap(
            &[("secret_id".to_owned(), plain())].into(),
            std::time::Duration::from_secs(60),
        )
        .unwrap();
    // It holds a secret id, but somebody else put it there.
    let refused = log_in(
        &server,
        Auth::app_role_wrapped(&role_id, wrapped.token.duplicate()),
    );
    assert_eq!(kind(&refused, "secret/shop", None), K::WrapInvalid);
    assert!(root.unwrap(&wrapped.token).is_ok(), "it was not opened");

    let real = super::wrapping::wrapped_secret_id(&server, "shop");
    let store = log_in(&server, Auth::app_role_wrapped(&role_id, real.duplicate()));
    works(&store);
    let again = log_in(&server, Auth::app_role_wrapped(&role_id, real));
    assert_eq!(kind(&again, "secret/shop", None), K::WrapInvalid);
}

#[test]
fn users_log_in_by_password() {
    let Some(server) = server("userpass") else {
        return;
    };
    server.must("POST", "sys/auth/people", r#"{"type":"userpass"}"#);
    let user = r#"{"password":"pa\"55 ü","token_policies":"shop"}"#;
    server.must("POST", "auth/people/users/mina", user);
    let auth = |password: &str| {
        Auth::userpass("mina", secret(password)).with_mount("people".parse().unwrap())
    };
    works(&log_in(&server, auth("pa\"55 ü")));
    fails(&server, auth("wrong"));
    for odd in ["", "a/b", "..", "a\n"] {
        let options = Options::new(server.address(), Auth::userpass(odd, secret("x")));
        let error = OpenBao::connect("main", options).unwrap_err();
        assert!(matches!(error.kind(), K::Configuration { .. }), "{odd:?}");
    }
    let binary = Auth::userpass("mina", SecretBytes::new(vec![0xff]));
    let refused = kind(&log_in(&server, binary), "secret/shop", None);
    assert!(matches!(refused, K::Configuration { .. }), "{refused:?}");
}

#[test]
fn certificates_log_in() {
    let Some(server) = server("certificates") else {
        return;
    };
    server.must("POST", "sys/auth/cert", r#"{"type":"cert"}"#);
    let file = |name: &str| std::fs::read(server.path(name)).unwrap();
    let authority = String::from_utf8(file("ca.pem")).unwrap();
    let role = serde_json::json!({
        "certificate": authority, "allowed_dns_sans": "client.example", "token_policies": "shop"
    });
    server.must("POST", "auth/cert/certs/shop", &role.to_string());
    let options = |auth| Options::new(server.tls_address(), auth).with_ca_pem(file("ca.pem"));
    let with = |name: &str, auth| {
        let key = SecretBytes::new(file(&format!("{name}.key")));
        let options = options(auth).with_client_certificate(file(&format!("{name}.pem")), key);
        OpenBao::connect("main", options).unwrap()
    };
    works(&with("client", Auth::certificate(Some("shop".to_owned()))));
    works(&with("client", Auth::certificate(None)));
    let other = with("server", Auth::certificate(None));
    assert_eq!(kind(&other, "secret/shop", None), K::InvalidCredentials);
    let without = OpenBao::connect("main", options(Auth::certificate(None))).unwrap();
    assert_eq!(kind(&without, "secret/shop", None), K::InvalidCredentials);
    let odd = options(Auth::certificate(None)).with_client_certificate("no", secret("CANARY"));
    let error = OpenBao::connect("main", odd).unwrap_err();
    assert!(!format!("{error:?}").contains("CANARY"));
}

/// One API server's service accounts, by the token review of the Kubernetes method, and by their signature alone.
#[test]
fn service_accounts_log_in_by_review_and_by_signature() {
    let what = "logins of service accounts";
    let (Some(cluster), Some(server)) = (ControlPlane::start(what), server(what)) else {
        return;
    };
    cluster.kubectl(&["create", "namespace", "prod"]);
    for name in ["app", "other", "reviewer"] {
        cluster.kubectl(&["create", "serviceaccount", name, "-n", "prod"]);
    }
    let delegator = "--clusterrole=system:auth-delegator";
    let subject = "--serviceaccount=prod:reviewer";
    cluster.kubectl(&[
        "create",
        "clusterrolebinding",
        "reviewer",
        delegator,
        subject,
    ]);
    let token = |name: &str| cluster.kubectl(&["create", "token", name, "-n", "prod"]);

    server.must("POST", "sys/auth/kubernetes", r#"{"type":"kubernetes"}"#);
    let config = serde_json::json!({
        "kubernetes_host": format!("https://127.0.0.1:{}", cluster.port()),
        "kubernetes_ca_cert": std::fs::read_to_string(cluster.certificate()).unwrap(),
        "token_reviewer_jwt": token("reviewer").trim(),
        "disable_local_ca_jwt": true,
    });
    server.must("POST", "auth/kubernetes/config", &config.to_string());
    let role = r#"{"bound_service_account_names":"app","bound_service_account_namespaces":"prod","token_policies":"shop"}"#;
    server.must("POST", "auth/kubernetes/role/shop", role);
    let file = server.path("service-account");
    let auth = || Auth::kubernetes("shop", &file);
    std::fs::write(&file, token("other")).unwrap();
    let store = log_in(&server, auth());
    assert_eq!(kind(&store, "secret/shop", None), K::InvalidCredentials);
    // Kubernetes puts another token there: it is read at the next login.
    std::fs::write(&file, token("app")).unwrap();
    works(&store);
    fails(&server, Auth::kubernetes("none", &file));

    server.must("POST", "sys/auth/jwt", r#"{"type":"jwt"}"#);
    let key = std::process::Command::new("openssl")
        .args(["pkey", "-pubout", "-in"])
        .arg(cluster.path("sa.key"))
        .output()
        .unwrap();
    let config = serde_json::json!({
        "jwt_validation_pubkeys": [String::from_utf8(key.stdout).unwrap()], "default_role": "shop"
    });
    server.must("POST", "auth/jwt/config", &config.to_string());
    let role = r#"{"role_type":"jwt","user_claim":"sub","bound_subject":"system:serviceaccount:prod:app","bound_audiences":["https://kubernetes.default.svc.cluster.local"],"token_policies":"shop"}"#;
    server.must("POST", "auth/jwt/role/shop", role);
    works(&log_in(
        &server,
        Auth::jwt(None, secret(token("app").trim())),
    ));
    works(&log_in(
        &server,
        Auth::jwt_file(Some("shop".to_owned()), &file),
    ));
    fails(&server, Auth::jwt(None, secret(token("other").trim())));
    fails(&server, Auth::jwt(None, secret("no.jwt.atall")));
}

//! Dynamic credentials of a real PostgreSQL, from a real server.

use std::time::Duration;

use narae_secrets::store::StoreErrorKind as K;
use narae_testservers::{OpenBao as Server, Postgres};

use super::{denied, path, policy, store, store_of, token_of};

/// A database engine with the role `shop`, whose users may read one table.
fn database(server: &Server, postgres: &Postgres) {
    let sql = "create table orders (id int); insert into orders values (7)";
    postgres.query(Postgres::SUPERUSER, "", sql).unwrap();
    server.must("POST", "sys/mounts/database", r#"{"type":"database"}"#);
    let connection = serde_json::json!({
        "plugin_name": "postgresql-database-plugin",
        "connection_url": format!(
            "postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}/postgres?sslmode=disable",
            postgres.port()
        ),
        "username": Postgres::SUPERUSER, "password": "none", "allowed_roles": "shop",
    });
    server.must("POST", "database/config/shop", &connection.to_string());
    let role = serde_json::json!({
        "db_name": "shop", "default_ttl": "1h", "max_ttl": "3h",
        "creation_statements": "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'; GRANT SELECT ON orders TO \"{{name}}\";",
    });
    server.must("POST", "database/roles/shop", &role.to_string());
}

#[test]
fn a_postgresql_credential_is_issued_renewed_and_revoked() {
    let (Some(postgres), Some(server)) = (
        Postgres::start("dynamic credentials"),
        Server::start("dynamic credentials"),
    ) else {
        return;
    };
    database(&server, &postgres);
    let rules = r#"path "database/creds/shop" { capabilities = ["read"] }
        path "sys/leases/renew" { capabilities = ["update"] }
        path "sys/leases/revoke" { capabilities = ["update"] }"#;
    policy(&server, "shop", rules);
    let shop = store_of(&server, &token_of(&server, r#"{"policies":["shop"]}"#));

    // User and password come from one answer.
    let issued = shop.credentials(&path("database/creds/shop")).unwrap();
    assert!(!format!("{issued:?}").contains(text(&issued.data["password"])));
    let (user, password) = (
        text(&issued.data["username"]),
        text(&issued.data["password"]),
    );
    let orders =
        |user: &str, password: &str| postgres.query(user, password, "select id from orders");
    assert_eq!(orders(user, password).unwrap(), "7");
    assert!(orders(user, "wrong").is_err());
    assert!(
        postgres
            .query(user, password, "delete from orders")
            .is_err()
    );
    assert_eq!(issued.lease.duration, Duration::from_secs(3600));
    assert!(issued.lease.renewable && issued.lease.id.starts_with("database/creds/shop/"));

    let until = || {
        let sql = format!(
            "select extract(epoch from valuntil)::bigint from pg_user where usename = '{user}'"
        );
        postgres
            .query(Postgres::SUPERUSER, "", &sql)
            .unwrap()
            .parse::<i64>()
            .unwrap()
    };
    let before = until();
    let renewed = shop
        .renew(&issued.lease, Duration::from_secs(7200))
        .unwrap();
    assert_eq!(
        (&renewed.id, renewed.duration),
        (&issued.lease.id, Duration::from_secs(7200))
    );
    assert!(until() > before + 3000, "the database knows");

    // Another is another's.
    let other = shop.credentials(&path("database/creds/shop")).unwrap();
    assert_ne!(text(&other.data["username"]), user);

    shop.revoke(&renewed).unwrap();
    assert!(orders(user, password).is_err(), "revoked");
    assert!(orders(text(&other.data["username"]), text(&other.data["password"])).is_ok());
    let ended = shop.renew(&renewed, Duration::from_secs(60)).unwrap_err();
    assert_eq!(ended.kind(), &K::LeaseNotFound);
    assert_eq!(ended.path(), Some(renewed.id.as_str()));
    shop.revoke(&renewed).unwrap();

    let root = store(&server);
    assert_eq!(
        root.credentials(&path("database/creds/none"))
            .unwrap_err()
            .kind(),
        &K::Server { status: 400 }
    );
    assert_eq!(
        shop.credentials(&path("database/creds/none"))
            .unwrap_err()
            .kind(),
        &denied("read", "database/creds/none")
    );
    assert!(matches!(
        root.credentials(&path("sys/mounts")).unwrap_err().kind(),
        K::UnexpectedAnswer { .. }
    ));
}

fn text(secret: &narae_secrets::SecretBytes) -> &str {
    str::from_utf8(secret.expose()).unwrap()
}

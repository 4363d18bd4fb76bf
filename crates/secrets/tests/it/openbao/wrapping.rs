//! Response wrapping by a real server.

use std::time::Duration;

use narae_secrets::SecretBytes;
use narae_secrets::store::{Cas, Store as _, StoreErrorKind as K};
use narae_testservers::OpenBao as Server;

use super::{field, path, store, store_of, version};
use crate::material::{secret, values};

/// A token that wraps a new secret id of a role, as an operator makes it.
pub(super) fn wrapped_secret_id(server: &Server, role: &str) -> SecretBytes {
    let address = server.address();
    let host = address.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let request = format!(
        "POST /v1/auth/approle/role/{role}/secret-id HTTP/1.0\r\nHost: {host}\r\nX-Vault-Token: {}\r\nX-Vault-Wrap-TTL: 60s\r\nContent-Length: 2\r\n\r\n{{}}",
        server.token()
    );
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let answer = std::io::read_to_string(stream).unwrap();
    let (_, info) = answer.split_once("\"wrap_info\"").unwrap();
    secret(&field(info, "token"))
}

#[test]
fn what_is_wrapped_opens_once() {
    let Some(server) = Server::start("response wrapping") else {
        return;
    };
    let root = store(&server);
    let at = path("secret/shop");
    root.write(&at, &values([("k", "one")]), Cas::Any).unwrap();
    root.write(&at, &values([("k", "two")]), Cas::Any).unwrap();
    let ttl = Duration::from_secs(90);
    let wrapped = root.read_wrapped(&at, Some(version(1)), ttl).unwrap();
    assert_eq!(wrapped.ttl, ttl);
    assert_eq!(wrapped.creation_path, "secret/data/shop");
    // Whoever opens it needs no token that is worth anything.
    let nobody = store_of(&server, "s.nobody");
    assert_eq!(
        nobody.wrapping_path(&wrapped.token).unwrap(),
        "secret/data/shop"
    );
    let found = nobody.unwrap_secret(&wrapped.token).unwrap();
    assert_eq!(
        (found.version, &found.data),
        (Some(version(1)), &values([("k", "one")]))
    );
    for again in [
        nobody.unwrap_secret(&wrapped.token).unwrap_err(),
        nobody.wrapping_path(&wrapped.token).unwrap_err(),
        nobody.unwrap(&secret("s.never-was")).unwrap_err(),
    ] {
        assert_eq!(again.kind(), &K::WrapInvalid);
    }

    let own = values([("a", "b\"ü"), ("c", "")]);
    let wrapped = root.wrap(&own, Duration::from_secs(3600)).unwrap();
    assert_eq!(wrapped.ttl, Duration::from_secs(3600));
    assert_eq!(nobody.unwrap(&wrapped.token).unwrap(), own);
}

//! Who clients are, verified by the real router: tokens of a key of the test's and of a real provider, passwords of
//! files that the real programs made. What follows from an identity is tested in narae-routing.

mod passwords;
mod provider;
mod tokens;

use crate::backend::Backend;
use crate::client::Message;
use crate::process::Router;
use crate::serving::objects;

/// Routes that show what was verified: `/admin` is for admins, the rest for everybody.
fn config(backend: &Backend, policy: &str) -> String {
    let route = "  rules:\n\
                 \x20 - name: admin\n    matches: [{ path: { value: /admin } }]\n    backendRefs: [{ name: a, port: 80 }]\n\
                 \x20 - backendRefs: [{ name: a, port: 80 }]\n";
    let mut text = objects(route, &[("a", backend.address)]);
    text.push_str(&format!(
        "---\napiVersion: narae.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {{ name: staff }}\n\
         spec:\n  targetRefs: [{{ kind: Gateway, name: gw }}]\n{policy}\
         \x20 headers: {{ user: x-user, roles: x-roles }}\n\
         ---\napiVersion: narae.dev/v1alpha1\nkind: AccessPolicy\nmetadata: {{ name: admins }}\n\
         spec:\n  targetRefs: [{{ kind: HTTPRoute, name: route, sectionName: admin }}]\n\
         \x20 require: {{ any: [{{ role: admin }}] }}\n"
    ));
    text
}

fn get(router: &Router, path: &str, fields: &str) -> Message {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
    router.client().send(request).receive()
}

fn with_token(router: &Router, token: &str) -> u16 {
    get(router, "/", &format!("authorization: Bearer {token}\r\n")).status()
}

//! Gateways of a cluster: a real API server, and one that forgets.
//!
//! The API refuses endpoints on loopback, so the control plane, the router and what stands behind it run in a network
//! of their own, where nobody else is; requests are made in there, too.

mod forgetful;
mod served;
mod status;

use std::path::Path;
use std::process::Stdio;

use narae_testservers::{ControlPlane, Process};
use serde_json::Value;

const CRDS: &str = include_str!("../../data/cluster/gateway-api-1.6.3.json");

const ROLE: &str = include_str!("../../../cluster-role.yaml");

const GATEWAY: &str = r#"
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: narae }
spec: { controllerName: narae.dev/router }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: gw, namespace: default }
spec:
  gatewayClassName: narae
  listeners:
  - { name: http, port: 80, protocol: HTTP }
"#;

/// A control plane that knows the Gateway API.
fn plane(what: &str) -> Option<ControlPlane> {
    let plane = ControlPlane::start_isolated(what)?;
    apply(&plane, CRDS);
    let established = ["wait", "--for=condition=Established", "--all", "crd"];
    plane.wait_for(&established);
    Some(plane)
}

fn apply(plane: &ControlPlane, objects: &str) {
    plane.kubectl_with(
        &["apply", "--server-side", "--force-conflicts", "-f", "-"],
        objects,
    );
}

/// Starts the router in the cluster's network and waits until it is ready.
fn router(plane: &ControlPlane, name: &str, arguments: &[&str]) -> Process {
    let log = plane.path(&format!("{name}.log"));
    let mut command = plane.command(env!("CARGO_BIN_EXE_router"));
    command
        .args(arguments)
        .env("KUBECONFIG", plane.path("router.kubeconfig"));
    let mut router = Process::start(&mut command, &log);
    plane.until(&format!("router {name}"), || {
        std::thread::yield_now();
        router_listens(&router)
    });
    assert!(router.is_running(), "{}", router.output());
    router
}

fn router_listens(router: &Process) -> bool {
    let output = router.output();
    assert!(!output.contains("router: no cluster"), "{output}");
    output.contains("router listening on")
}

/// The router of the cluster, with no more rights than its role gives.
fn gateway(plane: &ControlPlane) -> Process {
    apply(plane, ROLE);
    plane.kubectl(&["create", "serviceaccount", "router"]);
    let binding = [
        "create",
        "clusterrolebinding",
        "router",
        "--clusterrole=narae-router",
    ];
    plane.kubectl(&[&binding[..], &["--serviceaccount=default:router"]].concat());
    let token = plane.kubectl(&["create", "token", "router"]);
    let kubeconfig = std::fs::read_to_string(plane.kubeconfig()).unwrap();
    let own = kubeconfig.replace(ControlPlane::TOKEN, token.trim());
    std::fs::write(plane.path("router.kubeconfig"), own).unwrap();
    let ports = [
        "--listen",
        "80=127.0.0.1:8080",
        "--listen",
        "443=127.0.0.1:8443",
    ];
    router(plane, "gateway", &[&["--cluster"], &ports[..]].concat())
}

/// A service of one endpoint that answers with its name.
fn backend(plane: &ControlPlane, name: &str, port: u16) -> Process {
    let text = format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{ name: gw }}\n\
         spec: {{ listeners: [{{ name: http, port: 80, protocol: HTTP }}] }}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{ name: all }}\n\
         spec:\n  parentRefs: [{{ name: gw }}]\n  \
         rules: [{{ filters: [{{ type: DirectResponse, directResponse: {{ statusCode: 200, body: {{ string: \"{name}\" }} }} }}] }}]\n"
    );
    let file = plane.path(&format!("{name}.yaml"));
    std::fs::write(&file, text).unwrap();
    let listen = format!("80=192.0.2.1:{port}");
    let file = file.to_str().unwrap();
    let own = router(plane, name, &["--config", file, "--listen", &listen]);
    apply(plane, &service(name, "true", &[port]));
    own
}

/// A service and its slice, with endpoints that are ready or not.
fn service(name: &str, ready: &str, ports: &[u16]) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{ name: {name}, namespace: default }}\n\
         spec: {{ ports: [{{ port: 80 }}] }}\n"
    );
    for port in ports {
        text.push_str(&format!(
            "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
             metadata: {{ name: {name}-1, namespace: default, labels: {{ kubernetes.io/service-name: {name} }} }}\n\
             addressType: IPv4\nports: [{{ name: \"\", port: {port} }}]\n\
             endpoints: [{{ addresses: [192.0.2.1], conditions: {{ ready: {ready} }} }}]\n"
        ));
    }
    text
}

fn route(name: &str, parent: &str, backend: &str) -> String {
    format!(
        "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{ name: {name}, namespace: default }}\n\
         spec:\n  parentRefs: [{parent}]\n  rules: [{{ matches: [{{ path: {{ value: /{name} }} }}], backendRefs: [{{ name: {backend}, port: 80 }}] }}]\n"
    )
}

/// What the gateway answers: status and body.
fn get(plane: &ControlPlane, path: &str) -> (u16, String) {
    let script = "exec 3<>/dev/tcp/127.0.0.1/8080 && \
                  printf 'GET %s HTTP/1.1\\r\\nhost: shop.example\\r\\nconnection: close\\r\\n\\r\\n' \"$0\" >&3 && cat <&3";
    let mut command = plane.command(Path::new("bash"));
    let output = command
        .args(["-c", script, path])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    (status.unwrap_or(0), body.trim_end().to_owned())
}

/// Waits until the gateway answers so.
fn answers(plane: &ControlPlane, router: &Process, path: &str, status: u16, body: &str) {
    plane.until(&format!("{status} {body}: {}", router.output()), || {
        let (got, text) = get(plane, path);
        got == status && (body.is_empty() || text == body)
    });
}

/// An object as JSON.
fn object(plane: &ControlPlane, kind: &str, name: &str) -> Value {
    serde_json::from_str(&plane.kubectl(&["get", kind, name, "-o", "json"])).unwrap()
}

/// The condition of a type in a list, once it is about the object's generation.
fn condition(object: &Value, list: &str, kind: &str) -> Option<(String, String, String)> {
    let conditions = object.pointer(list)?.as_array()?;
    let condition = conditions.iter().find(|c| c["type"] == kind)?;
    if condition["observedGeneration"] != object["metadata"]["generation"] {
        return None;
    }
    let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
    Some((text("status"), text("reason"), text("message")))
}

/// Waits until an object's condition has this status and reason, and returns its message.
fn says(
    plane: &ControlPlane,
    object_of: (&str, &str),
    list: &str,
    expected: (&str, &str, &str),
) -> String {
    let (kind, status, reason) = expected;
    let read = || condition(&object(plane, object_of.0, object_of.1), list, kind);
    plane.until(&format!("{object_of:?} {expected:?}"), || {
        read().is_some_and(|(s, r, _)| s == status && r == reason)
    });
    read().unwrap().2
}

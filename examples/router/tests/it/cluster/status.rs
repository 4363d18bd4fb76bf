//! What became of objects stands in their status, by the reasons of the Gateway API, and is about their generation.

use std::process::Stdio;

use narae_testservers::ControlPlane;
use serde_json::{Value, json};

use super::{GATEWAY, apply, backend, gateway, object, plane, route, says};

const PARENT: &str = "/status/parents/0/conditions";
const ACCEPTED: (&str, &str, &str) = ("Accepted", "True", "Accepted");
const RESOLVED: (&str, &str, &str) = ("ResolvedRefs", "True", "ResolvedRefs");
const PROGRAMMED: (&str, &str, &str) = ("Programmed", "True", "Programmed");

#[test]
fn status_says_what_became_of_objects() {
    let Some(plane) = plane("status of a cluster's gateways") else {
        return;
    };
    let _a = backend(&plane, "a", 8001);
    let foreign = "---\napiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: foreign }\n\
                   spec: { controllerName: example.com/other }\n---\n\
                   apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: foreign, namespace: default }\n\
                   spec: { gatewayClassName: foreign, listeners: [{ name: http, port: 80, protocol: HTTP }] }\n";
    let both = "{ name: foreign }, { name: gw }";
    apply(
        &plane,
        &format!("{GATEWAY}{foreign}{}", route("shop", both, "a")),
    );
    let _router = gateway(&plane);

    says(
        &plane,
        ("gatewayclass", "narae"),
        "/status/conditions",
        ACCEPTED,
    );
    says(&plane, ("gateway", "gw"), "/status/conditions", ACCEPTED);
    says(&plane, ("gateway", "gw"), "/status/conditions", PROGRAMMED);
    says(&plane, ("httproute", "shop"), PARENT, ACCEPTED);
    says(&plane, ("httproute", "shop"), PARENT, RESOLVED);
    let gw = object(&plane, "gateway", "gw");
    assert_eq!(gw["status"]["listeners"][0]["attachedRoutes"], 1);
    let address = json!([{ "type": "IPAddress", "value": "127.0.0.1" }]);
    assert_eq!(gw["status"]["addresses"], address);
    // Only our own classes and gateways are spoken for.
    let shop = object(&plane, "httproute", "shop");
    let parents = shop["status"]["parents"].as_array().unwrap();
    assert_eq!(parents.len(), 1);
    assert_eq!(parents[0]["parentRef"]["name"], "gw");
    assert_eq!(parents[0]["controllerName"], "narae.dev/router");
    for kind in ["gatewayclass", "gateway"] {
        let other = object(&plane, kind, "foreign");
        assert_ne!(
            other["status"]["conditions"][0]["status"], "True",
            "{other}"
        );
    }

    // What is wrong is said by reason, and about the object as it is now.
    let since = parents[0]["conditions"][0]["lastTransitionTime"].clone();
    apply(&plane, &route("shop", both, "nobody"));
    let message = says(
        &plane,
        ("httproute", "shop"),
        PARENT,
        ("ResolvedRefs", "False", "BackendNotFound"),
    );
    assert!(
        message.contains("default/nobody: no such service"),
        "{message}"
    );
    let shop = object(&plane, "httproute", "shop");
    assert_eq!(
        shop["status"]["parents"][0]["conditions"][0]["lastTransitionTime"],
        since
    );
    apply(
        &plane,
        &route("lost", "{ name: gw, sectionName: nowhere }", "a"),
    );
    says(
        &plane,
        ("httproute", "lost"),
        PARENT,
        ("Accepted", "False", "NoMatchingParent"),
    );

    others_words_stay(&plane);
    listeners(&plane);
}

/// What another controller says of its parent stays where it is, and ours goes when the parent does.
fn others_words_stay(plane: &ControlPlane) {
    let theirs = json!({
        "parentRef": { "group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "foreign" },
        "controllerName": "example.com/other",
        "conditions": [{ "type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
                         "lastTransitionTime": "2026-01-01T00:00:00Z" }],
    });
    let mut parents = object(plane, "httproute", "lost")["status"]["parents"].clone();
    parents.as_array_mut().unwrap().push(theirs.clone());
    let patch = json!({ "status": { "parents": parents } }).to_string();
    let arguments = [
        "patch",
        "httproute",
        "lost",
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ];
    plane.kubectl(&arguments);
    apply(
        plane,
        &route("lost", "{ name: gw, sectionName: http }", "a"),
    );
    let ours = || {
        let lost = object(plane, "httproute", "lost");
        let parents = lost["status"]["parents"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let (own, others): (Vec<Value>, Vec<Value>) = parents
            .into_iter()
            .partition(|parent| parent["controllerName"] == "narae.dev/router");
        assert_eq!(others, std::slice::from_ref(&theirs));
        own
    };
    plane.until("the route to be accepted", || {
        ours()
            .iter()
            .any(|p| p["conditions"][0]["status"] == "True")
    });
    apply(plane, &route("lost", "{ name: foreign }", "a"));
    plane.until("our words to go with the parent", || ours().is_empty());
}

/// Listeners say what they lack, and serve once they have it.
fn listeners(plane: &ControlPlane) {
    let gateway = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: gw, namespace: default }\n\
                   spec:\n  gatewayClassName: narae\n  listeners:\n  \
                   - { name: http, port: 80, protocol: HTTP }\n  \
                   - { name: https, port: 443, protocol: HTTPS, hostname: shop.example, tls: { certificateRefs: [{ name: shop }] } }\n  \
                   - { name: nowhere, port: 9999, protocol: HTTP }\n";
    apply(plane, gateway);
    let gw = ("gateway", "gw");
    says(
        plane,
        gw,
        "/status/conditions",
        ("Accepted", "True", "ListenersNotValid"),
    );
    let https = "/status/listeners/1/conditions";
    says(
        plane,
        gw,
        https,
        ("ResolvedRefs", "False", "InvalidCertificateRef"),
    );
    says(plane, gw, https, ("Programmed", "False", "Invalid"));
    let nowhere = "/status/listeners/2/conditions";
    says(plane, gw, nowhere, ("Accepted", "False", "PortUnavailable"));

    let made = rcgen::generate_simple_self_signed(["shop.example".to_owned()]).unwrap();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": { "name": "shop", "namespace": "default" },
        "stringData": { "tls.crt": made.cert.pem(), "tls.key": made.signing_key.serialize_pem() },
    });
    apply(plane, &secret.to_string());
    says(plane, gw, https, PROGRAMMED);
    plane.until("the certificate to be served", || {
        let openssl = [
            "s_client",
            "-connect",
            "127.0.0.1:8443",
            "-servername",
            "shop.example",
        ];
        let output = plane
            .command("openssl")
            .args(openssl)
            .stdin(Stdio::null())
            .output();
        let text = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
        let served: String = made.cert.pem().lines().skip(1).take(3).collect();
        text.lines().collect::<String>().contains(&served)
    });
}

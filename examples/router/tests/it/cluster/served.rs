//! Objects decide where requests go, also while the API server is away.

use super::{GATEWAY, answers, apply, backend, gateway, get, plane, route, service};

#[test]
fn objects_of_a_cluster_are_served_and_followed() {
    let Some(mut plane) = plane("a cluster's gateways served") else {
        return;
    };
    let _a = backend(&plane, "a", 8001);
    let _b = backend(&plane, "b", 8002);
    apply(
        &plane,
        &(GATEWAY.to_owned() + &route("shop", "{ name: gw }", "a")),
    );
    let router = gateway(&plane);
    answers(&plane, &router, "/shop", 200, "a");

    // A route is applied: traffic moves.
    apply(&plane, &route("shop", "{ name: gw }", "b"));
    answers(&plane, &router, "/shop", 200, "b");
    // A slice changes: the backends follow.
    apply(&plane, &service("b", "true", &[8001]));
    answers(&plane, &router, "/shop", 200, "a");
    apply(&plane, &service("b", "false", &[8001]));
    answers(&plane, &router, "/shop", 503, "");
    apply(&plane, &service("b", "true", &[8002]));
    answers(&plane, &router, "/shop", 200, "b");
    // A route is deleted: its path is nobody's.
    apply(&plane, &route("gone", "{ name: gw }", "a"));
    answers(&plane, &router, "/gone", 200, "a");
    plane.kubectl(&["delete", "httproute", "gone"]);
    answers(&plane, &router, "/gone", 404, "");

    // The API server is away: the last configuration goes on.
    plane.stop();
    plane.until("the router to notice", || {
        assert_eq!(get(&plane, "/shop"), (200, "b".to_owned()));
        router.output().contains("httproutes: ")
            && router.output().contains("what is known goes on")
    });
    for _ in 0..20 {
        assert_eq!(get(&plane, "/shop"), (200, "b".to_owned()));
    }
    // It is back: what happens from then on is caught up with.
    plane.restart();
    apply(&plane, &route("shop", "{ name: gw }", "a"));
    answers(&plane, &router, "/shop", 200, "a");
    apply(&plane, &service("a", "true", &[8002]));
    answers(&plane, &router, "/shop", 200, "b");
}

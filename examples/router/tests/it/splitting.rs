//! Shares are exact.

use crate::backend::Backend;
use crate::process::Router;

#[test]
fn a_thousand_requests_at_ninety_to_ten_are_nine_hundred_and_a_hundred() {
    let (a, b) = (Backend::named("a"), Backend::named("b"));
    let router = Router::start(&[("a", a.address, 90), ("b", b.address, 10)], &[]);
    let mut client = router.client();
    let mut from_b = 0i32;
    for request in 1..=1000 {
        let response = client.get("/");
        assert_eq!(response.status(), 200);
        from_b += i32::from(response.text() == "b");
        assert!((from_b * 10 - request).abs() <= 10, "{from_b} of {request}");
    }
    assert_eq!(from_b, 100);
    assert_eq!((a.received().len(), b.received().len()), (900, 100));
}

#[test]
fn a_drained_backend_gets_nothing_and_refused_requests_take_no_turn() {
    let (a, b, c) = (
        Backend::named("a"),
        Backend::named("b"),
        Backend::named("c"),
    );
    let list = [
        ("a", a.address, 1),
        ("b", b.address, 1),
        ("c", c.address, 0),
    ];
    let router = Router::start(&list, &[]);
    for _ in 0..10 {
        assert_eq!(router.client().get("/").status(), 200);
        assert_eq!(
            router
                .client()
                .send("GET / HTTP/1.1\r\n\r\n")
                .receive()
                .status(),
            400
        );
    }
    let received = [&a, &b, &c].map(|backend| backend.received().len());
    assert_eq!(received, [5, 5, 0]);
}

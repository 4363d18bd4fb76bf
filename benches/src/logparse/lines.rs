//! Lines as servers and services write them, numbered so that no two are equal. They live as long as the program.

use std::fmt::Write as _;

pub const LINES: usize = 5_000;

pub fn generated(
    lines: usize,
    write: impl Fn(usize, &mut String) -> std::fmt::Result,
) -> &'static str {
    let log = (0..lines).fold(String::new(), |mut log, n| {
        write(n, &mut log).expect("writing to a string");
        log
    });
    log.leak()
}

pub fn access() -> &'static str {
    let agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0";
    generated(LINES, |n, log| {
        let (a, b, status, size) = (
            n % 250,
            n * 7 % 250,
            [200, 200, 304, 404, 502][n % 5],
            n * 31 % 100_000,
        );
        let (minute, second) = (n / 60 % 60, n % 60);
        writeln!(
            log,
            "192.0.{a}.{b} - - [10/Oct/2026:13:{minute:02}:{second:02} +0900] \"GET /shop/cart/{n}?page={a} HTTP/1.1\" {status} {size} \"https://shop.example/\" \"{agent}\""
        )
    })
}

pub fn container() -> &'static str {
    generated(LINES, |n, log| {
        let (stream, nanos) = (["stdout", "stderr"][n % 2], n * 48_271 % 1_000_000_000);
        writeln!(
            log,
            "2026-11-21T04:44:44.{nanos:09}Z {stream} F order {n} placed by customer {} in 12 ms, cart of 3",
            n * 17 % 9999
        )
    })
}

pub fn json() -> &'static str {
    generated(LINES, |n, log| {
        writeln!(
            log,
            "{{\"time\":\"2026-11-21T04:44:44.123456789Z\",\"level\":\"info\",\"logger\":\"shop.cart\",\"msg\":\"order {n} placed\",\"http\":{{\"method\":\"GET\",\"status\":{},\"path\":\"/shop/cart/{n}\"}},\"duration_ms\":{}.25,\"user\":\"u{n}\",\"ok\":true,\"tags\":[\"a\",\"b\"]}}",
            [200, 404, 503][n % 3],
            n % 900
        )
    })
}

pub fn klog() -> &'static str {
    generated(LINES, |n, log| {
        writeln!(
            log,
            "I1121 04:44:{:02}.{:06} {:7} controller.go:{}] Reconciling deployment shop/web generation {n}",
            n % 60,
            n * 7 % 1_000_000,
            n % 30,
            n % 1900
        )
    })
}

pub fn syslog() -> &'static str {
    generated(LINES, |n, log| {
        writeln!(
            log,
            "<{}>Nov 21 04:44:{:02} node-{} kubelet[{n}]: Connection from 10.0.0.{} accepted",
            n % 192,
            n % 60,
            n % 40,
            n % 250
        )
    })
}

pub fn spring() -> &'static str {
    generated(LINES, |n, log| {
        writeln!(
            log,
            "2026-11-21T04:44:{:02}.{:03}Z  INFO 1 --- [shop] [nio-8080-exec-{}] c.e.shop.OrderService                     : order {n} placed",
            n % 60,
            n % 1000,
            n % 9
        )
    })
}

pub fn envoy() -> &'static str {
    generated(LINES, |n, log| {
        writeln!(
            log,
            "[2026-11-21T04:44:{:02}.123Z] \"GET /cart/{n} HTTP/1.1\" 200 - 0 {n} 12 11 \"10.0.0.{}\" \"curl/8.5.0\" \"cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2\" \"shop.svc\" \"10.0.1.{}:8080\"",
            n % 60,
            n % 250,
            n % 250
        )
    })
}

pub fn logfmt() -> &'static str {
    generated(LINES, |n, log| {
        writeln!(
            log,
            "ts=2026-11-21T04:44:{:02}Z level=info caller=cart.go:{} msg=\"order \\\"{n}\\\" placed\" status=200 duration={}ms id=o{n}",
            n % 60,
            n % 900,
            n % 99
        )
    })
}

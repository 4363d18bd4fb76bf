//! Clients that want the router to run out of something: it lets them go, serves the others, and stays small.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread;

use crate::backend::Backend;
use crate::frames::{
    CONTINUATION, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PREFACE, REQUEST, RST_STREAM,
    SETTINGS, frame, read_frame,
};
use crate::process::Router;

/// What a flood may cost in memory, in bytes: far below what it sends.
const MOST: usize = 64 << 20;

/// Calls `flood`, then asks as anybody else would; the router must not have grown by more than [`MOST`].
fn survives(more: &[&str], flood: impl FnOnce(&Router)) {
    let backend = Backend::named("a");
    let router = Router::start(&[("a", backend.address, 1)], more);
    assert_eq!(router.client().get("/").status(), 200);
    let before = router.memory();
    flood(&router);
    assert_eq!(router.client().get("/").status(), 200);
    let grown = router.memory().saturating_sub(before);
    assert!(grown < MOST, "grown by {grown} bytes");
}

#[test]
fn slow_clients_beyond_all_places_hold_up_nobody_for_long() {
    let limits = ["--max-connections", "64", "--header-timeout", "0.2"];
    let mut held = Vec::new();
    survives(&limits, |router| {
        for _ in 0..400 {
            let mut client = TcpStream::connect(router.address).unwrap();
            let _ = client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx: ");
            held.push(client);
        }
    });
}

#[test]
fn header_sections_without_end_are_cut_off() {
    let field = format!("x: {}\r\n", "x".repeat(1000));
    survives(&[], |router| {
        for _ in 0..32 {
            let mut client = TcpStream::connect(router.address).unwrap();
            client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").unwrap();
            let cut = (0..1 << 17).any(|_| client.write_all(field.as_bytes()).is_err());
            assert!(cut, "128 MiB of fields were taken");
        }
    });
}

#[test]
fn tiny_chunks_cost_no_memory_and_their_extensions_end() {
    let begin = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    survives(&[], |router| {
        let mut client = router.client();
        client.send(begin);
        for _ in 0..1000 {
            client.send("1\r\na\r\n".repeat(100));
        }
        client.send("0\r\n\r\n");
        assert_eq!(client.receive().status(), 200);
        // Extensions are passed over, though not for ever.
        let mut client = router.client();
        client.send(begin);
        client.send("1;x=y\r\na\r\n".repeat(6000));
        assert_eq!(client.receive().status(), 400);
    });
}

/// Sends what `next` makes until the router has had enough, and returns the error of its GOAWAY.
fn goaway(router: &Router, mut next: impl FnMut(u32) -> Vec<u8>) -> Option<u32> {
    let mut stream = TcpStream::connect(router.address).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let answers = thread::spawn(move || {
        let (mut all, mut part) = (Vec::new(), [0; 4096]);
        // What was read before a reset counts, too.
        while let Ok(read @ 1..) = reader.read(&mut part) {
            all.extend(&part[..read]);
        }
        all
    });
    stream.write_all(PREFACE).unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    let cut = (0..100_000).any(|step| stream.write_all(&next(step)).is_err());
    assert!(cut, "the router has not had enough");
    let _ = stream.shutdown(Shutdown::Write);
    let answers = answers.join().unwrap();
    let (mut rest, mut error) = (answers.as_slice(), None);
    while let Some(Frame { kind, payload, .. }) = read_frame(&mut rest) {
        if kind == GOAWAY {
            error = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
        }
    }
    error
}

#[test]
fn streams_that_are_reset_at_once_end_their_connection() {
    survives(&[], |router| {
        let error = goaway(router, |step| {
            let stream = 2 * step + 1;
            let mut both = frame(HEADERS, END_HEADERS | END_STREAM, stream, &REQUEST);
            both.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
            both
        });
        // ENHANCE_YOUR_CALM, unless a reset of the connection was faster.
        assert!(error.is_none_or(|error| error == 11), "{error:?}");
    });
}

#[test]
fn header_blocks_without_end_end_their_connection() {
    // A field that is never indexed: `x: ` and 126 bytes.
    let mut field = vec![0x00, 1, b'x', 126];
    field.extend([b'y'; 126]);
    let fields = field.repeat(100);
    survives(&[], |router| {
        let error = goaway(router, |step| match step {
            0 => frame(HEADERS, END_STREAM, 1, &REQUEST),
            _ => frame(CONTINUATION, 0, 1, &fields),
        });
        assert!(error.is_none_or(|error| error != 0), "{error:?}");
    });
}

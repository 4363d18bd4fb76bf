//! Clients and backends that stop reading while their connection lives: they are let go, and who reads slowly is not.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;
use tempfile::TempDir;

use crate::backend::{Backend, handing_over, ok};
use crate::client::Client;
use crate::frames::{
    DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, REQUEST, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, frame, next_frame,
};
use crate::process::Router;
use crate::serving::{file, objects, service};

const ROUTE: &str = "  rules: [{ backendRefs: [{ name: a, port: 80 }] }]\n";

/// More than all buffers on the way hold together.
const LARGE: usize = 64 << 20;

/// One endpoint whose breaker opens at its first failure.
pub(crate) fn breaking(address: SocketAddr, port: &str, more: &[&str]) -> (Router, TempDir) {
    let policy = format!(
        "  sites: [{{ name: only, endpoints: [\"{address}\"] }}]\n  \
         breaker: {{ calls: 10, minimumCalls: 1, waitInOpen: 600s }}\n  retry: {{ attempts: 0 }}\n"
    );
    let (directory, path) = file(&(objects(ROUTE, &[]) + &service("a", &policy, port)));
    (Router::serving(&[&path], &[80], more), directory)
}

pub(crate) fn is_open(router: &Router) -> bool {
    router.client().get("/").status() == 503
}

/// Sends a body that the endpoint never takes all of; the answer's status and text.
fn upload(router: &Router) -> (u16, String) {
    let mut client = router.client();
    client.send(format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGE}\r\n\r\n"
    ));
    let mut writer = client.reader().get_ref().try_clone().unwrap();
    // It is cut off when the router has answered.
    let sending = thread::spawn(move || {
        let part = vec![b'x'; 1 << 16];
        (0..LARGE >> 16).all(|_| writer.write_all(&part).is_ok())
    });
    let answer = client.receive();
    drop(client);
    assert!(!sending.join().unwrap(), "all of the body was taken");
    (answer.status(), answer.text().to_owned())
}

#[test]
fn an_upload_that_the_endpoint_stops_reading_is_its_failure() {
    let (address, connections) = handing_over();
    let (router, _directory) = breaking(address, "", &["--stall-timeout", "3"]);
    let (status, text) = upload(&router);
    assert_eq!(
        (status, text.as_str()),
        (504, "504 backend a stopped reading the request\n")
    );
    assert!(is_open(&router));
    drop(connections);
}

#[test]
fn an_upload_for_which_an_http2_endpoint_gives_no_room_is_its_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let endpoint = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut preface = vec![0; PREFACE.len()];
        stream.read_exact(&mut preface).unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
        // It lives, and never says that there is room for more.
        while let Some(frame) = next_frame(&mut stream) {
            if frame.kind == RST_STREAM {
                return true;
            }
        }
        false
    });
    // Within half of it every ping must be answered.
    let more = ["--stall-timeout", "3"];
    let (router, _directory) = breaking(address, ", appProtocol: kubernetes.io/h2c", &more);
    let (status, text) = upload(&router);
    assert_eq!(
        (status, text.as_str()),
        (504, "504 backend a stopped reading the request\n")
    );
    assert!(is_open(&router));
    assert!(endpoint.join().unwrap(), "the endpoint was told");
}

fn large() -> Backend {
    Backend::answering(|request| match request.first.as_str() {
        "GET /small HTTP/1.1" => ok("small"),
        _ => ok(&"x".repeat(LARGE)),
    })
}

#[test]
fn a_client_that_never_reads_its_answer_loses_its_place() {
    let backend = large();
    let limits = ["--stall-timeout", "0.5", "--max-connections", "1"];
    let router = Router::start(&[("a", backend.address, 1)], &limits);
    let mut first = router.client();
    first.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    // There is room for one: this one comes after.
    assert_eq!(router.client().get("/small").text(), "small");
    let mut read = Vec::new();
    let _ = first.reader().read_to_end(&mut read);
    assert!(read.len() < LARGE);
}

/// An HTTP/2 client that has asked for `/` on stream 1, and gives no room but the first.
fn http2_client(router: &Router) -> TcpStream {
    let mut stream = TcpStream::connect(router.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(PREFACE).unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    let request = frame(HEADERS, END_HEADERS | END_STREAM, 1, &REQUEST);
    stream.write_all(&request).unwrap();
    stream
}

#[test]
fn an_http2_stream_for_which_there_is_never_room_is_reset() {
    let backend = large();
    let limits = ["--stall-timeout", "3", "--max-requests", "1"];
    let router = Router::start(&[("a", backend.address, 1)], &limits);
    let mut stream = http2_client(&router);
    let mut kinds = Vec::new();
    while !kinds.contains(&RST_STREAM) {
        let frame = next_frame(&mut stream).expect("the connection lives");
        kinds.push(frame.kind);
    }
    assert!(kinds.contains(&DATA));
    // What it held of the endpoint is free.
    assert_eq!(router.client().get("/small").text(), "small");
}

#[test]
fn an_http2_connection_that_nobody_uses_is_given_up() {
    let backend = Backend::named("a");
    let limits = ["--stall-timeout", "2", "--max-connections", "1"];
    let router = Router::start(&[("a", backend.address, 1)], &limits);
    let mut stream = http2_client(&router);
    let mut kinds = Vec::new();
    // It answers every ping.
    while let Some(frame) = next_frame(&mut stream) {
        kinds.push(frame.kind);
    }
    assert!(
        kinds.contains(&DATA) && kinds.contains(&GOAWAY),
        "{kinds:?}"
    );
    assert_eq!(router.client().get("/").text(), "a");
}

#[test]
fn clients_that_read_slowly_are_served() {
    const STEPS: u32 = 60;
    let pause = || thread::sleep(Duration::from_millis(50));
    let limit = "1.5";
    let body = "x".repeat(STEPS as usize * 30_000);
    let length = body.len();
    let backend = Backend::answering(move |_| ok(&body));
    let router = Router::start(&[("a", backend.address, 1)], &["--stall-timeout", limit]);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut stream = http2_client(&router);
            let (mut read, began) = (0, Instant::now());
            // The window of the connection and of the stream.
            let room = [0, 1].map(|id| frame(WINDOW_UPDATE, 0, id, &30_000_u32.to_be_bytes()));
            while read < length {
                let given = read / 30_000;
                let frame = next_frame(&mut stream).expect("the connection lives");
                assert_ne!(frame.kind, RST_STREAM);
                assert!(frame.stream == 1 || frame.kind != DATA);
                if frame.kind == DATA {
                    read += frame.payload.len();
                }
                if read / 30_000 > given {
                    pause();
                    stream.write_all(&room.concat()).unwrap();
                }
            }
            assert!(began.elapsed() > Duration::from_secs(2));
        });
        scope.spawn(|| {
            let mut client = Client::connect(router.address);
            SockRef::from(client.reader().get_ref())
                .set_recv_buffer_size(16_384)
                .unwrap();
            client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
            let head = client.head();
            assert_eq!(head.field("content-length"), Some(&*length.to_string()));
            let mut part = vec![0; 30_000];
            for _ in 0..STEPS {
                pause();
                client.reader().read_exact(&mut part).unwrap();
            }
        });
    });
}

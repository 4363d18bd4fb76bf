//! TLS and HTTP/2, with clients that are not the router's own code.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::backend::Backend;
use crate::process::Router;
use crate::serving::{file, objects, service};

/// A certificate of its own authority for a name, as a secret.
fn secret(name: &str, host: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
    let indented = |pem: String| {
        pem.lines()
            .map(|line| format!("    {line}\n"))
            .collect::<String>()
    };
    let text = format!(
        "---\napiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: {{ name: {name} }}\nstringData:\n  \
         tls.crt: |\n{}  tls.key: |\n{}",
        indented(made.cert.pem()),
        indented(made.signing_key.serialize_pem())
    );
    (made.cert.pem(), text)
}

fn gateway(listeners: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{ name: gw }}\nspec: {{ listeners: [{listeners}] }}\n---\n\
         apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{ name: route }}\n\
         spec: {{ parentRefs: [{{ name: gw }}], rules: [{{ backendRefs: [{{ name: a, port: 80 }}] }}] }}\n"
    )
}

fn listener(name: &str, host: &str, secret: &str) -> String {
    format!(
        "{{ name: {name}, port: 443, protocol: HTTPS, hostname: {host}, tls: {{ certificateRefs: [{{ name: {secret} }}] }} }}"
    )
}

fn endpoint(address: SocketAddr) -> String {
    format!("  sites: [{{ name: only, endpoints: [\"{address}\"] }}]\n")
}

/// One request over TLS for `server`, trusting `authority` alone.
async fn over_tls(
    address: SocketAddr,
    authority: &str,
    server: &str,
    host: &str,
    http2: bool,
) -> Result<(u16, String), String> {
    let mut roots = RootCertStore::empty();
    let authority =
        rustls::pki_types::CertificateDer::from_pem_slice(authority.as_bytes()).unwrap();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![if http2 {
        b"h2".to_vec()
    } else {
        b"http/1.1".to_vec()
    }];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(server.to_owned()).unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await;
    let stream = TokioIo::new(stream.map_err(|error| error.to_string())?);
    let request = |uri: String| Request::get(uri).body(Full::<Bytes>::default()).unwrap();
    let response = if http2 {
        let (mut sender, driver) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
                .await
                .unwrap();
        tokio::spawn(driver);
        sender
            .send_request(request(format!("https://{host}/")))
            .await
    } else {
        let (mut sender, driver) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(driver);
        let mut request = request("/".into());
        request.headers_mut().insert("host", host.parse().unwrap());
        sender.send_request(request).await
    };
    let response = response.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Ok((status, String::from_utf8(body.to_vec()).unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_have_their_own_certificates_and_no_others_hosts() {
    let a = Backend::answering(|m| {
        let proto = m.field("x-forwarded-proto").unwrap_or_default();
        crate::backend::ok(proto)
    });
    let ((one, one_secret), (two, two_secret)) =
        (secret("one", "one.example"), secret("two", "two.example"));
    let listeners = format!(
        "{}, {}",
        listener("one", "one.example", "one"),
        listener("two", "two.example", "two")
    );
    let text =
        gateway(&listeners) + &service("a", &endpoint(a.address), "") + &one_secret + &two_secret;
    let (_directory, path) = file(&text);
    let router = Router::serving(&[&path], &[443], &[]);
    for http2 in [false, true] {
        let ask =
            |authority, server, host| over_tls(router.address, authority, server, host, http2);
        assert_eq!(
            ask(&one, "one.example", "one.example").await,
            Ok((200, "https".into()))
        );
        assert_eq!(
            ask(&two, "two.example", "two.example").await,
            Ok((200, "https".into()))
        );
        assert!(
            ask(&two, "one.example", "one.example").await.is_err(),
            "another's certificate"
        );
        let (status, _) = ask(&one, "one.example", "two.example").await.unwrap();
        assert_eq!(status, 421);
    }
    assert_eq!(a.received().len(), 4);
    // A renewed certificate is served from the next connection on.
    let (renewed, renewed_secret) = secret("one", "one.example");
    std::fs::write(&path, text.replace(&one_secret, &renewed_secret)).unwrap();
    assert_eq!(router.admin("POST", "/reload").status(), 200);
    let ask = |authority| {
        over_tls(
            router.address,
            authority,
            "one.example",
            "one.example",
            true,
        )
    };
    assert_eq!(ask(&renewed).await.map(|(status, _)| status), Ok(200));
    assert!(ask(&one).await.is_err());
}

/// A gRPC-like service: HTTP/2 from the first byte on, an answer with trailers.
async fn grpc() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service_fn(|request: Request<Incoming>| async move {
                let said = format!(
                    "{:?} {} {:?}",
                    request.version(),
                    request.uri(),
                    request.headers().get("te")
                );
                let length = request
                    .into_body()
                    .collect()
                    .await
                    .unwrap()
                    .to_bytes()
                    .len();
                let trailers = [("grpc-status".parse().unwrap(), "0".parse().unwrap())];
                let frames = vec![
                    Frame::data(Bytes::from(format!("{said} {length}"))),
                    Frame::trailers(trailers.into_iter().collect()),
                ];
                Ok::<_, Infallible>(Response::new(Frames(frames.into_iter())))
            });
            tokio::spawn(
                hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    address
}

/// A body of frames that are there already.
struct Frames(std::vec::IntoIter<Frame<Bytes>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_passes_from_the_first_byte_on_with_trailers() {
    let address = grpc().await;
    let route = "  rules: [{ backendRefs: [{ name: a, port: 80 }] }]\n";
    let h2c = service("a", &endpoint(address), ", appProtocol: kubernetes.io/h2c");
    let (_directory, path) = file(&(objects(route, &[]) + &h2c));
    let router = Router::serving(&[Path::new(&path)], &[80], &[]);
    let stream = TokioIo::new(TcpStream::connect(router.address).await.unwrap());
    let (mut sender, driver) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    tokio::spawn(driver);
    let mut ask = |body: Vec<u8>| {
        let request =
            Request::post("http://shop.example/pkg.Service/Call").header("te", "trailers");
        sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap())
    };
    for length in [0, 10, 1 << 20] {
        let answer = ask(vec![7; length]).await.unwrap();
        assert_eq!(answer.status(), 200);
        let collected = answer.into_body().collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap();
        assert_eq!(trailers["grpc-status"], "0");
        let text = collected.to_bytes();
        let expected =
            format!("HTTP/2.0 http://shop.example/pkg.Service/Call Some(\"trailers\") {length}");
        assert_eq!(std::str::from_utf8(&text).unwrap(), expected);
    }
    // A Host that says something else than :authority could be read as either.
    let request = Request::get("http://shop.example/").header("host", "other.example");
    let answer = sender
        .send_request(request.body(Full::default()).unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_came_in_pieces_is_whole_again() {
    let backend = Backend::named("a");
    let router = Router::start(&[("a", backend.address, 1)], &[]);
    let stream = TokioIo::new(TcpStream::connect(router.address).await.unwrap());
    let (mut sender, driver) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    tokio::spawn(driver);
    let request = Request::get("http://shop.example/");
    let request = request
        .header("cookie", "a=1")
        .header("cookie", "b=2; c=3")
        .body(Full::<Bytes>::default());
    let answer = sender.send_request(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let sent = &backend.received()[0];
    assert_eq!(sent.field("cookie"), Some("a=1; b=2; c=3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_has_a_certificate_for_each_of_its_names() {
    let a = Backend::named("a");
    let (other, other_secret) = secret("other", "other.example");
    let (wildcard, wildcard_secret) = secret("wildcard", "*.one.example");
    let (exact, exact_secret) = secret("exact", "a.one.example");
    let references = "[{ name: other }, { name: wildcard }, { name: exact }]";
    let listener = format!(
        "{{ name: all, port: 443, protocol: HTTPS, tls: {{ certificateRefs: {references} }} }}"
    );
    let rest = gateway(&listener) + &service("a", &endpoint(a.address), "");
    let (_directory, path) =
        file(&(rest.clone() + &other_secret + &wildcard_secret + &exact_secret));
    let router = Router::serving(&[&path], &[443], &[]);
    let ask = |authority, server| over_tls(router.address, authority, server, server, true);
    let served = Ok((200, "a".to_owned()));
    assert_eq!(ask(&exact, "a.one.example").await, served);
    assert_eq!(ask(&exact, "A.One.Example").await, served);
    assert_eq!(ask(&wildcard, "b.one.example").await, served);
    assert_eq!(ask(&other, "other.example").await, served);
    assert!(ask(&wildcard, "a.one.example").await.is_err());
    // The first is for whoever nothing else is for: it is the one that this client then does not want.
    for name in ["one.example", "c.b.one.example", "nobody.example"] {
        let refused = ask(&other, name).await.unwrap_err();
        assert!(refused.contains("not valid for name"), "{name}: {refused}");
    }

    // Each is renewed on its own.
    let (renewed, renewed_secret) = secret("exact", "a.one.example");
    std::fs::write(
        &path,
        rest + &other_secret + &wildcard_secret + &renewed_secret,
    )
    .unwrap();
    assert_eq!(router.admin("POST", "/reload").status(), 200);
    assert_eq!(ask(&renewed, "a.one.example").await, served);
    assert!(ask(&exact, "a.one.example").await.is_err());
    assert_eq!(ask(&wildcard, "b.one.example").await, served);
}

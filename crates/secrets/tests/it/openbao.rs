//! OpenBao: a real server for what it answers, a small fake one for what no honest server does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use narae_secrets::SecretBytes;
use narae_secrets::store::openbao::{Environment, OpenBao, Options};
use narae_secrets::store::{SecretPath, Store as _, StoreErrorKind as K, Version};
use narae_testservers::{Watchdog, skip};

use crate::material::secret;

const ROOT: &str = "root-token";

/// A development server on a free port, with its own home; killed with this value.
struct Server {
    child: Option<(Child, Watchdog)>,
    address: String,
    token: String,
    _home: Option<tempfile::TempDir>,
}

impl Server {
    /// The server at `BAO_ADDR` if there is one, else a new one of the `bao` on PATH, else nothing.
    fn start(what: &str) -> Option<Self> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let (Some(address), Some(token)) = (set("BAO_ADDR"), set("BAO_TOKEN")) {
            return Some(Self {
                child: None,
                address,
                token,
                _home: None,
            });
        }
        Self::spawn(what, &[])
    }

    /// With `-dev-tls` among the options the server speaks TLS, its CA in the home it is given.
    fn spawn(what: &str, options: &[&str]) -> Option<Self> {
        let scheme = if options.contains(&"-dev-tls") {
            "https"
        } else {
            "http"
        };
        let home = tempfile::tempdir().unwrap();
        // The port is free when chosen; whoever takes it before the server does is found by the
        // server's refusal to start.
        for _ in 0..3 {
            let port = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            let listen = format!("127.0.0.1:{port}");
            let child = Command::new("bao")
                .args(["server", "-dev", "-dev-no-store-token"])
                .arg(format!("-dev-listen-address={listen}"))
                .arg(format!("-dev-root-token-id={ROOT}"))
                .args(options)
                .env("HOME", home.path())
                .current_dir(home.path())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn();
            let Ok(mut child) = child else { break };
            let watchdog = Watchdog::over(&child);
            let output = BufReader::new(child.stdout.take().unwrap());
            let mut server = Self {
                child: Some((child, watchdog)),
                address: format!("{scheme}://{listen}"),
                token: ROOT.to_owned(),
                _home: None,
            };
            if server.is_up(output) {
                server._home = Some(home);
                return Some(server);
            }
        }
        skip(
            "`bao` on PATH that starts, nor BAO_ADDR and BAO_TOKEN",
            what,
        );
        None
    }

    /// Reads the server's banner until it says that it is ready, then keeps its pipe from filling.
    fn is_up(&self, output: BufReader<std::process::ChildStdout>) -> bool {
        let mut lines = output.lines();
        let up = lines
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains("Root Token"));
        std::thread::spawn(move || lines.for_each(drop));
        if !up || self.address.starts_with("https") {
            return up;
        }
        (0..200).any(|_| {
            let ready = self.status("GET", "sys/health", None) == 200;
            if !ready {
                std::thread::yield_now();
            }
            ready
        })
    }

    /// Sends a request as root, over a plain socket: independent of the code under test.
    fn call(&self, method: &str, path: &str, body: Option<&str>) -> (u16, String) {
        let host = self.address.trim_start_matches("http://");
        let body = body.unwrap_or_default();
        let request = format!(
            "{method} /v1/{path} HTTP/1.1\r\nHost: {host}\r\nX-Vault-Token: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.token,
            body.len()
        );
        let mut answer = String::new();
        let Ok(mut socket) = std::net::TcpStream::connect(host) else {
            return (0, answer);
        };
        socket.write_all(request.as_bytes()).unwrap();
        socket.read_to_string(&mut answer).unwrap();
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .unwrap_or(0);
        (status, answer)
    }

    fn status(&self, method: &str, path: &str, body: Option<&str>) -> u16 {
        self.call(method, path, body).0
    }

    fn must(&self, method: &str, path: &str, body: &str) -> String {
        let (status, answer) = self.call(method, path, Some(body));
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        answer
    }

    /// A token of these policies (a JSON list).
    fn token_of(&self, body: &str) -> String {
        let answer = self.must("POST", "auth/token/create", body);
        let (_, rest) = answer.split_once("\"client_token\":\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    fn store(&self, token: &str) -> OpenBao {
        self.store_with(token, |options| options)
    }

    fn store_with(&self, token: &str, with: impl FnOnce(Options) -> Options) -> OpenBao {
        OpenBao::connect("main", with(Options::new(&self.address, secret(token)))).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((mut child, watchdog)) = self.child.take() {
            drop(watchdog);
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

fn path(text: &str) -> SecretPath {
    text.parse().unwrap()
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

fn kind(store: &OpenBao, at: &str, number: Option<u64>) -> K {
    store
        .read(&path(at), number.map(version))
        .unwrap_err()
        .kind()
        .clone()
}

#[test]
fn versions_are_read_and_told_apart() {
    let Some(server) = Server::start("versions") else {
        return;
    };
    // A mount of this run's own, so that a given server may be used again.
    let mount = format!("narae-{}", std::process::id());
    server.must(
        "POST",
        &format!("sys/mounts/{mount}"),
        r#"{"type":"kv","options":{"version":"2"}}"#,
    );
    let data = |at: &str| format!("{mount}/data/{at}");
    // The engine upgrades itself in the background after mounting; until then it answers 400.
    assert!((0..1000).any(|_| {
        server.status(
            "POST",
            &data("shop/db"),
            Some(r#"{"data":{"password":"one"}}"#),
        ) == 200
    }));
    let values =
        r#"{"data":{"password":"tw\u00f6\n","port":5432,"tls":true,"more":{"a":[1.5,null]}}}"#;
    server.must("POST", &data("shop/db"), values);
    for _ in 0..2 {
        server.must("POST", &data("shop/db"), r#"{"data":{"k":"v"}}"#);
    }
    server.must(
        "POST",
        &format!("{mount}/delete/shop/db"),
        r#"{"versions":[3]}"#,
    );
    server.must(
        "POST",
        &format!("{mount}/destroy/shop/db"),
        r#"{"versions":[4]}"#,
    );

    server.must("POST", &data("nulls"), r#"{"data":{"gone":null,"k":"v"}}"#);

    let store = server.store(&server.token);
    let nulls = store.read(&path(&format!("{mount}/nulls")), None).unwrap();
    let keys: Vec<&String> = nulls.data.keys().collect();
    assert_eq!(keys, ["k"], "a null is no value");
    let at = format!("{mount}/shop/db");
    let one = store.read(&path(&at), Some(version(1))).unwrap();
    assert_eq!(
        (one.version, &one.data["password"]),
        (Some(version(1)), &secret("one"))
    );
    let two = store.read(&path(&at), Some(version(2))).unwrap();
    let text = |key: &str| str::from_utf8(two.data[key].expose()).unwrap().to_owned();
    assert_eq!(text("password"), "twö\n");
    assert_eq!(text("port"), "5432");
    assert_eq!(text("tls"), "true");
    assert_eq!(text("more").replace(' ', ""), r#"{"a":[1.5,null]}"#);

    assert_eq!(
        kind(&store, &at, Some(3)),
        K::Deleted {
            version: version(3)
        }
    );
    assert_eq!(
        kind(&store, &at, Some(4)),
        K::Destroyed {
            version: version(4)
        }
    );
    assert_eq!(
        kind(&store, &at, None),
        K::Destroyed {
            version: version(4)
        }
    );
    assert_eq!(
        kind(&store, &at, Some(5)),
        K::VersionNotFound {
            version: version(5)
        }
    );
    assert_eq!(kind(&store, &format!("{mount}/nothing"), None), K::NotFound);
    assert_eq!(
        kind(&store, &format!("{mount}/nothing"), Some(1)),
        K::NotFound
    );
    assert_eq!(
        kind(&store, "no-mount/x", None),
        K::MountNotFound {
            mount: "no-mount".to_owned()
        }
    );
    assert_eq!(kind(&store, &mount, None), K::NotFound);

    // Names that URLs treat specially arrive as they are.
    for name in ["a b", "a?version=1", "a#b", "a%2fb", "한글", "a+b&c"] {
        server.must("POST", &data("odd"), r#"{"data":{"k":"v"}}"#);
        assert_eq!(
            kind(&store, &format!("{mount}/odd/{name}"), None),
            K::NotFound,
            "{name}"
        );
    }
    let escaped = server.must("POST", &data("a%20b%3Fc%23d%25"), r#"{"data":{"k":"odd"}}"#);
    assert!(escaped.contains("\"version\":1"));
    let odd = store
        .read(&path(&format!("{mount}/a b?c#d%")), None)
        .unwrap();
    assert_eq!(odd.data["k"], secret("odd"));

    // A mount within another's name, and a mount of two segments.
    let deep = format!("{mount}-deep/kv");
    server.must(
        "POST",
        &format!("sys/mounts/{deep}"),
        r#"{"type":"kv","options":{"version":"2"}}"#,
    );
    let write = format!("{deep}/data/x");
    assert!(
        (0..1000).any(|_| server.status("POST", &write, Some(r#"{"data":{"k":"deep"}}"#)) == 200)
    );
    let with = server.store_with(&server.token, |options| {
        options.with_mount(deep.parse().unwrap())
    });
    assert_eq!(
        with.read(&path(&format!("{deep}/x")), None).unwrap().data["k"],
        secret("deep")
    );
    assert_eq!(
        with.read(&path(&at), Some(version(1))).unwrap().data["password"],
        secret("one")
    );

    // Version 1 of the engine: known by its answer, not misread.
    let old = format!("{mount}-v1");
    server.must(
        "POST",
        &format!("sys/mounts/{old}"),
        r#"{"type":"kv","options":{"version":"1"}}"#,
    );
    server.must("POST", &format!("{old}/data/x"), r#"{"k":"v"}"#);
    assert!(matches!(
        kind(&store, &format!("{old}/x"), None),
        K::UnexpectedAnswer { .. }
    ));
}

#[test]
fn tokens_and_policies_are_told_apart() {
    let Some(server) = Server::start("tokens") else {
        return;
    };
    let mount = format!("narae-token-{}", std::process::id());
    server.must(
        "POST",
        &format!("sys/mounts/{mount}"),
        r#"{"type":"kv","options":{"version":"2"}}"#,
    );
    let write = format!("{mount}/data/shop");
    assert!((0..1000).any(|_| server.status("POST", &write, Some(r#"{"data":{"k":"v"}}"#)) == 200));
    let policy =
        format!(r#"{{"policy":"path \"{mount}/data/shop\" {{ capabilities = [\"read\"] }}"}}"#);
    server.must("POST", &format!("sys/policies/acl/{mount}"), &policy);

    let at = format!("{mount}/shop");
    let reader = server.token_of(&format!(r#"{{"policies":["{mount}"]}}"#));
    assert!(server.store(&reader).read(&path(&at), None).is_ok());
    // As it stands in a file: with a newline at its end.
    assert!(
        server
            .store(&format!(" {reader}\n"))
            .read(&path(&at), None)
            .is_ok()
    );
    assert_eq!(
        kind(&server.store(&reader), &format!("{mount}/other"), None),
        K::PermissionDenied
    );
    // A token that may not even look at itself is known all the same.
    let bare = format!(r#"{{"policies":["{mount}"],"no_default_policy":true}}"#);
    let bare = server.store(&server.token_of(&bare));
    assert!(bare.read(&path(&at), None).is_ok());
    assert_eq!(
        kind(&bare, &format!("{mount}/other"), None),
        K::PermissionDenied
    );

    assert_eq!(kind(&server.store("s.wrong"), &at, None), K::TokenRefused);
    let revoked = server.token_of(r#"{"policies":["default"]}"#);
    server.must(
        "POST",
        "auth/token/revoke",
        &format!(r#"{{"token":"{revoked}"}}"#),
    );
    assert_eq!(kind(&server.store(&revoked), &at, None), K::TokenRefused);

    let nowhere = server.store_with(&server.token, |options| options.with_namespace("nowhere"));
    let namespace = "nowhere".to_owned();
    assert_eq!(
        kind(&nowhere, &at, None),
        K::NamespaceNotFound { namespace }
    );
    let team = format!("team-{}", std::process::id());
    server.must("POST", &format!("sys/namespaces/{team}"), "{}");
    server.must(
        "POST",
        &format!("{team}/sys/mounts/kv"),
        r#"{"type":"kv","options":{"version":"2"}}"#,
    );
    let write = format!("{team}/kv/data/x");
    assert!(
        (0..1000).any(|_| server.status("POST", &write, Some(r#"{"data":{"k":"team"}}"#)) == 200)
    );
    let inside = server.store_with(&server.token, |options| options.with_namespace(&team));
    assert_eq!(
        inside.read(&path("kv/x"), None).unwrap().data["k"],
        secret("team")
    );
}

#[test]
fn a_sealed_server_says_so_and_a_stopped_one_is_unreachable() {
    // Its own server in any case: a given one must not be sealed.
    let Some(server) = Server::spawn("sealing", &[]) else {
        return;
    };
    let store = server.store(ROOT);
    assert_eq!(server.status("POST", "sys/seal", None), 204);
    assert_eq!(kind(&store, "secret/x", None), K::Sealed);
    let address = server.address.clone();
    drop(server);
    assert_eq!(kind(&store, "secret/x", None), K::Unreachable { address });
}

#[test]
fn only_a_trusted_server_gets_the_token() {
    let options = ["-dev-tls", "-dev-tls-cert-dir=."];
    let Some(server) = Server::spawn("TLS", &options) else {
        return;
    };
    let home = server._home.as_ref().unwrap().path();
    let pem = std::fs::read_dir(home)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with("ca.pem"))
        .map(|path| std::fs::read(path).unwrap())
        .unwrap();
    let trusted = server.store_with(ROOT, |options| options.with_ca_pem(pem));
    assert_eq!(kind(&trusted, "secret/nothing", None), K::NotFound);

    let untrusted = || K::Untrusted {
        address: server.address.clone(),
    };
    assert_eq!(
        kind(&server.store(ROOT), "secret/nothing", None),
        untrusted()
    );
    let other = std::fs::read(crate::material::data("keys/2048.crt")).unwrap();
    let other = server.store_with(ROOT, |options| options.with_ca_pem(other));
    assert_eq!(kind(&other, "secret/nothing", None), untrusted());
}

/// Answers every connection with these bytes; gives the requests it saw.
struct Fake {
    address: String,
    seen: std::sync::mpsc::Receiver<String>,
}

impl Fake {
    fn new(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (send, seen) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let mut socket = socket.unwrap();
                let mut request = Vec::new();
                let mut buffer = [0; 4096];
                // A TLS client's first byte is 0x16; it is answered as soon as it speaks.
                while !request.windows(4).any(|end| end == b"\r\n\r\n")
                    && request.first() != Some(&0x16)
                {
                    match socket.read(&mut buffer) {
                        Ok(0) | Err(_) => break,
                        Ok(read) => request.extend_from_slice(&buffer[..read]),
                    }
                }
                if send
                    .send(String::from_utf8_lossy(&request).into_owned())
                    .is_err()
                {
                    return;
                }
                // The client may have hung up already: that is its right.
                let _ = socket.write_all(&answer);
            }
        });
        Self { address, seen }
    }

    fn answering(status: &str, body: &str) -> Self {
        Self::new(format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    fn store(&self) -> OpenBao {
        OpenBao::connect("main", self.options()).unwrap()
    }

    fn options(&self) -> Options {
        Options::new(&self.address, secret("s.CANARY"))
    }
}

#[test]
fn a_redirect_is_not_followed_and_the_token_stays() {
    let target = Fake::answering("200 OK", "{}");
    let elsewhere = target.address.replace("127.0.0.1", "localhost");
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let fake = Fake::new(format!(
            "HTTP/1.1 {status}\r\nLocation: {elsewhere}/v1/secret/data/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ));
        let kind = kind(&fake.store(), "secret/x", None);
        assert!(matches!(kind, K::Redirected { .. }), "{status}: {kind:?}");
    }
    assert!(target.seen.try_recv().is_err(), "the redirect was followed");
}

#[test]
fn requests_are_as_the_api_wants_them() {
    let fake = Fake::answering("404 Not Found", r#"{"errors":[]}"#);
    let options = Options::new(
        format!("{}/proxy/vault/", fake.address),
        secret("s.token\n"),
    );
    let store = OpenBao::connect("main", options.with_namespace("team")).unwrap();
    assert_eq!(kind(&store, "secret/a/b", Some(7)), K::NotFound);
    let request = fake.seen.recv().unwrap().to_ascii_lowercase();
    assert!(
        request.starts_with("get /proxy/vault/v1/secret/data/a/b?version=7 http/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nx-vault-token: s.token\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\nx-vault-namespace: team\r\n"),
        "{request}"
    );
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let limit = Duration::from_millis(200);
    let options = Options::new(&address, secret("t")).with_timeout(limit);
    let store = OpenBao::connect("main", options).unwrap();
    assert_eq!(
        kind(&store, "secret/x", None),
        K::Timeout { address, limit }
    );
}

#[test]
fn an_answer_without_end_or_too_large_is_given_up() {
    let endless = |head: &str| {
        let mut answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").into_bytes();
        answer.resize(answer.len() + 3 * 1024 * 1024, b' ');
        Fake::new(answer)
    };
    for head in ["Content-Length: 34603008", "Connection: close"] {
        let options = endless(head);
        let options = options.options().with_max_answer_bytes(1024 * 1024);
        let store = OpenBao::connect("main", options).unwrap();
        assert_eq!(
            kind(&store, "secret/x", None),
            K::TooLarge {
                limit_bytes: 1024 * 1024
            },
            "{head}"
        );
    }
}

#[test]
fn odd_answers_have_kinds_and_leak_nothing() {
    let reason = |kind: K| matches!(kind, K::UnexpectedAnswer { .. });
    for body in [
        "",
        "<h1>CANARY</h1>",
        "null",
        r#"{"data":{"data":{"password":"CANARY"},"metadata":{"version":"CANARY"}}}"#,
        r#"{"data":{"data":{"password":"CANARY"},"metadata":{}}}"#,
        r#"{"data":{"data":["CANARY"],"metadata":{"version":1}}}"#,
        r#"{"data":{"password":"CANARY"}}"#,
        r#"{"data":{"data":{"password":"CANARY\ud800"},"metadata":{"version":1}}}"#,
    ] {
        let fake = Fake::answering("200 OK", body);
        let error = fake.store().read(&path("secret/x"), None).unwrap_err();
        assert!(reason(error.kind().clone()), "{body}: {error}");
        assert!(
            !format!("{error} {error:?} {error:#?}").contains("CANARY"),
            "{error:?}"
        );
    }
    let garbage = Fake::new(*b"CANARY\r\n\r\n");
    assert!(reason(kind(&garbage.store(), "secret/x", None)));
    for (status, expected) in [
        ("429 Too Many", K::RateLimited),
        ("502 Bad Gateway", K::Server { status: 502 }),
        ("503 Unavailable", K::Server { status: 503 }),
        ("400 Bad Request", K::Server { status: 400 }),
    ] {
        let fake = Fake::answering(status, r#"{"errors":["CANARY"]}"#);
        let error = fake.store().read(&path("secret/x"), None).unwrap_err();
        assert_eq!(error.kind(), &expected);
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }
    let fake = Fake::answering(
        "200 OK",
        r#"{"data":{"data":{"k":"v","n":1234567890123456789012.50},"metadata":{"version":1,"new":[]}},"x":1}"#,
    );
    let found = fake.store().read(&path("secret/x"), None).unwrap();
    assert_eq!(found.data["k"], secret("v"));
    assert_eq!(found.data["n"], secret("1234567890123456789012.50"));
}

#[test]
fn https_to_a_plain_server_is_not_trusted() {
    let fake = Fake::answering("200 OK", "{}");
    let address = fake.address.replace("http://", "https://");
    let store = OpenBao::connect("main", Options::new(&address, secret("s.CANARY"))).unwrap();
    assert_eq!(kind(&store, "secret/x", None), K::Untrusted { address });
    assert!(!fake.seen.recv().unwrap().contains("CANARY"));
}

#[test]
fn options_that_cannot_work_are_said() {
    let refused = |options: Options| {
        let error = OpenBao::connect("main", options).unwrap_err();
        assert!(matches!(error.kind(), K::Configuration { .. }), "{error}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("CANARY"), "{text}");
        text
    };
    let token = || secret("CANARY");
    let at = "https://bao.example";
    assert!(refused(Options::new("bao.example:8200", token())).contains("address"));
    assert!(refused(Options::new("", token())).contains("address"));
    assert!(refused(Options::new("ftp://bao.example", token())).contains("ftp"));
    assert!(refused(Options::new("https://u:CANARY@bao.example", token())).contains("credentials"));
    assert!(refused(Options::new("https://bao.example?x=1", token())).contains("query"));
    assert!(refused(Options::new("http://bao.example", token())).contains("in the clear"));
    assert!(refused(Options::new(at, secret("CAN\nARY CANARY"))).contains("token"));
    assert!(refused(Options::new(at, secret(" \n"))).contains("token"));
    assert!(refused(Options::new(at, SecretBytes::new(vec![0xff]))).contains("token"));
    assert!(refused(Options::new(at, token()).with_namespace("a b")).contains("namespace"));
    assert!(refused(Options::new(at, token()).with_ca_pem("no certificate")).contains("CA"));
    let allowed = Options::new("http://bao.example", token()).with_plain_http_to_other_machines();
    assert_eq!(
        OpenBao::connect("main", allowed).unwrap().address(),
        "http://bao.example"
    );
    for local in ["http://localhost:1", "http://127.0.0.9:1", "http://[::1]:1"] {
        assert!(
            OpenBao::connect("main", Options::new(local, token())).is_ok(),
            "{local}"
        );
    }
}

#[test]
fn within_a_runtime_it_refuses_and_drops_in_peace() {
    static STORE: OnceLock<OpenBao> = OnceLock::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = || Options::new("http://127.0.0.1:1", secret("t"));
        let store = STORE.get_or_init(|| OpenBao::connect("main", options()).unwrap());
        assert_eq!(kind(store, "secret/x", None), K::InsideRuntime);
        drop(OpenBao::connect("main", options()).unwrap());
    });
}

#[test]
fn the_environment_is_read_as_openbao_reads_it() {
    let read = |set: &[(&str, &str)]| {
        Environment::read(|name| {
            set.iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    };
    let both = read(&[
        ("VAULT_ADDR", "v"),
        ("BAO_ADDR", "b"),
        ("VAULT_TOKEN", "t"),
        ("BAO_TOKEN", ""),
    ]);
    assert_eq!(both.address.as_deref(), Some("b"));
    assert_eq!(
        both.token,
        Some(secret("t")),
        "an empty variable is not set"
    );
    assert!(!format!("{both:?}").contains("\"t\""));
    let all = read(&[("BAO_NAMESPACE", "n"), ("VAULT_CACERT", "ca.pem")]);
    assert_eq!(all.namespace.as_deref(), Some("n"));
    assert_eq!(all.ca_certificate_file.as_deref(), Some("ca.pem"));
    assert!(all.options().is_none());
    assert!(both.options().is_some());
}

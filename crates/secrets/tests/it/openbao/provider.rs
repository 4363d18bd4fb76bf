//! A small identity provider on loopback: OpenID Connect's discovery, keys, authorization and token endpoints, as much as a server
//! asks for. It knows one user, who always agrees.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as URL_SAFE};

/// What it does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twist {
    Nothing,
    WrongState,
    WrongNonce,
    WrongSignature,
    UnknownCode,
    NoCode,
    Error(&'static str),
}

pub(super) struct Provider {
    pub(super) address: String,
    key: EcdsaKeyPair,
    state: Mutex<State>,
}

struct State {
    twist: Twist,
    /// Nonce and PKCE challenge by code.
    codes: HashMap<String, (String, Option<String>)>,
    logins: usize,
    verified: bool,
}

type Parameters = HashMap<String, String>;

impl Provider {
    pub(super) fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let provider = Arc::new(Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            state: Mutex::new(State {
                twist: Twist::Nothing,
                codes: HashMap::new(),
                logins: 0,
                verified: false,
            }),
        });
        let serving = Arc::clone(&provider);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let provider = Arc::clone(&serving);
                std::thread::spawn(move || provider.serve(stream));
            }
        });
        provider
    }

    pub(super) fn set(&self, twist: Twist) {
        self.state.lock().unwrap().twist = twist;
    }

    /// How often a code became a token.
    pub(super) fn logins(&self) -> usize {
        self.state.lock().unwrap().logins
    }

    /// Whether a code came with the verifier of its challenge.
    pub(super) fn verified(&self) -> bool {
        self.state.lock().unwrap().verified
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(&stream);
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let start = head.len();
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
            let line = head[start..].to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let target = head.split(' ').nth(1).unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (status, answer) = match path {
            "/.well-known/openid-configuration" => ("200 OK", self.configuration()),
            "/keys" => ("200 OK", self.keys()),
            "/authorize" => ("302 Found", self.authorize(&parameters(query))),
            "/token" => self.token(&head, &parameters(str::from_utf8(&body).unwrap())),
            _ => ("404 Not Found", String::new()),
        };
        let head = match status {
            "302 Found" => format!("Location: {answer}\r\nContent-Length: 0"),
            _ => format!(
                "Content-Type: application/json\r\nContent-Length: {}",
                answer.len()
            ),
        };
        let body = if status == "302 Found" { "" } else { &answer };
        // Whoever hung up wants nothing.
        let _ = write!(
            &stream,
            "HTTP/1.1 {status}\r\n{head}\r\nConnection: close\r\n\r\n{body}"
        );
    }

    fn configuration(&self) -> String {
        let at = &self.address;
        serde_json::json!({
            "issuer": at, "authorization_endpoint": format!("{at}/authorize"), "token_endpoint": format!("{at}/token"),
            "jwks_uri": format!("{at}/keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"], "code_challenge_methods_supported": ["S256"],
        })
        .to_string()
    }

    fn keys(&self) -> String {
        let point = self.key.public_key().as_ref();
        let (x, y) = (
            URL_SAFE.encode(&point[1..33]),
            URL_SAFE.encode(&point[33..]),
        );
        serde_json::json!({"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k", "x": x, "y": y}]}).to_string()
    }

    /// Where the browser is sent next.
    fn authorize(&self, asked: &Parameters) -> String {
        let mut state = self.state.lock().unwrap();
        let code = format!("code-{}", state.codes.len());
        let known = (asked["nonce"].clone(), asked.get("code_challenge").cloned());
        state.codes.insert(code.clone(), known);
        let (back, of) = (&asked["redirect_uri"], &asked["state"]);
        match state.twist {
            Twist::WrongState => format!("{back}?state=another&code={code}"),
            Twist::NoCode => format!("{back}?state={of}"),
            Twist::UnknownCode => format!("{back}?state={of}&code=code-of-nobody"),
            Twist::Error(code) => {
                format!("{back}?state={of}&error={code}&error_description=CANARY")
            }
            _ => format!("{back}?state={of}&code={code}"),
        }
    }

    fn token(&self, head: &str, asked: &Parameters) -> (&'static str, String) {
        let mut state = self.state.lock().unwrap();
        // In a header, or in the body where that was refused once.
        let basic = BASE64_STANDARD.encode("narae:s3cret");
        let posted = asked.get("client_secret");
        assert!(head.contains(&basic) || posted.is_some_and(|secret| secret == "s3cret"));
        let Some((nonce, challenge)) = state.codes.remove(&asked["code"]) else {
            return ("400 Bad Request", r#"{"error":"invalid_grant"}"#.to_owned());
        };
        if let Some(challenge) = challenge {
            let verifier = digest(&SHA256, asked["code_verifier"].as_bytes());
            assert_eq!(URL_SAFE.encode(verifier), challenge);
            state.verified = true;
        }
        state.logins += 1;
        let nonce = if state.twist == Twist::WrongNonce {
            "another"
        } else {
            &nonce
        };
        let part = |value: serde_json::Value| URL_SAFE.encode(value.to_string());
        let text = format!(
            "{}.{}",
            part(serde_json::json!({"alg": "ES256", "kid": "k", "typ": "JWT"})),
            part(serde_json::json!({
                "iss": self.address, "sub": "mina", "aud": "narae", "nonce": nonce, "iat": 1_700_000_000, "exp": 4_000_000_000_u64,
            }))
        );
        let signed = if state.twist == Twist::WrongSignature {
            "another"
        } else {
            &text
        };
        let signature = self
            .key
            .sign(&SystemRandom::new(), signed.as_bytes())
            .unwrap();
        let token = format!("{text}.{}", URL_SAFE.encode(signature));
        let answer = serde_json::json!({"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": token});
        ("200 OK", answer.to_string())
    }
}

fn parameters(text: &str) -> Parameters {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), unescaped(value)))
        .collect()
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().replace('+', " ").into_bytes();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(part[2..].replace('+', " ").as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

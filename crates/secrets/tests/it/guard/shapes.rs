//! Tokens and keys by their shape. None stands here in one piece: the file has to pass every scanner itself.

use narae_secrets::guard::{Guard, KnownValues, Shape, What};

fn shapes(text: &str) -> Vec<Shape> {
    let guard = Guard::new(KnownValues::new());
    let findings = super::findings(&guard, text.as_bytes());
    let shape = |what: &What| match what {
        What::Shape(shape) => *shape,
        other => panic!("{other}"),
    };
    findings
        .iter()
        .map(|finding| shape(&finding.what))
        .collect()
}

/// `length` characters of an alphabet, all over the place.
fn random(length: usize, alphabet: &str) -> String {
    let alphabet = alphabet.as_bytes();
    let at =
        |index: usize| char::from(alphabet[(index * index * 7 + index * 13 + 5) % alphabet.len()]);
    (0..length).map(at).collect()
}

const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn tokens() -> Vec<(Shape, String)> {
    let word = |prefix: &str, length| format!("{prefix}{}", random(length, WORD));
    let key = |kind: &str| {
        let body = [random(64, WORD), random(64, WORD)].join("\n");
        format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----")
    };
    let old_key = key("RSA PRIVATE KEY").replace(
        "KEY-----\n",
        "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0011\n\n",
    );
    let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, key("EC PRIVATE KEY"));
    vec![
        (Shape::VaultToken, word("hvs.", 24)),
        (Shape::VaultToken, word("hvs.CAESI", 90)),
        (Shape::VaultToken, word("hvb.AAAAAQ", 130)),
        (Shape::VaultToken, word("b.AAAAAQ", 130)),
        (Shape::VaultToken, word("s.", 24)),
        (Shape::AwsKey, format!("AKIA{}", random(16, UPPER))),
        (Shape::AwsKey, format!("ASIA{}", random(16, UPPER))),
        (Shape::AwsKey, word("aws_secret_access_key = ", 40)),
        (Shape::AwsKey, word("\"aws_secret_access_key\": \"", 40)),
        (Shape::GoogleKey, word("AIza", 35)),
        (Shape::GoogleKey, word("ya29.", 60)),
        (Shape::GoogleKey, word("GOCSPX-", 28)),
        (Shape::GithubToken, word("ghp_", 36)),
        (Shape::GithubToken, word("ghs_", 36)),
        (Shape::GithubToken, word("github_pat_", 82)),
        (Shape::GitlabToken, word("glpat-", 20)),
        (Shape::GitlabToken, word("gldt-", 20)),
        (
            Shape::SlackToken,
            format!("xoxb-{}-{}", random(12, "0123456789"), random(24, WORD)),
        ),
        (
            Shape::SlackToken,
            format!(
                "https://hooks.slack.com/services/T{}/B{}/{}",
                random(8, UPPER),
                random(8, UPPER),
                random(24, WORD)
            ),
        ),
        (
            Shape::Jwt,
            format!(
                "{}.{}.{}",
                word("eyJhbGciOi", 20),
                word("eyJpc3Mi", 60),
                random(86, WORD)
            ),
        ),
        (
            Shape::UrlPassword,
            format!("postgres://shop:{}@db:5432/shop", random(12, WORD)),
        ),
        (
            Shape::UrlPassword,
            "postgres://app:%40Dm1n-2024x@db".replace("app:", "shop:"),
        ),
        (
            Shape::UrlPassword,
            format!("postgres://shop:!{}@db", random(12, WORD)),
        ),
        (
            Shape::AgeKey,
            format!("AGE-SECRET-KEY-1{}", random(58, UPPER)),
        ),
        (Shape::PrivateKey, key("PRIVATE KEY")),
        (Shape::PrivateKey, key("OPENSSH PRIVATE KEY")),
        (Shape::PrivateKey, key("PGP PRIVATE KEY BLOCK")),
        (Shape::PrivateKey, old_key),
        (Shape::PrivateKey, key("PRIVATE KEY").replace('\n', "\\n")),
        (
            Shape::PrivateKey,
            key("EC PRIVATE KEY").replace('\n', "\n    "),
        ),
        (Shape::PrivateKey, encoded),
    ]
}

#[test]
fn every_shape_is_found_alone_and_in_text() {
    for (shape, token) in tokens() {
        assert_eq!(shapes(&token), [shape], "{token}");
        for (before, after) in [
            ("token: ", "\n"),
            ("{\"a\":\"", "\"}"),
            ("X-Token: ", " and more"),
            ("--token=", ""),
            ("(", ")"),
        ] {
            assert_eq!(
                shapes(&format!("{before}{token}{after}")),
                [shape],
                "{before}{token}"
            );
        }
    }
}

#[test]
fn shapes_are_found_at_every_border() {
    use std::io::Write as _;
    let guard = Guard::new(KnownValues::new());
    for (_, token) in tokens() {
        let text = format!("token: {token}\nnext: 1\n");
        let whole = super::findings(&guard, text.as_bytes());
        for border in (1..text.len()).step_by(3) {
            let (first, second) = text.as_bytes().split_at(border);
            let mut scanner = guard.scanner();
            scanner.feed(first);
            scanner.feed(second);
            assert_eq!(scanner.finish(), whole, "{token}, cut at {border}");
            let mut writer = guard.writer("x", Vec::new());
            let first = writer.write_all(first).and_then(|()| writer.flush());
            let second = writer.write_all(second).and_then(|()| writer.flush());
            assert!(first.and(second).is_err(), "{token}, cut at {border}");
            assert!(
                writer.get_ref().len() as u64 <= whole[0].offset,
                "{token}, cut at {border}"
            );
        }
    }
}

#[test]
fn stand_ins_and_mentions_are_not_found() {
    for text in [
        "token: hvs.xxxxxxxxxxxxxxxxxxxxxxxx",
        "hvs.… is a token of Vault, AKIA one of AWS",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_************************************",
        "the header `-----BEGIN PRIVATE KEY-----` and the footer `-----END PRIVATE KEY-----`",
        "if text.starts_with(\"-----BEGIN RSA PRIVATE KEY-----\") { return Some(Kind::Pkcs1EncodedPrivateKeyInPemAsOpensslWritesIt); }".split_at(80).0,
        "postgres://shop:${PASSWORD}@db/shop postgres://shop:$PASSWORD@db",
        "postgres://shop:%(password)s@db postgres://shop:%PASSWORD%@db postgres://shop:<password>@db",
        "https://user:{{ .Values.password }}@example.com https://user:password@example.com https://shop.example.com:8443/a@b",
        "https://shop.example.com/a?b=c:ddddddd@example.com git@github.com:shop/shop.git https://me@example.com",
        "args.abcdefghijklmnopqrstuvwx is.ABCDEFGHIJKLMNOPQRSTUVWX s.abcdefghijklmnopqrstuvwx",
        "eyJhbGciOiJIUzI1NiJ9 alone, eyJhbGciOiJIUzI1NiJ9.eyJh",
        "aws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}",
        "sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "-----BEGIN CERTIFICATE-----\nMIIDQTCCAimgAwIBAgITBmyfz5m3jAo54vB4ikPmljZbyjANBgkqhkiG9w0BAQsF\n-----END CERTIFICATE-----",
    ] {
        assert_eq!(shapes(text), [], "{text}");
    }
}

//! Tokens by their prefixes, as their issuers document them, and passwords in URLs.

use super::super::finding::Shape;
use super::{Read, Rule, Text, Verdict, is_stand_in, variety};

/// Different characters that a token drawn at random has at least.
const LEAST_VARIETY: usize = 8;
/// Longest run of characters read as one token.
const MOST: usize = 4096;

/// Prefix, shape, characters that follow, how many at least and at most.
type Token = (&'static str, Shape, fn(u8) -> bool, usize, usize);

const TOKENS: &[Token] = &[
    ("hvs.", Shape::VaultToken, is_url_word, 24, MOST),
    ("hvb.", Shape::VaultToken, is_url_word, 24, MOST),
    ("hvr.", Shape::VaultToken, is_url_word, 24, MOST),
    ("b.AAAAAQ", Shape::VaultToken, is_url_word, 24, MOST),
    ("AKIA", Shape::AwsKey, is_upper, 16, 16),
    ("ASIA", Shape::AwsKey, is_upper, 16, 16),
    ("AIza", Shape::GoogleKey, is_url_word, 35, 35),
    ("GOCSPX-", Shape::GoogleKey, is_url_word, 28, 28),
    ("ya29.", Shape::GoogleKey, is_url_word, 24, MOST),
    ("ghp_", Shape::GithubToken, is_alphanumeric, 36, 255),
    ("gho_", Shape::GithubToken, is_alphanumeric, 36, 255),
    ("ghu_", Shape::GithubToken, is_alphanumeric, 36, 255),
    ("ghs_", Shape::GithubToken, is_alphanumeric, 36, 255),
    ("ghr_", Shape::GithubToken, is_alphanumeric, 36, 255),
    ("github_pat_", Shape::GithubToken, is_url_word, 36, 255),
    ("glpat-", Shape::GitlabToken, is_dotted_word, 20, 320),
    ("gldt-", Shape::GitlabToken, is_dotted_word, 20, 320),
    ("glrt-", Shape::GitlabToken, is_dotted_word, 20, 320),
    ("glptt-", Shape::GitlabToken, is_dotted_word, 20, 320),
    ("glcbt-", Shape::GitlabToken, is_dotted_word, 20, 320),
    ("glagent-", Shape::GitlabToken, is_dotted_word, 20, 320),
    ("gloas-", Shape::GitlabToken, is_dotted_word, 20, 320),
    ("glsoat-", Shape::GitlabToken, is_dotted_word, 20, 320),
    ("xoxa-", Shape::SlackToken, is_url_word, 20, 320),
    ("xoxb-", Shape::SlackToken, is_url_word, 20, 320),
    ("xoxe-", Shape::SlackToken, is_url_word, 20, 320),
    ("xoxp-", Shape::SlackToken, is_url_word, 20, 320),
    ("xoxr-", Shape::SlackToken, is_url_word, 20, 320),
    ("xoxs-", Shape::SlackToken, is_url_word, 20, 320),
    ("xapp-", Shape::SlackToken, is_url_word, 20, 320),
    (
        "hooks.slack.com/services/",
        Shape::SlackToken,
        is_path,
        40,
        120,
    ),
    ("AGE-SECRET-KEY-1", Shape::AgeKey, is_upper, 58, 58),
];

pub(super) fn rules() -> impl Iterator<Item = Rule> {
    let tokens = TOKENS
        .iter()
        .map(|(literal, shape, ..)| (*literal, *shape, prefixed as Read));
    let others: [(&str, Shape, Read); 4] = [
        ("s.", Shape::VaultToken, service_token),
        ("eyJ", Shape::Jwt, jwt),
        ("://", Shape::UrlPassword, url_password),
        ("secret_access_key", Shape::AwsKey, aws_secret),
    ];
    tokens.chain(others).map(|(literal, shape, read)| Rule {
        literal,
        shape,
        read,
    })
}

fn prefixed(text: &Text<'_>, at: usize, end: usize) -> (usize, Verdict) {
    let prefix = text.slice(at, end);
    let token = TOKENS
        .iter()
        .find(|(literal, ..)| literal.as_bytes() == prefix);
    let Some((_, _, class, least, most)) = token else {
        return (at, Verdict::No);
    };
    (at, run(text, at, end, *class, *least, *most))
}

/// A token of `class` after a prefix, with nothing of it before the prefix.
fn run(
    text: &Text<'_>,
    at: usize,
    end: usize,
    class: fn(u8) -> bool,
    least: usize,
    most: usize,
) -> Verdict {
    if text.before(at).is_some_and(is_alphanumeric) {
        return Verdict::No;
    }
    let Some(stop) = text.run(end, most + 1, class) else {
        return text.cut();
    };
    let token = text.slice(end, stop);
    let is_one = (least..=most).contains(&token.len())
        && variety(token) >= LEAST_VARIETY
        && !token.ends_with(b"EXAMPLE");
    if is_one {
        Verdict::Found(stop)
    } else {
        Verdict::No
    }
}

/// `s.` and 24 letters and digits: a prefix this short needs a look at what follows.
fn service_token(text: &Text<'_>, at: usize, end: usize) -> (usize, Verdict) {
    if text.before(at).is_some_and(is_dotted_word) {
        return (at, Verdict::No);
    }
    let verdict = run(text, at, end, is_alphanumeric, 24, 24);
    if let Verdict::Found(stop) = verdict {
        let token = text.slice(end, stop);
        let has = |class: fn(&u8) -> bool| token.iter().any(class);
        let is_mixed =
            has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
        if !is_mixed {
            return (at, Verdict::No);
        }
    }
    (at, verdict)
}

/// Header, payload and signature (RFC 7515): base64 of `{"…` twice.
fn jwt(text: &Text<'_>, at: usize, end: usize) -> (usize, Verdict) {
    if text.before(at).is_some_and(is_url_word) {
        return (at, Verdict::No);
    }
    let read = || {
        let dot = text.run(end, MOST, is_url_word)?;
        if text.byte(dot).is_none() && !text.is_complete {
            return None;
        }
        let payload = dot + 1;
        let begin = text.slice(payload, payload + 3);
        if text.byte(dot) != Some(b'.') || !b"eyJ".starts_with(begin) {
            return Some(Verdict::No);
        }
        let dot_again = text.run(payload, MOST, is_url_word)?;
        if text.byte(dot_again).is_none() && !text.is_complete {
            return None;
        }
        if text.byte(dot_again) != Some(b'.') {
            return Some(Verdict::No);
        }
        let stop = text.run(dot_again + 1, MOST, is_url_word)?;
        let signature = text.slice(dot_again + 1, stop);
        let is_one = dot - at >= 16
            && dot_again - payload >= 12
            && signature.len() >= 20
            && variety(signature) >= LEAST_VARIETY;
        Some(if is_one {
            Verdict::Found(stop)
        } else {
            Verdict::No
        })
    };
    (at, read().unwrap_or_else(|| text.cut()))
}

/// `://user:password@` (RFC 3986, section 3.2.1).
fn url_password(text: &Text<'_>, at: usize, end: usize) -> (usize, Verdict) {
    // In a chart of redirects or a template, the user is no user.
    let Some(stop) = text.run(end, 512, is_user_information) else {
        return (at, text.cut());
    };
    let user = text.slice(end, stop);
    if stop < text.bytes.len() && text.byte(stop) != Some(b'@') {
        return (at, Verdict::No);
    }
    if text.byte(stop).is_none() {
        return (at, text.cut());
    }
    let Some(colon) = user.iter().position(|byte| *byte == b':') else {
        return (at, Verdict::No);
    };
    let password = user.get(colon + 1..).unwrap_or_default();
    let words: [&[u8]; 6] = [
        b"password",
        b"passwd",
        b"secret",
        b"changeme",
        b"example",
        b"redacted",
    ];
    let is_word = words.iter().any(|word| password.eq_ignore_ascii_case(word));
    let is_one =
        password.len() >= 6 && variety(password) >= 4 && !is_word && !is_stand_in(password);
    let verdict = if is_one {
        Verdict::Found(stop)
    } else {
        Verdict::No
    };
    (at, verdict)
}

/// `aws_secret_access_key = …`, as in a credentials file.
fn aws_secret(text: &Text<'_>, at: usize, end: usize) -> (usize, Verdict) {
    let Some(value) = text.run(end, 8, |byte| b" \t\"':=\\".contains(&byte)) else {
        return (at, text.cut());
    };
    let Some(stop) = text.run(value, 41, is_base64) else {
        return (at, text.cut());
    };
    let secret = text.slice(value, stop);
    let is_one = value > end
        && secret.len() == 40
        && variety(secret) >= LEAST_VARIETY
        && !secret.ends_with(b"EXAMPLEKEY");
    let verdict = if is_one {
        Verdict::Found(stop)
    } else {
        Verdict::No
    };
    (at, verdict)
}

fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_url_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_dotted_word(byte: u8) -> bool {
    is_url_word(byte) || byte == b'.'
}

fn is_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'/'
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

fn is_user_information(byte: u8) -> bool {
    /// One bit for each byte: every URL there is gets this far.
    const CLASS: u128 = {
        let mut class = 0;
        let mut byte = b'!';
        while byte <= b'~' {
            class |= 1 << byte;
            byte += 1;
        }
        let mut others: &[u8] = b"/?#@\"'<>\\`{}$*";
        while let [other, rest @ ..] = others {
            class &= !(1 << *other);
            others = rest;
        }
        class
    };
    byte.is_ascii() && CLASS >> byte & 1 == 1
}

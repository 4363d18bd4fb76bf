//! Which header fields go on, which end here, and which are added.

use hyper::Version;
use narae_routing::matching::HeaderChange;

use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName,
    HeaderValue, TE, TRANSFER_ENCODING, UPGRADE, VIA,
};

pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The fields that are about one connection even when `Connection` does not name them.
const HOP_BY_HOP: [HeaderName; 6] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes what is about this connection only: RFC 9110, section 7.6.1.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    // Most messages have none of them, and comparing a few names is cheaper than looking each of them up.
    if !headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        return;
    }
    let named: Vec<HeaderName> = words(headers, &CONNECTION)
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// HTTP/2 may split a cookie into several fields; everybody else expects one (RFC 9113, 8.2.3).
pub(crate) fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let crumbs = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let whole = crumbs.collect::<Vec<_>>().join(&b"; "[..]);
    if let Ok(mut whole) = HeaderValue::from_bytes(&whole) {
        whole.set_sensitive(true);
        headers.insert(COOKIE, whole);
    }
}

/// Removes from the trailers of a request what is not a client's to say, or not there: RFC 9110, section 6.5.1.
pub(crate) fn restrain_trailers(trailers: &mut HeaderMap, guarded: impl Fn(&str) -> bool) {
    const NEVER: [HeaderName; 7] = [
        AUTHORIZATION,
        CONTENT_LENGTH,
        COOKIE,
        FORWARDED_FOR,
        FORWARDED_PROTO,
        HOST,
        VIA,
    ];
    let refused = |name: &HeaderName| {
        NEVER.contains(name) || HOP_BY_HOP.contains(name) || guarded(name.as_str())
    };
    let refused: Vec<HeaderName> = trailers.keys().filter(|n| refused(n)).cloned().collect();
    for name in refused {
        trailers.remove(name);
    }
}

/// Whether a request asks to speak WebSocket from here on (RFC 6455, 4.1).
pub(crate) fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let lists = |name: &HeaderName, token: &str| {
        words(headers, name).any(|word| word.eq_ignore_ascii_case(token.as_bytes()))
    };
    headers.contains_key(UPGRADE) && lists(&CONNECTION, "upgrade") && lists(&UPGRADE, "websocket")
}

/// Says again what [`strip_hop_by_hop`] took out, for the one protocol that is switched to.
pub(crate) fn upgrade_to_websocket(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Whether trailers are asked for, which gRPC cannot do without.
pub(crate) fn takes_trailers(headers: &HeaderMap) -> bool {
    words(headers, &TE).any(|word| word.eq_ignore_ascii_case(b"trailers"))
}

/// The members of a list that a field is, over all its lines. One that is no text hides none of the others.
fn words<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    let lines = headers.get_all(name).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

/// Makes a rule's change. What is no header was refused when the rule was read.
pub(crate) fn change(headers: &mut HeaderMap, change: &HeaderChange<'_>) {
    let Ok(name) = HeaderName::from_bytes(change.name().as_bytes()) else {
        return;
    };
    // How long a body is, no rule can say.
    if name == CONTENT_LENGTH {
        return;
    }
    let value = change.value().map(HeaderValue::from_str);
    match (change, value) {
        (HeaderChange::Set(..), Some(Ok(value))) => drop(headers.insert(name, value)),
        (HeaderChange::Add(..), Some(Ok(value))) => drop(headers.append(name, value)),
        (HeaderChange::Remove(_), _) => drop(headers.remove(name)),
        _ => {}
    }
}

/// Tells the endpoint where the request came from.
pub(crate) fn add_forwarded(headers: &mut HeaderMap, client: &HeaderValue, scheme: &'static str) {
    // The router answers `Expect: 100-continue` itself, when it begins to read the body.
    headers.remove(EXPECT);
    let chain = forwarded_chain(headers, client);
    headers.insert(FORWARDED_FOR, chain);
    // How it came here, whatever the client claims.
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
}

/// Says that it came through here, and in which version of HTTP (RFC 9110, 7.6.3; what has no minor version has 0: 2.5).
pub(crate) fn add_via(headers: &mut HeaderMap, version: Version) {
    let via = match version {
        Version::HTTP_10 => "1.0 router",
        Version::HTTP_2 => "2.0 router",
        _ => "1.1 router",
    };
    headers.append(VIA, HeaderValue::from_static(via));
}

/// Who the request came through, and the client last.
fn forwarded_chain(headers: &HeaderMap, client: &HeaderValue) -> HeaderValue {
    let mut chain = Vec::new();
    for value in headers.get_all(FORWARDED_FOR) {
        // A chain that is not text cannot be appended to; the address seen here is the part known to be true.
        if value.to_str().is_err() {
            return client.clone();
        }
        chain.extend_from_slice(value.as_bytes());
        chain.extend_from_slice(b", ");
    }
    if chain.is_empty() {
        return client.clone();
    }
    chain.extend_from_slice(client.as_bytes());
    HeaderValue::from_bytes(&chain).unwrap_or_else(|_| client.clone())
}

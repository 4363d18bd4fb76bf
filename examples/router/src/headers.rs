//! Which header fields go on, which end here, and which are added.

use std::net::IpAddr;

use hyper::header::{
    CONNECTION, EXPECT, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE, VIA,
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
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
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Tells the backend where the request came from.
pub(crate) fn add_forwarded(headers: &mut HeaderMap, client: IpAddr) {
    // The router answers `Expect: 100-continue` itself, when it begins to read the body.
    headers.remove(EXPECT);
    // A chain that is not text cannot be appended to; the address seen here is the part known to be true.
    let chain: Option<Vec<&str>> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .map(|value| value.to_str().ok())
        .collect();
    let mut chain = chain.unwrap_or_default().join(", ");
    if !chain.is_empty() {
        chain.push_str(", ");
    }
    chain.push_str(&client.to_canonical().to_string());
    if let Ok(value) = HeaderValue::try_from(chain) {
        headers.insert(FORWARDED_FOR, value);
    }
    // The listener speaks plain HTTP, whatever the client claims.
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    headers.append(VIA, HeaderValue::from_static("1.1 router"));
}

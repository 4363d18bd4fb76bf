//! Access logs of Apache and nginx.
//!
//! ```text
//! host SP ident SP user SP "[" time "]" SP quoted-request SP status SP bytes SP quoted-referer SP quoted-agent
//! 192.0.2.7 - jane [10/Oct/2000:13:55:36 -0700] "GET /a?b=c HTTP/1.1" 200 2326 "-" "curl/8.5.0"
//! ```
//!
//! - *host*, *ident*: no spaces. *user*: anything up to the first ` [time] "`, so a name may hold spaces and
//!   brackets. Servers escape quotes in it, so it cannot forge that mark.
//! - *time*: exactly `dd/Mon/yyyy:hh:mm:ss ±hhmm`.
//! - *quoted*: up to the next `"` that no backslash precedes. Apache writes `\"`, `\\`, `\n`, `\t`, `\xHH`; nginx
//!   writes every special byte as `\xHH`. [`Text::decode`] undoes both.
//! - *status*: three digits; *bytes*: digits. Either may be `-`, as may any other field but host and time, for
//!   "nothing"; such a field is `None`.
//! - Nothing follows the last quote.
//!
//! The *common* format ends after *bytes*. Apache's *vhost* format is the combined one after `vhost:port SP`. The *main* format
//! that nginx's packages and images configure is the combined one before `SP quoted-forwarded-for`: the addresses of
//! `X-Forwarded-For`, with a comma between them. Each must be one, with or without port, or what RFC 7239 allows instead of one,
//! `unknown` or `_name`, so that another third quote that somebody configured is not taken for it.
//!
//! The request is split into method, target and protocol only if it is `METHOD SP target SP HTTP/version` with
//! no other space ([`Combined::request_line`]). What scanners and broken clients send stays as it came.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use memchr::memchr;

use super::Format;
use super::fields::{Fields, last_word};
use crate::cursor::Cursor;
use crate::error::{ParseError, Reason};
use crate::record::{Escaping, Field, Number, Record, Text, Value};
use crate::time::{CLF_LENGTH, Timestamp};

/// One line of the combined format.
///
/// ```
/// use narae_logparse::format::access;
///
/// let line = br#"::1 - jane doe [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 2326 "-" "say \"hi\"""#;
/// let entry = access::parse_combined(line)?;
/// assert_eq!(entry.user.map(|user| user.raw().to_vec()), Some(b"jane doe".to_vec()));
/// assert_eq!((entry.status, entry.bytes, entry.referer), (Some(200), Some(2326), None));
/// assert_eq!(entry.user_agent.and_then(|agent| Some(agent.to_str().ok()?.into_owned())).as_deref(), Some("say \"hi\""));
///
/// let cut = access::parse_combined(&line[..75]).unwrap_err();
/// assert_eq!(cut.to_string(), "the field is missing (user_agent, byte 75 of the line)");
/// # Ok::<(), narae_logparse::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Combined<'a> {
    /// The client: an address or, with `HostnameLookups`, a name.
    pub host: Text<'a>,
    /// What identd said.
    pub ident: Option<Text<'a>>,
    /// The user the request claimed to be; do not believe it on a 401.
    pub user: Option<Text<'a>>,
    /// When the request came (Apache) or was answered (nginx).
    pub time: Timestamp,
    /// The same as written, with its offset.
    pub time_text: &'a str,
    /// The first line of the request, whatever it was.
    pub request: Option<Text<'a>>,
    /// The status answered; nginx writes 0 (`000`) when it answered none.
    pub status: Option<u16>,
    /// Bytes of the body sent.
    pub bytes: Option<u64>,
    /// The `Referer` header.
    pub referer: Option<Text<'a>>,
    /// The `User-Agent` header.
    pub user_agent: Option<Text<'a>>,
}

/// A request line with its three parts, escapes still in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestLine<'a> {
    /// The method: an RFC 9110 token.
    pub method: &'a [u8],
    /// The target, usually path and query.
    pub target: &'a [u8],
    /// `HTTP/` and a version.
    pub protocol: &'a [u8],
}

/// Reads a line of the combined format, without its ending.
///
/// # Errors
///
/// The line does not follow the grammar of the module to its last byte.
pub fn parse_combined(line: &[u8]) -> Result<Combined<'_>, ParseError> {
    let mut cursor = Cursor::new(line);
    let entry = entry(&mut cursor)?;
    cursor.end()?;
    Ok(entry)
}

/// The combined format where the cursor stands; more may follow.
#[inline]
pub(super) fn entry<'a>(cursor: &mut Cursor<'a>) -> Result<Combined<'a>, ParseError> {
    let mut entry = common(cursor)?;
    cursor.byte(b' ', "referer")?;
    entry.referer = unless_dash(cursor.quoted("referer")?);
    cursor.byte(b' ', "user_agent")?;
    entry.user_agent = unless_dash(cursor.quoted("user_agent")?);
    Ok(entry)
}

/// Reads a line of the common format, without its ending: the combined one without its last two fields.
///
/// # Errors
///
/// The line does not follow the grammar of the module to its last byte.
pub fn parse_common(line: &[u8]) -> Result<Record<'_>, ParseError> {
    let mut cursor = Cursor::new(line);
    let entry = common(&mut cursor)?;
    cursor.end()?;
    let fields = entry.into_record().into_fields();
    let known = |field: &Field<'_>| !matches!(field.name(), "referer" | "user_agent");
    let time = fields.iter().find_map(|field| match field.value() {
        Value::Time(time) => Some(*time),
        _ => None,
    });
    Ok(Record::new(
        Format::Common,
        time,
        fields.into_iter().filter(known).collect(),
    ))
}

/// Reads a line of Apache's `vhost_combined` format, without its ending. Its fields are `vhost`, `port`, then those of the
/// combined format.
///
/// # Errors
///
/// The line does not follow the grammar of the module to its last byte.
pub fn parse_vhost(line: &[u8]) -> Result<Record<'_>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    let vhost = cursor.word("vhost")?;
    let colon = memchr::memrchr(b':', vhost)
        .ok_or_else(|| ParseError::new(Reason::MissingField, "port", vhost.len()))?;
    fields.text("vhost", vhost.get(..colon).unwrap_or_default());
    fields.number(
        "port",
        vhost.get(colon + 1..).unwrap_or_default(),
        colon + 1,
    )?;
    fields.extend(entry(&mut cursor)?.into_record());
    cursor.end()?;
    Ok(fields.into_record(Format::VhostCombined))
}

/// Reads a line of nginx's `main` format, without its ending. Its fields are those of the combined format, then `forwarded_for`: a
/// list, the client first, of what each proxy says came to it. A client can write into it what it likes.
///
/// # Errors
///
/// The line does not follow the grammar of the module to its last byte.
pub fn parse_main(line: &[u8]) -> Result<Record<'_>, ParseError> {
    let mut cursor = Cursor::new(line);
    let mut fields = Fields::new();
    fields.extend(entry(&mut cursor)?.into_record());
    cursor.byte(b' ', "forwarded_for")?;
    let at = cursor.at() + 1;
    let quoted = cursor.quoted("forwarded_for")?;
    fields.push("forwarded_for", forwarded_for(quoted, at)?);
    cursor.end()?;
    Ok(fields.into_record(Format::NginxMain))
}

fn forwarded_for(raw: &[u8], mut at: usize) -> Result<Value<'_>, ParseError> {
    if raw == b"-" {
        return Ok(Value::Null);
    }
    let mut nodes = Vec::with_capacity(1);
    for element in raw.split(|byte| *byte == b',') {
        let node = element.trim_ascii();
        if !is_node(node) {
            return Err(ParseError::new(Reason::BadAddress, "forwarded_for", at));
        }
        nodes.push(Value::text(node, Escaping::Access));
        at += element.len() + 1;
    }
    Ok(Value::List(nodes))
}

/// An address with or without port, or a name that stands for one (RFC 7239, section 6).
fn is_node(raw: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(raw) else {
        return false;
    };
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']');
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.parse::<IpAddr>().is_ok()
        || text.parse::<SocketAddr>().is_ok()
        || bracketed().is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok())
        || text == "unknown"
        || (text.len() > 1 && text.starts_with('_') && text.bytes().all(is_name))
}

/// Host to bytes; stands after them.
#[inline]
fn common<'a>(cursor: &mut Cursor<'a>) -> Result<Combined<'a>, ParseError> {
    let host = text(cursor.word("host")?);
    let ident = cursor.word("ident")?;
    let (user, time, time_text) = user_and_time(cursor)?;
    let request = cursor.quoted("request")?;
    cursor.byte(b' ', "status")?;
    let status = status(cursor)?;
    let bytes = bytes(cursor)?;
    Ok(Combined {
        host,
        ident: unless_dash(ident),
        user: unless_dash(user),
        time,
        time_text,
        request: unless_dash(request),
        status,
        bytes,
        referer: None,
        user_agent: None,
    })
}

impl<'a> Combined<'a> {
    /// Method, target and protocol, if the request is well formed.
    pub fn request_line(&self) -> Option<RequestLine<'_>> {
        RequestLine::parse(self.request.as_ref()?.raw())
    }

    /// The fields by name: `host`, `ident`, `user`, `time`, then `method`, `target` and `protocol` or, if it is not
    /// well formed, `request`; then `status`, `bytes`, `referer`, `user_agent`. What was `-` is null.
    pub fn into_record(self) -> Record<'a> {
        let text = |value: Option<Text<'a>>| value.map_or(Value::Null, Value::Text);
        let number = |value: Option<u64>| {
            value.map_or(Value::Null, |value| Value::Number(Number::from(value)))
        };
        let mut fields = Vec::with_capacity(11);
        fields.extend([
            Field::new("host", Value::Text(self.host)),
            Field::new("ident", text(self.ident)),
            Field::new("user", text(self.user)),
            Field::new("time", Value::Time(self.time)),
        ]);
        match self
            .request
            .as_ref()
            .and_then(Text::as_borrowed)
            .and_then(RequestLine::parse)
        {
            Some(line) => fields.extend([
                Field::new("method", Value::text(line.method, Escaping::Access)),
                Field::new("target", Value::text(line.target, Escaping::Access)),
                Field::new("protocol", Value::text(line.protocol, Escaping::Access)),
            ]),
            None => fields.push(Field::new("request", text(self.request))),
        }
        fields.extend([
            Field::new("status", number(self.status.map(u64::from))),
            Field::new("bytes", number(self.bytes)),
            Field::new("referer", text(self.referer)),
            Field::new("user_agent", text(self.user_agent)),
        ]);
        Record::new(Format::Combined, Some(self.time), fields)
    }
}

impl<'a> RequestLine<'a> {
    pub(super) fn parse(raw: &'a [u8]) -> Option<Self> {
        let (method, rest) = raw.split_at_checked(memchr(b' ', raw)?)?;
        let rest = rest.strip_prefix(b" ")?;
        let (target, rest) = rest.split_at_checked(memchr(b' ', rest)?)?;
        let protocol = rest.strip_prefix(b" ")?;
        let version = protocol.strip_prefix(b"HTTP/")?;
        let is_version = matches!(version, [b'0'..=b'9'] | [b'0'..=b'9', b'.', b'0'..=b'9']);
        let is_token =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let well_formed =
            is_version && !target.is_empty() && !method.is_empty() && method.iter().all(is_token);
        well_formed.then_some(Self {
            method,
            target,
            protocol,
        })
    }
}

/// The user ends where ` [time] "` begins; stands on the quote.
fn user_and_time<'a>(
    cursor: &mut Cursor<'a>,
) -> Result<(&'a [u8], Timestamp, &'a str), ParseError> {
    let rest = cursor.rest();
    let mut first_bracket = None;
    let mut from = 0;
    while let Some(bracket) = rest
        .get(from..)
        .and_then(|tail| memchr(b'[', tail))
        .map(|found| found + from)
    {
        from = bracket + 1;
        let Some((user, after)) = rest.split_at_checked(from) else {
            break;
        };
        let Some(user) = user.strip_suffix(b" [") else {
            continue;
        };
        first_bracket.get_or_insert(from);
        let Some((time_text, after)) = after.split_at_checked(CLF_LENGTH) else {
            break;
        };
        if user.is_empty() || !after.starts_with(b"] \"") {
            continue;
        }
        if let (Some(time), Ok(time_text)) = (
            Timestamp::from_clf(time_text),
            std::str::from_utf8(time_text),
        ) {
            cursor.advance(from + CLF_LENGTH + 2);
            return Ok((user, time, time_text));
        }
    }
    Err(match first_bracket {
        Some(at) => ParseError::new(Reason::BadTimestamp, "time", cursor.at() + at),
        None => ParseError::new(Reason::MissingField, "time", cursor.at()),
    })
}

fn status(cursor: &mut Cursor<'_>) -> Result<Option<u16>, ParseError> {
    let at = cursor.at();
    match cursor.word("status")? {
        b"-" => Ok(None),
        digits @ [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9'] => Ok(Some(
            digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')),
        )),
        _ => Err(ParseError::new(Reason::BadNumber, "status", at)),
    }
}

fn bytes(cursor: &mut Cursor<'_>) -> Result<Option<u64>, ParseError> {
    let at = cursor.at();
    let word = last_word(cursor, "bytes")?;
    if word == b"-" {
        return Ok(None);
    }
    let value = word.iter().try_fold(0_u64, |sum, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    });
    value
        .map(Some)
        .ok_or_else(|| ParseError::new(Reason::BadNumber, "bytes", at))
}

const fn text(raw: &[u8]) -> Text<'_> {
    Text::borrowed(raw, Escaping::Access)
}

fn unless_dash(raw: &[u8]) -> Option<Text<'_>> {
    (raw != b"-").then(|| text(raw))
}

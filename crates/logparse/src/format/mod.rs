//! The formats, each with its grammar, and [`Format`], which reads any of them by name.
//!
//! A reader either explains the whole line or returns a [`ParseError`]; it never puts bytes in a field whose
//! grammar they do not fit. The typed entries of [`cri`] and [`access`] cost no allocation;
//! [`Format::parse`] gives the same as a uniform [`Record`].

pub mod access;
pub mod container;
pub mod cri;
pub mod docker;
pub mod envoy;
mod fields;
pub mod gelf;
pub mod haproxy;
pub mod ingress;
pub mod java;
pub mod journal;
pub mod json;
pub mod klog;
pub mod logfmt;
pub mod postgres;
pub mod server_error;
pub mod syslog;

use std::fmt;
use std::str::FromStr;

use crate::error::{ParseError, Reason};
use crate::line::Framing;
use crate::record::{Escaping, Field, Record, Value};
use crate::time::Context;

/// Defines [`Format`] from one line per format: its documentation, name and reader.
macro_rules! formats {
    ($($(#[$doc:meta])+ $variant:ident $name:literal |$line:ident, $context:pat_param| $parse:expr;)+) => {
        /// A line format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Format {
            $($(#[$doc])+ $variant,)+
            /// The caller's own patterns: see [`grok`](crate::grok). Only a reader that was given them
            /// ([`ReaderOptions::with_grok`](crate::reader::ReaderOptions::with_grok)) reads it; of itself it explains no line.
            Grok,
        }

        impl Format {
            /// Every format that says by itself how lines are read, the most telling first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name to ask for it by.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Grok => "grok",
                }
            }

            /// Reads one line, without its ending, whose times lack what the context says.
            ///
            /// # Errors
            ///
            /// The line is not of this format; nothing is read out of it.
            pub fn parse_with<'a>(self, line: &'a [u8], context: &Context) -> Result<Record<'a>, ParseError> {
                match self {
                    $(Self::$variant => {
                        let ($line, $context) = (line, context);
                        $parse
                    })+
                    Self::Grok => Err(ParseError::new(Reason::NoMatch, "line", 0)),
                }
            }
        }
    };
}

formats! {
    /// Container logs as the kubelet reads them: see [`cri`].
    Cri "cri" |line, _| cri::parse(line).map(cri::Entry::into_record);
    /// Docker's `json-file` driver: see [`docker`].
    Docker "docker" |line, _| docker::parse(line).map(docker::Entry::into_record);
    /// Graylog's JSON: see [`gelf`].
    Gelf "gelf" |line, _| gelf::parse(line);
    /// Access logs of ingress-nginx: see [`ingress`].
    IngressNginx "ingress-nginx" |line, _| ingress::parse(line);
    /// Access logs of Apache with the virtual host in front: see [`access`].
    VhostCombined "vhost-combined" |line, _| access::parse_vhost(line);
    /// Access logs of nginx as its packages and images configure them: see [`access`].
    NginxMain "nginx-main" |line, _| access::parse_main(line);
    /// Access logs of Apache and nginx in the combined format: see [`access`].
    Combined "combined" |line, _| access::parse_combined(line).map(access::Combined::into_record);
    /// Access logs in the Common Log Format: see [`access`].
    Common "common" |line, _| access::parse_common(line);
    /// Istio's default access log: see [`envoy`].
    Istio "istio" |line, context| envoy::parse_istio(line, context);
    /// Envoy's default access log: see [`envoy`].
    Envoy "envoy" |line, context| envoy::parse(line, context);
    /// HAProxy's HTTP, TCP, HTTPS and error lines: see [`haproxy`].
    Haproxy "haproxy" |line, context| haproxy::parse(line, context);
    /// klog and glog: see [`klog`].
    Klog "klog" |line, context| klog::parse(line, context);
    /// nginx's error log: see [`server_error`].
    NginxError "nginx-error" |line, context| server_error::parse_nginx(line, context);
    /// Apache's error log: see [`server_error`].
    ApacheError "apache-error" |line, context| server_error::parse_apache(line, context);
    /// PostgreSQL's server log: see [`postgres`].
    Postgres "postgres" |line, context| postgres::parse(line, context);
    /// Spring Boot's console log: see [`java`].
    Spring "spring" |line, context| java::parse_spring(line, context);
    /// Logback and log4j: see [`java`].
    Log4j "log4j" |line, context| java::parse_log4j(line, context);
    /// Syslog, RFC 5424: see [`syslog`].
    Syslog5424 "syslog-5424" |line, context| syslog::parse_5424(line, context);
    /// Syslog, RFC 3164 as found: see [`syslog`].
    Syslog "syslog" |line, context| syslog::parse_3164(line, context);
    /// systemd's export format, whose entries are not lines: see [`journal`].
    Journal "journal" |line, _| journal::parse(line);
    /// One JSON object per line: see [`json`].
    Json "json" |line, _| json::parse(line);
    /// Pairs of names and values: see [`logfmt`].
    Logfmt "logfmt" |line, _| logfmt::parse(line);
    /// Any line, as one text field `message`.
    Plain "plain" |line, _| Ok(plain(line));
}

impl Format {
    /// How its lines are told apart unless the caller says otherwise.
    pub const fn framing(self) -> Framing {
        match self {
            Self::Journal => Framing::Journal,
            _ => Framing::Lines,
        }
    }

    /// Reads one line, without its ending. Times without a zone are taken for UTC, and those without a year stay texts:
    /// [`parse_with`](Self::parse_with) knows better.
    ///
    /// # Errors
    ///
    /// The line is not of this format; nothing is read out of it.
    pub fn parse(self, line: &[u8]) -> Result<Record<'_>, ParseError> {
        self.parse_with(line, &Context::default())
    }
}

fn plain(line: &[u8]) -> Record<'_> {
    Record::new(
        Format::Plain,
        None,
        vec![Field::new("message", Value::text(line, Escaping::None))],
    )
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no format's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown log format {0:?}: expected one of {names}", names = names())]
pub struct UnknownFormat(String);

fn names() -> String {
    // Not `join` on a list of constants: LLVM 22 takes minutes to optimise that.
    let mut names = String::new();
    for format in Format::ALL {
        if !names.is_empty() {
            names.push_str(", ");
        }
        names.push_str(format.name());
    }
    names
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|format| format.name() == name);
        found.copied().ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

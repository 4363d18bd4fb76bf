//! Where frames end, for every way of framing. Each scanner remembers how far it has looked, so that a byte is looked at once
//! however the input is cut.

use memchr::{memchr, memchr2};

use super::Ending;

/// What stands between frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Framing {
    /// LF or CR LF.
    #[default]
    Lines,
    /// NUL: GELF over TCP, `find -print0`. LF is content.
    Nul,
    /// RFC 6587, as syslog comes over TCP and RFC 5425 over TLS: a frame that begins with a digit from 1 to 9 is
    /// `LENGTH SP` and so many bytes; any other ends with LF, CR LF or NUL. The length is the frame's
    /// [`prefix`](super::Line::prefix). At most nine digits.
    OctetCounting,
    /// systemd's export format: an entry ends with an empty line, which binary fields may contain.
    Journal,
}

/// The next frame, as far as it can be told from the bytes seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It goes on beyond them.
    Open,
    /// It is this.
    Frame {
        /// Bytes of content.
        length: usize,
        ending: Ending,
    },
    /// Its prefix is this long, and so many bytes of content are to come.
    Counted { prefix: usize, length: usize },
}

/// Digits of a length: more would be beyond any limit.
const MAX_LENGTH_DIGITS: usize = 9;

/// Looks for the end of a frame.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scanner {
    framing: Framing,
    /// How many bytes of the frame have been looked at.
    searched: usize,
    /// A part of the frame was handed over, so it is no length that stands here.
    inside: bool,
    journal: Journal,
    /// The bytes of counted content that are still to come, once a part of it was cut off.
    counted: Option<usize>,
}

/// Where in an entry of a journal the bytes looked at end.
#[derive(Debug, Clone, Copy, Default)]
enum Journal {
    #[default]
    FieldStart,
    Name,
    Text,
    Length {
        seen: u32,
        value: u64,
    },
    Data {
        left: u64,
    },
}

impl Scanner {
    pub(super) fn new(framing: Framing) -> Self {
        Self {
            framing,
            ..Self::default()
        }
    }

    /// Looks at what of `window`, which begins at the frame or its cut, has not been looked at.
    pub(super) fn find(&mut self, window: &[u8], limit: usize) -> Found {
        match self.framing {
            Framing::Lines => self.delimited(window, |unsearched| memchr(b'\n', unsearched)),
            Framing::Nul => self.delimited(window, |unsearched| memchr(0, unsearched)),
            Framing::OctetCounting => self.octets(window),
            Framing::Journal => {
                // An end beyond the limit must be found again after the cut.
                let window = window.get(..limit.saturating_add(1)).unwrap_or(window);
                self.entry(window)
            }
        }
    }

    /// Says that so many bytes were handed over and the frame goes on.
    pub(super) fn cut(&mut self, bytes: usize) {
        self.searched = self.searched.saturating_sub(bytes);
        self.inside = true;
    }

    /// Says that a part of counted content was handed over.
    pub(super) const fn count_down(&mut self, left: usize) {
        self.counted = Some(left);
    }

    /// Says that a frame was handed over to its end.
    pub(super) fn end(&mut self) {
        *self = Self::new(self.framing);
    }

    fn delimited(&mut self, window: &[u8], find: impl Fn(&[u8]) -> Option<usize>) -> Found {
        let unsearched = window.get(self.searched..).unwrap_or_default();
        match find(unsearched) {
            Some(found) => terminated(window, self.searched + found),
            None => {
                self.searched = window.len();
                Found::Open
            }
        }
    }

    fn octets(&mut self, window: &[u8]) -> Found {
        if let Some(length) = self.counted {
            return Found::Counted { prefix: 0, length };
        }
        if !self.inside && matches!(window.first(), Some(b'1'..=b'9')) {
            let digits = window
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if digits <= MAX_LENGTH_DIGITS {
                match window.get(digits) {
                    None => return Found::Open,
                    Some(b' ') => {
                        let length = window.iter().take(digits);
                        let length =
                            length.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
                        return Found::Counted {
                            prefix: digits + 1,
                            length,
                        };
                    }
                    // A line that happens to begin with a digit.
                    Some(_) => {}
                }
            }
        }
        self.delimited(window, |unsearched| memchr2(b'\n', 0, unsearched))
    }

    fn entry(&mut self, window: &[u8]) -> Found {
        while let Some(unsearched) = window.get(self.searched..).filter(|rest| !rest.is_empty()) {
            self.searched += match self.journal {
                Journal::FieldStart if unsearched.first() == Some(&b'\n') => {
                    return Found::Frame {
                        length: self.searched,
                        ending: Ending::Lf,
                    };
                }
                Journal::FieldStart => {
                    self.journal = Journal::Name;
                    0
                }
                Journal::Name => match memchr2(b'=', b'\n', unsearched) {
                    Some(at) => {
                        self.journal = if unsearched.get(at) == Some(&b'=') {
                            Journal::Text
                        } else {
                            Journal::Length { seen: 0, value: 0 }
                        };
                        at + 1
                    }
                    None => unsearched.len(),
                },
                Journal::Text => match memchr(b'\n', unsearched) {
                    Some(at) => {
                        self.journal = Journal::FieldStart;
                        at + 1
                    }
                    None => unsearched.len(),
                },
                Journal::Length { seen, value } => {
                    let byte = u64::from(unsearched.first().copied().unwrap_or_default());
                    let value = value | byte << (8 * seen);
                    self.journal = if seen == 7 {
                        // The line feed after the data goes with it.
                        Journal::Data {
                            left: value.saturating_add(1),
                        }
                    } else {
                        Journal::Length {
                            seen: seen + 1,
                            value,
                        }
                    };
                    1
                }
                Journal::Data { left } => {
                    let here = unsearched
                        .len()
                        .min(usize::try_from(left).unwrap_or(usize::MAX));
                    let left = left - here as u64;
                    self.journal = if left == 0 {
                        Journal::FieldStart
                    } else {
                        Journal::Data { left }
                    };
                    here
                }
            };
        }
        Found::Open
    }
}

/// The frame before the terminator at `at`.
fn terminated(window: &[u8], at: usize) -> Found {
    let content = window.get(..at).unwrap_or_default();
    let (length, ending) = match window.get(at) {
        Some(0) => (at, Ending::Nul),
        _ => match content.strip_suffix(b"\r") {
            Some(content) => (content.len(), Ending::CrLf),
            None => (at, Ending::Lf),
        },
    };
    Found::Frame { length, ending }
}

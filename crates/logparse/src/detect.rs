//! Which format is this?
//!
//! Every structured format is tried on every line of a sample that is not empty. The one that explains most wins,
//! if it explains at least half; otherwise the input is [`Format::Plain`]. The formats' grammars exclude each
//! other on their first bytes, so a line never counts for two. Cost: one parse per line and format, over at most
//! [`MAX_LINES`] lines.

use crate::format::Format;

/// How many lines of the sample are looked at.
pub const MAX_LINES: u64 = 1000;

/// A guess, and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detection {
    format: Format,
    explained: u64,
    lines: u64,
}

impl Detection {
    /// The format.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The share of the lines that speaks for the format, from 0 to 1: those it explains or, for
    /// [`Format::Plain`], those no other does. 0 for a sample without lines.
    pub fn confidence(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "both are at most MAX_LINES")]
        let (explained, lines) = (self.explained as f64, self.lines.max(1) as f64);
        explained / lines
    }

    /// How many lines were looked at, empty ones not counted.
    pub const fn lines(&self) -> u64 {
        self.lines
    }
}

/// Guesses the format from the beginning of an input.
///
/// A last line without newline is ignored if there are others, because the sample may end in it.
///
/// ```
/// use narae_logparse::{Format, detect};
///
/// let sample = b"{\"a\":1}\n{\"b\":2}\nnot json\n{\"cut of";
/// let detection = detect::detect(sample);
/// assert_eq!(detection.format(), Format::Json);
/// assert!((detection.confidence() - 2.0 / 3.0).abs() < 1e-9);
/// ```
pub fn detect(sample: &[u8]) -> Detection {
    let complete = memchr::memrchr(b'\n', sample)
        .and_then(|end| sample.get(..end))
        .unwrap_or(sample);
    let candidates = Format::ALL
        .iter()
        .filter(|format| **format != Format::Plain);
    let mut scores: Vec<(Format, u64)> = candidates.map(|format| (*format, 0)).collect();
    let mut seen = 0;
    for line in complete.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        if seen == MAX_LINES {
            break;
        }
        seen += 1;
        if let Some((_, score)) = scores
            .iter_mut()
            .find(|(format, _)| format.parse(line).is_ok())
        {
            *score += 1;
        }
    }
    let explained: u64 = scores.iter().map(|(_, score)| score).sum();
    // The first of equals, so that the answer does not depend on how `max` breaks ties.
    let best = scores.into_iter().rev().max_by_key(|(_, score)| *score);
    match best {
        Some((format, score)) if score > 0 && score * 2 >= seen => Detection {
            format,
            explained: score,
            lines: seen,
        },
        _ => Detection {
            format: Format::Plain,
            explained: seen - explained,
            lines: seen,
        },
    }
}

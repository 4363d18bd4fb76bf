//! The word that every token begins with, and that nothing else in a text does.
//!
//! Its first letter occurs in it only once, so no occurrence can straddle the edge between a token
//! and the text around it. Which one is taken depends on the text alone: the same templates and
//! values give the same bytes.

use std::collections::HashSet;

/// How every nonce begins.
const START: &str = "Nr";

/// `Nrax`, `Nrbx`, …: letters and digits only, because YAML gives any other sign a meaning
/// somewhere, and `N` only in front.
pub(super) fn nonce(attempt: usize) -> String {
    const LETTERS: &[u8; 25] = b"abcdefghijklmnopqrstuvwxy";
    let mut nonce = START.to_owned();
    let mut rest = attempt;
    loop {
        nonce.push(
            LETTERS
                .get(rest % LETTERS.len())
                .copied()
                .map_or('a', char::from),
        );
        rest /= LETTERS.len();
        if rest == 0 {
            nonce.push('x');
            return nonce;
        }
    }
}

/// The first nonce that does not occur in a text.
pub(super) fn free(text: &str) -> String {
    let taken = nonces(text);
    let mut free = nonce(0);
    // Ends after at most as many nonces as are taken.
    for attempt in 1..=taken.len() {
        if !taken.contains(free.as_str()) {
            break;
        }
        free = nonce(attempt);
    }
    free
}

/// Letters of the longest nonce that is looked for. Texts would need more than 25⁸ nonces before a
/// longer one were taken.
const MAX_LETTERS: usize = 8;

/// Every nonce of at most [`MAX_LETTERS`] letters that occurs in a text, in one pass: where one
/// begins, each `x` ends one.
///
/// Tokens that are in the text add the nonce that they were written with and no other: no nonce
/// reaches from the text before a token into it, and behind a token's nonce stands a digit.
fn nonces(text: &str) -> HashSet<&str> {
    let mut found = HashSet::new();
    for (start, _) in text.match_indices(START) {
        let rest = text.get(start..).unwrap_or_default();
        let letters = rest
            .bytes()
            .skip(START.len())
            .take(MAX_LETTERS + 1)
            .take_while(u8::is_ascii_lowercase);
        for (index, letter) in letters.enumerate().skip(1) {
            if letter == b'x' {
                found.extend(rest.get(..START.len() + index + 1));
            }
        }
    }
    found
}

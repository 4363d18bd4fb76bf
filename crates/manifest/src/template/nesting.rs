//! How deep a template nests, found without recursion, before a recursive parser sees it.
//!
//! The count may be too high, never too low: an opening counts wherever it stands, a closing only
//! where the text is certain to be one. From the first construct on whose extent this scan does not
//! follow (raw blocks with arguments, JSON literals), nothing closes any more.

use super::compile::closing;
use super::syntax::Offset;

/// Where the template first nests deeper than `limit`, if it does.
pub(super) fn deeper_than(text: &str, limit: usize) -> Option<Offset> {
    let mut scan = Scan {
        text,
        at: 0,
        blocks: 0,
        certain: true,
    };
    while let Some(found) = scan.text.get(scan.at..)?.find("{{") {
        let tag = scan.at + found;
        scan.at = tag + 2;
        if scan.is_escaped(tag) && !scan.opens_block() {
            continue;
        }
        let inner = scan.tag();
        if scan.blocks + inner > limit {
            return Some(tag);
        }
    }
    None
}

struct Scan<'t> {
    text: &'t str,
    at: Offset,
    blocks: usize,
    /// Whether closings can still be told from text that looks like one.
    certain: bool,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// One backslash makes text of a tag, two or more are text before one.
    fn is_escaped(&self, tag: Offset) -> bool {
        let before = self.text.get(..tag).unwrap_or_default();
        before.len() - before.trim_end_matches('\\').len() == 1
    }

    /// What decides the kind of a tag: the first character behind white space and `~`.
    fn sigil(&self) -> Option<char> {
        self.rest()
            .chars()
            .find(|c| !matches!(c, ' ' | '\t' | '\r' | '\n' | '~'))
    }

    fn opens_block(&self) -> bool {
        self.sigil() == Some('#')
    }

    /// Follows one tag and says how deep its parentheses nest.
    fn tag(&mut self) -> usize {
        match self.sigil() {
            Some('!') => {
                self.comment();
                return 0;
            }
            Some('#') => self.blocks += 1,
            Some('/') if self.certain => self.blocks = self.blocks.saturating_sub(1),
            _ => {}
        }
        if self.rest().starts_with("{{") {
            if let Some(length) = raw_block(self.rest()) {
                self.at += length;
                return 0;
            }
            self.certain = false;
        }
        self.expression()
    }

    fn comment(&mut self) {
        let rest = self.rest();
        let body = rest.trim_start_matches(['!', ' ', '\t', '\r', '\n', '~']);
        let long = body
            .starts_with("--")
            .then(|| rest.find("--}}").map(|end| end + 4))
            .flatten();
        let end = long.or_else(|| rest.find("}}").map(|end| end + 2));
        self.at += end.unwrap_or(rest.len());
    }

    fn expression(&mut self) -> usize {
        let (mut depth, mut deepest) = (0_usize, 0_usize);
        let mut quote = None;
        let mut previous = ' ';
        let mut characters = self
            .rest()
            .char_indices()
            .skip_while(|(_, c)| *c == '{')
            .peekable();
        let mut length = self.rest().len();
        let mut certain = self.certain;
        while let Some((index, c)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            match (quote, c) {
                (Some(_), '\\') => {
                    characters.next();
                }
                (Some(open), _) => quote = if c == open { None } else { quote },
                (None, '"' | '\'') => quote = Some(c),
                (None, '[') if matches!(previous, '.' | '/') => quote = Some(']'),
                (None, '(') => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                (None, ')') => depth = depth.saturating_sub(1),
                (None, '[' | '{') => {
                    certain = false;
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                (None, '}') if next == Some('}') => {
                    length = index + 2;
                    break;
                }
                _ => {}
            }
            previous = c;
        }
        self.certain = certain;
        // What was taken for a string may be none to the parser: an opening in it counts.
        let inside = self.rest().get(..length).unwrap_or_default();
        let opens = |rest: &str| {
            rest.trim_start_matches(['{', ' ', '\t', '\r', '\n', '~'])
                .starts_with('#')
        };
        let openings = inside
            .match_indices("{{")
            .filter(|(at, _)| inside.get(*at..).is_some_and(opens));
        self.blocks += openings.count();
        self.at += length;
        deepest
    }
}

/// The length of a raw block without arguments, from the third brace to behind its closing tag.
fn raw_block(rest: &str) -> Option<usize> {
    let tag = rest.find("}}}}")?;
    let start = tag + 4;
    let is_plain = |c: char| c.is_alphanumeric() || " \t\r\n~_-".contains(c);
    let name = rest.get(2..tag)?;
    if !name.chars().all(is_plain) {
        return None;
    }
    let end = start + closing(rest.get(start..)?)?;
    Some(end + rest.get(end..)?.find("}}}}")? + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_never_underestimated() {
        let block = "{{#if a}}x{{/if}}";
        for (text, limit, expected) in [
            ("plain".to_owned(), 0, false),
            (block.repeat(100), 1, false),
            ("{{#if a}}".repeat(3), 2, true),
            ("{{ ~ # if a}}".repeat(3), 2, true),
            ("{{#if a}}{{! {{/if}} }}".repeat(3), 2, true),
            ("{{#if a}}{{!-- }} {{/if}} --}}".repeat(3), 2, true),
            ("{{#if a}}\\{{/if}}".repeat(3), 2, true),
            ("{{#if a}}{{x \"{{/if}}\"}}".repeat(3), 2, true),
            ("{{#if a}}{{x.[\"]}}{{y \"{{/if}}\"}}".repeat(3), 2, true),
            (
                "{{#if a}}{{x {\"a\":{\"b\":1}} \"{{/if}}\"}}".repeat(3),
                2,
                true,
            ),
            ("{{{{raw}}}}{{/if}}{{{{/raw}}}}{{#if a}}".repeat(3), 2, true),
            ("{{{{raw}}}}{{#if}}{{{{/raw}}}}".repeat(9), 2, false),
            (
                "{{{{raw \"}}}}{{{{/x}}}}{{/if}}\"}}}}{{{{/raw}}}}{{#if a}}".repeat(3),
                2,
                true,
            ),
            (format!("{{{{x {}", "(".repeat(5)), 4, true),
            (format!("{{{{{{x {}", "[".repeat(5)), 4, true),
            ("{{x (a) (b) (c)}}".to_owned(), 1, false),
        ] {
            assert_eq!(
                deeper_than(&text, limit).is_some(),
                expected,
                "for {text:?}"
            );
        }
    }
}

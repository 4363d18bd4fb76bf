//! A template of one length: what is compared with lines.

use super::words::{MASK, SHOWN, Word, Words};
use super::{Leaf, SIMILARITY, TemplateId};

#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) id: TemplateId,
    /// The id of the oldest form that reads like this one.
    pub(super) leader: TemplateId,
    pub(super) leaf: Leaf,
    /// What it reads like, runs of masks merged.
    pub(super) text: String,
    pub(super) count: u64,
    pub(super) born: u64,
    /// When a line was counted last.
    pub(super) last: u64,
    /// `None` is any word.
    words: Vec<Option<Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    hash: u64,
    bytes: Box<[u8]>,
}

impl Kept {
    fn is(&self, word: Word<'_>) -> bool {
        self.hash == word.hash && *self.bytes == *word.bytes
    }
}

/// How well a line goes with a form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Similarity {
    /// How many words they have in common.
    pub(super) equal: usize,
    /// Which words are not the line's, one bit each.
    pub(super) differing: u128,
}

impl Form {
    /// Of one line; `id` if it has one from before.
    pub(super) fn new(leaf: Leaf, words: &Words, id: Option<TemplateId>, clock: u64) -> Self {
        let kept = words.iter().map(|word| {
            (!word.is_mask()).then(|| Kept {
                hash: word.hash,
                bytes: word.bytes.into(),
            })
        });
        let mut form = Self {
            id: TemplateId(0),
            leader: TemplateId(0),
            leaf,
            text: String::new(),
            count: 0,
            born: clock,
            last: clock,
            words: kept.collect(),
        };
        form.text = form.merged_text();
        form.id = id.unwrap_or_else(|| TemplateId::of(&form.exact_text()));
        form.leader = form.id;
        form
    }

    /// Whether every word it has left is the line's.
    pub(super) fn fits(&self, words: &Words) -> bool {
        self.words.len() == words.len()
            && self
                .words
                .iter()
                .zip(words.iter())
                .all(|(kept, word)| kept.as_ref().is_none_or(|kept| kept.is(word)))
    }

    /// `None` if they have too little in common.
    pub(super) fn similarity(&self, words: &Words) -> Option<Similarity> {
        if self.words.len() != words.len() {
            return None;
        }
        let (mut equal, mut differing, mut told) = (0, 0, 0);
        for (number, (kept, word)) in self.words.iter().zip(words.iter()).enumerate() {
            match kept {
                Some(kept) if kept.is(word) => {
                    told += 1;
                    equal += 1;
                }
                Some(_) => {
                    told += 1;
                    differing |= 1 << number;
                }
                None => told += usize::from(!word.is_mask()),
            }
        }
        // A form of nothing but masks is for lines of nothing but masks.
        let similar = equal * 100 >= told * SIMILARITY && (equal > 0 || told == 0);
        (similar || (differing == 0 && equal > 0)).then_some(Similarity { equal, differing })
    }

    /// Lets go of the words that are not the line's.
    pub(super) fn generalise(&mut self, words: &Words) {
        for (kept, word) in self.words.iter_mut().zip(words.iter()) {
            if kept.as_ref().is_some_and(|kept| !kept.is(word)) {
                *kept = None;
            }
        }
        self.text = self.merged_text();
    }

    /// Every word, so that the form can be made again.
    pub(super) fn exact_text(&self) -> String {
        self.write(false)
    }

    fn merged_text(&self) -> String {
        self.write(true)
    }

    fn write(&self, merge: bool) -> String {
        let mut text = String::new();
        let mut masked = false;
        for kept in &self.words {
            if merge && masked && kept.is_none() {
                continue;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            masked = kept.is_none();
            match kept {
                None => text.push_str(SHOWN),
                Some(kept) => {
                    for (number, part) in kept.bytes.split(|byte| *byte == MASK).enumerate() {
                        text.push_str(if number > 0 { SHOWN } else { "" });
                        text.push_str(&String::from_utf8_lossy(part));
                    }
                }
            }
        }
        text
    }
}

//! What kinds of messages are there? Templates mined from a stream of lines, with counts that add up.
//!
//! The method is Drain's (He, Zhu, Zheng, Lyu: *Drain: An Online Log Parsing Approach with Fixed Depth Tree*, ICWS 2017): a line is
//! compared only with templates of as many words that begin with the same word, and joins the most similar one, whose
//! differing words become `<*>`. What differs from the paper:
//!
//! - **One configuration.** Instead of expressions to mask per system, every word with a digit is masked, by rules
//!   that need no tuning: `10.0.0.1:80` and `0x1f` are `<*>`, `blk_-12` is `blk_<*>`, `eth0` is `eth<*>`.
//! - **Runs are merged.** Words next to each other that are all masked count as one, so that lists of any length and `10:00:00 21.11.` meet
//!   in one template; so do templates of different length that read the same once their runs of `<*>` are one.
//! - **Similarity** is the share of equal words among those that are not masked in both; [`SIMILARITY`] of them must be equal, or
//!   all words the template has left.
//! - **A word is a parameter at its third value** ([`VARIANTS`]): `scaled up` and `scaled down` stay two templates, which matters to
//!   whoever counts them, while three users who log in are one.
//! - **Counts add up.** The templates' counts and [`Miner::forgotten`] are the lines added, always: no line is skipped, and
//!   a template given up for a newer one leaves its count behind.
//!
//! **Bounds.** [`Limits`]; the template seen longest ago makes room for a new one. Words after the last one looked at are `<*>`, and so is a word over
//! [`MAX_WORD_BYTES`]. A line costs time in its length and, if it is not one of the forms seen lately, in its words times
//! at most [`MAX_SIMILAR`] templates.
//!
//! **Ids** are a hash of the first line a template was made from, masked: equal on every machine and after a restart if
//! that line is. [`Miner::forms`] and [`Miner::restore`] keep them for good.

mod form;
mod id;
mod watch;
mod words;

use std::collections::HashMap;

use form::{Form, Similarity};
pub use id::{InvalidTemplateId, TemplateId};
pub use watch::{Change, MAX_TEMPLATES, Watch, WatchOptions};
use words::Words;

/// The least share of equal words to join a template, in percent.
pub const SIMILARITY: usize = 60;
/// So many lines that differ in the same words and nowhere else make these words parameters: until then `up` and `down` are
/// templates of their own.
pub const VARIANTS: usize = 3;
/// A longer word is taken for a parameter.
pub const MAX_WORD_BYTES: usize = 64;
/// How many templates of one length and first word are compared with.
pub const MAX_SIMILAR: usize = 128;
/// How many first words templates of one length may have; those with others are kept together.
const MAX_FIRST_WORDS: usize = 100;

/// What a miner may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    max_templates: usize,
    max_words: usize,
}

impl Limits {
    /// Sets how many templates are kept, at least 1; 2,048 unless told.
    #[must_use]
    pub fn with_max_templates(mut self, templates: usize) -> Self {
        self.max_templates = templates.max(1);
        self
    }

    /// Sets how many words of a line are looked at, 1 to 127; 96 unless told.
    #[must_use]
    pub fn with_max_words(mut self, words: usize) -> Self {
        self.max_words = words.clamp(1, 127);
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_templates: 2048,
            max_words: 96,
        }
    }
}

/// What a line was counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// The template.
    pub id: TemplateId,
    /// Whether the line is the first of it.
    pub is_new: bool,
}

/// A kind of line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Template<'m> {
    /// Its name.
    pub id: TemplateId,
    /// The words all its lines have, `<*>` for what differs.
    pub text: &'m str,
    /// How many lines it has.
    pub count: u64,
}

/// Finds the templates of a stream of lines.
///
/// ```
/// use narae_logparse::template::Miner;
///
/// let mut miner = Miner::default();
/// for (user, port) in [("anna", 4022), ("ben", 22), ("chloe", 51022)] {
///     miner.add(format!("Accepted password for {user} from 10.0.0.{port} port {port}").as_bytes());
/// }
/// miner.add(b"Connection closed");
/// let templates: Vec<_> = miner.templates().into_iter().map(|found| (found.count, found.text.to_owned())).collect();
/// assert_eq!(templates, [
///     (3, "Accepted password for <*> from <*> port <*>".to_owned()),
///     (1, "Connection closed".to_owned()),
/// ]);
/// assert_eq!(miner.lines(), 4);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Miner {
    limits: Limits,
    forms: Vec<Form>,
    /// Forms by number of words and first word. INVARIANT: each form is in the one its `leaf` names, none is empty.
    leaves: HashMap<Leaf, Vec<usize>>,
    /// How many first words each length has.
    first_words: HashMap<usize, usize>,
    /// Forms that read the same, oldest first. INVARIANT: each form is in the one its text names, none is empty.
    texts: HashMap<String, Vec<usize>>,
    /// Lines seen lately, by their hash; a hint that is checked.
    recent: HashMap<u64, usize>,
    words: Words,
    lines: u64,
    forgotten: u64,
    /// Counts additions, to know which form was seen longest ago.
    clock: u64,
}

/// Number of words, and the hash of the first, if it is told apart by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Leaf {
    words: usize,
    first: Option<u64>,
}

impl Miner {
    /// A miner within limits of your own.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Counts a line, without its ending.
    pub fn add(&mut self, line: &[u8]) -> Seen {
        let mut words = std::mem::take(&mut self.words);
        words.read(line, self.limits.max_words);
        self.lines += 1;
        let seen = self.place(&words, 1, None);
        self.words = words;
        seen
    }

    /// How many lines were added.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// How many lines belonged to templates that made room for others.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Every template, the most frequent first.
    pub fn templates(&self) -> Vec<Template<'_>> {
        let mut templates: Vec<_> = self
            .texts
            .iter()
            .filter_map(|(text, forms)| {
                let forms = || forms.iter().filter_map(|form| self.forms.get(*form));
                Some(Template {
                    id: forms().next()?.id,
                    text,
                    count: forms().map(|form| form.count).sum(),
                })
            })
            .collect();
        templates.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(b.text)));
        templates
    }

    /// The text of a template, also by an id it had before it was found to read like another.
    pub fn text(&self, id: TemplateId) -> Option<&str> {
        let form = self.forms.iter().find(|form| form.id == id)?;
        Some(&form.text)
    }

    /// What [`restore`](Self::restore) needs to go on with the same templates: ids and forms, oldest first.
    pub fn forms(&self) -> Vec<(TemplateId, String)> {
        let mut forms: Vec<&Form> = self.forms.iter().collect();
        forms.sort_by_key(|form| form.born);
        forms
            .into_iter()
            .map(|form| (form.id, form.exact_text()))
            .collect()
    }

    /// Knows these templates from before, without lines: their ids go on, and they are not new.
    pub fn restore<'t>(&mut self, forms: impl IntoIterator<Item = (TemplateId, &'t str)>) {
        let mut words = Words::default();
        for (id, text) in forms {
            words.read_form(text, self.limits.max_words);
            self.place(&words, 0, Some(id));
        }
    }

    /// Adds what another miner counted, as if its lines had been added here after these.
    pub fn merge(&mut self, other: &Self) {
        let mut words = Words::default();
        let mut forms: Vec<&Form> = other.forms.iter().collect();
        forms.sort_by_key(|form| form.born);
        for form in forms {
            words.read_form(&form.exact_text(), self.limits.max_words);
            self.place(&words, form.count, Some(form.id));
        }
        self.lines += other.lines;
        self.forgotten += other.forgotten;
    }

    fn place(&mut self, words: &Words, count: u64, id: Option<TemplateId>) -> Seen {
        self.clock += 1;
        if let Some(&known) = self.recent.get(&words.hash())
            && self.forms.get(known).is_some_and(|form| form.fits(words))
        {
            return self.count(known, count);
        }
        let leaf = self.leaf(words);
        let (form, is_new) = match self.most_similar(leaf, words) {
            Some(joined) => {
                let form = joined.first().copied().unwrap_or_default();
                for at in joined {
                    self.generalise(at, words);
                }
                (form, false)
            }
            None => {
                let form = self.found(leaf, words, id);
                let siblings = self.forms.get(form).and_then(|f| self.texts.get(&f.text));
                (form, siblings.is_none_or(|forms| forms.len() == 1))
            }
        };
        self.remember(words, form);
        let seen = self.count(form, count);
        Seen { is_new, ..seen }
    }

    fn count(&mut self, form: usize, count: u64) -> Seen {
        let clock = self.clock;
        if let Some(form) = self.forms.get_mut(form) {
            form.count += count;
            form.last = clock;
        }
        Seen {
            id: self.leader(form),
            is_new: false,
        }
    }

    /// The id of the oldest form that reads like this one.
    fn leader(&self, form: usize) -> TemplateId {
        self.forms
            .get(form)
            .map_or(TemplateId(0), |form| form.leader)
    }

    fn remember(&mut self, words: &Words, form: usize) {
        if self.recent.len() >= self.limits.max_templates.saturating_mul(8) {
            self.recent.clear();
        }
        self.recent.insert(words.hash(), form);
    }

    fn leaf(&self, words: &Words) -> Leaf {
        let length = words.len();
        let leaf = Leaf {
            words: length,
            first: words.first(),
        };
        let full = self
            .first_words
            .get(&length)
            .is_some_and(|n| *n >= MAX_FIRST_WORDS);
        match leaf.first {
            Some(_) if full && !self.leaves.contains_key(&leaf) => Leaf {
                first: None,
                ..leaf
            },
            _ => leaf,
        }
    }

    /// The forms to join, the first of which the line is counted under: the one it fits or, if it is the [`VARIANTS`]th to differ
    /// from the others in the same words, all of these.
    fn most_similar(&self, leaf: Leaf, words: &Words) -> Option<Vec<usize>> {
        let candidates = self.leaves.get(&leaf)?.iter();
        let mut rated: Vec<(Similarity, u64, usize)> = candidates
            .filter_map(|&at| {
                let form = self.forms.get(at)?;
                Some((form.similarity(words)?, form.born, at))
            })
            .collect();
        // Of equally similar ones the oldest, so that the answer does not depend on the order in memory.
        rated.sort_by(|(a, born_a, _), (b, born_b, _)| {
            let equal = b.equal.cmp(&a.equal);
            let differing = || a.differing.cmp(&b.differing);
            equal.then_with(differing).then(born_a.cmp(born_b))
        });
        let fitting = rated.iter().find(|(rating, _, _)| rating.differing == 0);
        if let Some((_, _, at)) = fitting {
            return Some(vec![*at]);
        }
        let alike = |a: &(Similarity, u64, usize), b: &(Similarity, u64, usize)| {
            a.0.differing == b.0.differing
        };
        let variants = rated
            .chunk_by(alike)
            .find(|variants| variants.len() + 1 >= VARIANTS)?;
        Some(variants.iter().map(|(_, _, at)| *at).collect())
    }

    fn generalise(&mut self, at: usize, words: &Words) {
        self.leave_text(at);
        if let Some(form) = self.forms.get_mut(at) {
            form.generalise(words);
        }
        self.enter_text(at);
    }

    /// Makes a form of a line that is like none, in the place of an old one if there is no other.
    fn found(&mut self, leaf: Leaf, words: &Words, id: Option<TemplateId>) -> usize {
        let siblings = self.leaves.get(&leaf).map_or(0, Vec::len);
        let oldest = |forms: &mut dyn Iterator<Item = usize>| {
            forms.min_by_key(|at| self.forms.get(*at).map(|form| form.last))
        };
        let victim = if siblings >= MAX_SIMILAR {
            oldest(&mut self.leaves.get(&leaf).into_iter().flatten().copied())
        } else if self.forms.len() >= self.limits.max_templates {
            oldest(&mut (0..self.forms.len()))
        } else {
            None
        };
        let form = Form::new(leaf, words, id, self.clock);
        let at = match victim {
            Some(at) => {
                self.forget(at);
                if let Some(place) = self.forms.get_mut(at) {
                    *place = form;
                }
                at
            }
            None => {
                self.forms.push(form);
                self.forms.len() - 1
            }
        };
        let forms = self.leaves.entry(leaf).or_default();
        if forms.is_empty() && leaf.first.is_some() {
            *self.first_words.entry(leaf.words).or_default() += 1;
        }
        forms.push(at);
        self.enter_text(at);
        at
    }

    fn forget(&mut self, at: usize) {
        self.leave_text(at);
        let Some(form) = self.forms.get(at) else {
            return;
        };
        self.forgotten += form.count;
        let leaf = form.leaf;
        let Some(forms) = self.leaves.get_mut(&leaf) else {
            return;
        };
        forms.retain(|form| *form != at);
        if forms.is_empty() {
            self.leaves.remove(&leaf);
            if leaf.first.is_some()
                && let Some(first_words) = self.first_words.get_mut(&leaf.words)
            {
                *first_words -= 1;
            }
        }
    }

    fn leave_text(&mut self, at: usize) {
        let Some(form) = self.forms.get(at) else {
            return;
        };
        let Some(forms) = self.texts.get_mut(&form.text) else {
            return;
        };
        forms.retain(|form| *form != at);
        if forms.is_empty() {
            self.texts.remove(&form.text);
        } else {
            let text = form.text.clone();
            self.lead(&text);
        }
    }

    fn enter_text(&mut self, at: usize) {
        let Some(form) = self.forms.get(at) else {
            return;
        };
        let text = form.text.clone();
        let forms = self.texts.entry(text.clone()).or_default();
        forms.push(at);
        let born = |at: &usize| self.forms.get(*at).map(|form| form.born);
        forms.sort_by_key(born);
        self.lead(&text);
    }

    /// Tells the forms that read so who is the oldest of them.
    fn lead(&mut self, text: &str) {
        let Some(forms) = self.texts.get(text) else {
            return;
        };
        let leader = forms.first().and_then(|at| self.forms.get(*at));
        let Some(id) = leader.map(|form| form.id) else {
            return;
        };
        for at in forms {
            if let Some(form) = self.forms.get_mut(*at) {
                form.leader = id;
            }
        }
    }
}

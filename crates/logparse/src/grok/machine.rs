//! Runs a program on a text: backtracking in the order Oniguruma takes, in time linear in the text.
//!
//! A first try keeps no memory of where it has been, which is fastest and enough for nearly every line; it is given a
//! number of steps in proportion to the text. If they do not do, a second try remembers every choice made at every place
//! and makes none twice: a choice that failed once fails again, because nothing it depends on has changed. That takes
//! instructions × bytes steps at most, and bits of memory, which are limited by [`MAX_MEMORY_BYTES`].

use super::class::{Class, before, decode};
use super::node::Assertion;
use super::program::{Instruction, Program};

/// How much memory the second try may use.
pub(super) const MAX_MEMORY_BYTES: usize = 64 << 20;

/// Steps of the first try: so many for every byte, and to begin with.
const STEPS_PER_BYTE: usize = 64;
const LEAST_STEPS: usize = 8192;

/// How a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Match,
    /// The byte that did not fit in the try that came furthest, and the instruction it did not fit.
    Mismatch {
        reached: usize,
        instruction: usize,
    },
    /// The line is too long for the memory limit.
    TooLong,
}

/// A place to go on from, or something to undo on the way there.
#[derive(Debug, Clone, Copy)]
enum Frame {
    Branch {
        instruction: usize,
        at: usize,
    },
    /// A run may give back characters down to `least`.
    Run {
        next: usize,
        least: usize,
        at: usize,
    },
    Restore {
        slot: usize,
        value: Option<usize>,
    },
}

/// What a search works with; kept between searches so that they allocate nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    stack: Vec<Frame>,
    visited: Vec<u64>,
    pub(super) slots: Vec<Option<usize>>,
}

struct Search<'p, 't, 's> {
    program: &'p Program,
    text: &'t [u8],
    scratch: &'s mut Scratch,
    remembers: bool,
    steps: usize,
    /// Where the match being tried begins.
    start: usize,
    /// One more than the bytes that the best try came.
    progress: usize,
    reached: usize,
    instruction: usize,
}

/// Looks for the first place where the program matches.
pub(super) fn search(
    program: &Program,
    text: &[u8],
    captures: usize,
    scratch: &mut Scratch,
) -> Outcome {
    let mut search = Search {
        program,
        text,
        scratch,
        remembers: false,
        steps: LEAST_STEPS + STEPS_PER_BYTE * text.len(),
        start: 0,
        progress: 0,
        reached: 0,
        instruction: 0,
    };
    if let Some(found) = search.anywhere(captures) {
        return search.outcome(found);
    }
    let bits = program.marks.saturating_mul(text.len() + 1);
    if bits / 8 > MAX_MEMORY_BYTES {
        return Outcome::TooLong;
    }
    search.scratch.visited.clear();
    search.scratch.visited.resize(bits.div_ceil(64), 0);
    search.remembers = true;
    let found = search.anywhere(captures).unwrap_or(false);
    search.outcome(found)
}

impl Search<'_, '_, '_> {
    const fn outcome(&self, found: bool) -> Outcome {
        if found {
            Outcome::Match
        } else {
            Outcome::Mismatch {
                reached: self.reached,
                instruction: self.instruction,
            }
        }
    }

    /// `None` if the steps did not do.
    fn anywhere(&mut self, captures: usize) -> Option<bool> {
        let mut at = 0;
        loop {
            if self.can_begin(at) {
                self.scratch.slots.clear();
                self.scratch.slots.resize(captures * 2, None);
                if self.run(at)? {
                    return Some(true);
                }
            }
            let Some((length, _)) = decode(self.text, at) else {
                return Some(false);
            };
            at += length;
        }
    }

    fn can_begin(&self, at: usize) -> bool {
        self.program
            .first
            .as_ref()
            .is_none_or(|first| member(first, self.text, at).is_some())
    }

    /// Whether the program matches here; `None` if the steps did not do.
    fn run(&mut self, start: usize) -> Option<bool> {
        self.scratch.stack.clear();
        self.start = start;
        let (mut pc, mut at) = (0, start);
        loop {
            if !self.remembers {
                self.steps = self.steps.checked_sub(1)?;
            }
            let next = match self.program.instructions.get(pc) {
                None | Some(Instruction::Match) => return Some(true),
                Some(instruction) => self.step(instruction, pc, at),
            };
            match next.or_else(|| self.pop()) {
                Some(place) => (pc, at) = place,
                None => return Some(false),
            }
        }
    }

    /// The next instruction and place, or `None` if this one fails.
    #[inline]
    fn step(&mut self, instruction: &Instruction, pc: usize, at: usize) -> Option<(usize, usize)> {
        match instruction {
            Instruction::Byte(byte) => {
                if self.text.get(at) == Some(byte) {
                    return Some((pc + 1, at + 1));
                }
                self.fails(pc, at)
            }
            Instruction::Class(class) => {
                let set = self.program.sets.get(*class)?;
                match set.member(self.text, at) {
                    Some(length) => Some((pc + 1, at + length)),
                    None => self.fails(pc, at),
                }
            }
            Instruction::Split {
                first,
                second,
                mark,
            } => {
                // One look at what comes next decides most choices.
                let next = self.text.get(at).copied();
                let can = |way: usize| {
                    self.program
                        .starts
                        .get(way)
                        .is_some_and(|start| start.allows(next))
                };
                match (can(*first), can(*second)) {
                    (true, true) => {
                        self.enter(*mark, at)?;
                        let instruction = *second;
                        self.scratch.stack.push(Frame::Branch { instruction, at });
                        Some((*first, at))
                    }
                    (true, false) => Some((*first, at)),
                    (false, true) => Some((*second, at)),
                    (false, false) => self.fails(pc, at),
                }
            }
            Instruction::Jump(target) => Some((*target, at)),
            Instruction::Switch(table) => {
                let next = self.text.get(at).map_or(256, |byte| usize::from(*byte));
                let target = self.program.tables.get(*table)?.get(next)?;
                Some((usize::try_from(*target).ok()?, at))
            }
            Instruction::Run {
                class,
                possessive,
                mark,
            } => {
                let set = self.program.sets.get(*class)?;
                if self.remembers {
                    self.enter(*mark, at)?;
                    return Some(match set.member(self.text, at) {
                        Some(length) => {
                            self.scratch.stack.push(Frame::Branch {
                                instruction: pc + 1,
                                at,
                            });
                            (pc, at + length)
                        }
                        None => (pc + 1, at),
                    });
                }
                let end = set.run(self.text, at);
                self.steps = self.steps.saturating_sub((end - at) / 16);
                if !possessive && end > at {
                    self.scratch.stack.push(Frame::Run {
                        next: pc + 1,
                        least: at,
                        at: end,
                    });
                }
                Some((pc + 1, end))
            }
            Instruction::Span { class, min, max } => {
                let set = self.program.sets.get(*class)?;
                let end = set.run_of(self.text, at, *max);
                self.steps = self.steps.saturating_sub((end.at - at) / 16);
                if end.count >= *min {
                    return Some((pc + 1, end.at));
                }
                self.fails(pc, end.at)
            }
            Instruction::Save(slot) => {
                self.save(*slot, at);
                Some((pc + 1, at))
            }
            Instruction::RestOfLine(capture) => {
                let rest = self.text.get(at..).unwrap_or_default();
                let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                self.save(capture * 2, at);
                self.save(capture * 2 + 1, at + length);
                Some((pc + 1, at))
            }
            Instruction::Assert(assertion) => {
                let assertion = self.program.assertions.get(*assertion)?;
                if holds(assertion, self.text, at) {
                    Some((pc + 1, at))
                } else {
                    self.fails(pc, at)
                }
            }
            Instruction::Match => Some((pc, at)),
        }
    }

    fn fails(&mut self, pc: usize, at: usize) -> Option<(usize, usize)> {
        // The first of the tries that came furthest: later ones are other ways to the same end.
        if at - self.start >= self.progress {
            self.progress = at - self.start + 1;
            (self.reached, self.instruction) = (at, pc);
        }
        None
    }

    /// `None` if this choice was made at this place before.
    fn enter(&mut self, mark: usize, at: usize) -> Option<()> {
        if !self.remembers {
            return Some(());
        }
        let bit = mark * (self.text.len() + 1) + at;
        let word = self.scratch.visited.get_mut(bit / 64)?;
        let is_new = *word & (1 << (bit % 64)) == 0;
        *word |= 1 << (bit % 64);
        is_new.then_some(())
    }

    fn save(&mut self, slot: usize, at: usize) {
        if let Some(place) = self.scratch.slots.get_mut(slot) {
            let value = place.replace(at);
            self.scratch.stack.push(Frame::Restore { slot, value });
        }
    }

    /// Back to the last choice that has another way.
    fn pop(&mut self) -> Option<(usize, usize)> {
        loop {
            match self.scratch.stack.pop()? {
                Frame::Branch { instruction, at } => return Some((instruction, at)),
                Frame::Restore { slot, value } => {
                    if let Some(place) = self.scratch.slots.get_mut(slot) {
                        *place = value;
                    }
                }
                Frame::Run { next, least, at } => {
                    let at = before(self.text, at)?;
                    if at > least {
                        self.scratch.stack.push(Frame::Run { next, least, at });
                    }
                    return Some((next, at));
                }
            }
        }
    }
}

/// How long the character here is, if the set has it.
#[inline]
fn member(class: &Class, text: &[u8], at: usize) -> Option<usize> {
    let byte = *text.get(at)?;
    if byte.is_ascii() {
        return class.has_ascii(byte).then_some(1);
    }
    let (length, character) = decode(text, at)?;
    class.has_wide(character).then_some(length)
}

fn holds(assertion: &Assertion, text: &[u8], at: usize) -> bool {
    let previous = at.checked_sub(1).and_then(|at| text.get(at));
    let next = text.get(at);
    let is_word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    match assertion {
        Assertion::LineStart => {
            matches!(previous, None | Some(b'\n')) && (at == 0 || next.is_some())
        }
        Assertion::LineEnd => matches!(next, None | Some(b'\n')),
        Assertion::TextStart => at == 0,
        Assertion::TextEnd => next.is_none(),
        Assertion::LastLineEnd => next.is_none() || text.get(at..) == Some(b"\n"),
        Assertion::WordBoundary => is_word(previous) != is_word(next),
        Assertion::NotWordBoundary => is_word(previous) == is_word(next),
        Assertion::Look {
            behind,
            negated,
            texts,
        } => {
            let stands = |classes: &Vec<Class>| {
                if *behind {
                    classes.iter().rev().try_fold(at, |end, class| {
                        let start = before(text, end)?;
                        member(class, text, start).is_some().then_some(start)
                    })
                } else {
                    classes
                        .iter()
                        .try_fold(at, |at, class| Some(at + member(class, text, at)?))
                }
            };
            let stands = |classes: &Vec<Class>| match (classes.as_slice(), *behind) {
                // Most looks are at one character.
                ([class], true) => match previous {
                    Some(byte) if byte.is_ascii() => class.has_ascii(*byte),
                    _ => stands(classes).is_some(),
                },
                ([class], false) => member(class, text, at).is_some(),
                _ => stands(classes).is_some(),
            };
            texts.iter().any(stands) != *negated
        }
    }
}

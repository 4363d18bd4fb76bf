//! What can come next: what each instruction and a whole match can begin with, and what a program gains by knowing it.

use super::class::Class;
use super::node::Node;
use super::program::{Instruction, Program};

/// What can stand at a place for an instruction and those after it to match: a superset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Start {
    ascii: u128,
    wide: bool,
    end: bool,
}

impl Start {
    const ANYTHING: Self = Self {
        ascii: u128::MAX,
        wide: true,
        end: true,
    };

    /// Whether what stands at a place can begin a match.
    #[inline]
    pub(super) const fn allows(self, next: Option<u8>) -> bool {
        match next {
            None => self.end,
            Some(byte @ 0..=127) => self.ascii & (1 << byte) != 0,
            Some(_) => self.wide,
        }
    }

    const fn or(self, other: Self) -> Self {
        Self {
            ascii: self.ascii | other.ascii,
            wide: self.wide || other.wide,
            end: self.end || other.end,
        }
    }
}

impl Program {
    /// A run that is followed by what cannot begin with a character of it need never give one back.
    pub(super) fn possessify(&mut self) {
        for at in 0..self.instructions.len() {
            let Some(Instruction::Run { class, .. }) = self.instructions.get(at) else {
                continue;
            };
            let disjoint = self.is_followed_by_others(*class, at);
            if let (true, Some(Instruction::Run { possessive, .. })) =
                (disjoint, self.instructions.get_mut(at))
            {
                *possessive = true;
            }
        }
    }

    /// Lets every way that leads to a jump lead where that goes.
    pub(super) fn skip_jumps(&mut self) {
        let jumps: Vec<usize> = (self.instructions.iter().enumerate())
            .map(|(at, instruction)| match instruction {
                Instruction::Jump(target) => *target,
                _ => at,
            })
            .collect();
        let end = |mut at: usize| {
            // Back to where a loop begins is not further than the instructions are many.
            for _ in 0..jumps.len() {
                match jumps.get(at) {
                    Some(next) if *next != at => at = *next,
                    _ => break,
                }
            }
            at
        };
        for instruction in &mut self.instructions {
            match instruction {
                Instruction::Jump(target) => *target = end(*target),
                Instruction::Split { first, second, .. } => {
                    (*first, *second) = (end(*first), end(*second));
                }
                _ => {}
            }
        }
    }

    /// Follows the chain of choices behind each switch to the first that can match, for each byte.
    pub(super) fn fill_tables(&mut self) {
        let program = self;
        for (at, instruction) in program.instructions.iter().enumerate() {
            let Instruction::Switch(table) = instruction else {
                continue;
            };
            let targets = (0..=255).map(Some).chain([None]).map(|next| {
                let mut choice = at + 1;
                // The chain of one alternation has no loop: each choice leads on.
                while let Some(Instruction::Split { first, second, .. }) =
                    program.instructions.get(choice)
                    && *second > choice
                    && program
                        .starts
                        .get(*first)
                        .is_some_and(|start| !start.allows(next))
                {
                    choice = *second;
                }
                u32::try_from(choice).unwrap_or(u32::MAX)
            });
            if let Some(table) = program.tables.get_mut(*table) {
                *table = targets.collect();
            }
        }
    }

    /// The numbers of spans behind which a character of theirs may follow.
    pub(super) fn ambiguous_spans(&self, spans: &[(usize, usize)]) -> Vec<usize> {
        let ambiguous = spans.iter().filter(|(_, at)| {
            let instruction = self.instructions.get(*at);
            !matches!(instruction, Some(Instruction::Span { class, .. }) if self.is_followed_by_others(*class, *at))
        });
        ambiguous.map(|(number, _)| *number).collect()
    }

    /// Whether nothing that can follow an instruction begins with a character of the set.
    fn is_followed_by_others(&self, class: usize, at: usize) -> bool {
        let start = self.starts.get(at + 1).copied();
        let class = self.classes.get(class).map(Class::summary);
        let (Some(start), Some((ascii, wide))) = (start, class) else {
            return false;
        };
        start.ascii & ascii == 0 && !(start.wide && wide)
    }

    /// Grows the starts until they no longer change; backwards, because most instructions are followed by the next.
    pub(super) fn find_starts(&mut self) {
        let program = self;
        program.starts = vec![Start::default(); program.instructions.len()];
        loop {
            let mut changed = false;
            for (at, instruction) in program.instructions.iter().enumerate().rev() {
                let of = |at: usize| program.starts.get(at).copied().unwrap_or_default();
                let class = |class: usize| {
                    let class = program.classes.get(class);
                    let (ascii, wide) = class.map_or((0, false), Class::summary);
                    Start {
                        ascii,
                        wide,
                        end: false,
                    }
                };
                let start = match instruction {
                    Instruction::Byte(byte) => Start {
                        ascii: 1 << (byte & 127),
                        ..Start::default()
                    },
                    Instruction::Class(number) => class(*number),
                    Instruction::Split { first, second, .. } => of(*first).or(of(*second)),
                    Instruction::Jump(target) => of(*target),
                    Instruction::Run { class: number, .. }
                    | Instruction::Span {
                        class: number,
                        min: 0,
                        ..
                    } => class(*number).or(of(at + 1)),
                    Instruction::Span { class: number, .. } => class(*number),
                    Instruction::Switch(_)
                    | Instruction::Save(_)
                    | Instruction::RestOfLine(_)
                    | Instruction::Assert(_) => of(at + 1),
                    Instruction::Match => Start::ANYTHING,
                };
                if let Some(known) = program.starts.get_mut(at).filter(|known| **known != start) {
                    *known = start;
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }
}

/// What a match of the node can begin with (`None`: not known), and whether it can be empty.
pub(super) fn first(node: &Node) -> (Option<Class>, bool) {
    match node {
        Node::Class(class) => (Some(class.clone()), false),
        Node::Assert(_) | Node::RestOfLine(_) => (Some(Class::NONE), true),
        Node::Capture(_, node) | Node::Named(_, node) => first(node),
        Node::Repeat { node, min, .. } => {
            let (class, empty) = first(node);
            (class, empty || *min == 0)
        }
        Node::Concat(nodes) => {
            let mut sum = Some(Class::NONE);
            for node in nodes {
                let (class, empty) = first(node);
                sum = union(sum, class);
                if !empty {
                    return (sum, false);
                }
            }
            (sum, true)
        }
        Node::Alternate(nodes) => nodes
            .iter()
            .map(first)
            .fold((Some(Class::NONE), false), |sum, node| {
                (union(sum.0, node.0), sum.1 || node.1)
            }),
    }
}

fn union(sum: Option<Class>, more: Option<Class>) -> Option<Class> {
    let (mut sum, more) = (sum?, more?);
    sum.union(&more).then_some(sum)
}

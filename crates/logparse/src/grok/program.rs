//! A pattern as instructions for the [machine](super::machine).

use super::class::Class;
use super::syntax::{Assertion, Node};

/// How many instructions a pattern may compile to.
const MAX_INSTRUCTIONS: usize = 200_000;

#[derive(Debug, Clone)]
pub(super) enum Instruction {
    /// One character of the set.
    Class(usize),
    /// One ASCII byte.
    Byte(u8),
    /// First one, then, if that fails, the other; remembered under the number.
    Split {
        first: usize,
        second: usize,
        mark: usize,
    },
    Jump(usize),
    /// As many characters of the set as there are, then fewer if that fails; goes on with the next instruction. If
    /// `possessive`, what follows cannot begin with one of them, so fewer cannot help.
    Run {
        class: usize,
        possessive: bool,
        mark: usize,
    },
    /// Notes the place.
    Save(usize),
    /// Notes the place and the end of the line as the slots of this capture.
    RestOfLine(usize),
    Assert(usize),
    Match,
}

#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) instructions: Vec<Instruction>,
    /// Which named pattern each instruction belongs to.
    pub(super) names: Vec<Option<usize>>,
    pub(super) classes: Vec<Class>,
    pub(super) assertions: Vec<Assertion>,
    /// How many instructions remember places.
    pub(super) marks: usize,
    /// What each instruction can begin with.
    pub(super) starts: Vec<Start>,
    /// What a match can begin with, if it must begin with something.
    pub(super) first: Option<Class>,
}

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

/// Compiles a tree; `None` if it is too large.
pub(super) fn compile(node: &Node) -> Option<Program> {
    let mut compiler = Compiler {
        program: Program {
            instructions: Vec::new(),
            names: Vec::new(),
            classes: Vec::new(),
            assertions: Vec::new(),
            marks: 0,
            starts: Vec::new(),
            first: match first(node) {
                (class, false) => class,
                (_, true) => None,
            },
        },
        name: None,
    };
    compiler.node(node)?;
    compiler.emit(Instruction::Match)?;
    compiler.possessify();
    compiler.find_starts();
    Some(compiler.program)
}

struct Compiler {
    program: Program,
    name: Option<usize>,
}

impl Compiler {
    fn here(&self) -> usize {
        self.program.instructions.len()
    }

    fn emit(&mut self, instruction: Instruction) -> Option<usize> {
        let at = self.here();
        (at < MAX_INSTRUCTIONS).then_some(())?;
        self.program.instructions.push(instruction);
        self.program.names.push(self.name);
        Some(at)
    }

    fn mark(&mut self) -> usize {
        self.program.marks += 1;
        self.program.marks - 1
    }

    fn class(&mut self, class: &Class) -> usize {
        let known = self.program.classes.iter().position(|known| known == class);
        known.unwrap_or_else(|| {
            self.program.classes.push(class.clone());
            self.program.classes.len() - 1
        })
    }

    fn node(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Class(class) => {
                let instruction = match class.single() {
                    Some(byte) => Instruction::Byte(byte),
                    None => Instruction::Class(self.class(class)),
                };
                self.emit(instruction)?;
            }
            Node::Assert(assertion) => {
                self.program.assertions.push(assertion.clone());
                self.emit(Instruction::Assert(self.program.assertions.len() - 1))?;
            }
            Node::Concat(nodes) => nodes.iter().try_for_each(|node| self.node(node))?,
            Node::Alternate(nodes) => self.alternate(nodes)?,
            Node::Repeat {
                node,
                min,
                max,
                greedy,
            } => self.repeat(node, *min, *max, *greedy)?,
            Node::Capture(capture, node) => {
                self.emit(Instruction::Save(capture * 2))?;
                self.node(node)?;
                self.emit(Instruction::Save(capture * 2 + 1))?;
            }
            Node::RestOfLine(capture) => {
                self.emit(Instruction::RestOfLine(*capture))?;
            }
            Node::Named(name, node) => {
                let outer = self.name.replace(*name);
                self.node(node)?;
                self.name = outer;
            }
        }
        Some(())
    }

    fn alternate(&mut self, nodes: &[Node]) -> Option<()> {
        let mut ends = Vec::new();
        let Some((last, others)) = nodes.split_last() else {
            return Some(());
        };
        for node in others {
            let split = self.split()?;
            self.node(node)?;
            ends.push(self.emit(Instruction::Jump(0))?);
            self.second(split, self.here(), true);
        }
        self.node(last)?;
        let end = self.here();
        for jump in ends {
            if let Some(instruction) = self.program.instructions.get_mut(jump) {
                *instruction = Instruction::Jump(end);
            }
        }
        Some(())
    }

    fn repeat(&mut self, node: &Node, min: u32, max: Option<u32>, greedy: bool) -> Option<()> {
        for _ in 0..min {
            self.node(node)?;
        }
        match max {
            None => match class_of(node) {
                Some(class) if greedy => {
                    let class = self.class(class);
                    let mark = self.mark();
                    self.emit(Instruction::Run {
                        class,
                        possessive: false,
                        mark,
                    })?;
                }
                _ => {
                    let split = self.split()?;
                    self.node(node)?;
                    self.emit(Instruction::Jump(split))?;
                    self.second(split, self.here(), greedy);
                }
            },
            Some(max) => {
                let mut splits = Vec::new();
                for _ in min..max {
                    splits.push(self.split()?);
                    self.node(node)?;
                }
                let end = self.here();
                splits
                    .into_iter()
                    .for_each(|split| self.second(split, end, greedy));
            }
        }
        Some(())
    }

    /// A choice whose one way is the next instruction.
    fn split(&mut self) -> Option<usize> {
        let mark = self.mark();
        self.emit(Instruction::Split {
            first: 0,
            second: 0,
            mark,
        })
    }

    fn second(&mut self, split: usize, target: usize, next_first: bool) {
        if let Some(Instruction::Split { first, second, .. }) =
            self.program.instructions.get_mut(split)
        {
            (*first, *second) = if next_first {
                (split + 1, target)
            } else {
                (target, split + 1)
            };
        }
    }

    /// A run that is followed by what cannot begin with a character of it need never give one back.
    fn possessify(&mut self) {
        for at in 0..self.here() {
            let Some(Instruction::Run { class, .. }) = self.program.instructions.get(at) else {
                continue;
            };
            let class = self
                .program
                .classes
                .get(*class)
                .cloned()
                .unwrap_or(Class::NONE);
            let disjoint = self
                .follows(at + 1)
                .is_some_and(|next| next.is_disjoint(&class));
            if let (true, Some(Instruction::Run { possessive, .. })) =
                (disjoint, self.program.instructions.get_mut(at))
            {
                *possessive = true;
            }
        }
    }

    /// Grows the starts until they no longer change; backwards, because most instructions are followed by the next.
    fn find_starts(&mut self) {
        let program = &mut self.program;
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
                    Instruction::Run { class: number, .. } => class(*number).or(of(at + 1)),
                    Instruction::Save(_) | Instruction::RestOfLine(_) | Instruction::Assert(_) => {
                        of(at + 1)
                    }
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

    /// What must be matched next, if it is one character for certain.
    fn follows(&self, mut at: usize) -> Option<Class> {
        // Saves and jumps only; a loop of jumps would be a loop without choice, which is not made.
        for _ in 0..self.here() {
            match self.program.instructions.get(at)? {
                Instruction::Save(_) => at += 1,
                Instruction::Jump(target) => at = *target,
                Instruction::Byte(byte) => return Some(Class::one(char::from(*byte))),
                Instruction::Class(class) => return self.program.classes.get(*class).cloned(),
                _ => return None,
            }
        }
        None
    }
}

fn class_of(node: &Node) -> Option<&Class> {
    match node {
        Node::Class(class) => Some(class),
        Node::Concat(nodes) if nodes.len() == 1 => class_of(nodes.first()?),
        _ => None,
    }
}

/// What a match of the node can begin with (`None`: not known), and whether it can be empty.
fn first(node: &Node) -> (Option<Class>, bool) {
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

//! A pattern as instructions for the [machine](super::machine).

use std::collections::BTreeSet;

use super::class::Class;
use super::lookahead::{Start, first};
use super::node::{Assertion, Node};
use super::set::Set;

/// From so many alternatives on, a table says which is the first that can match.
const SWITCHED: usize = 4;
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
    /// The first of several choices that can begin with what stands here, by a table.
    Switch(usize),
    /// As many characters of the set as there are, then fewer if that fails; goes on with the next instruction. If
    /// `possessive`, what follows cannot begin with one of them, so fewer cannot help.
    Run {
        class: usize,
        possessive: bool,
        mark: usize,
    },
    /// From `min` to `max` characters of the set, as many as there are: what follows cannot begin with one of them, so fewer
    /// cannot help.
    Span {
        class: usize,
        min: u32,
        max: u32,
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
    /// The classes again, ready to be matched.
    pub(super) sets: Vec<Set>,
    pub(super) assertions: Vec<Assertion>,
    /// How many instructions remember places.
    pub(super) marks: usize,
    /// Of each switch, where to go on for each byte, and for the end.
    pub(super) tables: Vec<Vec<u32>>,
    /// What each instruction can begin with.
    pub(super) starts: Vec<Start>,
    /// What a match can begin with, if it must begin with something.
    pub(super) first: Option<Class>,
}

/// Compiles a tree; `None` if it is too large.
pub(super) fn compile(node: &Node) -> Option<Program> {
    // Counted repetitions are spans where what follows allows it, which is known once all is compiled.
    let mut unrolled = BTreeSet::new();
    loop {
        let mut compiler = Compiler {
            program: Program {
                instructions: Vec::new(),
                names: Vec::new(),
                classes: Vec::new(),
                sets: Vec::new(),
                tables: Vec::new(),
                assertions: Vec::new(),
                marks: 0,
                starts: Vec::new(),
                first: match first(node) {
                    (class, false) => class,
                    (_, true) => None,
                },
            },
            name: None,
            repetitions: 0,
            unrolled,
            spans: Vec::new(),
        };
        compiler.node(node)?;
        compiler.emit(Instruction::Match)?;
        compiler.program.skip_jumps();
        compiler.program.find_starts();
        compiler.program.possessify();
        compiler.program.fill_tables();
        let ambiguous = compiler.program.ambiguous_spans(&compiler.spans);
        if ambiguous.is_empty() {
            let mut program = compiler.program;
            program.sets = program.classes.iter().map(Set::new).collect();
            return Some(program);
        }
        unrolled = compiler.unrolled;
        unrolled.extend(ambiguous);
    }
}

struct Compiler {
    program: Program,
    name: Option<usize>,
    /// Counted repetitions met so far, each of which has a number.
    repetitions: usize,
    /// Those that must be written out.
    unrolled: BTreeSet<usize>,
    /// Those that became spans, with their instruction.
    spans: Vec<(usize, usize)>,
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
        if nodes.len() >= SWITCHED {
            self.program.tables.push(Vec::new());
            self.emit(Instruction::Switch(self.program.tables.len() - 1))?;
        }
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
        if let (Some(class), Some(max), true) = (class_of(node), max, greedy) {
            let number = self.repetitions;
            self.repetitions += 1;
            if max > 1 && !self.unrolled.contains(&number) {
                let class = self.class(class);
                let at = self.emit(Instruction::Span { class, min, max })?;
                self.spans.push((number, at));
                return Some(());
            }
        }
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
}

fn class_of(node: &Node) -> Option<&Class> {
    match node {
        Node::Class(class) => Some(class),
        Node::Concat(nodes) if nodes.len() == 1 => class_of(nodes.first()?),
        _ => None,
    }
}

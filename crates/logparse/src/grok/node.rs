//! What a pattern consists of, and what can be told of a part of it by looking at it.

use super::class::Class;

/// Look-around is compared with so many texts of so many characters.
const MAX_LOOK: usize = 64;

#[derive(Debug, Clone)]
pub(super) enum Node {
    Class(Class),
    Assert(Assertion),
    Concat(Vec<Self>),
    Alternate(Vec<Self>),
    Repeat {
        node: Box<Self>,
        min: u32,
        max: Option<u32>,
        greedy: bool,
    },
    /// What is matched inside goes to this field.
    Capture(usize, Box<Self>),
    /// The rest of the line goes to this field, and nothing is consumed.
    RestOfLine(usize),
    /// Belongs to this stock or own pattern.
    Named(usize, Box<Self>),
}

#[derive(Debug, Clone)]
pub(super) enum Assertion {
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    /// `\Z`: the end, or before a newline that ends the text.
    LastLineEnd,
    WordBoundary,
    NotWordBoundary,
    /// One of these sequences stands before or after, or none does.
    Look {
        behind: bool,
        negated: bool,
        texts: Vec<Vec<Class>>,
    },
}

impl Node {
    /// Every text that the node can be, if these are few, short and of classes only.
    pub(super) fn texts(&self) -> Option<Vec<Vec<Class>>> {
        let texts = match self {
            Self::Class(class) => vec![vec![class.clone()]],
            Self::Named(_, node) => node.texts()?,
            Self::Concat(nodes) => {
                let empty: Vec<Vec<Class>> = vec![Vec::new()];
                nodes.iter().try_fold(empty, |texts, node| {
                    let more = node.texts()?;
                    (texts.len() * more.len() <= MAX_LOOK).then_some(())?;
                    let joined = texts
                        .iter()
                        .flat_map(|text| more.iter().map(move |more| [&text[..], more].concat()));
                    Some(joined.collect())
                })?
            }
            Self::Alternate(nodes) => {
                let texts: Option<Vec<_>> = nodes.iter().map(Self::texts).collect();
                texts?.concat()
            }
            Self::Repeat {
                node,
                min,
                max: Some(max),
                ..
            } if min == max => {
                let node = (**node).clone();
                Self::Concat(vec![node; usize::try_from(*min).ok()?]).texts()?
            }
            _ => return None,
        };
        let small = texts.len() <= MAX_LOOK && texts.iter().all(|text| text.len() <= MAX_LOOK);
        small.then_some(texts)
    }

    /// The field of a node that captures `.*` and nothing else.
    pub(super) fn rest_of_line(&self) -> Option<usize> {
        match self {
            Self::Concat(nodes) if nodes.len() == 1 => nodes.first()?.rest_of_line(),
            Self::Capture(capture, inside) => inside.is_rest().then_some(*capture),
            _ => None,
        }
    }

    fn is_rest(&self) -> bool {
        match self {
            Self::Named(_, node) => node.is_rest(),
            Self::Concat(nodes) => nodes.len() == 1 && nodes.iter().all(Self::is_rest),
            Self::Repeat {
                node,
                min: 0,
                max: None,
                greedy: true,
            } => {
                matches!(&**node, Self::Class(class) if *class == Class::not_newline())
            }
            _ => false,
        }
    }
}

//! Which field of the object made an expression give the wrong answer.
//!
//! Walks the expression from the top, evaluating parts again to see which of them decide: of
//! `a && b` the side that is not true, of `a || b` both, through `!` with the wish turned round, of
//! `list.all(x, p)` each element for which `p` fails and then `p` for that element, of a condition
//! the branch it took. What is left is a comparison or a call, and to blame is the longest chain of
//! fields in it that begins at `object`, directly, through a variable, or through an element.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};
use cel::{Context, IdedExpr};
use narae_yaml::{Path, Segment};

use super::document::Policy;
use crate::expression::{is_variables, truth};

/// Fields named for one violation.
const MAX_FIELDS: usize = 16;

/// Parts evaluated again for one violation, so that blame costs no more than a few evaluations.
const MAX_EVALUATIONS: usize = 4_000;

/// Parts looked at for one violation. A variable is looked at each time it is named, and one that
/// names the one before it twice would double that with every variable.
const MAX_VISITS: usize = 20_000;

/// Parts inside one another, those of variables included; the walk is recursive.
const MAX_DEPTH: usize = 256;

pub(super) struct Blame<'p> {
    policy: &'p Policy,
    /// Names bound by comprehensions, with the field each stands for.
    bound: Vec<(String, Option<Path>)>,
    fields: Vec<Path>,
    evaluations: usize,
    visits: usize,
    depth: usize,
}

impl<'p> Blame<'p> {
    pub(super) fn new(policy: &'p Policy) -> Self {
        Self {
            policy,
            bound: Vec::new(),
            fields: Vec::new(),
            evaluations: 0,
            visits: 0,
            depth: 0,
        }
    }

    /// The fields to blame for an expression that is not true, most likely first.
    pub(super) fn of(mut self, tree: &IdedExpr, context: &Context<'_, '_>) -> Vec<Path> {
        self.part(tree, context, true);
        self.fields
    }

    fn part(&mut self, node: &IdedExpr, context: &Context<'_, '_>, wanted: bool) {
        if self.fields.len() >= MAX_FIELDS {
            return;
        }
        self.deeper(|this| match &node.expr {
            Expr::Call(call) => this.call(node, call, context, wanted),
            Expr::Comprehension(each) => this.comprehension(each, context, wanted),
            Expr::Select(select) if is_variables(&select.operand) => {
                match this.variable(&select.field) {
                    Some(tree) => this.apart(|this| this.part(tree, context, wanted)),
                    None => this.leaf(node, context),
                }
            }
            _ => this.leaf(node, context),
        });
    }

    /// Looks at one part more, or at nothing when that would be too many, or too deep.
    fn deeper<T: Default>(&mut self, look: impl FnOnce(&mut Self) -> T) -> T {
        self.visits += 1;
        if self.visits > MAX_VISITS || self.depth == MAX_DEPTH {
            return T::default();
        }
        self.depth += 1;
        let result = look(self);
        self.depth -= 1;
        result
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr, context: &Context<'_, '_>, wanted: bool) {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                let before = self.fields.len();
                for side in [left, right] {
                    if self.truth(side, context) != Some(wanted) {
                        self.part(side, context, wanted);
                    }
                    // Of a side that had to hold and does not, the other is not to blame.
                    let decides = (call.func_name == operators::LOGICAL_AND) == wanted;
                    if decides && self.fields.len() > before {
                        break;
                    }
                }
            }
            (operators::LOGICAL_NOT, [inner]) => self.part(inner, context, !wanted),
            (operators::CONDITIONAL, [condition, yes, no]) => {
                let taken = match self.truth(condition, context) {
                    Some(true) => yes,
                    Some(false) => no,
                    None => condition,
                };
                let before = self.fields.len();
                self.part(taken, context, wanted);
                if self.fields.len() == before {
                    self.leaf(condition, context);
                }
            }
            // What is looked for stands left; what it is looked for in is right when that has a field.
            _ => self.leaf(node, context),
        }
    }

    fn comprehension(&mut self, each: &ComprehensionExpr, context: &Context<'_, '_>, wanted: bool) {
        let before = self.fields.len();
        if let Some(body) = quantified(each, wanted) {
            for (value, path) in self.elements(&each.iter_range, context) {
                let mut inner = context.new_inner_scope();
                inner.add_variable_from_value(each.iter_var.clone(), value);
                if self.truth(body, &inner) != Some(wanted) {
                    self.bound.push((each.iter_var.clone(), path));
                    self.part(body, &inner, wanted);
                    self.bound.pop();
                }
                if self.fields.len() >= MAX_FIELDS || self.evaluations >= MAX_EVALUATIONS {
                    break;
                }
            }
        }
        if self.fields.len() == before {
            self.leaf(&each.iter_range, context);
        }
    }

    /// The elements an expression gives, each with the field it is.
    fn elements(
        &mut self,
        node: &IdedExpr,
        context: &Context<'_, '_>,
    ) -> Vec<(cel::Value, Option<Path>)> {
        self.deeper(|this| {
            match &node.expr {
                Expr::Call(call) if call.func_name == operators::ADD => call
                    .args
                    .iter()
                    .flat_map(|side| this.elements(side, context))
                    .collect(),
                Expr::Select(select) if is_variables(&select.operand) => {
                    match this.variable(&select.field) {
                        Some(tree) => this.apart(|this| this.elements(tree, context)),
                        None => Vec::new(),
                    }
                }
                Expr::Comprehension(each) if filter_condition(each).is_some() => {
                    let condition = filter_condition(each);
                    let elements = this.elements(&each.iter_range, context);
                    let mut kept = Vec::new();
                    for (value, path) in elements {
                        let mut inner = context.new_inner_scope();
                        inner.add_variable_from_value(each.iter_var.clone(), value.clone());
                        if condition
                            .is_some_and(|condition| this.truth(condition, &inner) == Some(true))
                        {
                            kept.push((value, path));
                        }
                    }
                    kept
                }
                _ => {
                    let path = this.path(node, context);
                    match this.evaluate(node, context) {
                        Some(cel::Value::List(list)) => {
                            let child = |index: usize| path.as_ref().map(|path| path.child(index));
                            list.iter()
                                .cloned()
                                .enumerate()
                                .map(|(i, value)| (value, child(i)))
                                .collect()
                        }
                        // Over a mapping, a comprehension goes over its keys.
                        Some(cel::Value::Map(map)) => {
                            let mut keys: Vec<_> = map.map.keys().cloned().collect();
                            keys.sort();
                            let entry = |key: cel::objects::Key| {
                                let child = match (&key, &path) {
                                    (cel::objects::Key::String(key), Some(path)) => {
                                        Some(path.child(key.as_str()))
                                    }
                                    _ => path.clone(),
                                };
                                (cel::Value::from(key), child)
                            };
                            keys.into_iter().map(entry).collect()
                        }
                        _ => Vec::new(),
                    }
                }
            }
        })
    }

    /// Adds the longest chain of fields anywhere in an expression.
    fn leaf(&mut self, node: &IdedExpr, context: &Context<'_, '_>) {
        let mut found: Vec<Path> = Vec::new();
        self.chains(node, context, &mut found);
        let longest = found
            .into_iter()
            .rev()
            .max_by_key(|path| path.segments().len());
        if let Some(path) = longest
            && !self.fields.contains(&path)
        {
            self.fields.push(path);
        }
    }

    fn chains(&mut self, node: &IdedExpr, context: &Context<'_, '_>, found: &mut Vec<Path>) {
        self.deeper(|this| {
            if let Some(path) = this.path(node, context) {
                found.push(path);
                return;
            }
            match &node.expr {
                Expr::Call(call) => {
                    for part in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
                        this.chains(part, context, found);
                    }
                }
                Expr::Select(select) if is_variables(&select.operand) => {
                    if let Some(tree) = this.variable(&select.field) {
                        this.apart(|this| this.chains(tree, context, found));
                    }
                }
                Expr::Select(select) => this.chains(&select.operand, context, found),
                Expr::Comprehension(each) => this.chains(&each.iter_range, context, found),
                Expr::List(list) => {
                    for item in &list.elements {
                        this.chains(item, context, found);
                    }
                }
                _ => {}
            }
        })
    }

    /// The field that an expression is, when it is one.
    fn path(&mut self, node: &IdedExpr, context: &Context<'_, '_>) -> Option<Path> {
        self.deeper(|this| match &node.expr {
            Expr::Ident(name) => {
                let bound = this.bound.iter().rev().find(|(bound, _)| bound == name);
                match bound {
                    Some((_, path)) => path.clone(),
                    None => (name == "object").then(Path::root),
                }
            }
            Expr::Select(select) if is_variables(&select.operand) => {
                let tree = this.variable(&select.field)?;
                this.apart(|this| this.path(tree, context))
            }
            Expr::Select(select) => {
                Some(this.path(&select.operand, context)?.child(&*select.field))
            }
            Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice(), &call.target)
            {
                (
                    operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT,
                    [container, key],
                    None,
                ) => {
                    let container = this.path(container, context)?;
                    let segment = match &key.expr {
                        Expr::Literal(LiteralValue::String(text)) => {
                            Segment::Key(text.inner().to_owned())
                        }
                        _ => match this.evaluate(key, context)? {
                            cel::Value::String(text) => Segment::Key(text.to_string()),
                            cel::Value::Int(index) => Segment::Index(usize::try_from(index).ok()?),
                            _ => return None,
                        },
                    };
                    Some(container.child(segment))
                }
                ("orValue", [_], Some(target)) | ("value", [], Some(target)) => {
                    this.path(target, context)
                }
                _ => None,
            },
            _ => None,
        })
    }

    /// A variable's expression stands outside the comprehensions that use it.
    fn apart<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> T {
        let bound = std::mem::take(&mut self.bound);
        let result = look(self);
        self.bound = bound;
        result
    }

    fn variable(&self, name: &str) -> Option<&'p IdedExpr> {
        let found = self
            .policy
            .variables
            .iter()
            .find(|(known, _)| known == name);
        found.map(|(_, expression)| &expression.tree)
    }

    fn truth(&mut self, node: &IdedExpr, context: &Context<'_, '_>) -> Option<bool> {
        self.evaluations += 1;
        (self.evaluations <= MAX_EVALUATIONS)
            .then(|| truth(node, context))
            .flatten()
    }

    fn evaluate(&mut self, node: &IdedExpr, context: &Context<'_, '_>) -> Option<cel::Value> {
        self.evaluations += 1;
        let allowed = self.evaluations <= MAX_EVALUATIONS;
        allowed
            .then(|| cel::Value::resolve(node, context).ok())
            .flatten()
    }
}

/// What `all` asks of each element when it had to hold, and `exists` when it had to fail. The other
/// way round no element is to blame, but the collection.
fn quantified(each: &ComprehensionExpr, wanted: bool) -> Option<&IdedExpr> {
    let operator = if wanted {
        operators::LOGICAL_AND
    } else {
        operators::LOGICAL_OR
    };
    match &each.loop_step.expr {
        Expr::Call(call) if call.func_name == operator => match call.args.as_slice() {
            [accumulated, body] if is_name(accumulated, &each.accu_var) => Some(body),
            _ => None,
        },
        _ => None,
    }
}

/// The condition of `filter`, which keeps elements as they are.
fn filter_condition(each: &ComprehensionExpr) -> Option<&IdedExpr> {
    let Expr::Call(step) = &each.loop_step.expr else {
        return None;
    };
    let [condition, kept, rest] = step.args.as_slice() else {
        return None;
    };
    let Expr::Call(add) = &kept.expr else {
        return None;
    };
    let [_, list] = add.args.as_slice() else {
        return None;
    };
    let Expr::List(list) = &list.expr else {
        return None;
    };
    let keeps_element = matches!(list.elements.as_slice(), [one] if is_name(one, &each.iter_var));
    let is_filter = step.func_name == operators::CONDITIONAL
        && add.func_name == operators::ADD
        && keeps_element
        && is_name(rest, &each.accu_var);
    is_filter.then_some(condition)
}

fn is_name(node: &IdedExpr, name: &str) -> bool {
    matches!(&node.expr, Expr::Ident(found) if found == name)
}

//! `matchConstraints`: which objects a policy says it is for.
//!
//! May refuse what cannot be decided without a cluster; what matches is decided in
//! [`matching`](crate::policy::matching).

use narae_yaml::{Node, NodeData};

use super::fields::Fields;
use super::rule::read_rule;
use crate::error::{Error, ErrorKind};
use crate::policy::matching::{Applies, Operator, Requirement, Versions};

pub(super) fn read_constraints(constraints: &Fields<'_>) -> Result<Applies, Error> {
    constraints.only(&[
        "matchPolicy",
        "namespaceSelector",
        "objectSelector",
        "resourceRules",
    ])?;
    if let Some(node) = constraints.node("namespaceSelector")
        && !node.to_value().is_null()
        && !is_empty_mapping(node)
    {
        let message = "`namespaceSelector` selects by labels that only a cluster knows";
        return Err(constraints.error(ErrorKind::Unsupported, message, node));
    }
    let versions = match constraints.text("matchPolicy")?.as_deref() {
        None | Some("Equivalent") => Versions::Any,
        Some("Exact") => Versions::Listed,
        Some(_) => return Err(constraints.bad("matchPolicy", "`Exact` or `Equivalent`")),
    };
    let rules = constraints.list("resourceRules")?;
    let rules = rules.iter().map(read_rule).collect::<Result<Vec<_>, _>>()?;
    if rules.is_empty() {
        return Err(
            constraints.refusal("`matchConstraints` without `resourceRules` matches nothing")
        );
    }
    let requirements = match constraints.fields("objectSelector")? {
        Some(selector) => read_selector(&selector)?,
        None => Vec::new(),
    };
    Ok(Applies {
        versions,
        rules,
        requirements,
    })
}

fn read_selector(selector: &Fields<'_>) -> Result<Vec<Requirement>, Error> {
    selector.only(&["matchExpressions", "matchLabels"])?;
    let mut requirements = Vec::new();
    if let Some(labels) = selector.fields("matchLabels")? {
        for entry in labels.entries {
            let key = entry.name().to_owned();
            let value = labels.text(&key)?.unwrap_or_default();
            requirements.push(Requirement {
                key,
                operator: Operator::In,
                values: vec![value],
            });
        }
    }
    for expression in selector.list("matchExpressions")? {
        expression.only(&["key", "operator", "values"])?;
        let key = expression.text("key")?;
        let key = key.ok_or_else(|| expression.refusal("a label expression needs `key`"))?;
        let operator = match expression.text("operator")?.as_deref() {
            Some("In") => Operator::In,
            Some("NotIn") => Operator::NotIn,
            Some("Exists") => Operator::Exists,
            Some("DoesNotExist") => Operator::DoesNotExist,
            _ => {
                return Err(expression.bad("operator", "`In`, `NotIn`, `Exists` or `DoesNotExist`"));
            }
        };
        let values = expression.texts("values")?;
        let wants_values = matches!(operator, Operator::In | Operator::NotIn);
        if values.is_empty() == wants_values {
            let expected = if wants_values {
                "at least one value with `In` and `NotIn`"
            } else {
                "nothing with `Exists` and `DoesNotExist`"
            };
            return Err(expression.bad("values", expected));
        }
        requirements.push(Requirement {
            key,
            operator,
            values,
        });
    }
    Ok(requirements)
}

fn is_empty_mapping(node: &Node) -> bool {
    matches!(&node.data, NodeData::Mapping(entries) if entries.is_empty())
}

//! Values and functions that expressions see, and what one says.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::objects::{Key, Map};
use cel::{Context, Env};
use narae_yaml::Value;

/// Functions of the language and of its string extension, which Kubernetes has as well.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    // Declared once, on an environment of our own: a clash of names cannot happen at run time, and
    // the test that uses one of these functions would find it.
    let declared = environment.add_extension(cel::extensions::strings);
    debug_assert!(declared.is_ok(), "the string extension is declared once");
    Arc::new(environment)
});

/// A context with the functions and no variables.
pub(crate) fn context() -> Context<'static, 'static> {
    Context::with_env(Arc::clone(&ENVIRONMENT))
}

/// What an expression says; `None` when it cannot be evaluated or is not a boolean.
pub(crate) fn truth(tree: &cel::IdedExpr, context: &Context<'_, '_>) -> Option<bool> {
    match cel::Value::resolve(tree, context) {
        Ok(cel::Value::Bool(answer)) => Some(answer),
        _ => None,
    }
}

pub(crate) fn map(map: HashMap<Key, cel::Value>) -> cel::Value {
    cel::Value::Map(Map { map: Arc::new(map) })
}

/// As Kubernetes gives JSON to its expressions: every whole number is an `int`.
pub(crate) fn to_cel(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(flag) => cel::Value::Bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => cel::Value::Int(whole),
            None => cel::Value::Float(number.as_f64()),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Sequence(list) => cel::Value::List(Arc::new(list.iter().map(to_cel).collect())),
        Value::Mapping(entries) => {
            let entry = |(key, value): (&str, &Value)| (Key::from(key), to_cel(value));
            map(entries.iter().map(entry).collect())
        }
    }
}

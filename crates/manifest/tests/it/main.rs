//! The public interface of the crate, used as its callers use it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod blocks;
mod cases;
mod cost;
mod errors;
mod explain;
mod handlebars;
mod library;
mod object;
mod oracle;
mod plan;
#[cfg(feature = "cel")]
mod policy;
#[cfg(feature = "schema")]
mod schema;
mod spelling;
mod survival;
mod template;
mod values;

/// Renders one template with one layer of values.
fn render(template: &str, values: &str) -> Result<Vec<narae_yaml::Value>, narae_manifest::Error> {
    use narae_manifest::{Layer, TemplateSet, Values};
    let values = Values::merge([Layer::read("values.yaml", values)?])?;
    let mut set = TemplateSet::new();
    set.add("t.yaml", template)?;
    Ok(set
        .render(&values)?
        .objects
        .into_iter()
        .map(|object| object.value)
        .collect())
}

/// Renders one template to one document.
fn rendered(template: &str, values: &str) -> narae_yaml::Value {
    match render(template, values) {
        Ok(mut documents) if documents.len() == 1 => documents.remove(0),
        other => panic!("one document was expected of {template:?}: {other:?}"),
    }
}

fn yaml(text: &str) -> narae_yaml::Value {
    narae_yaml::read_one(text).unwrap()
}

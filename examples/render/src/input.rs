//! What is to be rendered: values in layers, templates, and the schema of the values.

use std::path::Path;

use anyhow::Result;
use narae_cli::UsageError;
use narae_cli::application::{self, Application};
use narae_manifest::{Layer, TemplateSet, Values, ValuesSchema};

use crate::cli::Arguments;

/// What is to be rendered.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) values: Values,
    pub(crate) templates: TemplateSet,
    pub(crate) schema: Option<ValuesSchema>,
    /// The version the application runs on, when it says one.
    pub(crate) kubernetes: Option<String>,
}

/// Reads it from where the command line says.
pub(crate) fn read(arguments: &Arguments) -> Result<Input> {
    let mut layers = Vec::new();
    for file in &arguments.values {
        layers.push(application::layer(file)?);
    }
    for text in &arguments.set {
        layers.push(assigned(Layer::set("--set", text))?);
    }
    for text in &arguments.set_string {
        layers.push(assigned(Layer::set_string("--set-string", text))?);
    }
    match (&arguments.app, &arguments.templates) {
        (Some(folder), _) => {
            let application = Application::read(folder)?;
            let (site, stage) = (&arguments.site, &arguments.stage);
            let target = application.target(
                site.as_deref().unwrap_or_default(),
                stage.as_deref().unwrap_or_default(),
            )?;
            Ok(Input {
                values: application.values(&target, layers)?,
                templates: application.templates()?,
                schema: application.values_schema()?,
                kubernetes: application.kubernetes().map(str::to_owned),
            })
        }
        (None, Some(templates)) => {
            let first = arguments.values.first().and_then(|file| file.parent());
            let beside = first.map(|folder| match folder.as_os_str().is_empty() {
                true => Path::new("."),
                false => folder,
            });
            Ok(Input {
                values: Values::merge(layers)?,
                templates: application::templates(templates)?,
                schema: beside.map_or(Ok(None), application::values_schema)?,
                kubernetes: None,
            })
        }
        (None, None) => Err(UsageError("name an application or --templates".to_owned()).into()),
    }
}

/// An assignment that cannot be read is a mistake on the command line.
fn assigned(layer: Result<Layer, narae_manifest::Error>) -> Result<Layer> {
    layer.map_err(|error| UsageError(error.to_string()).into())
}

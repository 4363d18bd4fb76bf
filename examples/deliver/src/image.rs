//! `--image`: an image reference turned into values, as if a last layer had set them.

use anyhow::Result;
use narae_gitops::image::{ImageReference, ParseError};
use narae_manifest::values::Layer;
use narae_yaml::Value;

use crate::cli::UsageError;

/// The layers that make the templates use `image`.
///
/// The registry stays the site's own unless the reference names one: the same build is in Harbor
/// on premises and in ECR in the cloud. A reference without a digest clears one set by a layer:
/// it belonged to the image that is being replaced.
pub(crate) fn layers(image: &str) -> Result<Vec<Layer>> {
    let usage = |what: String| UsageError(format!("--image {image}: {what}"));
    let reference: ImageReference = image
        .parse()
        .map_err(|error: ParseError| usage(error.to_string()))?;
    let tag = reference
        .tag()
        .ok_or_else(|| usage(format!("no tag\n  try: --image {image}:COMMIT")))?;
    let mut values = vec![
        ("image.repository", reference.repository()),
        ("image.tag", tag),
        ("image.digest", reference.digest().unwrap_or("")),
    ];
    if let Some(registry) = reference.registry() {
        values.push(("image.registry", registry));
    }
    values
        .into_iter()
        .map(|(path, value)| {
            Ok(Layer::assignment(
                "--image",
                &path.parse()?,
                Value::from(value),
            ))
        })
        .collect()
}

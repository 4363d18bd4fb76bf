//! `--image`: an image reference turned into values, as if a last layer had set them.

use anyhow::Result;
use narae_gitops::image::{ImageReference, ParseError};
use narae_manifest::template::Rendering;
use narae_manifest::values::{Layer, Values};
use narae_yaml::Value;

use narae_cli::UsageError;

/// The layers that make the templates use `image` in place of what `values` say.
///
/// A bare name means the repository of that name which the values name already: `shop:HASH` is
/// `commerce/shop:HASH` when that is what is delivered today.
///
/// The registry stays the site's own unless the reference names one: the same build is in Harbor
/// on premises and in ECR in the cloud. A reference without a digest clears one set by a layer:
/// it belonged to the image that is being replaced.
pub(crate) fn layers(image: &str, values: &Values) -> Result<Vec<Layer>> {
    let usage = |what: String| UsageError(format!("--image {image}: {what}"));
    let reference: ImageReference = image
        .parse()
        .map_err(|error: ParseError| usage(error.to_string()))?;
    let tag = reference
        .tag()
        .ok_or_else(|| usage(format!("no tag\n  try: --image {image}:COMMIT")))?;
    let today = values
        .get(&"image.repository".parse()?)
        .and_then(Value::as_str)
        .unwrap_or_default();
    let name = reference.repository();
    let is_today = reference.registry().is_none() && today.rsplit('/').next() == Some(name);
    let repository = if is_today { today } else { name };
    let mut chosen = vec![
        ("image.repository", repository),
        ("image.tag", tag),
        ("image.digest", reference.digest().unwrap_or("")),
    ];
    if let Some(registry) = reference.registry() {
        chosen.push(("image.registry", registry));
    }
    chosen
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

/// Refuses an image that no template takes: it would be delivered nowhere.
pub(crate) fn check_used(image: &str, rendering: &Rendering, values: &Values) -> Result<()> {
    let unused: Vec<String> = rendering
        .unused(values)
        .into_iter()
        .map(|(path, _)| path.to_string())
        .collect();
    // Of a group that nothing is used of, only the group is named.
    let is_used = |path: &str| {
        !unused
            .iter()
            .any(|unused| unused == "image" || unused == path)
    };
    let has_digest = image.contains('@');
    if is_used("image.tag") || (has_digest && is_used("image.digest")) {
        return Ok(());
    }
    Err(UsageError(format!(
        "--image {image}: no template uses `image.tag`, so it would be delivered nowhere\n  try: have the templates take the image from `image.repository` and `image.tag`"
    ))
    .into())
}

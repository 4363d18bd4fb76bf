//! What reads as an image reference prints as it was, and its parts make it up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use narae_gitops::image::ImageReference;

fuzz_target!(|text: &str| {
    let Ok(image) = text.parse::<ImageReference>() else {
        return;
    };
    assert_eq!(image.to_string(), text);
    assert!(text.starts_with(&image.name()));
    let mut rebuilt: ImageReference = image.name().parse().expect("a name is a reference");
    assert_eq!(
        (rebuilt.registry(), rebuilt.repository()),
        (image.registry(), image.repository())
    );
    if let Some(tag) = image.tag() {
        rebuilt = rebuilt.with_tag(tag).expect("it was a tag");
    }
    if let Some(digest) = image.digest() {
        rebuilt = rebuilt.with_digest(digest).expect("it was a digest");
    }
    assert_eq!(rebuilt, image);
});
